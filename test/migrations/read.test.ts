import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checksumOf, readMigrations } from '../../src/migrations/read.ts';
import { fileText } from '../../src/migrations/sections.ts';
import type { MigrationFolders } from '../../src/shared/muse-file.ts';
import { directoryOf, folders } from './files.ts';

async function read(files: Record<string, string | Uint8Array>, own: Partial<MigrationFolders> = {}) {
  return readMigrations(await directoryOf(files), { ...folders, ...own });
}

describe('which files are migrations, and in what order', () => {
  const cases: [string, Partial<MigrationFolders>, string[], string[]][] = [
    [
      'core before extensions, each by its number',
      {},
      [
        'migrations/extensions/001_a.sql',
        'migrations/core/010_c.sql',
        'migrations/core/2_b.sql',
        'migrations/core/001_a.sql',
      ],
      [
        'migrations/core/001_a.sql',
        'migrations/core/2_b.sql',
        'migrations/core/010_c.sql',
        'migrations/extensions/001_a.sql',
      ],
    ],
    [
      'numbers longer than JavaScript counts',
      {},
      [
        'migrations/core/99999999999999999999_b.sql',
        'migrations/core/100000000000000000000_c.sql',
        'migrations/core/99999999999999999998_a.sql',
      ],
      [
        'migrations/core/99999999999999999998_a.sql',
        'migrations/core/99999999999999999999_b.sql',
        'migrations/core/100000000000000000000_c.sql',
      ],
    ],
    [
      'never rollbacks, seeds, down files, archives, hidden files or other kinds',
      { core: ['migrations'], extensions: [] },
      [
        'migrations/001_a.sql',
        'migrations/rollback_001_a.sql',
        'migrations/seed.sql',
        'migrations/seed/001_x.sql',
        'migrations/001_a.down.sql',
        'migrations/archive/001_old.sql',
        'migrations/meta/0_snapshot.sql',
        'migrations/._001_a.sql',
        'migrations/README.md',
      ],
      ['migrations/001_a.sql'],
    ],
    [
      'nothing of the other folders in a folder with files at any depth',
      { core: ['migrations'], order: 'schema' },
      [
        'migrations/a.sql',
        'migrations/sub/b.sql',
        'migrations/extensions/001_c.sql',
        'migrations/rollback/core/a.sql',
        'migrations/rollback/extensions/001_c.sql',
        'migrations/archive/old.sql',
      ],
      ['migrations/a.sql', 'migrations/sub/b.sql', 'migrations/extensions/001_c.sql'],
    ],
    ['.pgsql as well', {}, ['migrations/core/001_a.pgsql'], ['migrations/core/001_a.pgsql']],
    [
      'timestamps as text',
      { core: ['supabase/migrations'], extensions: [], order: 'timestamp' },
      ['supabase/migrations/20250101000000_b.sql', 'supabase/migrations/20241231000000_a.sql'],
      ['supabase/migrations/20241231000000_a.sql', 'supabase/migrations/20250101000000_b.sql'],
    ],
    [
      'files without a number after the numbered ones',
      {},
      ['migrations/core/a.sql', 'migrations/core/001_z.sql'],
      ['migrations/core/001_z.sql', 'migrations/core/a.sql'],
    ],
    [
      "Flyway's versions by their value, at any depth, repeatable files last, without undo files and callbacks",
      { core: ['sql'], extensions: ['sql'], order: 'flyway' },
      [
        'sql/R__views.sql',
        'sql/V10__c.sql',
        'sql/V2__b.sql',
        'sql/V1.1__a2.sql',
        'sql/V1_0_1__a1.sql',
        'sql/2026/V3__x.sql',
        'sql/V1__a.sql',
        'sql/U1__a.sql',
        'sql/B2__all.sql',
        'sql/afterMigrate.sql',
      ],
      [
        'sql/V1__a.sql',
        'sql/V1_0_1__a1.sql',
        'sql/V1.1__a2.sql',
        'sql/V2__b.sql',
        'sql/2026/V3__x.sql',
        'sql/V10__c.sql',
        'sql/R__views.sql',
      ],
    ],
    [
      'the latest baseline of Flyway that stands for what is gone, and what follows it',
      { core: ['sql'], extensions: ['sql'], order: 'flyway' },
      ['sql/B2__b.sql', 'sql/B10__d.sql', 'sql/V10_1__f.sql', 'sql/R__v.sql', 'sql/U10_1__f.sql'],
      ['sql/B10__d.sql', 'sql/V10_1__f.sql', 'sql/R__v.sql'],
    ],
    [
      'folders whose files are made to be in one: by the names of the files',
      { core: ['m/001000_a', 'm/002000_b'], extensions: ['migrations/extensions'], order: 'gathered' },
      [
        'm/001000_a/20_001_001000_x.sql',
        'm/001000_a/10_002_001000_y.sql',
        'm/002000_b/10_001_002000_z.sql',
        'migrations/extensions/001_own.sql',
      ],
      [
        'm/002000_b/10_001_002000_z.sql',
        'm/001000_a/10_002_001000_y.sql',
        'm/001000_a/20_001_001000_x.sql',
        'migrations/extensions/001_own.sql',
      ],
    ],
    [
      "Atlas's, with and without a name",
      { core: ['m'], extensions: [], order: 'atlas' },
      ['m/20260102000000_b.sql', 'm/20260101000000.sql', 'm/atlas.sum'],
      ['m/20260101000000.sql', 'm/20260102000000_b.sql'],
    ],
    [
      'those of postgrator without what undoes them',
      { core: ['m'], extensions: [], order: 'postgrator' },
      ['m/10.do.sql', 'm/10.undo.sql', 'm/9.do.a.sql', 'm/9.undo.a.sql'],
      ['m/9.do.a.sql', 'm/10.do.sql'],
    ],
    [
      'what undoes another by its name runs in no form',
      { core: ['m'], extensions: [] },
      [
        'm/001_a.sql',
        'm/001_a.rollback.sql',
        'm/002_b_up.sql',
        'm/002_b_down.sql',
        'm/003_c-undo.sql',
        'm/003_c.sql',
        'm/004_break_down.sql',
      ],
      ['m/001_a.sql', 'm/002_b_up.sql', 'm/003_c.sql', 'm/004_break_down.sql'],
    ],
    [
      'pairs without their down files',
      { core: ['m'], extensions: ['m'], order: 'pair' },
      ['m/10_b.up.sql', 'm/10_b.down.sql', 'm/9_a.up.sql', 'm/9_a.down.sql', 'm/11_c.sql'],
      ['m/9_a.up.sql', 'm/10_b.up.sql', 'm/11_c.sql'],
    ],
    [
      'pairs of pop: for PostgreSQL, and for all where there is none',
      { core: ['m'], extensions: ['m'], order: 'pair' },
      [
        'm/1_a.mysql.up.sql',
        'm/1_a.postgres.up.sql',
        'm/1_a.postgres.down.sql',
        'm/1_a.sqlite3.up.sql',
        'm/1_a.up.sql',
        'm/2_b.up.sql',
        'm/2_b.cockroach.autocommit.up.sql',
        'm/3_c.autocommit.up.sql',
        'm/3_c.postgresql.autocommit.up.sql',
        'm/4_mysql.up.sql',
      ],
      ['m/1_a.postgres.up.sql', 'm/2_b.up.sql', 'm/3_c.postgresql.autocommit.up.sql', 'm/4_mysql.up.sql'],
    ],
    [
      'pairs of db-migrate',
      { core: ['m'], extensions: ['m'], order: 'db-migrate' },
      ['m/20260102000000-b-up.sql', 'm/20260102000000-b-down.sql', 'm/20260101000000-a-up.sql'],
      ['m/20260101000000-a-up.sql', 'm/20260102000000-b-up.sql'],
    ],
    [
      "Prisma's folders by their names",
      { core: ['prisma/migrations'], extensions: [], order: 'folder' },
      [
        'prisma/migrations/20250102000000_b/migration.sql',
        'prisma/migrations/20250101000000_a/migration.sql',
        'prisma/migrations/20250101000000_a/down.sql',
        'prisma/migrations/manual.sql',
      ],
      ['prisma/migrations/20250101000000_a/migration.sql', 'prisma/migrations/20250102000000_b/migration.sql'],
    ],
    [
      "Diesel's and Hasura's folders",
      { core: ['m'], extensions: [], order: 'up-folder' },
      ['m/2026-01-02-000000_b/up.sql', 'm/2026-01-01-000000_a/up.sql', 'm/2026-01-01-000000_a/down.sql'],
      ['m/2026-01-01-000000_a/up.sql', 'm/2026-01-02-000000_b/up.sql'],
    ],
    [
      "Diesel's folders, with hyphens in the time and without",
      { core: ['m'], extensions: [], order: 'up-folder' },
      [
        'm/2017-09-23-182408_c/up.sql',
        'm/20170804200817_b/up.sql',
        'm/00000000000000_a/up.sql',
        'm/20180101000000_d/up.sql',
      ],
      [
        'm/00000000000000_a/up.sql',
        'm/20170804200817_b/up.sql',
        'm/2017-09-23-182408_c/up.sql',
        'm/20180101000000_d/up.sql',
      ],
    ],
    [
      'a single file',
      { core: ['db/schema.sql'], extensions: [], order: 'schema' },
      ['db/schema.sql', 'db/x.sql'],
      ['db/schema.sql'],
    ],
    ['files at the top', { core: ['.'], extensions: [] }, ['001_a.sql', 'sub/002_b.sql'], ['001_a.sql']],
    ['a folder of both layers once', { core: ['m'], extensions: ['m'] }, ['m/001_a.sql'], ['m/001_a.sql']],
    ['nothing where there is no folder', {}, ['README.md'], []],
  ];
  it.each(cases)('%s', async (_, own, files, expected) => {
    const { migrations } = await read(Object.fromEntries(files.map((file) => [file, 'select 1;'])), own);
    expect(migrations.map(({ file }) => file)).toEqual(expected);
  });

  it('follows the journal, and runs unlisted files last', async () => {
    const own = { core: ['sql'], extensions: [], order: 'journal' } as const;
    const journal = {
      entries: [
        { idx: 1, tag: '0001_b' },
        { idx: 0, tag: '0000_z' },
        { idx: 2, tag: '0002_gone' },
      ],
    };
    const { migrations, findings } = await read(
      {
        'sql/meta/_journal.json': JSON.stringify(journal),
        'sql/0000_z.sql': '',
        'sql/0001_b.sql': '',
        'sql/0001_enable_rls.sql': '',
      },
      { ...own, core: [...own.core], extensions: [] },
    );
    expect(migrations.map(({ file }) => file)).toEqual(['sql/0000_z.sql', 'sql/0001_b.sql', 'sql/0001_enable_rls.sql']);
    expect(findings.map(({ rule, severity, file }) => [rule, severity, file])).toEqual([
      ['duplicate-number', 'error', 'sql/0001_enable_rls.sql'],
      ['bad-file-name', 'warning', 'sql/0001_enable_rls.sql'],
      ['bad-file-name', 'error', 'sql/meta/_journal.json'],
    ]);
  });

  it.each(['{', '[]', '{"entries":[{"idx":"a"}]}', '{"entries":[null]}', 'null'])(
    'names a journal that it cannot read: %s',
    async (text) => {
      const { findings } = await read(
        { 'sql/meta/_journal.json': text },
        { core: ['sql'], extensions: [], order: 'journal' },
      );
      expect(findings).toMatchObject([{ rule: 'syntax-error', file: 'sql/meta/_journal.json' }]);
    },
  );
});

