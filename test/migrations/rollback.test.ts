import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { MuseError } from '../../src/shared/error.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { rollbackPlan, rollbackSteps } from '../../src/migrations/rollback-plan.ts';
import { rollback } from '../../src/migrations/rollback.ts';
import { migrationStatus } from '../../src/migrations/compare.ts';
import { databases, type Kind } from './databases.ts';
import { migrationsOf } from './files.ts';

const core = 'migrations/core/001_core.sql';
const one = 'migrations/extensions/001_one.sql';
const two = 'migrations/extensions/002_two.sql';
const migrations = migrationsOf({
  [core]: 'create table profiles (id int primary key);',
  [one]: 'create table one (id int); insert into one values (1), (2); alter table profiles add nick text;',
  [two]: 'create table "Two" (id int); create table three (id int);',
});
const rollbacks = new Map(
  Object.entries({
    [one]: 'drop table one; alter table profiles drop column nick;',
    [two]: 'drop table "Two"; drop table if exists three, public.never_there;',
  }).map(([file, sql]) => [file, { file: file.replace('extensions/', 'rollback/'), sql }]),
);

async function applied(database: Database): Promise<string[]> {
  return (await migrationStatus(database, migrations)).applied.map(({ file }) => file);
}

const caught = (error: unknown): MuseError => error as MuseError;

describe.each<Kind>(['embedded', 'native'])('on %s', (kind) => {
  const fresh = databases(kind);
  const migrated = async (): Promise<Database> => {
    const database = await fresh();
    await migrate(database, migrations);
    return database;
  };

  it('rolls one file back, then the rest, newest first, each with its history row', async () => {
    const database = await migrated();
    expect((await rollback(database, migrations, rollbacks)).rolledBack).toMatchObject([
      { layer: 'extension', file: two, ms: expect.any(Number) },
    ]);
    expect(await applied(database)).toEqual([core, one]);
    await migrate(database, migrations);
    expect((await rollback(database, migrations, rollbacks, { to: '0' })).rolledBack.map(({ file }) => file)).toEqual([
      two,
      one,
    ]);
    expect(await applied(database)).toEqual([core]);
    expect((await rollback(database, migrations, rollbacks, { to: '0' })).rolledBack).toEqual([]);
  });

  it('lists what would be lost: tables and columns with data, with row counts', async () => {
    const database = await migrated();
    await database.script("insert into three values (1); insert into profiles values (1, 'a'), (2, null)");
    const plan = await rollbackPlan(database, migrations, rollbacks, { to: core });
    expect(plan.files.map(({ file, rollback: { file: way } }) => [file, way])).toEqual([
      [two, 'migrations/rollback/002_two.sql'],
      [one, 'migrations/rollback/001_one.sql'],
    ]);
    expect(plan.losses).toEqual([
      { table: 'three', rows: 1 },
      { table: 'one', rows: 2 },
      { table: 'profiles', column: 'nick', rows: 1 },
    ]);
    expect(await applied(database)).toEqual([core, one, two]);
  });

  it('refuses before anything runs if a file has no rollback', async () => {
    const database = await migrated();
    const error = caught(await rollback(database, migrations, rollbacks, { steps: 3 }).catch(caught));
    expect(error).toMatchObject({ code: 'rollback-missing', message: expect.stringContaining(core) });
    expect(await applied(database)).toEqual([core, one, two]);
  });

  it('refuses before anything runs where a rollback does nothing', async () => {
    const database = await migrated();
    const empty = new Map([...rollbacks, [one, { file: 'migrations/rollback/001_one.sql', sql: '-- Later.\n' }]]);
    const error = caught(await rollback(database, migrations, empty, { steps: 2 }).catch(caught));
    expect(error).toMatchObject({
      code: 'rollback-missing',
      message: expect.stringContaining(`migrations/rollback/001_one.sql, the rollback of ${one}, is empty`),
    });
    expect(await applied(database)).toEqual([core, one, two]);
  });

  it('stops where a rollback fails, with its file as it was', async () => {
    const database = await migrated();
    const broken = new Map([
      ...rollbacks,
      [one, { file: 'migrations/rollback/001_one.sql', sql: 'drop table one;\ndrop table nope;' }],
    ]);
    const error = caught(await rollback(database, migrations, broken, { steps: 2 }).catch(caught));
    expect(error).toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining('migrations/rollback/001_one.sql:2:12: table "nope" does not exist'),
    });
    expect(error.detail).toContain(`Done before it: ${two}.`);
    expect(await applied(database)).toEqual([core, one]);
    expect((await database.query('select * from one')).rows).toHaveLength(2);
  });

  it('refuses a rollback that contains COMMIT', async () => {
    const database = await migrated();
    const own = new Map([
      ...rollbacks,
      [two, { file: 'migrations/rollback/002_two.sql', sql: 'drop table "Two"; commit;' }],
    ]);
    expect(await rollback(database, migrations, own).catch(caught)).toMatchObject({
      code: 'findings',
      findings: [{ rule: 'transaction-control', file: 'migrations/rollback/002_two.sql' }],
    });
  });

  it('runs a rollback outside a transaction if PostgreSQL requires that', async () => {
    const database = await fresh();
    const files = migrationsOf({ [one]: 'create table t (id int);', [two]: 'create index concurrently i on t (id);' });
    await migrate(database, files);
    await rollback(database, files, new Map([[two, { file: 'r', sql: 'drop index concurrently i;' }]]));
    expect((await migrationStatus(database, files)).pending.map(({ file }) => file)).toEqual([two]);
    expect((await migrate(database, files)).applied).toHaveLength(1);
  });
});

describe('how far it rolls back', () => {
  const row = (file: string, second: number) => ({
    layer: file.includes('core') ? ('core' as const) : ('extension' as const),
    file,
    checksum: '',
    state: 'applied' as const,
    applied_at: `2026-01-01T00:00:0${second}Z`,
    ms: 1,
  });
  const all = new Map([core, one, two].map((file) => [file, { file, sql: 'select 1;' }]));
  const inOrder = [row(core, 1), row(one, 2), row(two, 3)];
  const coreLast = [row(core, 3), row(one, 1), row(two, 2)];
  const cases: [string, ReturnType<typeof row>[], object, string[]][] = [
    ['one file', inOrder, {}, [two]],
    ['two files', inOrder, { steps: 2 }, [two, one]],
    ['more than there are', inOrder, { steps: 9 }, [two, one, core]],
    ['what was applied last, not what has the highest number', coreLast, {}, [core]],
    ['to a number', inOrder, { to: '1' }, [two]],
    ['to a number with zeros', inOrder, { to: '001' }, [two]],
    ['to a name', inOrder, { to: '001_one.sql' }, [two]],
    ['to a path of core', inOrder, { to: core }, [two, one]],
    ['to the newest', inOrder, { to: '002' }, []],
    ['all extensions', coreLast, { to: '0' }, [two, one]],
  ];
  it.each(cases)('%s', (_, rows, target, expected) => {
    expect(rollbackSteps(migrations, all, rows, target).map(({ file }) => file)).toEqual(expected);
  });

  it.each([{ to: '9' }, { to: 'nope' }, { steps: 0 }, { steps: 1.5 }, { steps: -1 }, { to: '1', steps: 1 }])(
    'refuses %j',
    (target) => {
      expect(() => rollbackSteps(migrations, all, inOrder, target)).toThrow(
        expect.objectContaining({ code: 'bad-rollback-target' }),
      );
    },
  );
});
