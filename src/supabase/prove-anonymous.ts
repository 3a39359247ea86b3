import type { SupabaseClient } from '@supabase/supabase-js';
import type { Finding } from '../shared/finding.ts';
import type { Clock } from './clock.ts';
import { asServiceError, persistently } from './service-error.ts';

export interface Proof {
  findings: Finding[];
  /** How many things were tried. */
  checks: number;
  /** For people: what the proof made and could not take out again. */
  notes: string[];
}

export interface ProvedTable {
  schema: string;
  name: string;
  /** Declared `public-read` in the files. */
  publicRead: boolean;
}

/**
 * As nobody, every table that is not declared public refuses to be read, and every table refuses to be written. A row
 * that could be written is taken out again.
 */
export async function proveAnonymous(
  nobody: SupabaseClient,
  service: SupabaseClient,
  tables: readonly ProvedTable[],
  clock: Clock,
): Promise<Proof> {
  const findings: Finding[] = [];
  let checks = 0;
  // New tables get into the API's schema cache together: once one is there, or has not come, none is waited for.
  let waits = true;
  for (const table of tables) {
    const object = `${table.schema}.${table.name}`;
    if (!table.publicRead) {
      checks += 1;
      const { data, error } = await persistently(clock, () => nobody.schema(table.schema).from(table.name).select('*').limit(1), waits);
      waits = false;
      if (!error && data.length > 0) findings.push(canRead(object));
      else if (error && !isRefusal(error)) findings.push(failed(object, asServiceError(error).message));
    }
    checks += 1;
    if (await canWrite(nobody, service, table, clock)) findings.push(canChange(object));
  }
  return { findings, checks, notes: [] };
}

/**
 * An insert of no rows is refused where there is no grant; else an empty row is tried. PostgreSQL looks at policies before
 * it looks at NOT NULL and other constraints, so their error means that the policies let the row through.
 */
async function canWrite(nobody: SupabaseClient, service: SupabaseClient, table: ProvedTable, clock: Clock): Promise<boolean> {
  const none = await persistently(clock, () => nobody.schema(table.schema).from(table.name).insert([]), false);
  if (none.error && isRefusal(none.error)) return false;
  const before = await keysOf(service, table);
  const { error } = await nobody.schema(table.schema).from(table.name).insert({});
  if (error) return asServiceError(error).code?.startsWith('23') ?? false;
  await removeNew(service, table, before);
  return true;
}

/** The rows that are there, as far as one page of them goes, each as JSON. */
async function keysOf(service: SupabaseClient, table: ProvedTable): Promise<Set<string>> {
  const { data } = await service.schema(table.schema).from(table.name).select('*');
  return new Set((data ?? []).map((row) => JSON.stringify(row)));
}

/** Takes out the one row that the try left: the one that was not there before, found by all its values that compare. */
async function removeNew(service: SupabaseClient, table: ProvedTable, before: ReadonlySet<string>): Promise<void> {
  const { data } = await service.schema(table.schema).from(table.name).select('*');
  const fresh = (data ?? []).filter((row) => !before.has(JSON.stringify(row)));
  if (fresh.length !== 1) return;
  const values = Object.entries(fresh[0] as Record<string, unknown>).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  if (values.length > 0) await service.schema(table.schema).from(table.name).delete().match(Object.fromEntries(values));
}

/** 42501 is PostgreSQL's refusal; a schema that is not exposed (PGRST106) or a table not in the API (PGRST205) refuses too. */
function isRefusal(error: unknown): boolean {
  const { code, status } = asServiceError(error);
  return ['42501', 'PGRST106', 'PGRST205', 'PGRST301', 'PGRST302'].includes(code ?? '') || status === 401 || status === 403;
}

function canRead(object: string): Finding {
  return {
    rule: 'anon-read',
    severity: 'error',
    object,
    message: `Someone who is not signed in reads rows of ${object} through the public API.`,
    suggestion: `revoke select on ${object} from anon; -- or declare it: -- muse: public-read`,
  };
}

function canChange(object: string): Finding {
  return {
    rule: 'anon-write',
    severity: 'error',
    object,
    message: `Someone who is not signed in inserts rows into ${object} through the public API.`,
    suggestion: `revoke insert, update, delete on ${object} from anon;`,
  };
}

function failed(object: string, message: string): Finding {
  return {
    rule: 'policy-error',
    severity: 'error',
    object,
    message: `Reading ${object} through the public API as nobody ends in an error that is not a refusal: ${message}`,
    suggestion: `Look at the policies of ${object} and the functions that they call.`,
  };
}