describe('what lists the files', () => {
  const order = async (files: Record<string, string>, own: Partial<MigrationFolders>): Promise<string[]> =>
    (await read(files, own)).migrations.map(({ file }) => file);

  it("follows sqitch's plan, reworked changes included", async () => {
    const own: Partial<MigrationFolders> = { core: ['deploy'], extensions: [], rollback: 'revert', order: 'sqitch' };
    const files = {
      'sqitch.plan':
        '%project=x\n\nzeta 2026-01-01T00:00:00Z a <a@b.c>\nutil/fn [zeta] 2026-01-01T00:00:00Z a <a@b.c> # fn\n@v1 2026-01-01T00:00:00Z a <a@b.c>\n\nalpha [zeta] 2026-01-01T00:00:00Z a <a@b.c>\nutil/fn [util/fn@v1] 2026-01-01T00:00:00Z a <a@b.c>\ngone 2026-01-01T00:00:00Z a <a@b.c>\n',
      'deploy/alpha.sql': '',
      'deploy/zeta.sql': '',
      'deploy/util/fn.sql': '',
      'deploy/util/fn@v1.sql': '',
      'deploy/loose.sql': '',
      'revert/zeta.sql': 'drop table zeta;',
      'revert/util/fn.sql': 'drop function fn;',
      'verify/zeta.sql': 'select 1;',
    };
    expect(await order(files, own)).toEqual([
      'deploy/zeta.sql',
      'deploy/util/fn@v1.sql',
      'deploy/alpha.sql',
      'deploy/util/fn.sql',
      'deploy/loose.sql',
    ]);
    const { findings, rollbacks } = await read(files, own);
    expect(findings.map(({ severity, file }) => [severity, file])).toEqual([
      ['warning', 'deploy/loose.sql'],
      ['error', 'sqitch.plan'],
    ]);
    expect([...rollbacks].map(([of, { file }]) => [of, file])).toEqual([
      ['deploy/zeta.sql', 'revert/zeta.sql'],
      ['deploy/util/fn.sql', 'revert/util/fn.sql'],
    ]);
    const deeper = Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path === 'sqitch.plan' ? path : `db/sqitch/${path}`, text]),
    );
    const top: Partial<MigrationFolders> = { ...own, core: ['db/sqitch/deploy'], rollback: 'db/sqitch/revert' };
    expect(await order(deeper, top)).toEqual((await order(files, own)).map((path) => `db/sqitch/${path}`));
  });

  const schemas = {
    'supabase/schemas/a_notes.sql': 'create table notes (id int primary key, folder int references folders (id));',
    'supabase/schemas/b_policies.sql': 'create policy p on notes using (allowed(id));',
    'supabase/schemas/c_functions.sql': "create function allowed(n int) returns boolean language sql as 'select true';",
    'supabase/schemas/z_folders.sql': 'create table folders (id int primary key, kind kinds);',
    'supabase/schemas/zz_types.sql': "create type kinds as enum ('a');",
  };
  const declarative: Partial<MigrationFolders> = { core: ['supabase/schemas'], extensions: [], order: 'schema' };

  it('puts schema files after those that create what they need', async () => {
    expect((await order(schemas, declarative)).map((file) => file.replace('supabase/schemas/', ''))).toEqual([
      'zz_types.sql',
      'z_folders.sql',
      'a_notes.sql',
      'c_functions.sql',
      'b_policies.sql',
    ]);
  });

  it('puts schema files after those that create the extension whose schema, types and functions they use', async () => {
    const files = {
      'supabase/schemas/a_jobs.sql': "select cron.schedule('job', '0 * * * *', 'select 1');",
      'supabase/schemas/b_tables.sql': 'create table public.members (id int primary key, email citext);',
      'supabase/schemas/c_search.sql':
        "create function near(a text) returns real language sql return similarity(a, 'x');",
      'supabase/schemas/x_cron.sql': 'create extension if not exists pg_cron;',
      'supabase/schemas/y_citext.sql': 'create extension if not exists citext;',
      'supabase/schemas/z_trigrams.sql': 'create extension if not exists pg_trgm;',
    };
    expect((await order(files, declarative)).map((file) => file.replace('supabase/schemas/', ''))).toEqual([
      'x_cron.sql',
      'a_jobs.sql',
      'y_citext.sql',
      'b_tables.sql',
      'z_trigrams.sql',
      'c_search.sql',
    ]);
  });

  it('keeps the order of names where files need each other', async () => {
    const files = {
      'supabase/schemas/a.sql': 'create table a (id int primary key, b int references b (id));',
      'supabase/schemas/b.sql': 'create table b (id int primary key, a int references a (id));',
    };
    expect((await order(files, declarative)).length).toBe(2);
  });

  it("follows config.toml's schema_paths", async () => {
    const config =
      '[db]\nport = 1\n[db.migrations]\n# schema_paths = ["./schemas/no.sql"]\nschema_paths = [\n  "./schemas/zz_types.sql",\n  "./schemas/z_*.sql",\n  "./schemas/*.sql",\n]\n[db.seed]\nsql_paths = ["./x.sql"]\n';
    expect(
      (await order({ ...schemas, 'supabase/config.toml': config }, declarative)).map((file) => file.slice(17)),
    ).toEqual(['zz_types.sql', 'z_folders.sql', 'a_notes.sql', 'b_policies.sql', 'c_functions.sql']);
  });

  it.each([
    [
      'a comment behind the header',
      '[db.migrations] # order\nschema_paths = ["schemas/zz_types.sql", "schemas/*.sql"]',
    ],
    ['dotted keys', 'db.migrations.schema_paths = ["./schemas/zz_types.sql", "./schemas/**/*.sql"]'],
    ['an inline table', "[db]\nmigrations = { schema_paths = ['./schemas/zz_types.sql', './schemas/{a,b,c,z}*.sql'] }"],
    ['character classes', '[db.migrations]\nschema_paths = ["./schemas/z[z]_types.sql", "./schemas/*.sql"]'],
  ])("follows config.toml's schema_paths: %s", async (_, config) => {
    const files = (await order({ ...schemas, 'supabase/config.toml': `${config}\n` }, declarative)).map((file) =>
      file.slice(17),
    );
    expect(files).toEqual(['zz_types.sql', 'a_notes.sql', 'b_policies.sql', 'c_functions.sql', 'z_folders.sql']);
  });

  it('names paths of the list that no file has', async () => {
    const config =
      '[db.migrations]\nschema_paths = ["./schemas/gone.sql", "./schemas/zz_types.sql", "./other/x.sql", "./schemas/*.sql"]\n';
    const { findings } = await read({ ...schemas, 'supabase/config.toml': config }, declarative);
    expect(findings).toMatchObject([
      {
        rule: 'bad-file-name',
        severity: 'warning',
        file: 'supabase/config.toml',
        message: 'schema_paths has ./schemas/gone.sql, and no file is called so.',
      },
    ]);
  });

  it.each([
    ['[db.migrations]\nschema_paths = "./schemas/zz_types.sql"'],
    ['[db.migrations\nschema_paths = ["x"]'],
    ['[db]\nport = 1'],
  ])('takes the order of needs where config.toml says none: %j', async (config) => {
    expect(await order({ ...schemas, 'supabase/config.toml': config }, declarative)).toEqual(
      await order(schemas, declarative),
    );
  });
});

