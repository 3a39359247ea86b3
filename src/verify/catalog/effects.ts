import type { FunctionRow } from '../../rules/engine/live/catalog.ts';

/**
 * What leaves the transaction, or stays behind when it is rolled back: HTTP, other databases, files, programs, locks of the
 * session. Found by the words in a function's source: one in a comment counts too, which refuses too much and never too little.
 */
const outside: readonly { words: RegExp; does: string }[] = [
  { words: /\bnet\s*\.\s*http_/i, does: 'sends HTTP requests (pg_net)' },
  { words: /\bhttp(_get|_post|_put|_patch|_delete|_head)?\s*\(/i, does: 'sends HTTP requests' },
  { words: /\bsupabase_functions\s*\.\s*http_request/i, does: 'calls a webhook' },
  { words: /\bdblink/i, does: 'talks to another database (dblink)' },
  { words: /\bpg_(try_)?advisory_lock/i, does: 'takes a lock that outlives the transaction' },
  { words: /\b(lo_export|lo_import|pg_write|pg_read_file|pg_terminate_backend|pg_cancel_backend|pg_switch_wal)/i, does: 'reaches out of the database' },
  { words: /\bcopy\b[^;]*\b(to|from)\s+(program|')/i, does: 'copies to a file or a program' },
  { words: /\b(cron|pgmq|pgboss|realtime)\s*\.\s*(schedule|unschedule|send|broadcast_changes)\b/i, does: 'hands work to another process' },
  { words: /\bsetval\s*\(/i, does: 'sets a sequence' },
];

const wordPattern = /[a-z_][a-z0-9_$]*/gi;
const trusted = new Set(['sql', 'plpgsql']);

/** Knows each function's own source and that of the functions it calls. */
export interface Sources {
  /** The source of a function together with that of every function whose name it holds. */
  reachable(routine: FunctionRow): string;
  /** The words of that source. */
  words(routine: FunctionRow): ReadonlySet<string>;
  byOid(oid: string): FunctionRow | undefined;
}

/** Follows calls by name. */
export function sourcesOf(functions: readonly FunctionRow[]): Sources {
  const byName = new Map<string, FunctionRow[]>();
  for (const routine of functions) byName.set(routine.name, [...(byName.get(routine.name) ?? []), routine]);
  const byOid = new Map(functions.map((routine) => [routine.oid, routine]));
  const known = new Map<string, string>();
  const reachable = (routine: FunctionRow): string => {
    const done = known.get(routine.oid);
    if (done !== undefined) return done;
    const seen = new Set([routine]);
    for (const one of seen) {
      for (const word of one.source.match(wordPattern) ?? []) {
        for (const called of byName.get(word.toLowerCase()) ?? []) seen.add(called);
      }
    }
    const source = [...seen].map((one) => one.source).join('\n');
    known.set(routine.oid, source);
    return source;
  };
  const words = (routine: FunctionRow): Set<string> => new Set(reachable(routine).match(wordPattern));
  return { reachable, words, byOid: (oid) => byOid.get(oid) };
}

/** What a function does outside the database, for people; undefined where it does nothing of the kind. */
export function outsideEffect(routine: FunctionRow, sources: Sources): string | undefined {
  if (!trusted.has(routine.language) && routine.language !== 'internal') return `is written in ${routine.language}, which may do anything`;
  const source = sources.reachable(routine);
  return outside.find(({ words }) => words.test(source))?.does;
}
