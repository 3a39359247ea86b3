import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, DatabaseError } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import type { CoreFacts } from '../../src/scaffold/table.ts';
import type { MigrationFolders } from '../../src/shared/muse-file.ts';
import { startNative } from '../support/native.ts';
import { isWhole } from '../support/sample.ts';
import { platformDatabase } from '../support/platform-database.ts';

export const folders: MigrationFolders = {
  core: ['migrations/core'],
  extensions: ['migrations/extensions'],
  rollback: 'migrations/rollback',
  archive: 'migrations/archive',
  order: 'number',
};

/** Tables of every scope, with every kind of reference. */
export const everyKind = [
  'a: x text!, n numeric(6,2) = 1.5, tags text[], s text(one|two) = one, who -> user, post -> social_posts, p -> products, owner user',
  'b: a -> a!, parent -> b, org -> organizations, owner user, unique(a_id, parent_id), index(parent_id)',
  'c: x text, organization, flag boolean!',
  'd: x text, public',
  'e: x text, public, seller user, d -> d',
  'f: x text, service-only, c -> c',
  '"Order": select text, "user" integer, owner user',
  'mixed: c -> c!, owner user',
];

const kit = join(import.meta.dirname, '../../templates/musekit/migrations/core');

/** The built-in core, in order. */
export function builtInCore(): string[] {
  return readdirSync(kit)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(kit, name), 'utf8'));
}

/** A core of another kit: users only in auth.users, members by org_id, no helpers, keys of other types. */
export const foreignCore = [
  `create table public.organizations (id bigint primary key generated always as identity, name text);
   create table public.org_members (org_id bigint references public.organizations, user_id uuid references auth.users, status text not null default 'active', primary key (org_id, user_id));
   create table public.catalogue (code text primary key, title text);
   grant select on public.catalogue to authenticated;`,
];

/** A core that isolates by session variables; its app connects as a role of its own. */
export const sessionCore = [
  `create table public.organizations (id uuid primary key);
   create table public.users (id uuid primary key);
   create role app_user nologin;
   grant app_user to postgres;`,
];

export type Kind = 'embedded' | 'native';

/** Both where everything is tested; what is scaffolded runs on the embedded one in most tests of commands. */
export const sampleKinds: readonly Kind[] = isWhole ? ['embedded', 'native'] : ['native'];

/** A database with the core applied: embedded, or on a PostgreSQL server. */
export async function openCore(core: readonly string[], kind: Kind = 'embedded'): Promise<Database> {
  const database = kind === 'embedded' ? await openEmbedded() : await openNative();
  for (const sql of core) await database.script(sql);
  return database;
}

async function openNative(): Promise<Database> {
  const native = await startNative();
  const database = await openPostgres({ url: await platformDatabase(native, 'extension') });
  const close = async (): Promise<void> => {
    await database.close();
    await native.stop();
  };
  return { ...database, close };
}

/** The tables and functions according to the catalog. */
export async function coreFacts(database: Database): Promise<CoreFacts> {
  const tables: CoreFacts['tables'] = {};
  const columns = await database.query<{ table: string; column: string; type: string; key: boolean }>(`
    select n.nspname || '.' || c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
      exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and n.nspname in ('public', 'auth')`);
  for (const { table, column, type, key } of columns.rows) {
    const facts = (tables[table] ??= { columns: {}, primaryKey: [] });
    facts.columns[column] = type;
    if (key) facts.primaryKey.push(column);
  }
  const functions = await database.query<{ name: string }>(`
    select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private')`);
  return { tables, functions: functions.rows.map(({ name }) => name.replaceAll(/(\(|, )\w+ /g, '$1')) };
}

/** Everything in the schema that a migration can change, as text, without Supabase's own objects except Storage. */
export async function schemaOf(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ line: string }>(`
    select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') as line from pg_namespace where nspname !~ '^pg_'
    union all select 'relation ' || c.oid::regclass || ' ' || c.relkind::text || c.relrowsecurity::text || coalesce(c.relacl::text, '') || coalesce(c.reloptions::text, '') || coalesce(obj_description(c.oid, 'pg_class'), '')
      from pg_class c where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|extensions|graphql|realtime|auth|vault|supabase)' and c.relkind in ('r', 'v', 'i')
    union all select 'column ' || a.attrelid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || coalesce(col_description(a.attrelid, a.attnum), '')
      from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|extensions|graphql|realtime|auth|vault|supabase)' and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v')
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace::regnamespace::text !~ '^(pg_|information_schema|extensions|graphql|realtime|auth|vault|supabase)'
    union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|extensions|graphql|realtime|auth|vault|supabase)'
    union all select 'policy ' || schemaname || '.' || tablename || ' ' || policyname || cmd || roles::text || coalesce(qual, '') || coalesce(with_check, '') from pg_policies
    union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function ' || oid::regprocedure || coalesce(proacl::text, '') || prosrc from pg_proc where pronamespace::regnamespace::text !~ '^(pg_|information_schema|extensions|graphql|realtime|auth|vault|supabase)'
    order by 1`);
  return rows.map(({ line }) => line);
}

/** Runs statements as a user and rolls them back. Returns the last one's rows, or the error's SQLSTATE. */
export async function asUser(
  database: Database,
  user: string | null,
  ...statements: string[]
): Promise<{ rows: Record<string, unknown>[]; affected: number } | string> {
  const claims = user === null ? {} : { sub: user, role: 'authenticated' };
  return asRole(
    database,
    user === null ? 'anon' : 'authenticated',
    { 'request.jwt.claims': JSON.stringify(claims) },
    ...statements,
  );
}

/** The same as a role, with settings that are local to the transaction. */
export async function asRole(
  database: Database,
  role: string,
  settings: Record<string, string>,
  ...statements: string[]
): Promise<{ rows: Record<string, unknown>[]; affected: number } | string> {
  let last: { rows: Record<string, unknown>[]; affected: number } = { rows: [], affected: 0 };
  const done = new Error('done');
  try {
    await database.transaction(async (session) => {
      for (const [name, value] of Object.entries(settings))
        await session.query('select set_config($1, $2, true)', [name, value]);
      await session.query(`set local role ${role}`);
      for (const statement of statements) last = await session.query<Record<string, unknown>>(statement);
      throw done;
    });
  } catch (error) {
    if (error === done) return last;
    if (error instanceof DatabaseError) return error.code;
    throw error;
  }
  return last;
}
