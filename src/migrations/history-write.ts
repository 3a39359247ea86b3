/** The statements that create and change the migration history; apart from `history.ts`, because most runs only read it. */
import { quoteLiteral } from '../shared/quote.ts';
import { packageVersion } from '../shared/version.ts';
import { type HistoryRow, historyVersion } from './history.ts';
import type { Layer, Migration } from '../sql/migration.ts';

/** The script that creates the migration history if there is none; run again, it changes nothing. */
export function createHistory(): string {
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
do $history$
declare api text;
begin
  for api in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute pg_catalog.format('revoke all on schema muse from %I', api);
    execute pg_catalog.format('revoke all on all tables in schema muse from %I', api);
  end loop;
end
$history$;
insert into muse.ledger (version, tool) values (${historyVersion}, ${quoteLiteral(packageVersion())}) on conflict do nothing;`;
}

/**
 * Adds a file to the migration history. The primary key keeps two runs from applying the same file, with or without the run
 * lock: the second insert waits for the first run's transaction, then fails with 23505, which rolls its file back.
 */
export function insertRow(migration: Migration, state: HistoryRow['state'], tool: string): string {
  const values = [migration.layer, migration.file, migration.checksum, state, tool].map(quoteLiteral).join(', ');
  const ms =
    state === 'applied'
      ? 'pg_catalog.round(1000 * extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.now()))'
      : 'null';
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