describe('a migration and its rollback', () => {
  const cases: [string, Partial<MigrationFolders>, Record<string, string>, Record<string, string>][] = [
    [
      'Flyway',
      { order: 'flyway' },
      { 'm/V1.2__a.sql': 'a', 'm/U1.2__undo.sql': 'u' },
      { 'm/V1.2__a.sql': 'm/U1.2__undo.sql' },
    ],
    ['a pair', { order: 'pair' }, { 'm/1_a.up.sql': 'a', 'm/1_a.down.sql': 'd' }, { 'm/1_a.up.sql': 'm/1_a.down.sql' }],
    ['a pair by number', {}, { 'm/1_a.up.sql': 'a', 'm/1_a.down.sql': 'd' }, { 'm/1_a.up.sql': 'm/1_a.down.sql' }],
    [
      'names that say so',
      {},
      { 'm/1_a.sql': 'a', 'm/1_a.rollback.sql': 'd', 'm/2_b_up.sql': 'b', 'm/2_b_down.sql': 'd' },
      { 'm/1_a.sql': 'm/1_a.rollback.sql', 'm/2_b_up.sql': 'm/2_b_down.sql' },
    ],
    [
      'postgrator',
      { order: 'postgrator' },
      { 'm/1.do.a.sql': 'a', 'm/1.undo.a.sql': 'd' },
      { 'm/1.do.a.sql': 'm/1.undo.a.sql' },
    ],
    [
      'yoyo',
      { order: 'dotted' },
      { 'm/0001.a.sql': 'a', 'm/0001.a.rollback.sql': 'd' },
      { 'm/0001.a.sql': 'm/0001.a.rollback.sql' },
    ],
    [
      'Prisma',
      { order: 'folder' },
      { 'm/1_a/migration.sql': 'a', 'm/1_a/down.sql': 'd' },
      { 'm/1_a/migration.sql': 'm/1_a/down.sql' },
    ],
    [
      'Hasura',
      { order: 'up-folder' },
      { 'm/1_a/up.sql': 'a', 'm/1_a/down.sql': 'd' },
      { 'm/1_a/up.sql': 'm/1_a/down.sql' },
    ],
    ['goose', {}, { 'm/1_a.sql': '-- +goose Up\na\n-- +goose Down\nd' }, { 'm/1_a.sql': 'm/1_a.sql' }],
    ['goose, empty', {}, { 'm/1_a.sql': '-- +goose Up\na\n-- +goose Down\n' }, {}],
  ];
  it.each(cases)('%s', async (_, own, files, expected) => {
    const { rollbacks } = await read(files, { core: ['m'], extensions: ['m'], ...own });
    expect(Object.fromEntries([...rollbacks].map(([of, { file }]) => [of, file]))).toEqual(expected);
  });
});

