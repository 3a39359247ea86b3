import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEmbedded, type EmbeddedDatabase } from '../../../src/database/embedded/embedded.ts';
import { cacheDirectory as usualCache } from '../../../src/database/cache.ts';
import { postgisArchive, postgisControl } from '../../../src/database/embedded/postgis.ts';
import { readTar } from '../../../src/database/embedded/tar.ts';
import { isWhole } from '../../support/sample.ts';

const create = 'create extension if not exists postgis with schema extensions';

let database: EmbeddedDatabase;
beforeAll(async () => {
  database = await openEmbedded();
  await database.script(create);
});
afterAll(() => database.close());

const valueIn = async (opened: EmbeddedDatabase, sql: string): Promise<unknown> => {
  const { rows } = await opened.query<{ value: unknown }>(`select ${sql} as value`);
  return rows[0]?.value;
};
const value = (sql: string): Promise<unknown> => valueIn(database, sql);

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'create-muse-postgis-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A cache of its own in which PostGIS is unpacked, as the first database of this file has left it. */
function warmCache(): string {
  const folder = freshCache();
  cpSync(join(usualCache(), 'postgis'), join(folder, 'postgis'), { recursive: true });
  return folder;
}

/** A cache with what every embedded database begins with, and no more. */
function freshCache(): string {
  const folder = emptyFolder();
  fill(folder);
  return folder;
}

function fill(folder: string): void {
  for (const name of readdirSync(usualCache()))
    if (name.endsWith('.bin')) copyFileSync(join(usualCache(), name), join(folder, name));
}

it('has the control file of the package, and trusts it', () => {
  const archive = readTar(gunzipSync(readFileSync(postgisArchive())));
  const text = Buffer.from(archive.find(({ path }) => path === postgisControl.path)!.bytes!).toString();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(postgisControl.content.split('\n').filter((line) => line !== '' && line !== 'trusted = true')).toEqual(lines);
});

it.each([
  [`st_astext('POINT(-73.94 40.80)'::geometry)`, 'POINT(-73.94 40.8)'],
  [`st_asewkt('SRID=4326;POINT(1 2)'::geography)`, 'SRID=4326;POINT(1 2)'],
  [`st_asewkt('0101000020E6100000000000000000F03F0000000000000040'::geometry)`, 'SRID=4326;POINT(1 2)'],
  [`st_asewkt(st_geogfromtext('SRID=4326;POINT(-73.94 40.80)'))`, 'SRID=4326;POINT(-73.94 40.8)'],
  [`st_makebox2d(st_point(0, 1), st_point(2, 3))::text`, 'BOX(0 1,2 3)'],
  [`round(st_area(st_buffer(st_point(0, 0), 1))::numeric, 3)::text`, '3.121'],
  [`round(st_distance(st_point(13.4, 52.5)::geography, st_point(2.35, 48.85)::geography) / 1000)::int`, 879],
  // The coordinate systems come from a database of their own.
  [`st_astext(st_transform(st_setsrid(st_point(13.4, 52.5), 4326), 25832), 0)`, 'POINT(798610 5825756)'],
  [`st_isvalid('POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))')`, false],
  [`st_asgeojson(st_geomfromgeojson('{"type":"Point","coordinates":[1,2]}'))::jsonb ->> 'type'`, 'Point'],
  [`st_area(st_union(st_makeenvelope(0, 0, 1, 1), st_makeenvelope(1, 0, 2, 1)))`, 2],
  [`(select count(*)::int from spatial_ref_sys where srid = 4326)`, 1],
  [`(select extversion from pg_extension where extname = 'postgis')`, '3.6.2'],
])('%s', async (sql, expected) => {
  expect(await value(sql)).toEqual(expected);
});

it.each([
  [`'POINT(a b)'::geometry`, 'parse error - invalid geometry'],
  [`'SRID=1;POINT(1 2)'::geography`, 'Cannot find SRID'],
  [`st_makebox2d('LINESTRING(0 0, 1 1)'::geometry, st_point(0, 0))`, 'arguments must be points'],
  [`st_difference('SRID=4326;POINT(0 0)'::geometry, 'SRID=3857;POINT(0 0)'::geometry)`, 'mixed SRID'],
])('%s is refused by PostGIS, and the engine continues', async (sql, message) => {
  await expect(value(sql)).rejects.toThrow(message);
  expect(await value('1')).toBe(1);
});

