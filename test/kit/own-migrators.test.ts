/**
 * After `--fix` a kit still runs with its own tool: real migrators run kits on plain servers before and after their repair. dbmate is
 * the one that the benchmarks install (`npm run bench kits`); without it, what it sends is sent here.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { recognizeLayout } from '../../src/kit/recognize.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { planFixes } from '../../src/muse/repair/repair.ts';
import { writeChange } from '../../src/muse/repair/write.ts';
import { lazy } from '../../src/shared/lazy.ts';
import { type Native, startNative } from '../support/native.ts';
import { lastingDirectory } from '../support/run-directory.ts';
import { type Files, put, temporary } from './repository.ts';

const run = promisify(execFile);
const dbmate = join(
  process.env['CREATE_MUSE_BENCH_CACHE'] ?? lastingDirectory(),
  'create-muse-bench-peers/node_modules/dbmate/dist/cli.js',
);

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
  /** Runs the migrations of a folder. */
  run(folder: string, url: string): Promise<unknown>;
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
    async run(folder, url) {
      const pool = new pg.Pool({ connectionString: url });
      await migrate(drizzle(pool), { migrationsFolder: folder }).finally(() => pool.end());
    },
  },
  {
    id: 'dbmate',
    files: {
      'db/migrations/20260101000000_first.sql': `-- migrate:up\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- migrate:down\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'db/migrations/20260102000000_more.sql': `-- migrate:up\n${count}\n${seed}\n${renamed}\n${index}\n\n-- migrate:down\n`,
    },
    run: (folder, url) =>
      existsSync(dbmate)
        ? run(process.execPath, [
            dbmate,
            '--url',
            `${url}?sslmode=disable`,
            '--migrations-dir',
            folder,
            '--no-dump-schema',
            'up',
          ])
        : send(folder, url, dbmateStatements),
  },
  {
    id: 'goose',
    files: {
      'db/migrations/00001_first.sql': `-- +goose Up\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- +goose Down\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'db/migrations/00002_more.sql': `-- +goose Up\n${count}\n${seed}\n${renamed}\n${index}\n\n-- +goose Down\n`,
    },
    run: (folder, url) => send(folder, url, gooseStatements),
  },
  {
    id: 'node-pg-migrate',
    files: {
      'migrations/1767225600000_first.sql': `-- Up Migration\n${boards}\n${users}\n${notes}\n${policy}\n${open}\n\n-- Down Migration\nDROP TABLE notes;\nDROP TABLE users;\nDROP TYPE kind;\n`,
      'migrations/1767225600001_more.sql': `-- Up Migration\n${count}\n${seed}\n${renamed}\n${index}\n\n-- Down Migration\nDROP FUNCTION count_notes;\n`,
    },
    run: (folder, databaseUrl) =>
      runner({
        databaseUrl,
        dir: folder,
        direction: 'up',
        migrationsTable: 'pgmigrations',
        log: () => undefined,
      }),
  },
];

/** Runs what a tool sends of each file, in the order of their names. The extended protocol takes one statement. */
async function send(
  folder: string,
  url: string,
  statementsOf: (file: string) => { sent: readonly string[]; protocol: 'simple' | 'extended' },
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const name of (await readdir(folder)).sort()) {
      const { sent, protocol } = statementsOf(await readFile(join(folder, name), 'utf8'));
      for (const text of sent)
        await client.query(
          protocol === 'simple' ? text : ({ text, values: [], queryMode: 'extended' } as pg.QueryConfig),
        );
    }
  } finally {
    await client.end();
  }
}

/** What dbmate sends of a file, as its documentation says: the whole section at once, in a transaction. It is a program in Go as well. */
function dbmateStatements(file: string): { sent: string[]; protocol: 'simple' } {
  return {
    sent: ['begin', file.slice(file.indexOf('-- migrate:up'), file.indexOf('-- migrate:down')), 'commit'],
    protocol: 'simple',
  };
}

/**
 * What goose sends of a file, as its documentation says: each text up to a line that ends in a semicolon, or between the lines that
 * hold a statement together. It is a program in Go, which neither npm nor Debian has.
 */
function gooseStatements(file: string): { sent: string[]; protocol: 'extended' } {
  const up = file.slice(file.indexOf('-- +goose Up'), file.indexOf('-- +goose Down'));
  const sent: string[] = [];
  let [current, isHeld] = ['', false];
  for (const line of up.split('\n')) {
    if (/^-- \+goose Statement(?:Begin|End)/.test(line)) isHeld = line.includes('Begin');
    else if (!line.startsWith('--')) current += `${line}\n`;
    if (
      (line.trimEnd().endsWith(';') || line.startsWith('-- +goose StatementEnd')) &&
      !isHeld &&
      current.trim() !== ''
    ) {
      sent.push(current);
      current = '';
    }
  }
  return { sent, protocol: 'extended' };
}

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

describe.each(tools)('a kit for $id', { timeout: 120_000 }, ({ id, files, run: migrateWith }) => {
  it('runs with it before and after its repair', async () => {
    const kit = temporary();
    put(kit, files);
    const layout = await recognizeLayout(kit);
    expect(layout.id).toBe(id);
    const [core] = layout.folders.core;
    const before = await native.createDatabase(`${id.replaceAll('-', '_')}_before`);
    await migrateWith(join(kit, core!), before);

    const signal = new AbortController().signal;
    const shadow = lazy(() => openEmbedded({ signal }));
    const museFile = { kit: { source: 'kit', commit: '', tool: '', layout: id }, migrations: layout.folders };
    const read = await readMigrations(kit, layout.folders);
    const plan = await planFixes(kit, museFile, read, { signal, shadow, mayWiden: () => true }).finally(shadow.close);
    expect(plan.changes.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['rls-missing', 'fk-without-index', 'definer-without-search-path']),
    );
    // What would take a role of Supabase is left to a person.
    const left = plan.findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
    expect(left).toEqual(['grant-missing', 'policy-always-true']);
    for (const change of plan.changes) await writeChange(kit, change);

    const after = await native.createDatabase(`${id.replaceAll('-', '_')}_after`);
    await migrateWith(join(kit, core!), after);
    expect(await result(after)).toEqual(await result(before));
  });
});
