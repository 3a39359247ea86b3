import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/shared/finding.ts';
import { repository } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { isWhole, sampleOf } from '../support/sample.ts';

const table = (name: string): string => `-- Adds ${name}.
CREATE TABLE IF NOT EXISTS public.${name} (id uuid PRIMARY KEY, owner uuid NOT NULL REFERENCES auth.users);
CREATE INDEX IF NOT EXISTS ${name}_owner ON public.${name} (owner);
ALTER TABLE public.${name} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON public.${name};
CREATE POLICY own ON public.${name} FOR ALL TO authenticated USING ((SELECT auth.uid()) = owner) WITH CHECK ((SELECT auth.uid()) = owner);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.${name} TO authenticated;
`;
const column = (name: string, added: string): string =>
  `-- More.\nALTER TABLE public.${name} ADD COLUMN IF NOT EXISTS ${added} text;\n`;
const drop = (name: string): string => `-- Back.\nDROP TABLE IF EXISTS public.${name};\n`;

interface Made {
  directory: string;
  notes: string[];
  /** What ran, in its order. */
  applied: string[];
  findings: Finding[];
  layout: string;
}

/** What is proven does not depend on the form of the files: where not everything is tested, the first kit alone is proven. */
const unproven = isWhole ? [] : ['--no-verify'];

async function made(files: Record<string, string>, ...flags: string[]): Promise<Made> {
  const cwd = await temporaryDirectory();
  const kit = repository(files).directory;
  const { code, stdout } = await createMuse(
    ['shop', '--yes', '--json', '--kit', kit, '--table', 'notes: title text!, owner user', ...flags],
    { cwd },
  );
  const report = JSON.parse(stdout) as {
    findings: Finding[];
    kit: { layout: string };
    migrations: { applied: { file: string }[] };
    notes: string[];
  };
  expect([code, report.findings.filter(({ severity }) => severity === 'error')]).toEqual([0, []]);
  return {
    directory: join(cwd, 'shop'),
    applied: report.migrations.applied.map(({ file }) => file),
    findings: report.findings,
    layout: report.kit.layout,
    notes: report.notes,
  };
}

/** The names of files with a time of this run as they would be at any time. */
const timeless = (files: readonly string[]): string[] => files.map((file) => file.replace(/\d{14}(?=_shop)/, '<now>'));

describe("a kit runs in its own tool's form, and the product's files follow it", () => {
  const kits: [string, Record<string, string>, layout: string, applied: string[], rollback: string][] = [
    [
      'flyway',
      {
        'src/main/resources/db/migration/V1__init.sql': table('clients'),
        'src/main/resources/db/migration/V2__phone.sql': column('clients', 'phone'),
        'src/main/resources/db/migration/V10__note.sql': column('clients', 'note'),
      },
      'flyway',
      [
        'src/main/resources/db/migration/V1__init.sql',
        'src/main/resources/db/migration/V2__phone.sql',
        'src/main/resources/db/migration/V10__note.sql',
        'src/main/resources/db/migration/V11__shop_tables.sql',
      ],
      'src/main/resources/db/migration/U11__shop_tables.sql',
    ],
    [
      'golang-up-down-files',
      { 'migrations/000001_boards.up.sql': table('boards'), 'migrations/000001_boards.down.sql': drop('boards') },
      'up-down',
      ['migrations/000001_boards.up.sql', 'migrations/000002_shop_tables.up.sql'],
      'migrations/000002_shop_tables.down.sql',
    ],
    [
      'goose-up-down',
      { 'migrations/001_boards.sql': `-- +goose Up\n${table('boards')}\n-- +goose Down\n${drop('boards')}` },
      'goose',
      ['migrations/001_boards.sql', 'migrations/002_shop_tables.sql'],
      'migrations/002_shop_tables.sql',
    ],
    [
      'prisma-folders',
      {
        'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
        'prisma/migrations/20250102000000_more/migration.sql': column('team', 'slug'),
        'prisma/migrations/20250101000000_init/migration.sql': table('team'),
      },
      'prisma',
      [
        'prisma/migrations/20250101000000_init/migration.sql',
        'prisma/migrations/20250102000000_more/migration.sql',
        'prisma/migrations/<now>_shop_tables/migration.sql',
      ],
      '',
    ],
    [
      'schema-sql-only',
      { 'supabase/schema.sql': table('recipes') },
      'schema-file',
      ['supabase/schema.sql', 'migrations/extensions/001_shop_tables.sql'],
      'migrations/rollback/extensions/001_shop_tables.sql',
    ],
    [
      'sqitch',
      {
        'sqitch.plan': '%project=x\n\nzoo 2026-01-01T00:00:00Z a <a@b.c>\nant [zoo] 2026-01-01T00:00:00Z a <a@b.c>\n',
        'deploy/zoo.sql': table('zoo'),
        'deploy/ant.sql': column('zoo', 'ant'),
        'revert/zoo.sql': drop('zoo'),
        'verify/zoo.sql': 'SELECT id FROM zoo WHERE false;\n',
      },
      'sqitch',
      ['deploy/zoo.sql', 'deploy/ant.sql', 'migrations/extensions/001_shop_tables.sql'],
      '',
    ],
  ];
  it.each(sampleOf(kits, 6))('%s', async (name, files, layout, applied, rollback) => {
    const shop = await made(files, ...(name === kits[0]![0] ? [] : unproven));
    expect([shop.layout, timeless(shop.applied)]).toEqual([layout, applied]);
    if (rollback !== '') expect(await readFile(join(shop.directory, rollback), 'utf8')).toContain('DROP TABLE');
    const { code, stdout } = await muse(['rollback', '--yes', '--json'], { cwd: shop.directory });
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true }]);
  });

  it('two-supabase-folders: the one with the most files runs, and a note names the other', async () => {
    const shop = await made(
      {
        'supabase/migrations/20240101000000_remote_schema.sql': '-- Left over.\nSELECT 1;\n',
        ...Object.fromEntries(
          [1, 2, 3].map((nr) => [`apps/web/supabase/migrations/2025010${nr}000000_part${nr}.sql`, table(`part${nr}`)]),
        ),
      },
      ...unproven,
    );
    expect(shop.applied).toEqual([
      ...[1, 2, 3].map((nr) => `apps/web/supabase/migrations/2025010${nr}000000_part${nr}.sql`),
      expect.stringMatching(/^migrations\/extensions\/\d{14}_shop_tables\.sql$/),
    ]);
    expect(shop.notes).toContainEqual(expect.stringMatching(/supabase\/migrations \(supabase, 1 file\).*not run/));
  });
});

