/**
 * After `--fix` a kit still runs with its own tool: real migrators run kits on plain servers before and after their repair. Those
 * that neither npm nor Debian has are stood in for by what they send.
 */
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { recognizeLayout } from '../../src/kit/recognize.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { planFixes, type FixPlan } from '../../src/muse/repair/repair.ts';
import { writeChange } from '../../src/muse/repair/write.ts';
import { lazy } from '../../src/shared/lazy.ts';
import { type Native, startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';
import { isWhole, sampleOf } from '../support/sample.ts';
import {
  type Migrate,
  noPrisma,
  noSqlMigrate,
  noSupabase,
  whole,
  withDbmate,
  withDrizzle,
  withGoose,
  withNodePgMigrate,
  withPrisma,
  withSqlMigrate,
  withSupabase,
} from './migrators.ts';
import { type Files, put, temporary } from './repository.ts';

for (const [name, reason] of Object.entries({
  "Prisma's schema engine": noPrisma,
  'sql-migrate': noSqlMigrate,
  'the Supabase CLI': noSupabase,
}))
  if (reason !== undefined) process.stderr.write(`\nSKIPPED: kits run with ${name}. ${reason}\n\n`);

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** What is wrong with each kit: what the repairs of most classes start from, and what its tool can run all the same. */
const boards = `CREATE TYPE "kind" AS ENUM('open', 'done');`;
const users = `CREATE TABLE "users" ("id" uuid PRIMARY KEY, "email" text NOT NULL);`;
const notes = `CREATE TABLE "notes" ("id" uuid PRIMARY KEY, "user_id" uuid NOT NULL REFERENCES "users" ("id"), "kind" "kind" NOT NULL, "tag" text);`;
const count = `CREATE FUNCTION "count_notes"() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM "notes" $$;`;
const seed = `INSERT INTO "users" ("id", "email") VALUES ('00000000-0000-4000-8000-000000000001', 'ada@example.com');`;
// No role of Supabase is on the server of these kits: what narrows this policy cannot name one.
const policy = `ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;`;
const open = `CREATE POLICY "all" ON "notes" USING (true) WITH CHECK (true);`;
const renamed = `ALTER TABLE "notes" RENAME COLUMN "tag" TO "label";`;
const index = `CREATE INDEX "notes_label" ON "notes" ("label");`;

interface Tool {
  id: string;
  files: Files;
  run: Migrate;
  /** Why the tool cannot be run here. */
  missing?: string | undefined;
  /** Whether it runs a file that mixes transactions: statement by statement, so that a failure leaves half of it. */
  takesAll?: true;
}

const broken = (...statements: string[]): string => statements.join('\n--> statement-breakpoint\n');
const entry = (idx: number, tag: string): object => ({
  idx,
  version: '7',
  when: 1_767_225_600_000 + idx,
  tag,
  breakpoints: true,
});

const tools: readonly Tool[] = [
  {
    id: 'drizzle-journal',
    files: {
      'drizzle/0000_first.sql': broken(boards, users, notes, policy, open),
      'drizzle/0001_more.sql': broken(count, seed, renamed, index),
      'drizzle/meta/_journal.json': JSON.stringify({
        version: '7',
        dialect: 'postgresql',
        entries: [entry(0, '0000_first'), entry(1, '0001_more')],
      }),
    },
    run: withDrizzle,
  },
  {
    id: 'dbmate',
    files: {
      'db/migrations/20260101000000_first.sql': `-- migrate:up\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- migrate:down\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'db/migrations/20260102000000_more.sql': `-- migrate:up\n${count}\n${seed}\n${renamed}\n${index}\n\n-- migrate:down\n`,
    },
    run: withDbmate,
  },
  {
    id: 'goose',
    files: {
      'db/migrations/00001_first.sql': `-- +goose Up\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- +goose Down\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'db/migrations/00002_more.sql': `-- +goose Up\n${count}\n${seed}\n${renamed}\n${index}\n\n-- +goose Down\n`,
    },
    run: withGoose,
  },
  {
    id: 'node-pg-migrate',
    files: {
      'migrations/1767225600000_first.sql': `-- Up Migration\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- Down Migration\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'migrations/1767225600001_more.sql': `-- Up Migration\n${count}\n${seed}\n${renamed}\n${index}\n\n-- Down Migration\nDROP FUNCTION count_notes;\n`,
    },
    run: withNodePgMigrate,
  },
  {
    id: 'sql-migrate',
    files: {
      'migrations/20260101000000-first.sql': `-- +migrate Up\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- +migrate Down\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'migrations/20260102000000-more.sql': `-- +migrate Up\n${count}\n${seed}\n${renamed}\n${index}\n\n-- +migrate Down\n`,
    },
    run: withSqlMigrate,
    missing: noSqlMigrate,
  },
  {
    id: 'prisma',
    files: {
      'prisma/migrations/20260101000000_first/migration.sql': `${boards}\n${users}\n${notes}\n${policy}\n${open}\n`,
      'prisma/migrations/20260102000000_more/migration.sql': `${count}\n${seed}\n${renamed}\n${index}\n`,
      'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
    },
    run: withPrisma,
    missing: noPrisma,
  },
];

/** The tables of a server's database that a tool has migrated, and the rows of `users`. */
async function result(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public' and tablename in ('users', 'notes') order by 1",
    );
    const { rows } = await client.query('select email from users');
    const { rows: columns } = await client.query(
      "select 1 from pg_attribute where attrelid = 'notes'::regclass and attname = 'label'",
    );
    return { tables: tables.map(({ name }) => name), rows, columns: columns.length };
  } finally {
    await client.end();
  }
}

