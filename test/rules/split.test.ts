import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/migrations/read.ts';
import { planRun } from '../../src/migrations/transactions.ts';
import { rule } from '../../src/rules/transaction-mixed.ts';
import { repairWith } from '../../src/rules/engine/fix/repair.ts';
import type { Repair } from '../../src/rules/registry.ts';
import type { MigrationFolders } from '../../src/shared/muse-file.ts';
import { directoryOf } from '../migrations/files.ts';

async function split(
  order: MigrationFolders['order'],
  files: Record<string, string>,
  applied: string[] = [],
): Promise<Repair> {
  const folders = { core: ['db'], extensions: ['ext'], rollback: 'rollback', archive: 'archive', order };
  const read = await readMigrations(await directoryOf(files), folders);
  return repairWith([rule], { ...read, folders, kit: 'kit', builtin: [], applied: new Set(applied) });
}

const table = '-- Notes.\ncreate table app.notes (id int, title text);\n';
const index = 'create index concurrently by_title on app.notes (title);\n';
const from = (name: string): string => `-- Split from ${name}.\n`;

describe('a statement that cannot run in a transaction gets a file of its own', () => {
  it.each<[string, MigrationFolders['order'], Record<string, string>, Record<string, string>]>([
    [
      'after the last file',
      'number',
      { 'db/001_notes.sql': `${table}\n-- For lists.\n${index}` },
      { 'db/001_notes.sql': `${table}\n`, 'db/002_notes_2.sql': `${from('001_notes.sql')}-- For lists.\n${index}` },
    ],
    [
      'with what follows it in another, before the next files',
      'number',
      {
        'db/001_notes.sql': `${table}${index}select 1;\n`,
        'db/002_more.sql': 'select 2;\n',
        'db/003_last.sql': 'select 3;\n',
        'rollback/core/003_last.sql': 'select -3;\n',
      },
      {
        'db/001_notes.sql': table,
        'db/002_notes_2.sql': `${from('001_notes.sql')}${index}`,
        'db/003_notes_3.sql': `${from('001_notes.sql')}select 1;\n`,
        'db/004_more.sql': 'select 2;\n',
        'db/005_last.sql': 'select 3;\n',
        'rollback/core/005_last.sql': 'select -3;\n',
      },
    ],
    [
      'between two times',
      'timestamp',
      {
        'db/20260101000000_notes.sql': `${table}set lock_timeout = '1s';\n${index}vacuum app.notes;\nselect 1;`,
        'db/20260102000000_more.sql': 'select 2;\n',
      },
      {
        'db/20260101000000_notes.sql': `${table}set lock_timeout = '1s';\n`,
        'db/20260101000001_notes_2.sql': `${from('20260101000000_notes.sql')}${index}`,
        'db/20260101000002_notes_3.sql': `${from('20260101000000_notes.sql')}vacuum app.notes;\n`,
        'db/20260101000003_notes_4.sql': `${from('20260101000000_notes.sql')}set lock_timeout = '1s';\nselect 1;\n`,
      },
    ],
    [
      'where it comes first',
      'timestamp',
      { 'db/20260101000000_notes.sql': `drop index concurrently if exists by_title;\n${table}` },
      {
        'db/20260101000000_notes.sql': 'drop index concurrently if exists by_title;\n',
        'db/20260101000001_notes_2.sql': `${from('20260101000000_notes.sql')}${table}`,
      },
    ],
    [
      'of Prisma',
      'folder',
      { 'db/20260101000000_notes/migration.sql': `${table}${index}` },
      {
        'db/20260101000000_notes/migration.sql': table,
        'db/20260101000001_notes_2/migration.sql': `${from('migration.sql')}${index}`,
      },
    ],
    [
      'of Flyway, before the next version',
      'flyway',
      { 'db/V1__notes.sql': `${table}${index}`, 'db/V2__more.sql': 'select 2;\n' },
      { 'db/V1__notes.sql': table, 'db/V1.1__notes_2.sql': `${from('V1__notes.sql')}${index}` },
    ],
    [
      'with a rollback, after which the one of the file still runs',
      'pair',
      {
        'db/000001_notes.up.sql': `${table}${index}`,
        'db/000001_notes.down.sql': 'drop index app.by_title;\ndrop table app.notes;\n',
      },
      {
        'db/000001_notes.up.sql': table,
        'db/000001_notes.down.sql': 'drop index IF EXISTS app.by_title;\ndrop table app.notes;\n',
        'db/000002_notes_2.up.sql': `${from('000001_notes.up.sql')}${index}`,
        'db/000002_notes_2.down.sql': 'DROP INDEX IF EXISTS app.by_title;\n',
      },
    ],
    [
      'of goose',
      'goose',
      { 'db/00001_notes.sql': `-- +goose Up\n${table}${index}\n-- +goose Down\ndrop table app.notes;\n` },
      {
        'db/00001_notes.sql': `-- +goose Up\n${table}-- +goose Down\ndrop table app.notes;\n`,
        'db/00002_notes_2.sql': `-- +goose NO TRANSACTION\n-- +goose Up\n${index}\n-- +goose Down\n-- +goose StatementBegin\nDROP INDEX IF EXISTS app.by_title;\n-- +goose StatementEnd\n`,
      },
    ],
    [
      'of dbmate',
      'dbmate',
      { 'db/20260101000000_notes.sql': `-- migrate:up\n${table}${index}\n-- migrate:down\ndrop table app.notes;\n` },
      {
        'db/20260101000000_notes.sql': `-- migrate:up\n${table}-- migrate:down\ndrop table app.notes;\n`,
        'db/20260101000001_notes_2.sql': `-- migrate:up transaction:false\n${index}\n-- migrate:down\nDROP INDEX IF EXISTS app.by_title;\n`,
      },
    ],
  ])('%s', async (_name, order, files, expected) => {
    const { edits, newFiles, removed, remaining, left, migrations } = await split(order, files);
    expect(Object.fromEntries([...edits, ...newFiles])).toEqual(expected);
    expect({ remaining, left }).toEqual({ remaining: [], left: [] });
    for (const migration of migrations) expect((await planRun(migration)).how).not.toBe('refused');
    // As its own tool reads them, in the same order.
    const kept = Object.entries(files).filter(([file]) => !removed.includes(file));
    const folders = { core: ['db'], extensions: ['ext'], rollback: 'rollback', archive: 'archive', order };
    const again = await readMigrations(await directoryOf({ ...Object.fromEntries(kept), ...expected }), folders);
    expect(again.migrations.map(({ file, sql }) => [file, sql])).toEqual(
      migrations.map(({ file, sql }) => [file, sql]),
    );
    expect(again.findings).toEqual([]);
  });

  it.each<[string, MigrationFolders['order'], Record<string, string>, string, string[]?]>([
    ['Drizzle', 'journal', { 'db/0000_a.sql': `${table}${index}` }, 'Drizzle runs all files in one transaction'],
    ['Graphile Migrate', 'committed', { 'db/000001.sql': `${table}${index}` }, 'current.sql'],
    [
      'node-pg-migrate',
      'node-pg-migrate',
      { 'db/1767225600000_a.sql': `-- Up Migration\n${table}${index}-- Down Migration\n` },
      'pgm.noTransaction()',
    ],
    ['a temporary table', 'number', { 'db/001_a.sql': `create temp table t (id int);\n${index}` }, 'a temporary table'],
    ['a role', 'number', { 'db/001_a.sql': `set role app;\n${table}${index}` }, 'needs the role'],
    [
      'the search path',
      'number',
      { 'db/001_a.sql': 'set search_path = app;\ncreate table n (id int);\ncreate index concurrently i on n (id);\n' },
      'write the schema',
    ],
    [
      'a rollback of both sides',
      'pair',
      { 'db/1_a.up.sql': `${table}${index}select 1;`, 'db/1_a.down.sql': 'drop table app.notes;' },
      'split both by hand',
    ],
    [
      'a down section that drops the index',
      'goose',
      { 'db/1_a.sql': `-- +goose Up\n${table}${index}-- +goose Down\ndrop index app.by_title;\n` },
      'write DROP INDEX IF EXISTS',
    ],
    [
      'a next file that a database has',
      'number',
      { 'db/001_a.sql': `${table}${index}`, 'db/002_b.sql': 'select 2;\n' },
      'No number is free',
      ['db/002_b.sql'],
    ],
  ])('%s: left, with the reason', async (_name, order, files, why, applied) => {
    const { edits, newFiles, remaining, left } = await split(order, files, applied);
    expect([...edits, ...newFiles]).toEqual([]);
    expect(remaining).toMatchObject([{ rule: 'transaction-mixed' }]);
    expect(left).toMatchObject([{ rule: 'transaction-mixed', file: Object.keys(files)[0] }]);
    expect(left[0]!.why).toContain(why);
  });
});