it('keeps to the type modifier of a column', async () => {
  await database.script('create table public.shaped (at geography(point, 4326), area geometry(multipolygonz, 25832))');
  const { rows } = await database.query(
    `select f_geometry_column as name, type, srid, coord_dimension as n from geometry_columns where f_table_name = 'shaped'`,
  );
  expect(rows).toEqual([{ name: 'area', type: 'MULTIPOLYGON', srid: 25832, n: 3 }]);
  await expect(database.query(`insert into public.shaped (at) values ('LINESTRING(0 0, 1 1)')`)).rejects.toThrow(
    'Geometry type (LineString) does not match column type (Point)',
  );
});

it('finds and orders by an index', async () => {
  await database.script(`create table public.places (id int, at geography(point, 4326));
    create index places_at on public.places using gist (at);
    insert into public.places select i, st_point(i / 10.0, 50)::geography from generate_series(1, 500) i; analyze public.places`);
  await database.query('set enable_seqscan = off');
  const near = `st_point(5, 50)::geography`;
  const nearest = `select id from public.places order by at <-> ${near} limit 3`;
  const { rows: plan } = await database.query<{ 'QUERY PLAN': string }>(`explain ${nearest}`);
  expect(JSON.stringify(plan)).toContain('Index Scan using places_at');
  const { rows } = await database.query<{ id: number }>(nearest);
  expect(rows.map(({ id }) => id).sort()).toEqual([49, 50, 51]);
  expect(await value(`(select count(*)::int from public.places where st_dwithin(at, ${near}, 20000))`)).toBe(5);
  await database.query('reset enable_seqscan');
});

it('belongs to the superuser, as on Supabase: its tables cannot be altered', async () => {
  for (const sql of [
    'alter table extensions.spatial_ref_sys enable row level security',
    `delete from extensions.spatial_ref_sys`,
  ])
    await expect(database.query(sql)).rejects.toMatchObject({ code: '42501' });
});

it('works in a database that is opened again', async () => {
  const folder = emptyFolder();
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  const put = async (directory: string): Promise<void> => {
    const opened = await openEmbedded({ directory });
    await opened.script(`${create}; create table public.places (at extensions.geometry(point, 4326));
      create index on public.places using gist (at); insert into public.places values ('SRID=4326;POINT(1 2)')`);
    await opened.close();
  };
  // Two at once are tried in memory too, below.
  const directories = isWhole ? [one, two] : [one];
  await Promise.all(directories.map(put));
  for (const directory of directories) {
    const again = await openEmbedded({ directory });
    expect(
      await valueIn(again, `(select st_asewkt(at) from public.places where at && st_makeenvelope(0, 0, 3, 3, 4326))`),
    ).toBe('SRID=4326;POINT(1 2)');
    await again.close();
  }
});

it('is in a snapshot that has it', async () => {
  const contents = {
    key: 'places',
    write: (opened: { script(sql: string): Promise<void> }): Promise<void> =>
      opened.script(`${create}; create table public.places as select st_point(1, 2) as at`),
  };
  const cacheDirectory = warmCache();
  for (let run = 0; run < 2; run += 1) {
    const opened = await openEmbedded({ cacheDirectory, contents });
    expect(await valueIn(opened, '(select st_x(at) from public.places)')).toBe(1);
    await opened.close();
  }
});

