/** Tells folders of SQL for another database from those for PostgreSQL. */
import { posix } from 'node:path';
import type { SqlTree } from './sql-tree.ts';

/** What a folder's SQL is for, where it is not PostgreSQL. */
export interface Foreign {
  /** For people, after "they are": `for SQLite`, `templates that another tool fills in`. */
  what: string;
  /**
   * None of it can run: the tool's own file says so, nearly all files show it, or what shows it is in no other dialect.
   * Where a few files of T-SQL or MySQL are mixed with others, each is a finding of its own.
   */
  certain: boolean;
}

const names: Readonly<Record<string, string>> = {
  sqlite: 'SQLite',
  sqlite3: 'SQLite',
  turso: 'SQLite',
  mysql: 'MySQL',
  mariadb: 'MySQL',
  singlestore: 'SingleStore',
  sqlserver: 'SQL Server',
  mssql: 'SQL Server',
  cockroachdb: 'CockroachDB',
  cockroach: 'CockroachDB',
  oracle: 'Oracle',
  snowflake: 'Snowflake',
  clickhouse: 'ClickHouse',
  firebird: 'Firebird',
  vertica: 'Vertica',
  exasol: 'Exasol',
  h2: 'H2',
  hsqldb: 'HSQLDB',
  derby: 'Derby',
  db2: 'Db2',
  duckdb: 'DuckDB',
  spanner: 'Spanner',
  bigquery: 'BigQuery',
  redshift: 'Redshift',
  libsql: 'SQLite',
  d1: 'SQLite',
};

const postgres = new Set(['pg', 'pgsql', 'postgres', 'postgresql', 'psql']);

/** The database that a folder is called after, e.g. `PostgreSQL` for `db/migrations-pg`; undefined where no word of its path is one. */
export function databaseNamed(folder: string): string | undefined {
  // `MySqlMigrations` is called after MySQL, and `SqliteMigrations` after SQLite.
  const words = folder.split(/[^A-Za-z0-9]+/).flatMap((name) => {
    const parts = name.split(/(?<=[a-z0-9])(?=[A-Z])/).map((part) => part.toLowerCase());
    return [name.toLowerCase(), ...parts, ...parts.slice(1).map((part, index) => `${parts[index]!}${part}`)];
  });
  const word = words.findLast((each) => postgres.has(each) || Object.hasOwn(names, each));
  return word === undefined ? undefined : postgres.has(word) ? 'PostgreSQL' : names[word];
}

/** At most this many files of a folder are parsed. */
const sampled = 20;

/**
 * What the SQL of a folder is for, if that is not PostgreSQL: by Drizzle's journal, by Prisma's lock, by the configuration of
 * its tool, or by the statements that PostgreSQL cannot parse.
 * @param files paths in the kit
 * @param configured the dialect that the configuration names
 */
export async function foreignOf(
  tree: SqlTree,
  folder: string,
  files: readonly string[],
  configured?: string,
): Promise<Foreign | undefined> {
  const stated = (await statedDialect(tree, folder)) ?? configured;
  if (stated !== undefined)
    return Object.hasOwn(names, stated) ? { what: `for ${names[stated]!}`, certain: true } : undefined;
  const [{ loadParser }, { parseInTurns }, { dialectOfFile }] = await Promise.all([
    import('../sql/parser.ts'),
    import('../sql/split.ts'),
    import('../rules/engine/dialects.ts'),
  ]);
  await loadParser();
  const sample = files.slice(0, sampled);
  const seen = new Map<string, number>();
  for (const file of sample) {
    const found = dialectOfFile((await parseInTurns(await tree.text(file))).statements);
    if (found !== undefined) seen.set(found, (seen.get(found) ?? 0) + 1);
  }
  const count = [...seen.values()].reduce((sum, each) => sum + each, 0);
  if (count * 2 <= sample.length) return undefined;
  const [most] = [...seen].sort((a, b) => b[1] - a[1])[0]!;
  if (most === 'template') return { what: 'templates that another tool fills in', certain: true };
  const nearlyAll = count >= 3 && count * 5 >= sample.length * 4;
  return { what: `for ${most}`, certain: most === 'SQLite' || most === 'ClickHouse' || nearlyAll };
}

/** Where the tool of a folder names its dialect: the file from there, and the text that has the name. */
const statements: readonly (readonly [file: string, name: RegExp])[] = [
  ['meta/_journal.json', /"dialect"\s*:\s*"(\w+)"/],
  ['migration_lock.toml', /^\s*provider\s*=\s*"(\w+)"/m],
  ['../sqitch.conf', /^\s*engine\s*=\s*(\w+)/m],
];

/** The dialect that the tool's own file names, in lower case. */
async function statedDialect(tree: SqlTree, folder: string): Promise<string | undefined> {
  for (const [file, name] of statements) {
    const path = posix.join(folder, file);
    if (tree.files.includes(path)) return name.exec(await tree.text(path))?.[1]?.toLowerCase();
  }
  const above = posix.dirname(folder);
  for (const name of tree.right(above).filter((one) => one.endsWith('.prisma'))) {
    const source = /^\s*datasource\s+\w+\s*\{([^}]*)\}/m.exec(await tree.text(posix.join(above, name)))?.[1];
    const provider = /^\s*provider\s*=\s*"(\w+)"/m.exec(source ?? '')?.[1];
    if (provider !== undefined) return provider.toLowerCase();
  }
  return (await isOfWorkers(tree, folder)) ? 'd1' : undefined;
}

/** Whether a configuration of Cloudflare Workers says that a folder has the migrations of a D1 database. */
async function isOfWorkers(tree: SqlTree, folder: string): Promise<boolean> {
  for (const path of tree.files.filter((each) => /(?:^|\/)wrangler\.(?:toml|jsonc?)$/.test(each))) {
    const text = await tree.text(path);
    if (!/\bd1_databases\b/.test(text)) continue;
    const named = [...text.matchAll(/\bmigrations_dir\b["'\s]*[=:]\s*["']([^"']+)["']/g)].map(([, name]) => name!);
    const places = named.length === 0 ? ['migrations'] : named;
    if (places.some((name) => posix.join(posix.dirname(path), name).replace(/\/$/, '') === folder)) return true;
  }
  return false;
}
