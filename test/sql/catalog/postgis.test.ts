/** What lint knows of PostGIS, held against the real one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import { openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { lint } from '../../../src/rules/registry.ts';
import type { Finding } from '../../../src/shared/finding.ts';
import { postgisFunctions, postgisTables, postgisTypes } from '../../../src/sql/catalog/postgis.ts';
import { checkCatalog } from '../../../src/verify/catalog/catalog-check.ts';
import { expectationsOf } from '../../../src/muse/declared-schema.ts';
import { migrationsOf } from '../../migrations/files.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

/** The names of the extension's members of one catalog. */
async function members(catalog: string, name: string, where = 'true'): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select distinct o.${name} as name from pg_depend d join ${catalog} o on o.oid = d.objid
     where d.classid = '${catalog}'::regclass and d.deptype = 'e' and ${where}
       and d.refobjid = (select oid from pg_extension where extname = 'postgis') order by 1`,
  );
  return rows.map((row) => row.name);
}

describe.each(['extensions', 'public'])('in schema %s', (schema) => {
  const create = `create extension postgis with schema ${schema}`;
  const sorted = (names: readonly string[]): string[] => [...names].sort();

  it('has the names that lint knows, and no others', async () => {
    await database.script(`begin; ${create}`);
    try {
      expect(sorted(await members('pg_proc', 'proname'))).toEqual(sorted(postgisFunctions));
      const types = await members(
        'pg_type',
        'typname',
        `typcategory <> 'A' and o.typname not like '%\\_columns' and o.typname <> 'spatial_ref_sys'`,
      );
      expect(sorted(types)).toEqual(sorted(postgisTypes));
      expect(sorted(await members('pg_class', 'relname'))).toEqual(sorted(Object.keys(postgisTables)));
      for (const [name, { columns }] of Object.entries(postgisTables)) {
        const { rows } = await database.query<{ name: string; type: string }>(
          `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
           where attrelid = '${schema}.${name}'::regclass and attnum > 0`,
        );
        expect(Object.fromEntries(rows.map((row) => [row.name, row.type]))).toEqual(columns);
      }
    } finally {
      await database.script('rollback');
    }
  });

  it('the checks of the database find nothing about its tables', async () => {
    await database.script(`begin; ${create}`);
    try {
      const findings = await checkCatalog(database, await expectationsOf([]));
      expect(findings).toEqual([]);
    } finally {
      await database.script('rollback');
    }
  });
});

const one = 'migrations/core/001_one.sql';

async function found(sql: string): Promise<Finding[]> {
  const { findings } = await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() });
  return findings.filter(({ rule }) =>
    ['unknown-relation', 'used-before-created', 'rls-missing', 'extension-unavailable', 'missing-function'].includes(
      rule,
    ),
  );
}

describe('a file that uses PostGIS', () => {
  const table = `create table public.places (id uuid primary key, at geography(point, 4326), box box2d); alter table public.places enable row level security;`;
  it.each([
    ['create extension postgis', 'select srid, proj4text from spatial_ref_sys'],
    [
      'create extension postgis',
      'select public.st_area(st_buffer(st_point(0, 0), 1)), f_table_name from public.geometry_columns',
    ],
    ['create extension postgis schema extensions', 'select srtext from extensions.spatial_ref_sys'],
    [
      'create extension postgis schema extensions',
      'select srid from spatial_ref_sys where srid = find_srid($$public$$, $$places$$, $$at$$)',
    ],
    [
      'create extension postgis schema extensions',
      `select type from geography_columns; select (st_dump(at::geometry)).geom from public.places`,
    ],
    [
      'create schema gis; create extension postgis schema gis',
      'select srid from gis.spatial_ref_sys',
      ' set search_path to public, gis;',
    ],
  ])('%s; %s', async (create, sql, path = '') => {
    expect(await found(`-- Places.\n${create};${path} ${table} ${sql};`)).toEqual([]);
  });

  it.each([
    ['select st_aera(at) from public.places', 'public.st_aera'],
    ['select sridd from extensions.spatial_ref_sys', 'extensions.spatial_ref_sys.sridd'],
    ['create table public.more (g geometri)', 'public.geometri'],
    ['select * from spatial_refs', 'public.spatial_refs'],
  ])('is told of a name that is not there: %s', async (sql, object) => {
    const findings = await found(`-- Places.\ncreate extension postgis schema extensions; ${table} ${sql};`);
    expect(findings.filter(({ rule }) => rule === 'unknown-relation').map((finding) => finding.object)).toEqual([
      object,
    ]);
  });
});
