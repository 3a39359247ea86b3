import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { recognizeLayout } from '../../src/kit/recognize.ts';
import { rejectionOf } from './errors.ts';
import { type Files, put, temporary } from './repository.ts';

const sql = '-- something\nSELECT 1;\n';

function kit(files: Files | readonly string[]): string {
  const place = temporary();
  put(place, Array.isArray(files) ? Object.fromEntries(files.map((file) => [file, sql])) : (files as Files));
  return place;
}

/** Files that hold some SQL each. */
const all = (paths: readonly string[]): Files => Object.fromEntries(paths.map((path) => [path, sql]));

describe('recognizeLayout', () => {
  it.each([
    [
      'musekit',
      ['migrations/core/001_a.sql', 'migrations/extensions/001_b.sql'],
      ['migrations/core'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    [
      'musekit',
      ['migrations/core/001_a.sql'],
      ['migrations/core'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    [
      'gathered-folders',
      [
        'supabase/migrations/002000_b/10_001_002000_y.sql',
        'supabase/migrations/001000_a/20_001_001000_x.sql',
        'supabase/migrations/001000_a/notes.sql',
      ],
      ['supabase/migrations/001000_a', 'supabase/migrations/002000_b'],
      'migrations/extensions',
      'migrations/rollback',
      'gathered',
    ],
    [
      'numbered-folders',
      [
        'supabase/migrations/002_b/01_y.sql',
        'supabase/migrations/001_a/01_x.sql',
        'supabase/migrations/notes/01_z.sql',
      ],
      ['supabase/migrations/001_a', 'supabase/migrations/002_b'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    [
      'supabase',
      ['supabase/migrations/20260101000000_a.sql', 'supabase/migrations/001_old/01_x.sql'],
      ['supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'musekit-src',
      ['src/migrations/core/001_a.sql'],
      ['src/migrations/core'],
      'src/migrations/extensions',
      'src/migrations/rollback',
      'number',
    ],
    [
      'musekit-workspace',
      ['packages/database/src/migrations/core/001_a.sql'],
      ['packages/database/src/migrations/core'],
      'packages/database/src/migrations/extensions',
      'packages/database/src/migrations/rollback',
      'number',
    ],
    [
      'drizzle-journal',
      ['packages/database/src/migrations/sql/0000_init.sql', 'packages/database/src/migrations/sql/meta/_journal.json'],
      ['packages/database/src/migrations/sql'],
      'migrations/extensions',
      'migrations/rollback',
      'journal',
    ],
    [
      'drizzle-journal',
      ['drizzle/0000_a.sql', 'drizzle/meta/_journal.json'],
      ['drizzle'],
      'migrations/extensions',
      'migrations/rollback',
      'journal',
    ],
    [
      'flat-rollback',
      ['migrations/001_a.sql', 'migrations/rollback_001_a.sql'],
      ['migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    ['flat', ['migrations/001_a.sql'], ['migrations'], 'migrations/extensions', 'migrations/rollback', 'number'],
    [
      'flat',
      ['db/migrations/001_a.sql'],
      ['db/migrations'],
      'db/migrations/extensions',
      'db/migrations/rollback',
      'number',
    ],
    [
      'ghostcrm',
      ['migrations/main-database/001_a.sql', 'migrations/client-provisioning/001_b.pgsql', 'migrations/001_c.sql'],
      ['migrations/main-database', 'migrations'],
      'migrations/client-provisioning',
      'migrations/rollback',
      'number',
    ],
    [
      'supabase',
      ['supabase/migrations/20240101000000_a.sql'],
      ['supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'supabase',
      ['supabase/migrations/20240101000000-6d3c9c1e.sql'],
      ['supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'supabase',
      ['apps/web/supabase/migrations/20240101000000_a.sql'],
      ['apps/web/supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'supabase',
      ['packages/db/supabase/migrations/20240101000000_a.sql'],
      ['packages/db/supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
  ])('finds %s in %j', async (id, files, core, extensions, rollback, order) => {
    const layout = await recognizeLayout(kit(files));
    expect(layout).toMatchObject({
      id,
      folders: { core, extensions: [extensions], rollback, order },
      isolation: 'auth-uid',
    });
    expect(layout).not.toHaveProperty('others');
  });

  it('chooses the most specific and names the others', async () => {
    const place = kit(['migrations/core/001_a.sql', 'supabase/migrations/20240101000000_b.sql', 'migrations/sync.sql']);
    expect(await recognizeLayout(place)).toMatchObject({
      id: 'musekit',
      others: [{ id: 'supabase', folders: ['supabase/migrations'] }],
    });
  });

  it.each([
    ["USING (org = nullif(current_setting('app.current_org_id', true), '')::uuid)", 'session'],
    ['USING (user_id = (select auth.uid()))', 'auth-uid'],
    ["SELECT current_setting('app.settings.jwt_secret')", 'auth-uid'],
    ["-- once current_setting('app.x')\nauth.uid() auth.uid()", 'auth-uid'],
    ['SELECT 1', 'auth-uid'],
  ])('%s isolates by %s', async (text, isolation) => {
    expect(await recognizeLayout(kit({ 'migrations/core/001_a.sql': text }))).toMatchObject({ isolation });
  });

  it('an unknown one is an error with the known layouts and the folders found', async () => {
    const place = kit(['db/schema.sql', 'db/views.sql', 'sql/a/one.sql', 'node_modules/x/002_a.sql']);
    const error = await rejectionOf(recognizeLayout(place));
    expect(error).toMatchObject({ code: 'layout-unknown', suggestion: expect.stringContaining('--core db') });
    // Each tool once, in a few lines: what to do has to be on the first screen as well.
    expect(error?.detail).toContain('MuseKit, GhostCRM, Drizzle, Sqitch, Graphile Migrate, goose, dbmate, ');
    expect(error?.detail).toContain('Supabase, and folders of numbered files');
    expect(error?.detail?.length).toBeLessThan(600);
    expect(error?.detail).toContain('db/  2 SQL files');
    expect(error?.detail).toContain('sql/a/  1 SQL file');
    expect(error?.detail).not.toContain('node_modules');
  });

  it('a kit without SQL is an error that says so', async () => {
    expect(await rejectionOf(recognizeLayout(kit({ 'README.md': '#' })))).toMatchObject({
      code: 'layout-unknown',
      message: 'The kit has no SQL migrations: none of its files is SQL.',
      detail: expect.stringContaining('create-muse runs those of MuseKit, '),
    });
  });

  it('explicitly named folders are used', async () => {
    const place = kit(['db/20240101000000_a.sql', 'migrations/core/001_a.sql']);
    expect(await recognizeLayout(place, { core: ['./db/'], extensions: ['db\\mine'] })).toMatchObject({
      id: 'custom',
      folders: { core: ['db'], extensions: ['db/mine'], order: 'timestamp' },
    });
    expect(await recognizeLayout(place, { core: [], extensions: ['mine'] })).toMatchObject({
      id: 'musekit',
      folders: { extensions: ['mine'] },
    });
    expect(await rejectionOf(recognizeLayout(place, { core: ['nowhere'] }))).toMatchObject({ code: 'bad-layout' });
    expect(await rejectionOf(recognizeLayout(place, { core: ['../elsewhere'] }))).toMatchObject({
      code: 'path-outside',
    });
  });

  it('does not follow links', async () => {
    const outside = kit(['core/001_a.sql']);
    const place = kit({ migrations: { link: outside } });
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({ code: 'layout-unknown' });
    expect(await rejectionOf(recognizeLayout(place, { core: ['migrations/core'] }))).toMatchObject({
      code: 'path-outside',
    });
  });
});

const up = '-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n';
const migrate = '-- migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 2;\n';
const plan = '%syntax-version=1.0.0\n%project=x\n\nusers 2026-01-01T00:00:00Z a <a@example.com> # Users\n';

describe('the layouts of other tools', () => {
  const cases: [id: string, files: Files | readonly string[], core: string, order: string][] = [
    ['flyway', ['src/main/resources/db/migration/V1__init.sql'], 'src/main/resources/db/migration', 'flyway'],
    ['flyway', ['db/V1.1__a.sql', 'db/V1_2__b.sql', 'db/R__views.sql'], 'db', 'flyway'],
    ['flyway', ['apps/api/sql/V1__a.sql', 'apps/api/sql/2026/V2__b.sql'], 'apps/api/sql', 'flyway'],
    ['goose', { 'migrations/001_boards.sql': up, 'migrations/002_more.sql': up }, 'migrations', 'goose'],
    ['goose', { 'internal/db/20260101000000_boards.sql': up.replaceAll('\n', '\r\n') }, 'internal/db', 'goose'],
    ['dbmate', { 'db/migrations/20260101000000_boards.sql': migrate }, 'db/migrations', 'dbmate'],
    [
      'dbmate',
      { 'services/a/db/migrations/20260101000000_x.sql': '-- migrate:up\n' },
      'services/a/db/migrations',
      'dbmate',
    ],
    ['sql-migrate', { 'migrations/1-boards.sql': '-- +migrate Up\nSELECT 1;\n' }, 'migrations', 'sql-migrate'],
    [
      'node-pg-migrate',
      { 'migrations/1700000000000_boards.sql': '-- Up Migration\nSELECT 1;\n-- Down Migration\n' },
      'migrations',
      'node-pg-migrate',
    ],
    ['flat-millis', ['migrations/1700000000000-boards.sql'], 'migrations', 'node-pg-migrate'],
    ['up-down', ['migrations/000001_boards.up.sql', 'migrations/000001_boards.down.sql'], 'migrations', 'pair'],
    ['up-down', ['cmd/api/sql/1_a.up.sql'], 'cmd/api/sql', 'pair'],
    [
      'up-down-folders',
      ['hasura/migrations/default/1700000000000_init/up.sql'],
      'hasura/migrations/default',
      'up-folder',
    ],
    [
      'db-migrate',
      ['migrations/sqls/20260101000000-a-up.sql', 'migrations/sqls/20260101000000-a-down.sql'],
      'migrations/sqls',
      'db-migrate',
    ],
    ['up-down-folders', ['migrations/2026-01-01-000000_init/up.sql'], 'migrations', 'up-folder'],
    ['prisma', ['prisma/migrations/20250101000000_init/migration.sql'], 'prisma/migrations', 'folder'],
    ['prisma', ['packages/db/prisma/migrations/0_init/migration.sql'], 'packages/db/prisma/migrations', 'folder'],
    [
      'sqitch',
      { 'sqitch.plan': plan, 'deploy/users.sql': '', 'revert/users.sql': '', 'verify/users.sql': '' },
      'deploy',
      'sqitch',
    ],
    ['sqitch', { 'db/sqitch.plan': plan, 'db/deploy/users.sql': '' }, 'db/deploy', 'sqitch'],
    ['sqitch', { 'sqitch.plan': plan, 'db/sqitch/deploy/users.sql': '' }, 'db/sqitch/deploy', 'sqitch'],
    [
      'graphile-migrate',
      [
        'db/migrations/committed/000001.sql',
        'db/migrations/committed/000002-b.sql',
        'db/migrations/current/1-current.sql',
      ],
      'db/migrations/committed',
      'committed',
    ],
    [
      'prisma',
      ['prisma/migrations/0_init/migration.sql', 'prisma/migrations/20260101000000_a.sql/migration.sql'],
      'prisma/migrations',
      'folder',
    ],
    [
      'drizzle-journal',
      ['lib/db/migrations/0000_a.sql', 'lib/db/migrations/meta/_journal.json'],
      'lib/db/migrations',
      'journal',
    ],
    [
      'drizzle-journal',
      ['apps/web/.drizzle/0000_a.sql', 'apps/web/.drizzle/meta/_journal.json'],
      'apps/web/.drizzle',
      'journal',
    ],
    ['flat-timestamp', ['db/migrations/20260101000000_a.sql'], 'db/migrations', 'timestamp'],
    ['flat', ['apps/web/migrations/001_a.sql'], 'apps/web/migrations', 'number'],
    ['supabase-schemas', ['supabase/schemas/a.sql', 'supabase/schemas/b.sql'], 'supabase/schemas', 'schema'],
    ['schema-file', ['supabase/schema.sql', 'supabase/seed.sql'], 'supabase/schema.sql', 'schema'],
    ['schema-file', ['apps/web/supabase/schema.sql'], 'apps/web/supabase/schema.sql', 'schema'],
    ['numbered', ['backend/sql/01_a.sql', 'backend/sql/02_b.sql', 'tests/sql/01_a.sql'], 'backend/sql', 'number'],
    ['numbered', ['001_a.sql', '002_b.sql'], '.', 'number'],
    [
      'atlas',
      ['migrations/20260101000000.sql', 'migrations/20260102000000_b.sql', 'migrations/atlas.sum'],
      'migrations',
      'atlas',
    ],
    ['postgrator', ['db/001.do.a.sql', 'db/001.undo.a.sql', 'db/002.do.sql', 'db/002.undo.sql'], 'db', 'postgrator'],
    ['dotted', ['migrations/0001.a.sql', 'migrations/0001.a.rollback.sql'], 'migrations', 'dotted'],
    ['up-and-down', ['db/up/001_a.sql', 'db/down/001_a.sql'], 'db/up', 'number'],
    [
      'sqitch-folders',
      {
        'sqitch.conf': '[core]\n\tengine = pg\n\tplan_file = db/plan.txt\n\tdeploy_dir = db/do # here\n',
        'db/plan.txt': plan,
        'db/do/users.sql': '',
        'db/undo/users.sql': '',
      },
      'db/do',
      'sqitch',
    ],
    [
      'sqitch-folders',
      { 'x/sqitch.conf': '[core]\ntop_dir = sql\n', 'x/sql/sqitch.plan': plan, 'x/sql/deploy/users.sql': '' },
      'x/sql/deploy',
      'sqitch',
    ],
    ['flyway', ['sql/B3__base.sql', 'sql/V4__c.sql'], 'sql', 'flyway'],
    ['numbered', ['backend/sql/0001-a.sql', 'backend/sql/0002-b.sql'], 'backend/sql', 'number'],
  ];
  it.each(cases)('finds %s in %j', async (id, files, core, order) => {
    const place = kit(files);
    expect(await recognizeLayout(place)).toMatchObject({ id, folders: { core: [core], order } });
  });

  it.each(cases.filter(([, , core]) => !core.endsWith('.sql')))(
    'finds %s in %j by --core too',
    async (_, files, core, order) => {
      const layout = await recognizeLayout(kit(files), { core: [core] });
      expect(layout).toMatchObject({ id: 'custom', folders: { core: [core], order } });
    },
  );

  it('takes the one with the most files, and names the others with their counts', async () => {
    const place = kit([
      'supabase/migrations/20240101000000_remote.sql',
      ...[1, 2, 3].map((nr) => `apps/web/supabase/migrations/2025010${nr}000000_part.sql`),
      'supabase/schemas/a.sql',
    ]);
    expect(await recognizeLayout(place)).toMatchObject({
      folders: { core: ['apps/web/supabase/migrations'] },
      others: [{ id: 'supabase', folders: ['supabase/migrations'], files: 1 }],
    });
    const chosen = await recognizeLayout(place, {}, (offered) => {
      expect(offered.map(({ core, files }) => [core[0], files])).toEqual([
        ['apps/web/supabase/migrations', 3],
        ['supabase/migrations', 1],
      ]);
      return Promise.resolve(1);
    });
    expect(chosen).toMatchObject({
      folders: { core: ['supabase/migrations'] },
      others: [{ folders: ['apps/web/supabase/migrations'], files: 3 }],
    });
  });

  it.each([
    ['supabase/migrations_for_old', ['supabase/migrations'], 1],
    ['legacy/supabase/migrations', ['supabase/migrations'], 1],
    ['db/migrations.bak', ['db/migrations'], 1],
    // No more than a part of a word, or all that there is.
    ['golden/db/migrations', ['golden/db/migrations'], 1],
    ['old/db/migrations', ['old/db/migrations'], 0],
  ])('takes %s last where its name says that it no longer counts', async (many, core, others) => {
    const few = many === 'golden/db/migrations' ? ['db/migrations'] : core;
    const place = kit([
      ...[1, 2, 3].map((nr) => `${many}/2025010${nr}000000_part.sql`),
      ...few.map((folder) => `${folder}/20260101000000_now.sql`),
    ]);
    const layout = await recognizeLayout(place);
    expect([layout.folders.core, layout.others?.length ?? 0]).toEqual([core, others]);
  });

  const java = 'src/main/java/db/migration';
  const resources = 'src/main/resources/db/migration';
  const dependsOnTypeorm = JSON.stringify({ dependencies: { typeorm: '1.0.0' } });
  it.each<[string, Files, RegExp | undefined]>([
    [
      'migrations in code among them',
      { 'migrations/001_a.sql': up, 'migrations/002_b.go': 'package x', 'migrations/003_c.sql': up },
      /^Among the migrations is 1 that is not SQL and not run: migrations\/002_b\.go$/,
    ],
    ['no test of them', { 'migrations/001_a.sql': up, 'migrations/002_b_test.go': 'package x' }, undefined],
    [
      "Flyway's in Java",
      { [`${resources}/V1__a.sql`]: sql, [`${java}/V2__Fill.java`]: '', [`${java}/Helper.java`]: '' },
      /1 that is not SQL and not run: src\/main\/java\/db\/migration\/V2__Fill\.java$/,
    ],
    [
      "Flyway's callbacks",
      {
        [`${resources}/V1__a.sql`]: sql,
        [`${resources}/afterMigrate__grants.sql`]: sql,
        [`${resources}/U1__a.sql`]: sql,
      },
      /^Callbacks of Flyway are not run: src\/main\/resources\/db\/migration\/afterMigrate__grants\.sql\./,
    ],
    [
      'a name that the form does not have',
      { [`${resources}/V1__a.sql`]: sql, [`${resources}/v2__b.sql`]: sql },
      /a file that is not named as one and not run: .*\/v2__b\.sql\. Those of this kit are called V<version>__name\.sql/,
    ],
    [
      'a file beside the folders of Prisma',
      { 'prisma/migrations/1_a/migration.sql': sql, 'prisma/migrations/2_b.sql': sql },
      /not named as one and not run: prisma\/migrations\/2_b\.sql\./,
    ],
    [
      'what Hasura had before SQL',
      { 'migrations/1700000000000_a/up.sql': sql, 'migrations/1700000000001_b/up.yaml': '- type: run_sql' },
      /not SQL and not run: migrations\/1700000000001_b\/up\.yaml$/,
    ],
    [
      'what Graphile Migrate has not committed',
      { 'migrations/committed/000001.sql': sql, 'migrations/current.sql': sql },
      /^migrations\/current\.sql is not committed, and not run: graphile-migrate commit/,
    ],
    [
      'nothing, where that is empty',
      { 'migrations/committed/000001.sql': sql, 'migrations/current/1-current.sql': '-- Enter migration here\n' },
      undefined,
    ],
    [
      'those of another tool',
      { 'package.json': dependsOnTypeorm, 'supabase/migrations/1_a.sql': sql, 'src/migrations/1700000000000-B.ts': '' },
      /^The kit also has TypeORM migrations in code, which are not run: src\/migrations\/1700000000000-B\.ts$/,
    ],
    [
      'nothing for what undoes, fills, tests or is for another database',
      {
        ...all(['db/1_a.up.sql', 'db/1_a.down.sql', 'db/1_a.mysql.up.sql', 'db/seed.sql', 'db/tests/a.sql']),
        'tests/app/migrations/0001_initial.py': '',
      },
      undefined,
    ],
  ])('names %s', async (_, files, note) => {
    const { notes = [] } = await recognizeLayout(kit(files));
    expect(notes).toEqual(note === undefined ? [] : [expect.stringMatching(note)]);
  });

  const flyway = (...names: string[]): Files => all(names.map((name) => `${resources}/${name}`));
  it.each<[string, Files, core: string[], others: number]>([
    ['are one', flyway('2024/V1__a.sql', '2025/V2__b.sql', '2025/more/V3__c.sql'), [resources], 0],
    [
      'are one without those for another database',
      flyway('common/V1__a.sql', 'postgresql/V2__b.sql', 'h2/V2__b.sql'),
      [`${resources}/common`, `${resources}/postgresql`],
      1,
    ],
    [
      'are one without those for development',
      flyway('main/V1__a.sql', 'main/V2__b.sql', 'dev/V100__b.sql'),
      [`${resources}/main`],
      1,
    ],
    ...['dev', 'local', 'demo'].map((name): [string, Files, string[], number] => [
      `of which ${name} is for development come first without it`,
      all([`db/${name}/V1__a.sql`, `db/${name}/V2__a.sql`, 'db/migration/V1__a.sql']),
      ['db/migration'],
      1,
    ]),
    [
      'are several where they have the same versions',
      flyway('a/V1__a.sql', 'a/V2__b.sql', 'b/V1__a.sql'),
      [`${resources}/a`],
      1,
    ],
    [
      'are several in several services',
      all(['a/db/migration/V1__a.sql', 'a/db/migration/V2__a.sql', 'b/db/migration/V3__a.sql']),
      ['a/db/migration'],
      1,
    ],
  ])("Flyway's folders below a location %s", async (_, files, core, others) => {
    const layout = await recognizeLayout(kit(files));
    expect([layout.folders.core, layout.others?.length ?? 0]).toEqual([core, others]);
  });
});

describe('the configuration of Drizzle', () => {
  const named =
    "import { defineConfig } from 'drizzle-kit';\nexport default defineConfig({ out: './src/db/queries/migrations' });\n";
  const typed =
    "import type { Config } from 'drizzle-kit';\nconst out: string = `./${'src'}/sql`;\nexport default { schema: './s.ts', out, dialect: 'postgresql' } satisfies Config;\n";
  const other = ['migrations/001_a.sql', 'migrations/002_b.sql'];
  const journal = (folder: string, count: number): string[] => [
    `${folder}/meta/_journal.json`,
    ...Array.from({ length: count }, (_, nr) => `${folder}/000${nr}_a.sql`),
  ];
  it.each<[string, Files, id: string, core: string, order: string]>([
    [
      'in a folder whose name says something else',
      { 'drizzle.config.ts': named, ...all(journal('src/db/queries/migrations', 1)) },
      'drizzle-journal',
      'src/db/queries/migrations',
      'journal',
    ],
    [
      'in a folder that is called like one that is built',
      { 'drizzle.config.json': '{ "out": "build/sql" }', ...all(journal('build/sql', 1)) },
      'drizzle-journal',
      'build/sql',
      'journal',
    ],
    [
      'the one that counts, of several',
      { 'drizzle.config.ts': typed, ...all([...journal('drizzle', 3), ...journal('src/sql', 1)]) },
      'drizzle-journal',
      'src/sql',
      'journal',
    ],
    [
      'without a journal',
      { 'drizzle.config.mjs': "const config = { out: 'sql' };\nexport default config;", ...all(['sql/0000_a.sql']) },
      'drizzle-flat',
      'sql',
      'number',
    ],
    [
      'in folders of one migration each',
      { 'drizzle.config.cjs': "module.exports = { out: './sql' };", ...all(['sql/20260101000000_a/migration.sql']) },
      'drizzle-folders',
      'sql',
      'folder',
    ],
    [
      'where it names none',
      {
        'packages/db/drizzle.config.ts': 'export default { dialect: "postgresql" };',
        ...all(['packages/db/drizzle/0_a.sql']),
      },
      'drizzle-flat',
      'packages/db/drizzle',
      'number',
    ],
    [
      'from the top of a workspace',
      { 'packages/db/drizzle.config.ts': named, ...all(journal('src/db/queries/migrations', 1)) },
      'drizzle-journal',
      'src/db/queries/migrations',
      'journal',
    ],
    [
      'and fewer files than another tool',
      { 'drizzle.config.ts': typed, ...all([...journal('src/sql', 1), ...other]) },
      'flat',
      'migrations',
      'number',
    ],
  ])('%s', async (_, files, id, core, order) => {
    expect(await recognizeLayout(kit(files))).toMatchObject({ id, folders: { core: [core], order } });
  });

  it.each([
    ['calculates the folder', "export default { out: require('node:fs').writeFileSync(process.env.PROOF, 'run') };"],
    ['does not parse', 'export default {'],
    ['leads in a circle', 'const a = b, b = a;\nexport default a;'],
    ['leads out of the kit', "export default { out: '../../elsewhere' };"],
    ['is no configuration', 'export const x = 1;'],
  ])('is not run, and names nothing where it %s', async (_, text) => {
    const place = kit({ 'drizzle.config.ts': text, ...all(['sql/0000_a.sql']) });
    const proof = join(place, 'proof');
    vi.stubEnv('PROOF', proof);
    expect(await recognizeLayout(place)).toMatchObject({ id: 'numbered', folders: { core: ['sql'] } });
    expect(existsSync(proof)).toBe(false);
    vi.unstubAllEnvs();
  });

  it('says for which database it is, where nothing else does', async () => {
    const place = kit({
      'drizzle.config.ts': "export default { out: 'sql', dialect: 'sqlite' };",
      ...all(['sql/0_a.sql']),
    });
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({
      message: expect.stringContaining("The kit's migrations are for SQLite"),
    });
  });
});

describe('SQL that is not for PostgreSQL', () => {
  const drizzle = (dialect: string): Files => ({
    'drizzle/0000_a.sql': 'CREATE TABLE `a` (`id` integer PRIMARY KEY);',
    'drizzle/meta/_journal.json': JSON.stringify({ version: '7', dialect, entries: [] }),
  });
  it.each<[string, Files, string]>([
    ['sqlite', drizzle('sqlite'), 'for SQLite'],
    ['mysql', drizzle('mysql'), 'for MySQL'],
    [
      'by the lock of Prisma',
      {
        'prisma/migrations/1_a/migration.sql': 'CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT);',
        'prisma/migrations/migration_lock.toml': '# x\nprovider = "sqlite"\n',
      },
      'for SQLite',
    ],
    [
      'by the schema of Prisma',
      {
        'prisma/schema/base.prisma':
          'generator client {\n  provider = "x"\n}\n\ndatasource db {\n  provider = "sqlite"\n}\n',
        'prisma/schema/migrations/1_a/migration.sql': 'CREATE TABLE a (id TEXT NOT NULL PRIMARY KEY);',
      },
      'for SQLite',
    ],
    [
      'by the settings of Cloudflare Workers',
      {
        'wrangler.jsonc': '{ // D1\n  "d1_databases": [{ "binding": "DB", "migrations_dir": "./db/migrations/" }] }',
        'db/migrations/0001_a.sql': 'CREATE TABLE a (id TEXT PRIMARY KEY);',
      },
      'for SQLite',
    ],
    [
      'by those settings and the folder that they leave out',
      {
        'apps/api/wrangler.toml': '[[d1_databases]]\nbinding = "DB"\n',
        'apps/api/migrations/0001_a.sql': 'CREATE TABLE a (id TEXT PRIMARY KEY);',
      },
      'for SQLite',
    ],
    [
      'by AUTOINCREMENT',
      { 'migrations/0001_a.sql': 'CREATE TABLE a (id integer primary key autoincrement);' },
      'for SQLite',
    ],
    [
      'by backticks and AUTOINCREMENT',
      { 'migrations/1_a.sql': 'CREATE TABLE `a` (`id` integer primary key autoincrement);' },
      'for SQLite',
    ],
    [
      'by an engine',
      { 'migrations/1_a.sql': 'CREATE TABLE a (id UInt64) ENGINE = MergeTree() ORDER BY id;' },
      'for ClickHouse',
    ],
    [
      'by braces',
      { 'migrations/1_a.sql': 'CREATE TABLE {{ .Schema }}.a (id int);' },
      'templates that another tool fills in',
    ],
  ])('%s', async (_, files, foreign) => {
    const own = { 'database/migrations/001_a.sql': 'SELECT 1;' };
    expect(await recognizeLayout(kit({ ...files, ...own }))).toMatchObject({
      folders: { core: ['database/migrations'] },
      others: [{ foreign }],
    });
  });

  it('is told by the name of its folder beside one for PostgreSQL, and only there', async () => {
    const files = (folder: string, count: number): Files =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `db/${folder}/00${index + 1}_a.sql`,
          '-- +goose Up\nSELECT 1;\n-- +goose Down\n',
        ]),
      );
    expect(
      await recognizeLayout(kit({ ...files('mysql', 3), ...files('migrations-sqlite3', 1), ...files('postgres', 2) })),
    ).toMatchObject({
      folders: { core: ['db/postgres'] },
      others: [{ foreign: 'for MySQL' }, { foreign: 'for SQLite' }],
    });
    for (const folder of ['mysql', 'mysql_to_postgres'])
      expect(await recognizeLayout(kit({ ...files(folder, 3), ...files('more', 2) }))).toMatchObject({
        folders: { core: [`db/${folder}`] },
        others: [{ id: 'goose' }],
      });
  });

  it('is an error alone, where nothing of it can run', async () => {
    const place = kit({ 'migrations/1_a.sql': 'CREATE TABLE {{ .Schema }}.a (id int);' });
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({
      message: expect.stringContaining('are templates that another tool fills in'),
    });
  });

  it.each(['sqlite', 'mysql'])('is an error alone, where the tool says so: %s', async (dialect) => {
    expect(await rejectionOf(recognizeLayout(kit(drizzle(dialect))))).toMatchObject({
      code: 'layout-unknown',
      message: expect.stringMatching(
        /^The kit's migrations are for (SQLite|MySQL); create-muse runs SQL on PostgreSQL/,
      ),
    });
  });
});

describe('folders that are called after databases', () => {
  const plain = 'CREATE TABLE a (id int PRIMARY KEY);\n';

  it.each([
    ['SqliteMigrations', 'for SQLite'],
    ['MySqlMigrations', 'for MySQL'],
    ['sql-mysql', 'for MySQL'],
  ])('%s is not run where another one is for PostgreSQL', async (name, what) => {
    const files = { [`util/${name}/2026-01-01_a.sql`]: plain, 'util/PostgresMigrations/20260101_a.cs': '' };
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      message: expect.stringContaining(`The kit's migrations are ${what}`),
    });
  });

  it('are not run where a file of theirs can be, either', async () => {
    const mixed = 'UPDATE `a` SET id = 1;\nCREATE TABLE b (id int);\nSELECT 1;\n';
    const files = { 'util/MySqlMigrations/2026-01-01_a.sql': mixed, 'util/PostgresMigrations/20260101_a.cs': '' };
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      message: expect.stringContaining("The kit's migrations are for MySQL"),
    });
  });

  it.each(['MySqlMigrations', 'my/sql', 'sqlite'])('%s is run where none is', async (name) => {
    const files = { [`${name}/2026-01-01_a.sql`]: plain };
    expect((await recognizeLayout(kit(files))).folders.core).toEqual([name]);
  });

  it.each([
    [['db/mysql', 'db/postgres', 'db/sqlite'], 'db/postgres'],
    [['db/sqlite', 'db/queries'], 'db/queries'],
    [['db/mysql'], 'db/mysql'],
  ])('of %j in an unknown form, %s is suggested', async (folders, suggested) => {
    const files = Object.fromEntries(folders.map((folder) => [`${folder}/V0001.a.up.sql`, plain]));
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      suggestion: `Name the folders: --core ${suggested} (and --extensions <folder>).`,
    });
  });
});

describe('kits without SQL', () => {
  const depends = (name: string): string => JSON.stringify({ dependencies: { [name]: '1.0.0' } });
  it.each<[string, Files, RegExp, RegExp]>([
    [
      'Prisma',
      { 'prisma/schema.prisma': '' },
      /Prisma schema without migrations: prisma\/schema\.prisma/,
      /prisma migrate diff/,
    ],
    ['Drizzle', { 'drizzle.config.ts': '', 'src/schema.ts': '' }, /Drizzle schema/, /drizzle-kit generate/],
    ['Knex', { 'package.json': depends('knex'), 'db/migrations/1_a.js': '' }, /Knex/, /pg_dump --schema-only/],
    ['TypeORM', { 'package.json': depends('typeorm'), 'src/migrations/1-A.ts': '' }, /TypeORM migrations/, /pg_dump/],
    ['Sequelize', { 'package.json': depends('sequelize'), 'models/a.js': '' }, /Sequelize model/, /pg_dump/],
    ['Payload', { 'package.json': depends('payload'), 'src/migrations/20260101_a.ts': '' }, /Payload/, /pg_dump/],
    [
      'Liquibase',
      { 'src/main/resources/db/changelog/db.changelog-master.yaml': '' },
      /Liquibase changelogs: src\/main\/resources\/db\/changelog\/db\.changelog-master\.yaml/,
      /liquibase update-sql .*--changelog-file=src\/main\/resources/,
    ],
    ['Entity Framework', { 'Data/Migrations/20260101000000_Init.cs': '' }, /Entity Framework/, /pg_dump/],
    ['dbt', { 'dbt_project.yml': '', 'models/a.sql': '' }, /dbt models/, /tables already/],
    ['Supabase', { 'supabase/config.toml': '' }, /settings of a Supabase project/, /supabase db pull/],
    ['Rails', { 'db/migrate/20260101000000_a.rb': '' }, /Rails/, /pg_dump/],
    ['Django', { 'app/migrations/0001_initial.py': '' }, /Django/, /pg_dump/],
    [
      'Ecto beside SQL without numbers',
      { 'priv/repo/migrations/20260101000000_a.exs': '', 'priv/queries/a.sql': '' },
      /^The kit has no SQL migrations\. It has Ecto migrations/,
      /pg_dump[^]*Or, if its SQL files are all that it needs: --core priv\/queries$/,
    ],
  ])('%s: says what there is and what to run', async (_, files, message, suggestion) => {
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      code: 'layout-unknown',
      message: expect.stringMatching(message),
      suggestion: expect.stringMatching(suggestion),
    });
  });

  it.each<[string, Files, RegExp, RegExp]>([
    [
      'Alembic',
      { 'alembic.ini': '', 'alembic/versions/1_a.py': '', 'scripts/01_report.sql': sql },
      /^The kit has Alembic migrations, which create-muse does not run: alembic\/versions\/1_a\.py\.$/,
      /pg_dump[^]*--core scripts$/,
    ],
    [
      'Rails',
      { 'db/migrate/20260101000000_a.rb': '', 'db/migrate/20260102000000_b.rb': '', 'db/views/01_a.sql': sql },
      /^The kit has Rails migrations, .* and 1 more\.$/,
      /--core db\/views$/,
    ],
    [
      'MikroORM',
      {
        'package.json': depends('@mikro-orm/core'),
        'src/migrations/Migration20260101000000.ts': '',
        'db/01_a.sql': sql,
      },
      /^The kit has MikroORM migrations in code/,
      /--core db$/,
    ],
    [
      'Graphile Migrate before its first commit',
      { '.gmrc': '{}', 'migrations/current/1-current.sql': sql },
      /those of Graphile Migrate, and none is committed: migrations\/current\/1-current\.sql/,
      /graphile-migrate commit[^]*--core migrations\/current\/1-current\.sql$/,
    ],
    [
      'a script of psql',
      { 'db/init.sql': '\\ir a/1.sql\n\\i a/2.sql\n', 'db/a/tables.sql': sql },
      /its SQL is a script for psql, db\/init\.sql, which includes 2 other files\.$/,
      /psql "\$DATABASE_URL" -f db\/init\.sql && pg_dump/,
    ],
    [
      'SQL of Liquibase',
      { 'db/db.changelog-master.sql': '--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n' },
      /changelogs of Liquibase: db\/db\.changelog-master\.sql\.$/,
      /liquibase update-sql .*--changelog-file=db\/db\.changelog-master\.sql/,
    ],
    [
      'several files of Liquibase with numbers',
      {
        'db/001_a.sql': '--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n',
        'db/002_b.sql': '-- liquibase formatted sql\n',
      },
      /changelogs of Liquibase: db\/001_a\.sql and 1 more\.$/,
      /Or, if every change set runs on PostgreSQL as it is: --core db$/,
    ],
    ['Atlas', { 'atlas.hcl': '', 'schema.hcl': '' }, /It has an Atlas schema without migrations/, /atlas migrate diff/],
    ['one file', { 'init.sql': sql }, /does not know how this kit stores/, /--core init\.sql /],
  ])('%s: names the cause', async (_, files, message, suggestion) => {
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      code: 'layout-unknown',
      message: expect.stringMatching(message),
      suggestion: expect.stringMatching(suggestion),
    });
  });

  it.each<[string, Files | readonly string[], RegExp, RegExp]>([
    [
      'Flyway',
      ['db/migration/U1__a.sql', 'db/migration/U1_2__b.sql'],
      /only what undoes some: db\/migration\/U1(?:__a|_2__b)\.sql and 1 more\.$/,
      /db\/migration\/V1(?:__a|_2__b)\.sql/,
    ],
    [
      'golang-migrate',
      ['db/000001_a.down.sql'],
      /only what undoes some: db\/000001_a\.down\.sql\.$/,
      /\(db\/000001_a\.up\.sql\)/,
    ],
    [
      'Diesel',
      ['migrations/2026-01-01-000000_a/down.sql'],
      /only what undoes some: migrations\/2026-01-01-000000_a\/down\.sql/,
      /\(migrations\/2026-01-01-000000_a\/up\.sql\)/,
    ],
    [
      'an empty plan',
      { 'sqitch.conf': '', 'sqitch.plan': '%syntax-version=1.0.0\n%project=a\n\n' },
      /^The kit has no migrations: its sqitch\.plan lists no change\.$/,
      /sqitch add <change>[^]*run this again\.$/,
    ],
    [
      'an empty plan beside other SQL',
      { 'db/sqitch.plan': '%project=a\n# nothing yet\n', 'queries/a.sql': sql },
      /its db\/sqitch\.plan lists no change\.$/,
      /Or, if its other SQL is what it needs: --core queries$/,
    ],
    [
      'a plan without scripts',
      {
        'sqitch.plan':
          '%project=a\n\none 2026-01-01T00:00:00Z A <a@example.com>\ntwo [one] 2026-01-02T00:00:00Z A <a@example.com>\n',
      },
      /^The kit's sqitch\.plan lists 2 changes \(one, two\), and the kit has none of their scripts\.$/,
      /deploy\/one\.sql/,
    ],
  ])('of the migrations of %s, what is missing is said', async (_, files, message, suggestion) => {
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      code: 'layout-unknown',
      message: expect.stringMatching(message),
      suggestion: expect.stringMatching(suggestion),
    });
  });

  it.each<[string, Files, RegExp, RegExp]>([
    [
      'a submodule',
      { '.gitmodules': '[submodule "db"]\n\tpath = db\n\turl = https://example.com/db.git\n' },
      /^The kit has no SQL migrations\. 1 folder of it is a repository of its own, which is not fetched\.$/,
      /--kit https:\/\/example\.com\/db\.git$/,
    ],
    ['a repository that was added as one', {}, /is a repository of its own/, /git rm --cached db && git add db/],
  ])('%s in the place of migrations is named', async (_, files, message, suggestion) => {
    const place = kit(files);
    mkdirSync(join(place, 'db'));
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({
      code: 'layout-unknown',
      message: expect.stringMatching(message),
      detail: expect.stringMatching(/^ {2}db\/ {2}/),
      suggestion: expect.stringMatching(suggestion),
    });
  });

  it('what undoes or checks others is the last folder to suggest', async () => {
    const place = kit(['db/down/a.sql', 'db/down/b.sql', 'db/check/a.sql', 'db/changes/a.sql']);
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({
      suggestion: expect.stringContaining('--core db/changes'),
    });
  });

  it('what undoes migrations hides no other layout', async () => {
    expect(await recognizeLayout(kit(['old/U1__a.sql', 'db/migrations/20260101000000_a.sql']))).toMatchObject({
      folders: { core: ['db/migrations'] },
    });
    expect(await recognizeLayout(kit(['db/000001_a.down.sql', 'db/000002_b.up.sql']))).toMatchObject({
      folders: { core: ['db'] },
    });
    expect(await rejectionOf(recognizeLayout(kit(['old/U1__a.sql', 'sql/1.a.sql'])))).toMatchObject({
      message: 'create-muse does not know how this kit stores its migrations.',
    });
  });

  it('numbered SQL beside migrations in code is what --core may be', async () => {
    const files = { 'priv/repo/migrations/20260101000000_a.exs': '', 'db/1.2.a.sql': '', 'queries/a.sql': '' };
    expect(await rejectionOf(recognizeLayout(kit(files)))).toMatchObject({
      message: 'create-muse does not know how this kit stores its migrations.',
      detail: expect.stringContaining('It also has Ecto migrations'),
      suggestion: 'Name the folders: --core db (and --extensions <folder>).',
    });
  });

  it('--core on a folder without migrations is an error that lists where SQL is', async () => {
    const place = kit({ 'app/page.tsx': '', 'db/migrations/001_a.sql': '', 'seeds/seed.sql': '' });
    for (const core of ['app', 'seeds']) {
      const error = await rejectionOf(recognizeLayout(place, { core: [core] }));
      expect(error).toMatchObject({
        code: 'bad-layout',
        message: expect.stringContaining(`"${core}" has no migrations`),
      });
      expect(error?.detail).toContain('db/migrations/  1 SQL file');
    }
  });
});
