import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { CoreFacts } from '../../src/extension/table.ts';
import type { MigrationFolders } from '../../src/muse-file.ts';

export const folders: MigrationFolders = {
  core: ['migrations/core'],
  extensions: ['migrations/extensions'],
  rollback: 'migrations/rollback',
  archive: 'migrations/archive',
  order: 'number',
};

/** What of Supabase the scaffolded SQL leans on. */
const baseline = `
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create table auth.users (id uuid primary key default gen_random_uuid(), email text, raw_user_meta_data jsonb default '{}');
create function auth.uid() returns uuid language sql stable as
  $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create schema storage;
grant usage on schema storage to anon, authenticated, service_role;
create table storage.objects (id uuid primary key default gen_random_uuid(), bucket_id text, name text);
alter table storage.objects enable row level security;
grant all on storage.objects to anon, authenticated, service_role;
create function storage.foldername(name text) returns text[] language sql immutable as
  $$ select (string_to_array(name, '/'))[1:array_length(string_to_array(name, '/'), 1) - 1] $$;
create schema vault;
create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text);
create schema extensions;
create function extensions.digest(text, text) returns bytea language sql immutable as $$ select sha256($1::bytea) $$;
create function extensions.gen_random_bytes(integer) returns bytea language sql as $$ select decode(replace(gen_random_uuid()::text, '-', ''), 'hex') $$;
`;

const kit = join(import.meta.dirname, '../../templates/musekit/migrations/core');

/** The built-in core, in order. */
export function builtInCore(): string[] {
  return readdirSync(kit).filter((name) => name.endsWith('.sql')).sort().map((name) => readFileSync(join(kit, name), 'utf8'));
}

/** A core of another kit: people nowhere but in auth.users, members by org_id, no helpers, keys of other types. */
export const foreignCore = [
  `create table public.organizations (id bigint primary key generated always as identity, name text);
   create table public.org_members (org_id bigint references public.organizations, user_id uuid references auth.users, status text not null default 'active', primary key (org_id, user_id));
   create table public.catalogue (code text primary key, title text);
   grant select on public.catalogue to authenticated;`,
];

/** An embedded database with the core in it. */
export async function openCore(core: readonly string[]): Promise<PGlite> {
  const database = await PGlite.create();
  await database.exec(baseline);
  for (const sql of core) await database.exec(sql);
  return database;
}

/** What the catalog says of the tables and functions there are. */
export async function coreFacts(database: PGlite): Promise<CoreFacts> {
  const tables: CoreFacts['tables'] = {};
  const columns = await database.query<{ table: string; column: string; type: string; key: boolean }>(`
    select n.nspname || '.' || c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
      exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and n.nspname in ('public', 'auth')`);
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

/** Everything of the schema that a migration can change, as text. */
export async function schemaOf(database: PGlite): Promise<string[]> {
  const { rows } = await database.query<{ line: string }>(`
    select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') as line from pg_namespace where nspname !~ '^pg_'
    union all select 'relation ' || c.oid::regclass || ' ' || c.relkind::text || c.relrowsecurity::text || coalesce(c.relacl::text, '') || coalesce(c.reloptions::text, '') || coalesce(obj_description(c.oid, 'pg_class'), '')
      from pg_class c where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' and c.relkind in ('r', 'v', 'i')
    union all select 'column ' || a.attrelid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || coalesce(col_description(a.attrelid, a.attnum), '')
      from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v')
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace::regnamespace::text !~ '^(pg_|information_schema)'
    union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace::regnamespace::text !~ '^pg_'
    union all select 'policy ' || schemaname || '.' || tablename || ' ' || policyname || cmd || roles::text || coalesce(qual, '') || coalesce(with_check, '') from pg_policies
    union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function ' || oid::regprocedure || coalesce(proacl::text, '') || prosrc from pg_proc where pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    order by 1`);
  return rows.map(({ line }) => line);
}

/** Runs statements as a user, then takes everything back; gives the last one's rows, or the error's SQLSTATE. */
export async function asUser(database: PGlite, user: string | null, ...statements: string[]): Promise<{ rows: Record<string, unknown>[]; affected: number } | string> {
  const claims = user === null ? {} : { sub: user, role: 'authenticated' };
  let last: { rows: Record<string, unknown>[]; affected: number } = { rows: [], affected: 0 };
  try {
    await database.transaction(async (transaction) => {
      await transaction.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify(claims)]);
      await transaction.exec(`set local role ${user === null ? 'anon' : 'authenticated'}`);
      for (const statement of statements) {
        const result = await transaction.query<Record<string, unknown>>(statement);
        last = { rows: result.rows, affected: result.affectedRows ?? 0 };
      }
      await transaction.rollback();
    });
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return last;
}
