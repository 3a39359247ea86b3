import type { ExtensionStub } from './stub.ts';

/**
 * A spatial type that stores a bounding box: enough for columns with type modifiers, GiST indexes, points and
 * distances. It uses PostgreSQL's own functions for `box`. The modifier (`Point, 4326`) is accepted and discarded by a
 * built-in function with a suitable signature (a text array to a number).
 */
const spatial = (type: string): string => `
CREATE TYPE ${type};
CREATE FUNCTION ${type}_in(cstring) RETURNS ${type} LANGUAGE internal IMMUTABLE STRICT AS 'box_in';
CREATE FUNCTION ${type}_out(${type}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'box_out';
CREATE FUNCTION ${type}_typmod_in(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'array_ndims';
CREATE TYPE ${type} (INPUT = ${type}_in, OUTPUT = ${type}_out, TYPMOD_IN = ${type}_typmod_in, LIKE = box);
CREATE CAST (${type} AS box) WITHOUT FUNCTION;
CREATE CAST (box AS ${type}) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION ${type}_typmod(${type}, integer, boolean) RETURNS ${type} LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION ${type}_overlaps(${type}, ${type}) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'box_overlap';
CREATE OPERATOR && (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = ${type}_overlaps, COMMUTATOR = &&);
CREATE OPERATOR CLASS gist_${type}_ops DEFAULT FOR TYPE ${type} USING gist AS
  OPERATOR 3 &&,
  FUNCTION 1 (${type}, ${type}) gist_box_consistent(internal, box, smallint, oid, internal),
  FUNCTION 2 (${type}, ${type}) gist_box_union(internal, internal),
  FUNCTION 5 (${type}, ${type}) gist_box_penalty(internal, internal, internal),
  FUNCTION 6 (${type}, ${type}) gist_box_picksplit(internal, internal),
  FUNCTION 7 (${type}, ${type}) gist_box_same(box, box, internal);
CREATE FUNCTION st_setsrid(${type}, integer) RETURNS ${type} LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION st_transform(${type}, integer) RETURNS ${type} LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION st_srid(${type}) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 4326';
CREATE FUNCTION st_x(${type}) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (@@ $1::box)[0]';
CREATE FUNCTION st_y(${type}) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (@@ $1::box)[1]';
CREATE FUNCTION st_astext(${type}) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT 'POINT(' || (@@ $1::box)[0] || ' ' || (@@ $1::box)[1] || ')' $$;
CREATE FUNCTION st_asgeojson(${type}) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT '{"type":"Point","coordinates":[' || (@@ $1::box)[0] || ',' || (@@ $1::box)[1] || ']}' $$;
`;

const point = 'SELECT box(point(longitude, latitude), point(longitude, latitude))::@extschema@.geometry';
const metres = `SELECT 12742017.6 * asin(least(1, sqrt(
    power(sind(((@@ $2::box)[1] - (@@ $1::box)[1]) / 2), 2)
    + cosd((@@ $1::box)[1]) * cosd((@@ $2::box)[1]) * power(sind(((@@ $2::box)[0] - (@@ $1::box)[0]) / 2), 2))))`;

export const postgis: ExtensionStub = {
  extension: 'postgis',
  version: '3.3.7',
  note:
    'columns, GiST indexes, points and their distances work on bounding boxes; WKT and EWKB literals, other shapes and ' +
    'the rest of its functions do not',
  sql: `
${spatial('geometry')}
${spatial('geography')}
CREATE CAST (geometry AS geometry) WITH FUNCTION geometry_typmod(geometry, integer, boolean) AS IMPLICIT;
CREATE CAST (geography AS geography) WITH FUNCTION geography_typmod(geography, integer, boolean) AS IMPLICIT;
CREATE CAST (geometry AS geography) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (geography AS geometry) WITHOUT FUNCTION;
CREATE FUNCTION st_makepoint(longitude double precision, latitude double precision) RETURNS geometry
  LANGUAGE sql IMMUTABLE STRICT AS '${point}';
CREATE FUNCTION st_point(longitude double precision, latitude double precision) RETURNS geometry
  LANGUAGE sql IMMUTABLE STRICT AS '${point}';
CREATE FUNCTION st_point(longitude double precision, latitude double precision, srid integer) RETURNS geometry
  LANGUAGE sql IMMUTABLE STRICT AS '${point}';
CREATE FUNCTION st_makeenvelope(xmin double precision, ymin double precision, xmax double precision, ymax double precision,
  srid integer DEFAULT 0) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT box(point(xmin, ymin), point(xmax, ymax))::@extschema@.geometry';
CREATE FUNCTION st_distance(geometry, geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT (@@ $1::box) <-> (@@ $2::box)';
CREATE FUNCTION st_distance(geography, geography, use_spheroid boolean DEFAULT true) RETURNS double precision
  LANGUAGE sql IMMUTABLE STRICT AS '${metres}';
CREATE FUNCTION st_dwithin(geometry, geometry, double precision) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT @extschema@.st_distance($1, $2) <= $3';
CREATE FUNCTION st_dwithin(geography, geography, double precision, use_spheroid boolean DEFAULT true) RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT AS 'SELECT @extschema@.st_distance($1, $2) <= $3';
CREATE FUNCTION st_intersects(geometry, geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT $1::box && $2::box';
CREATE FUNCTION st_within(geometry, geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::box <@ $2::box';
CREATE FUNCTION st_contains(geometry, geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::box @> $2::box';
CREATE FUNCTION geometry_distance(geometry, geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT @extschema@.st_distance($1, $2)';
CREATE FUNCTION geography_distance(geography, geography) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS
  'SELECT @extschema@.st_distance($1, $2)';
CREATE OPERATOR <-> (LEFTARG = geometry, RIGHTARG = geometry, FUNCTION = geometry_distance, COMMUTATOR = <->);
CREATE OPERATOR <-> (LEFTARG = geography, RIGHTARG = geography, FUNCTION = geography_distance, COMMUTATOR = <->);
CREATE FUNCTION postgis_version() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '3.3 stub' $$;
`,
};
