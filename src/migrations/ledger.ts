/**
 * The ledger: which migrations a database has had. Schema `muse` in that database, closed to the Data API's roles.
 */
import { DatabaseError, type Session } from '../database/database.ts';
import { quoteLiteral } from '../database/quote.ts';
import { MuseError } from '../error.ts';
import { packageVersion } from '../version.ts';
import type { Layer, Migration } from './migration.ts';

/** The version of the ledger's own tables. A change to them raises it, and `createLedger` learns the way up. */
const ledgerVersion = 1;

/** One row: a file that was applied, or (`started`) one that runs outside a transaction and has not been finished. */
export interface LedgerRow {
  layer: Layer;
  file: string;
  checksum: string;
  state: 'started' | 'applied';
  /** ISO time. */
  applied_at: string;
  /** How long the file took; null while it is `started`. */
  ms: number | null;
}

/**
 * The rows of the ledger, or undefined where the database has none. One round trip.
 * @throws MuseError `ledger-newer` where a newer version of this tool has written it
 */
export async function readLedger(session: Session): Promise<LedgerRow[] | undefined> {
  try {
    // Rows as JSON: a newer ledger with other columns is still read as far as its version.
    const { rows } = await session.query<{ ledger: { version: number; tool: string } | null; rows: LedgerRow[] }>(
      `select (select to_jsonb(l) from muse.ledger l) as ledger,
              (select coalesce(jsonb_agg(to_jsonb(m)), '[]') from muse.migrations m) as rows`,
    );
    const { ledger, rows: found } = rows[0]!;
    if (ledger !== null && ledger.version > ledgerVersion) throw newer(ledger.version, ledger.tool);
    return found;
  } catch (error) {
    if (error instanceof DatabaseError && (error.code === '42P01' || error.code === '3F000')) return undefined;
    throw error;
  }
}

function newer(version: number, tool: string): MuseError {
  return new MuseError({
    code: 'ledger-newer',
    message: `The database's ledger has format ${version}, and create-muse ${packageVersion()} knows formats up to ${ledgerVersion}; nothing was changed.`,
    suggestion: `Use create-muse ${tool} or newer: npx create-muse@${tool}, or npm install --save-dev create-muse@${tool}.`,
  });
}

/** The script that makes the ledger where there is none; run again, it changes nothing. */
export function createLedger(): string {
  return `
create schema if not exists muse;
revoke all on schema muse from public;
create table if not exists muse.ledger (
  one boolean primary key default true check (one),
  version integer not null,
  tool text not null
);
create table if not exists muse.migrations (
  layer text not null check (layer in ('core', 'extension')),
  file text not null,
  checksum text not null check (checksum ~ '^[0-9a-f]{64}$'),
  state text not null default 'applied' check (state in ('started', 'applied')),
  applied_at timestamptz not null default now(),
  ms integer,
  applied_by text not null default session_user,
  tool text not null,
  primary key (layer, file)
);
alter table muse.ledger enable row level security;
alter table muse.migrations enable row level security;
do $ledger$
declare api text;
begin
  for api in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute pg_catalog.format('revoke all on schema muse from %I', api);
    execute pg_catalog.format('revoke all on all tables in schema muse from %I', api);
  end loop;
end
$ledger$;
insert into muse.ledger (version, tool) values (${ledgerVersion}, ${quoteLiteral(packageVersion())}) on conflict do nothing;`;
}

/**
 * Enters a file into the ledger. Its key is what keeps two runs from applying one file, whether they take the run lock
 * or not: the second insert waits for the first run's transaction, then fails with 23505, and takes its file back.
 */
export function insertRow(migration: Migration, state: LedgerRow['state'], tool: string): string {
  const values = [migration.layer, migration.file, migration.checksum, state, tool].map(quoteLiteral).join(', ');
  const ms = state === 'applied' ? 'pg_catalog.round(1000 * extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.now()))' : 'null';
  return `insert into muse.migrations (layer, file, checksum, state, tool, ms) values (${values}, ${ms})`;
}

/** Sets columns of one file's row; `set` is SQL. */
export function updateRow(row: { layer: Layer; file: string }, set: string): string {
  return `update muse.migrations set ${set} where ${isRow(row)}`;
}

export function deleteRow(row: { layer: Layer; file: string }): string {
  return `delete from muse.migrations where ${isRow(row)}`;
}

function isRow(row: { layer: Layer; file: string }): string {
  return `layer = ${quoteLiteral(row.layer)} and file = ${quoteLiteral(row.file)}`;
}