describe('a transaction of its own', () => {
  const file = '-- Deploy a\nBEGIN;\n\ncreate table a ();\n\nCOMMIT;\n';
  it.each<[string, Partial<MigrationFolders>, string, string]>([
    ['sqitch', { order: 'sqitch' }, file, '-- Deploy a\n      \n\ncreate table a ();\n\n'],
    ['a pair', { order: 'pair' }, file, '-- Deploy a\n      \n\ncreate table a ();\n\n'],
    ['two of them', { order: 'pair' }, `${file}${file}`, `${file}${file}`],
    ['a file that ends otherwise', { order: 'pair' }, `${file}select 1;`, `${file}select 1;`],
    ['a form whose tool makes the transaction', {}, file, file],
  ])('%s', async (_, own, text, sql) => {
    const { migrations } = await read({ 'm/1_a.sql': text }, { core: ['m'], extensions: [], ...own });
    expect(migrations.map((each) => each.sql)).toEqual([sql]);
    expect(fileText(migrations[0]!)).toBe(text);
    expect(migrations[0]!.checksum).toBe(checksumOf(text));
  });
});

it("a file among core that says so is the product's own, and runs after core", async () => {
  const { migrations } = await read(
    { 'm/1_a.sql': '', 'm/2_b.sql': '-- muse: extension\n', 'm/3_c.sql': '' },
    { core: ['m'], extensions: ['m'] },
  );
  expect(migrations.map(({ layer, file }) => [layer, file])).toEqual([
    ['core', 'm/1_a.sql'],
    ['core', 'm/3_c.sql'],
    ['extension', 'm/2_b.sql'],
  ]);
});

