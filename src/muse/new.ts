import type { TablePages } from '../scaffold/app/pages.ts';
import { newMigration } from '../scaffold/new.ts';
import { parseTable } from '../scaffold/parse-table.ts';
import { scaffold } from '../scaffold/scaffold.ts';
import { checkedSession } from '../scaffold/session.ts';
import { inside, writeWhole } from '../shared/files.ts';
import { nextNumber } from '../migrations/order.ts';
import { writePages } from './app-pages.ts';
import { factsOf } from './declared-schema.ts';
import type { Muse } from '../shared/muse-file.ts';
import { readReadable } from './readable.ts';

/** A copy of rows from one table to another. */
export interface DataCopy {
  /** `table` or `schema.table`. */
  from: string;
  to: string;
  /** Column of the target, column of the source. */
  map: readonly (readonly [target: string, source: string])[];
}

/**
 * Adds an extension migration that copies rows, with its rollback.
 * @param title free text: names the file
 * @returns the files written, relative to the muse, with `/`
 * @throws MuseError `bad-data-migration` where the tables do not match
 */
export async function newDataInMuse(muse: Muse, title: string, { from, to, map }: DataCopy): Promise<string[]> {
  const { directory, museFile } = muse;
  const { migrations } = await readReadable(muse, { rollbacks: false });
  const [{ dataMigration }, { buildCatalog }, { loadParser }, { dataTable }] = await Promise.all([
    import('../scaffold/data-migration.ts'),
    import('../sql/catalog/build.ts'),
    import('../sql/parser.ts'),
    import('./data-table.ts'),
  ]);
  await loadParser();
  const catalog = buildCatalog(migrations);
  const files = await dataMigration({
    title,
    number: nextNumber(migrations, 'extension', museFile.migrations.order),
    folders: museFile.migrations,
    from: dataTable(catalog, from, '--data-from'),
    to: dataTable(catalog, to, '--to'),
    map,
    isolation: museFile.isolation,
    ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
  });
  return writeNew(directory, files);
}

/**
 * Adds an extension migration with its rollback: empty, or with tables.
 * @param title free text: names the file
 * @param tables specifications as `--table` takes them
 * @returns the files written, relative to the muse, with `/`
 * @throws MuseError `bad-table` and what scaffolding throws
 */
export async function newInMuse(muse: Muse, title: string, tables: readonly string[]): Promise<string[]> {
  const { directory, museFile } = muse;
  const { migrations } = await readReadable(muse, { rollbacks: false });
  const number = nextNumber(migrations, 'extension', museFile.migrations.order);
  const folders = museFile.migrations;
  const made: { files: { path: string; content: string }[]; pages?: TablePages[] } =
    tables.length === 0
      ? { files: await newMigration({ title, number, folders }) }
      : await scaffold({
          name: museFile.name,
          prefix: museFile.prefix,
          presets: [],
          tables: tables.map(parseTable),
          core: await factsOf(migrations),
          number,
          folders,
          isolation: museFile.isolation,
          ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
          title,
        });
  const { files } = await writePages(directory, made.pages ?? []);
  return [...(await writeNew(directory, made.files)), ...files];
}

async function writeNew(directory: string, files: readonly { path: string; content: string }[]): Promise<string[]> {
  for (const { path, content } of files) await writeWhole(await inside(directory, path), content);
  return files.map(({ path }) => path);
}
