import type { SupabaseClient } from '@supabase/supabase-js';
import type { Finding } from '../shared/finding.ts';
import type { Clock } from './clock.ts';
import type { Proof } from './prove-anonymous.ts';
import { asServiceError, persistently } from './service-error.ts';

/** The table that has one row for each user. */
export interface ProfileTable {
  schema: string;
  name: string;
  /** The column with the user's id: `id` or `user_id`. */
  userColumn: string;
}

/** Columns that a trigger or the database keeps: writing them proves nothing. */
const kept = new Set(['created_at', 'updated_at']);

/** The signed-in user reads its own row, and only that, and writes it: some column is set to the value that it has. */
export async function proveProfile(user: SupabaseClient, userId: string, table: ProfileTable, clock: Clock): Promise<Proof> {
  const object = `${table.schema}.${table.name}`;
  const from = () => user.schema(table.schema).from(table.name);
  const { data, error } = await persistently(clock, () => from().select('*').eq(table.userColumn, userId));
  const row = (data as Record<string, unknown>[] | null)?.[0];
  if (!row) {
    const reason = error ? asServiceError(error).message : 'there is no row';
    return { findings: [lockedOut(object, `read its own row: ${reason}`, table)], checks: 1, notes: [] };
  }
  let reason = 'no column of it may be updated';
  for (const [column, value] of Object.entries(row)) {
    if (kept.has(column) || column === table.userColumn) continue;
    const update = await persistently(clock, () => from().update({ [column]: value }).eq(table.userColumn, userId).select(table.userColumn));
    if (!update.error && update.data.length === 1) return { findings: [], checks: 2, notes: [] };
    if (update.error) reason = asServiceError(update.error).message;
  }
  return { findings: [lockedOut(object, `change its own row: ${reason}`, table)], checks: 2, notes: [] };
}

function lockedOut(object: string, what: string, table: ProfileTable): Finding {
  return {
    rule: 'owner-locked-out',
    severity: 'error',
    object,
    message: `A user who is signed in cannot ${what}.`,
    suggestion: `grant select, update on ${object} to authenticated; create policy "own row" on ${object} for all to authenticated using ((select auth.uid()) = ${table.userColumn}) with check ((select auth.uid()) = ${table.userColumn});`,
  };
}
