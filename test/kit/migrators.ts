/**
 * The tools that kits are made for, run on a plain server. Drizzle's migrator and node-pg-migrate are dependencies of the tests;
 * dbmate and Prisma's schema engine come from npm, sql-migrate from Debian, where they can be had. What the others send is sent here.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { once } from '../../src/shared/lazy.ts';
import { runCli, supabaseCli } from '../support/supabase-cli.ts';
import { npmTools } from '../support/npm-tools.ts';
import { temporary } from './repository.ts';

const run = promisify(execFile);

/** Runs the migrations of a folder on the database with a URL. */
export type Migrate = (folder: string, url: string) => Promise<unknown>;

export const withDrizzle: Migrate = async (folder, url) => {
  const pool = new pg.Pool({ connectionString: url });
  await migrate(drizzle(pool), { migrationsFolder: folder }).finally(() => pool.end());
};

export const withNodePgMigrate: Migrate = (folder, databaseUrl) =>
  runner({ databaseUrl, dir: folder, direction: 'up', migrationsTable: 'pgmigrations', log: () => undefined });

const dbmate = await npmTools(
  'dbmate-2.36.0',
  ['dbmate@2.36.0'],
  `@dbmate/${process.platform}-${process.arch}/bin/dbmate${process.platform === 'win32' ? '.exe' : ''}`,
);

export const withDbmate: Migrate = (folder, url) =>
  'modules' in dbmate
    ? run(process.execPath, [
        join(dbmate.modules, 'dbmate/dist/cli.js'),
        '--url',
        `${url}?sslmode=disable`,
        '--migrations-dir',
        folder,
        '--no-dump-schema',
        'up',
      ])
    : send(folder, url, dbmateStatements);

export const withGoose: Migrate = (folder, url) => send(folder, url, gooseStatements);

/** golang-migrate and Flyway's like send a file as it is; PostgreSQL runs several statements in one transaction then. */
export const whole: Migrate = (folder, url) => send(folder, url, (file) => ({ sent: [file], protocol: 'simple' }));

/** The path of Debian's sql-migrate. */
const sqlMigrate = '/usr/bin/sql-migrate';

/** Why sql-migrate cannot be run. */
export const noSqlMigrate = existsSync(sqlMigrate) ? undefined : 'Debian has it as the package sql-migrate';

export const withSqlMigrate: Migrate = async (folder, url) => {
  const config = join(temporary('sql-migrate'), 'dbconfig.yml');
  await writeFile(
    config,
    `development:\n  dialect: postgres\n  datasource: ${url}?sslmode=disable\n  dir: ${folder}\n  table: migrations\n`,
  );
  // It says what went wrong on the standard output.
  return run(sqlMigrate, ['up', `-config=${config}`]).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
};

const supabase = await supabaseCli();

/** Why the Supabase CLI cannot be run. */
export const noSupabase = 'reason' in supabase ? supabase.reason : undefined;

export const withSupabase: Migrate = (folder, url) => {
  if ('reason' in supabase) throw new Error(supabase.reason);
  const words = ['db', 'push', '--yes', '--db-url', `${url}?sslmode=disable`];
  return runCli(supabase.script, words, { cwd: dirname(dirname(folder)), env: {} });
};

const schemaEngine = '8.1.0-2.59be4fda12412a79eeb9c2ae727b6aa723593323';
const prisma = await npmTools(
  `prisma-${schemaEngine}`,
  [`@prisma/schema-engine-wasm@${schemaEngine}`, '@prisma/adapter-pg@7.10.1'],
  '@prisma/schema-engine-wasm/schema_engine_bg.wasm',
);

/** Why Prisma's schema engine cannot be run. */
export const noPrisma = 'reason' in prisma ? prisma.reason : undefined;

// What Node has, and the types of Node 20 do not.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

interface SchemaEngine {
  applyMigrations(input: object): Promise<unknown>;
}