describe('the unpacked files', () => {
  const packs = (cache: string): string[] =>
    existsSync(join(cache, 'postgis')) ? readdirSync(join(cache, 'postgis')) : [];
  const isThere = async (cacheDirectory: string): Promise<unknown> => {
    const opened = await openEmbedded({ cacheDirectory });
    await opened.script(create);
    const area = await valueIn(opened, 'st_area(st_makeenvelope(0, 0, 2, 2))');
    await opened.close();
    return area;
  };

  describe('of a database with a fresh cache', () => {
    let cacheDirectory: string;
    let opened: EmbeddedDatabase;
    beforeAll(async () => {
      cacheDirectory = mkdtempSync(join(tmpdir(), 'create-muse-postgis-'));
      fill(cacheDirectory);
      opened = await openEmbedded({ cacheDirectory });
    });
    afterAll(async () => {
      await opened.close();
      rmSync(cacheDirectory, { recursive: true, force: true });
    });
    const installed = (): Promise<unknown> =>
      valueIn(opened, `(select count(*)::int from pg_extension where extname = 'postgis')`);

    it('are not there before it needs them', async () => {
      const available = `(select count(*)::int from pg_available_extensions where name = 'postgis')`;
      expect(await valueIn(opened, available)).toBe(1);
      expect(packs(cacheDirectory)).toEqual([]);
    });

    it('are there once the extension is created, even if that is rolled back', async () => {
      await opened.script(`begin; ${create}; rollback`);
      expect(await installed()).toBe(0);
      expect(packs(cacheDirectory)).toEqual([expect.stringMatching(/^3\.6\.2-/)]);
    });

    it('serve an extension that is dropped and created again', async () => {
      await opened.script(
        `${create}; drop extension postgis; ${create}; create table public.a (b extensions.geometry)`,
      );
      await expect(opened.query('drop extension postgis')).rejects.toMatchObject({ code: '2BP01' });
    });

    it('are found again where the cache is emptied while it is open', async () => {
      rmSync(cacheDirectory, { recursive: true });
      // What PROJ knows is read now.
      expect(await valueIn(opened, 'st_srid(st_transform(st_point(1, 2, 4326), 25832))')).toBe(25832);
    });
  });

  it('are unpacked by two databases at once, where they are damaged', async () => {
    const cacheDirectory = warmCache();
    const [name] = packs(cacheDirectory);
    const path = join(cacheDirectory, 'postgis', name!);
    const { size } = statSync(path);
    truncateSync(path, 100_000);
    expect(await Promise.all([isThere(cacheDirectory), isThere(cacheDirectory)])).toEqual([4, 4]);
    expect([packs(cacheDirectory), statSync(path).size]).toEqual([[name], size]);
  });

  it.runIf(isWhole)('are unpacked by two databases at once, and again where they are damaged', async () => {
    const cacheDirectory = freshCache();
    expect(await Promise.all([isThere(cacheDirectory), isThere(cacheDirectory)])).toEqual([4, 4]);
    const [name] = packs(cacheDirectory);
    expect(packs(cacheDirectory)).toEqual([name]);
    truncateSync(join(cacheDirectory, 'postgis', name!), 100_000);
    expect(await isThere(cacheDirectory)).toBe(4);
  });

  it('stay in memory where the cache cannot be written', async () => {
    const cacheDirectory = freshCache();
    // No directory can be made where a file is, by root either.
    writeFileSync(join(cacheDirectory, 'postgis'), '');
    expect(await isThere(cacheDirectory)).toBe(4);
  });
});

it('says what to do with a database that has the stub of before', async () => {
  const directory = join(emptyFolder(), 'database');
  const before = await openEmbedded({ directory, owner: 'supabase_admin' });
  await before.script(`${create}; update pg_extension set extversion = '3.3.7' where extname = 'postgis'`);
  await before.close();
  const path = join(directory, 'version.json');
  const version = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...version, postgis: undefined }));
  await expect(openEmbedded({ directory })).rejects.toMatchObject({
    code: 'database-version',
    message: expect.stringContaining('has a stub of PostGIS') as string,
  });
});

it('opens a database of before without the stub, and notes that', async () => {
  const directory = join(emptyFolder(), 'database');
  await (await openEmbedded({ directory })).close();
  const path = join(directory, 'version.json');
  const version = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(version) as object), postgis: undefined }));
  await (await openEmbedded({ directory })).close();
  expect(readFileSync(path, 'utf8')).toBe(version);
});