describe("repairs keep the form of the kit's own tool", () => {
  it('drizzle-lib-db: breakpoints between statements, and no roles of Supabase', async () => {
    const entry = { idx: 0, version: '7', when: 1_735_689_600_000, tag: '0000_init', breakpoints: true };
    const { directory, layout } = await made(
      {
        'drizzle.config.ts': "export default { out: './lib/db/migrations', dialect: 'postgresql' };\n",
        'lib/db/migrations/meta/_journal.json': JSON.stringify({
          version: '7',
          dialect: 'postgresql',
          entries: [entry],
        }),
        'lib/db/migrations/0000_init.sql':
          'CREATE TABLE "people" ("id" serial PRIMARY KEY NOT NULL, "name" text);\n--> statement-breakpoint\n' +
          'CREATE TABLE "visits" ("id" serial PRIMARY KEY NOT NULL, "person_id" integer NOT NULL);\n',
      },
      '--fix',
      ...unproven,
    );
    expect(layout).toBe('drizzle-journal');
    const text = await readFile(join(directory, 'lib/db/migrations/0000_init.sql'), 'utf8');
    expect(text).not.toMatch(/service_role|authenticated|auth\.uid/);
    for (const part of text.split('--> statement-breakpoint'))
      expect(part.split('\n').filter((line) => /;\s*$/.test(line))).toHaveLength(1);
  });

  // Both sections are repaired in place in test/kit/own-migrators.test.ts too.
  it.runIf(isWhole)('goose: the down section stays where it is, and no role of Supabase is named', async () => {
    const { directory } = await made(
      {
        'migrations/001_boards.sql':
          '-- +goose Up\nCREATE TABLE boards (id int PRIMARY KEY);\n\n-- +goose Down\nDROP TABLE boards;\n',
      },
      '--fix',
      ...unproven,
    );
    const text = await readFile(join(directory, 'migrations/001_boards.sql'), 'utf8');
    expect(text).toMatch(/ENABLE ROW LEVEL SECURITY[^]*\n-- \+goose Down\nDROP TABLE boards;\n$/);
    expect(text).not.toContain('service_role');
  });

  it('findings have the places of the file', async () => {
    const cwd = await temporaryDirectory();
    const kit = repository({
      'migrations/001_a.sql':
        '-- +goose Up\nSELECT 1;\n-- +goose StatementBegin\n  SELECT wrong from;\n-- +goose StatementEnd\n-- +goose Down\nSELECT x y z;\n',
    }).directory;
    const { stdout } = await createMuse(['shop', '--yes', '--json', '--kit', kit], { cwd });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(
      findings.filter(({ severity }) => severity === 'error').map(({ rule, file, line }) => [rule, file, line]),
    ).toEqual([['syntax-error', 'migrations/001_a.sql', 4]]);
  });
});

it('dbmate: muse new writes both sections, and a kit whose product is among core is archived by file', async () => {
  const core = 'db/migrations/20250101000000_a.sql';
  const { applied, directory } = await made(
    { [core]: `-- migrate:up\n${table('boards')}\n-- migrate:down\n${drop('boards')}` },
    ...unproven,
  );
  expect(timeless(applied)).toEqual([core, 'db/migrations/<now>_shop_tables.sql']);
  const { stdout } = await muse(['new', 'Add things', '--json'], { cwd: directory });
  const { files } = JSON.parse(stdout) as { files: string[] };
  expect(files).toEqual([expect.stringMatching(/^db\/migrations\/\d{14}_add_things\.sql$/)]);
  expect(await readFile(join(directory, files[0]!), 'utf8')).toMatch(
    /^-- muse: extension\n-- migrate:up\n[^]*-- migrate:down\n/,
  );
  const cwd = await temporaryDirectory();
  await cp(directory, join(cwd, 'kit'), { recursive: true });
  const other = await createMuse(
    ['other', '--yes', '--json', '--kit', join(cwd, 'kit'), '--table', 'cats: name text!', ...unproven],
    {
      cwd,
    },
  );
  const { migrations } = JSON.parse(other.stdout) as { migrations: { applied: { file: string }[] } };
  expect(migrations.applied.map(({ file }) => file)).toEqual([core, expect.stringMatching(/_other_tables\.sql$/)]);
});