interface Adapter {
  executeScript(script: string): Promise<void>;
  /** Throws an error of the driver as the engine knows it. */
  onError(error: unknown): never;
  underlyingDriver(): pg.Pool;
}

interface AdapterFactory {
  connect(): Promise<Adapter>;
}

/** Prisma's schema engine: the WebAssembly build, since its program is on no registry. It can be started once in a process. */
const engine = once(async () => {
  if ('reason' in prisma) throw new Error(prisma.reason);
  const place = join(prisma.modules, '@prisma/schema-engine-wasm');
  const glue = (await import(pathToFileURL(join(place, 'schema_engine_bg.js')).href)) as {
    __wbg_set_wasm(exports: object): void;
    SchemaEngine: { new: (options: object, log: () => void, factory: object) => Promise<SchemaEngine> };
  };
  const bytes = await readFile(join(place, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const require = createRequire(join(place, 'package.json'));
  const { PrismaPg } = require(join(prisma.modules, '@prisma/adapter-pg')) as {
    PrismaPg: new (options: object) => AdapterFactory;
  };
  const { bindMigrationAwareSqlAdapterFactory: bind } = require(
    join(prisma.modules, '@prisma/driver-adapter-utils'),
  ) as {
    bindMigrationAwareSqlAdapterFactory(factory: AdapterFactory): object;
  };
  return { open: glue.SchemaEngine.new, PrismaPg, bind };
});

/**
 * What `prisma migrate deploy` does: the engine reads the folders and its history, and runs what is new. As a program it sends a
 * script whole. The driver adapter for JavaScript splits it at semicolons, those in functions among them, and does not here.
 */
export const withPrisma: Migrate = async (folder, url) => {
  const { open, PrismaPg, bind } = await engine();
  const factory = new PrismaPg({ connectionString: url });
  const connect = factory.connect.bind(factory);
  let pool: pg.Pool | undefined;
  factory.connect = async () => {
    const adapter = await connect();
    pool = adapter.underlyingDriver();
    adapter.executeScript = async (script) => {
      await pool?.query(script).catch((error: unknown) => adapter.onError(error));
    };
    return adapter;
  };
  const folders = (await readdir(folder, { withFileTypes: true })).filter((each) => each.isDirectory());
  const migrationDirectories = await Promise.all(
    folders
      .map(({ name }) => name)
      .sort()
      .map(async (path) => {
        const value = await readFile(join(folder, path, 'migration.sql'), 'utf8');
        return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value } } };
      }),
  );
  const lockfile = { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' };
  try {
    const opened = await open({ datamodels: undefined }, () => undefined, bind(factory));
    await opened.applyMigrations({
      migrationsList: { baseDir: folder, lockfile, shadowDbInitScript: '', migrationDirectories },
      filters: { externalTables: [], externalEnums: [] },
    });
  } finally {
    await pool?.end();
  }
};

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
      if (name.endsWith('.down.sql')) continue;
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

const inTransaction = (isOne: boolean, sent: readonly string[]): string[] =>
  isOne ? ['begin', ...sent, 'commit'] : [...sent];

/**
 * What dbmate sends of a file, as its documentation says: the whole section at once, in a transaction unless the line says
 * otherwise. It is a program in Go, of which npm has some platforms.
 */
function dbmateStatements(file: string): { sent: string[]; protocol: 'simple' } {
  const section = file.slice(file.indexOf('-- migrate:up'), file.indexOf('-- migrate:down'));
  return { sent: inTransaction(!section.startsWith('-- migrate:up transaction:false'), [section]), protocol: 'simple' };
}

/**
 * What goose sends of a file, as its documentation says: each text up to a line that ends in a semicolon, or between the lines that
 * hold a statement together, in a transaction unless the file says otherwise. It is a program in Go, which neither npm nor Debian
 * has.
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
  return { sent: inTransaction(!/^-- \+goose NO TRANSACTION/m.test(file), sent), protocol: 'extended' };
}