describe('names', () => {
  const cases: [string, string[], [string, string, RegExp][]][] = [
    ['fine', ['001_a.sql', '002_b.sql'], []],
    ['from zero', ['000_a.sql', '001_b.sql'], []],
    ['with a dash', ['001-a.sql', '002-b.sql'], []],
    ['no number', ['a.sql'], [['bad-file-name', 'a.sql', /NNN_name/]]],
    ['number alone', ['001.sql'], [['bad-file-name', '001.sql', /NNN_name/]]],
    ['the same number, written differently', ['001_a.sql', '1_b.sql'], [['duplicate-number', '1_b.sql', /001_a\.sql/]]],
    ['one missing', ['001_a.sql', '003_c.sql'], [['number-gap', '003_c.sql', /2 is missing/]]],
    ['several missing', ['001_a.sql', '005_c.sql'], [['number-gap', '005_c.sql', /2 to 4 are missing/]]],
  ];
  it.each(cases)('%s', async (_, names, expected) => {
    const { findings } = await read(Object.fromEntries(names.map((name) => [`migrations/core/${name}`, 'select 1;'])));
    expect(findings.map(({ rule, file }) => [rule, file])).toEqual(
      expected.map(([rule, name]) => [rule, `migrations/core/${name}`]),
    );
    expected.forEach(([, , text], index) =>
      expect(`${findings[index]!.message} ${findings[index]!.suggestion}`).toMatch(text),
    );
  });

  it.each<[string, string[], string[]]>([
    ['other times', ['2026-05-27-120000_a', '2026-05-27-120000-0000_b'], []],
    ['the same time', ['20260527120000_a', '2026-05-27-120000_b'], ['duplicate-number']],
  ])("of Diesel's folders with hyphens: %s", async (_, names, expected) => {
    const files = Object.fromEntries(names.map((name) => [`m/${name}/up.sql`, 'select 1;']));
    const { findings } = await read(files, { core: ['m'], order: 'up-folder' });
    expect(findings.map(({ rule }) => rule)).toEqual(expected);
  });

  it('with a dash behind a time are one warning, and keep their order', async () => {
    const names = ['20260101000000-3f2a.sql', '20260102000000_b.sql', '20260103000000-9c1d.sql'];
    const { findings, migrations } = await read(Object.fromEntries(names.map((name) => [`m/${name}`, 'select 1;'])), {
      core: ['m'],
      order: 'timestamp',
    });
    expect(migrations.map(({ file, number }) => [file, number])).toEqual(
      names.map((name) => [`m/${name}`, name.slice(0, 14)]),
    );
    expect(findings).toMatchObject([
      {
        rule: 'bad-file-name',
        severity: 'warning',
        file: 'm/20260101000000-3f2a.sql',
        message: expect.stringContaining('skips 2 files'),
      },
    ]);
  });
});

