/** Columns and arguments of PostGIS's types. The native server has no files of it, so all of this is on the embedded database. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { quoteLiteral } from '../../src/shared/quote.ts';
import { spatialTexts } from '../../src/verify/fixtures/spatial-values.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';
import { callable, mine, owned, seenBy } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
  await database.script('create extension postgis with schema extensions; create schema "my gis"');
});
afterAll(() => database.close());

const plain = ['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon', 'GeometryCollection'];
const curved = ['CircularString', 'CompoundCurve', 'CurvePolygon', 'MultiCurve', 'MultiSurface'];
const surfaces = ['PolyhedralSurface', 'Triangle', 'Tin'];
const types = [
  ...[...plain, ...curved, ...surfaces, 'Geometry'].flatMap((shape) =>
    ['', 'Z', 'M', 'ZM'].flatMap((further) => [
      // It is printed as `geometry` is, and has no Z.
      ...(`${shape}${further}` === 'Geometry' ? [] : [`geometry(${shape}${further})`]),
      `geometry(${shape}${further},4326)`,
      `geometry(${shape}${further},25832)`,
    ]),
  ),
  ...[...plain, 'Geometry'].flatMap((shape) =>
    ['', 'Z', 'M', 'ZM'].flatMap((further) => [
      `geography(${shape}${further})`,
      `geography(${shape}${further},4326)`,
      `geography(${shape}${further},4267)`,
    ]),
  ),
  'geometry',
  'geography',
  'box2d',
  'box3d',
];

it('has values for a column of each type, of which each is accepted', async () => {
  onTestFinished(() => database.script('drop table public.shapes'));
  await database.script(`create table public.shapes (${types.map((type, at) => `c${at} ${type}`).join(', ')})`);
  const { rows } = await database.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = 'public.shapes'::regclass and attnum > 0 order by attnum`,
  );
  expect(rows).toHaveLength(types.length);
  const none = rows.filter(({ type }) => (spatialTexts(type, [], 1) ?? []).length < 2);
  expect(none).toEqual([]);
  await database.script(
    rows
      .flatMap(({ name, type }) =>
        spatialTexts(type, [2154], 1)!.map(
          (text) => `insert into public.shapes (${name}) values (${quoteLiteral(text)});`,
        ),
      )
      .join('\n'),
  );
  // Somewhere else than where the others are.
  const { rows: points } = await database.query(
    'select distinct st_x(c1) as x from public.shapes where c1 is not null',
  );
  expect(points).toHaveLength(2);
});

it.each(['text', 'point', 'geometry_dump', 'geometry(Point,4326)[]', 'extensions.geometryish'])(
  'does not take %s for one',
  (type) => {
    expect(spatialTexts(type, [], 1)).toBeUndefined();
  },
);

it.each([
  ['geometry', 'not null'],
  ['geometry', `not null check (st_srid(g) = 27700)`],
  ['geometry', `not null check (geometrytype(g) = 'MULTIPOLYGON' and st_srid(g) = 3857 and st_ndims(g) = 2)`],
  ['geometry', `not null check (st_ndims(g) = 3)`],
  ['geometry(point, 4326)', 'not null unique'],
  ['geography(point, 4326)', 'not null unique'],
  ['geography(linestringz, 4326)', 'not null check (st_length(g) > 1)'],
  ['geometry(polygon, 25832)', 'not null check (st_isvalid(g) and st_area(g) > 0)'],
  ['geometry(point, 4326)[]', 'not null check (array_length(g, 1) > 0)'],
  ['public.spot', 'not null'],
  ['geometry(curvepolygon, 4326)', 'not null'],
  ['geometry(tinz)', 'not null'],
  ['box2d', 'not null'],
  ['box3d', 'not null'],
  ['geometry(pointzm, 4326)', 'not null, exclude using gist (g with &&)'],
])('fills %s %s', async (type, more) => {
  const sql = `create domain public.spot as geography(point, 4326) check (st_x(value::geometry) between -180 and 180);
    ${owned('places', `g ${type} ${more}`)}`;
  const report = await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }));
  expect(report.findings).toEqual([]);
});

describe('functions that find rows by a place', () => {
  const find = (sql: string): Promise<Finding[]> =>
    withSchema(database, sql, (session) => findingsOf(session, [asMigration('extension_002.sql', sql)]));
  const places = owned('places', 'at extensions.geography(point, 4326), area extensions.geometry(polygon, 3857)');
  const bodies: Record<string, [argumentList: string, where: string]> = {
    near: ['here extensions.geography', 'extensions.st_dwithin(at, here, 100)'],
    within: ['here extensions.geometry', 'area operator(extensions.&&) here'],
    at_numbers: [
      'lat float8, lng float8',
      'extensions.st_dwithin(at, extensions.st_point(lng, lat)::extensions.geography, 100)',
    ],
    in_view: [
      'view extensions.box2d',
      'extensions.st_setsrid(view, 4326)::extensions.geometry operator(extensions.&&) at::extensions.geometry',
    ],
    from_text: ['said text, here extensions.geometry', 'extensions.st_contains(area, here) and said is not null'],
  };
  const functions = (asked: string): string =>
    Object.entries(bodies)
      .map(([name, [list, where]]) =>
        callable(`public.${name}(${list})`, 'setof text', `select title from public.places where ${where} ${asked}`),
      )
      .join('\n');

  it('are found where they do not ask whose the rows are, and of no use once they do', async () => {
    const found = errorsOf(await find(places + functions('')));
    for (const name of Object.keys(bodies)) expect(found.join('\n')).toContain(`isolation-read public.${name}(`);
    expect(await find(places + functions(`and ${mine}`))).toEqual([]);
  });

  it('are not proven where they make vector tiles, which this PostGIS refuses', async () => {
    const tiles = callable(
      'public.tile(z int, x int, y int)',
      'bytea',
      `select extensions.st_asmvt(q) from (select p.title,
         extensions.st_asmvtgeom(p.area, extensions.st_tileenvelope(z, x, y)) from public.places p) as q`,
    );
    expect((await find(places + tiles)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
      'not-proven public.tile(integer, integer, integer)',
    ]);
  });

  it('a policy is found that lets everybody read what is near a place', async () => {
    const near = `extensions.st_dwithin(at, 'POINT(3 0)'::extensions.geography, 1000)`;
    expect(errorsOf(await find(places + seenBy('places', `${mine} or ${near}`)))).toEqual([
      'isolation-read public.places',
    ]);
    expect(errorsOf(await find(places + seenBy('places', `${mine} and ${near}`)))).toEqual([]);
  });
});