/** The tools that can be run here. */
const there = <T extends { missing?: string | undefined }>(all: readonly T[]): T[] =>
  all.filter(({ missing }) => missing === undefined);

/** An embedded database, as muses are rehearsed on, or one of the server, which is there sooner. */
async function openShadow(signal: AbortSignal): Promise<Database> {
  if (isWhole) return openEmbedded({ signal });
  const database = await openPostgres({ url: await platformDatabase(native, 'shadow'), signal });
  await database.script('set search_path to "$user", public, extensions');
  return database;
}

/** Plans the repairs of a kit, and writes them. */
async function repair(kit: string): Promise<FixPlan> {
  const layout = await recognizeLayout(kit);
  const signal = new AbortController().signal;
  const shadow = lazy(() => openShadow(signal));
  const museFile = { kit: { source: 'kit', commit: '', tool: '', layout: layout.id }, migrations: layout.folders };
  const read = await readMigrations(kit, layout.folders);
  const plan = await planFixes(kit, museFile, read, { signal, shadow, mayWiden: () => true }).finally(shadow.close);
  for (const change of plan.changes) await writeChange(kit, change);
  return plan;
}

// Of the files of each tool, the tests of repairs have cases of their own.
describe.each(sampleOf(there(tools), 3))('a kit for $id', { timeout: 120_000 }, ({ id, files, run: migrateWith }) => {
  it('runs with it before and after its repair', async () => {
    const kit = temporary();
    put(kit, files);
    const layout = await recognizeLayout(kit);
    expect(layout.id).toBe(id);
    const [core] = layout.folders.core;
    const before = await native.createDatabase(`${id.replaceAll('-', '_')}_before`);
    await migrateWith(join(kit, core!), before);

    const plan = await repair(kit);
    expect(plan.changes.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['rls-missing', 'fk-without-index', 'definer-without-search-path']),
    );
    // What would take a role of Supabase is left to a person, and no role of it misses a grant where none is there.
    const left = plan.findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
    expect(left).toEqual(['policy-always-true']);

    const after = await native.createDatabase(`${id.replaceAll('-', '_')}_after`);
    await migrateWith(join(kit, core!), after);
    expect(await result(after)).toEqual(await result(before));
  });
});

const concurrently = `CREATE INDEX CONCURRENTLY "notes_label" ON "notes" ("tag");`;
const up = `${boards}\n${users}\n${notes}\n${concurrently}\n`;
const down = `DROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`;
const more = `${seed}\n${renamed}\n`;

/** Kits whose first file mixes what PostgreSQL refuses in a transaction with what needs one. */
const mixed: readonly Tool[] = [
  {
    id: 'dbmate',
    files: {
      'db/migrations/20260101000000_first.sql': `-- migrate:up\n${up}\n-- migrate:down\n${down}`,
      'db/migrations/20260102000000_more.sql': `-- migrate:up\n${more}\n-- migrate:down\n`,
    },
    run: withDbmate,
  },
  {
    id: 'goose',
    files: {
      'db/migrations/00001_first.sql': `-- +goose Up\n${up}\n-- +goose Down\n${down}`,
      'db/migrations/00002_more.sql': `-- +goose Up\n${more}\n-- +goose Down\n`,
    },
    run: withGoose,
  },
  {
    id: 'sql-migrate',
    files: {
      'migrations/20260101000000-first.sql': `-- +migrate Up\n${up}\n-- +migrate Down\n${down}`,
      'migrations/20260102000000-more.sql': `-- +migrate Up\n${more}\n-- +migrate Down\n`,
    },
    run: withSqlMigrate,
    missing: noSqlMigrate,
  },
  {
    id: 'prisma',
    files: {
      'prisma/migrations/20260101000000_first/migration.sql': `${up}${more}`,
      'prisma/migrations/20260102000000_more/migration.sql': 'SELECT 1;\n',
      'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
    },
    run: withPrisma,
    missing: noPrisma,
  },
  {
    id: 'supabase',
    files: {
      'supabase/migrations/20260101000000_first.sql': `${up}${more}`,
      'supabase/migrations/20260102000000_more.sql': 'SELECT 1;\n',
    },
    run: withSupabase,
    missing: noSupabase,
    takesAll: true,
  },
  {
    id: 'up-down',
    files: {
      'db/migrations/000001_first.up.sql': up,
      'db/migrations/000001_first.down.sql': down,
      'db/migrations/000002_more.up.sql': more,
      'db/migrations/000002_more.down.sql': 'DELETE FROM users;\n',
    },
    run: whole,
  },
];

describe.each(sampleOf(there(mixed), 4))(
  'a kit for $id that mixes transactions',
  { timeout: 120_000 },
  ({ id, files, ...tool }) => {
    it('runs with it after its repair, and fails before unless the tool needs no transaction', async () => {
      const kit = temporary();
      put(kit, files);
      const layout = await recognizeLayout(kit);
      expect(layout.id).toBe(id);
      const folder = join(kit, layout.folders.core[0]!);
      const before = await native.createDatabase(`${id.replaceAll('-', '_')}_mixed`);
      if (tool.takesAll) await tool.run(folder, before);
      else await expect(tool.run(folder, before)).rejects.toThrow(/CONCURRENTLY cannot/);

      const plan = await repair(kit);
      expect(plan.changes.map(({ rule }) => rule)).toContain('transaction-mixed');
      expect(plan.findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule)).toEqual([]);

      const after = await native.createDatabase(`${id.replaceAll('-', '_')}_split`);
      await tool.run(folder, after);
      expect(await result(after)).toEqual({
        tables: ['notes', 'users'],
        rows: [{ email: 'ada@example.com' }],
        columns: 1,
      });
    });
  },
);