describe('texts', () => {
  const file = 'migrations/core/001_a.sql';

  it('removes the BOM and keeps CRLF, with the checksum of the file with LF', async () => {
    const [windows, unix] = await Promise.all([
      read({ [file]: '\ufeffselect 1;\r\nselect 2;\r\n' }),
      read({ [file]: 'select 1;\nselect 2;\n' }),
    ]);
    expect(windows.migrations[0]!.sql).toBe('select 1;\r\nselect 2;\r\n');
    expect(windows.migrations[0]!.checksum).toBe(unix.migrations[0]!.checksum);
    expect(unix.migrations[0]!.checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  it('reads an empty file as a migration that does nothing', async () => {
    const { migrations, findings } = await read({ [file]: '' });
    expect(migrations).toMatchObject([{ file, sql: '' }]);
    expect(findings).toEqual([]);
  });

  const bad: [string, number[], object][] = [
    [
      'a stray byte',
      [...Buffer.from('select 1;\n-- caf'), 0xe9, 0x0a],
      { line: 2, column: 7, message: expect.stringContaining('Byte 16') },
    ],
    [
      'a character cut off at the end',
      [...Buffer.from('-- '), 0xe2, 0x82],
      { line: 1, column: 4, message: expect.stringContaining('Byte 3') },
    ],
    [
      'a NUL byte',
      [...Buffer.from('select 1;'), 0, 0x3b],
      { line: 1, column: 10, message: expect.stringContaining('NUL') },
    ],
    ['an overlong form', [0xc0, 0xaf], { line: 1, column: 1, message: expect.stringContaining('Byte 0') }],
    ['UTF-16', [0xff, 0xfe, 0x73, 0], { line: 1, message: expect.stringContaining('UTF-16') }],
    ['UTF-16 of the other order', [0xfe, 0xff, 0, 0x73], { message: expect.stringContaining('UTF-16') }],
    [
      'UTF-16 without its mark',
      [...Buffer.from('select 1;', 'utf16le')],
      { message: expect.stringContaining('UTF-16') },
    ],
    ['UTF-32', [0xff, 0xfe, 0, 0, 0x73, 0, 0, 0], { message: expect.stringContaining('UTF-32') }],
    [
      'a pointer of Git LFS',
      [...Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n')],
      { message: expect.stringContaining('Git LFS'), suggestion: expect.stringContaining('git lfs pull') },
    ],
    [
      'an archive of pg_dump',
      [...Buffer.from('PGDMP'), 1, 0, 4],
      { message: expect.stringContaining('pg_dump'), suggestion: expect.stringContaining('pg_restore') },
    ],
    ['a compressed file', [0x1f, 0x8b, 8, 0], { message: expect.stringContaining('gzip') }],
    ['a database of SQLite', [...Buffer.from('SQLite format 3\0')], { message: expect.stringContaining('SQLite') }],
  ];
  it.each(bad)('reports where %s is and skips the file', async (_, bytes, expected) => {
    const { migrations, findings } = await read({ [file]: Uint8Array.from(bytes) });
    expect(migrations).toEqual([]);
    expect(findings).toMatchObject([{ rule: 'unreadable-file', severity: 'error', file, ...expected }]);
  });
});

describe('links', () => {
  it('refuses a file that links out of the muse', async () => {
    const root = await directoryOf({ 'migrations/core/001_a.sql': '' });
    const outside = await directoryOf({ 'secret.sql': 'select 1;' });
    await symlink(join(outside, 'secret.sql'), join(root, 'migrations/core/002_b.sql'));
    await expect(readMigrations(root, folders)).rejects.toMatchObject({
      code: 'path-outside',
      message: expect.stringContaining('002_b.sql'),
    });
  });

  it('refuses a folder that links out of the muse', async () => {
    const root = await directoryOf({ 'README.md': '' });
    const outside = await directoryOf({ 'core/001_a.sql': '' });
    await symlink(outside, join(root, 'migrations'));
    await expect(readMigrations(root, folders)).rejects.toMatchObject({ code: 'path-outside' });
  });

  it('follows a link that stays inside', async () => {
    const root = await directoryOf({ 'shared/a.sql': 'select 1;' });
    await mkdir(join(root, 'migrations/core'), { recursive: true });
    await symlink('../../shared/a.sql', join(root, 'migrations/core/001_a.sql'));
    expect((await readMigrations(root, folders)).migrations).toMatchObject([{ sql: 'select 1;' }]);
  });

  it.each([
    ['something that does not exist', '../gone.sql'],
    ['itself', '002_b.sql'],
    ['a folder', '../core'],
  ])('tells of a file that links to %s, and reads the others', async (what, to) => {
    const root = await directoryOf({ 'migrations/core/001_a.sql': 'select 1;', 'migrations/core/003_c.sql': '' });
    await symlink(to, join(root, 'migrations/core/002_b.sql'));
    const { migrations, findings, unreadable } = await readMigrations(root, folders);
    const file = 'migrations/core/002_b.sql';
    expect(migrations.map((each) => each.file)).toEqual(['migrations/core/001_a.sql', 'migrations/core/003_c.sql']);
    expect(findings).toMatchObject([
      { rule: 'unreadable-file', file, message: expect.stringContaining(`a link to ${what}`) },
    ]);
    expect(unreadable).toEqual([{ layer: 'core', file }]);
  });

  it('reads a muse that is itself a link', async () => {
    const root = await directoryOf({ 'migrations/core/001_a.sql': '' });
    const other = await directoryOf({ x: '' });
    await symlink(root, join(other, 'link'));
    expect((await readMigrations(join(other, 'link'), folders)).migrations).toHaveLength(1);
  });
});

describe('rollbacks', () => {
  const cases: [string, string, Partial<MigrationFolders>][] = [
    ["in the layer's folder", 'migrations/rollback/extensions/001_a.sql', {}],
    ['in the rollback folder', 'migrations/rollback/001_a.sql', {}],
    ['beside the file', 'migrations/extensions/rollback_001_a.sql', {}],
    ['beside the file as a down file', 'migrations/extensions/001_a.down.sql', {}],
    [
      "in a rollback folder that is the migrations' own",
      'migrations/extensions/rollback_001_a.sql',
      { rollback: 'migrations/extensions' },
    ],
  ];
  it.each(cases)('%s', async (_, file, own) => {
    const { rollbacks, migrations } = await read(
      { 'migrations/extensions/001_a.sql': 'select 1;', [file]: 'select 2;' },
      own,
    );
    expect([...rollbacks]).toEqual([['migrations/extensions/001_a.sql', { file, sql: 'select 2;' }]]);
    expect(migrations).toHaveLength(1);
  });

  it('chooses the nearest of several, and does not read them on request', async () => {
    const files = {
      'migrations/core/001_a.sql': '',
      'migrations/rollback/core/001_a.sql': 'first',
      'migrations/rollback/001_a.sql': 'second',
    };
    expect([...(await read(files)).rollbacks.values()].map(({ sql }) => sql)).toEqual(['first']);
    const root = await directoryOf(files);
    await writeFile(join(root, 'migrations/rollback/core/001_a.sql'), Uint8Array.of(0xff));
    expect((await readMigrations(root, folders, { rollbacks: false })).findings).toEqual([]);
    expect((await readMigrations(root, folders)).findings).toMatchObject([
      { rule: 'unreadable-file', file: 'migrations/rollback/core/001_a.sql' },
    ]);
  });
});
