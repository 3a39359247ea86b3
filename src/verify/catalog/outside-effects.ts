/** What functions do outside the database, which a rollback does not undo. */
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Sources } from './effects.ts';
import { waits } from './pauses.ts';

/** What a function does outside the transaction, which a rollback does not undo. */
export interface OutsideEffect {
  /** The end of a sentence. */
  does: string;
  /** It only tells the outside something, which changes no row here. */
  isSent?: true;
  /** It is pg_net's, which sends only what is committed. */
  isQueued?: true;
}

/** HTTP, other databases, files, programs, session locks. */
const outside: readonly (OutsideEffect & { schemas?: readonly string[]; names: readonly string[] })[] = [
  {
    does: 'sends HTTP requests (pg_net)',
    isSent: true,
    isQueued: true,
    schemas: ['net'],
    names: ['http_get', 'http_post', 'http_delete'],
  },
  {
    does: 'waits for the answer to an HTTP request (pg_net)',
    schemas: ['net'],
    names: ['http_collect_response', '_http_collect_response', '_await_response'],
  },
  { does: "restarts pg_net's worker", schemas: ['net'], names: ['worker_restart', 'wait_until_running'] },
  {
    does: 'calls a webhook',
    isSent: true,
    isQueued: true,
    schemas: ['supabase_functions'],
    names: ['http_request'],
  },
  {
    does: 'sends HTTP requests',
    isSent: true,
    names: ['http', 'http_get', 'http_post', 'http_put', 'http_patch', 'http_delete', 'http_head'],
  },
  {
    does: 'talks to another database (dblink)',
    names: [
      'dblink',
      'dblink_connect',
      'dblink_connect_u',
      'dblink_exec',
      'dblink_open',
      'dblink_fetch',
      'dblink_close',
      'dblink_send_query',
      'dblink_get_result',
      'dblink_disconnect',
    ],
  },
  {
    does: 'takes a lock that outlives the transaction',
    names: ['pg_advisory_lock', 'pg_advisory_lock_shared', 'pg_try_advisory_lock', 'pg_try_advisory_lock_shared'],
  },
  {
    does: 'reaches out of the database',
    names: [
      'lo_export',
      'lo_import',
      'pg_file_write',
      'pg_file_unlink',
      'pg_file_rename',
      'pg_read_file',
      'pg_read_binary_file',
      'pg_ls_dir',
      'pg_terminate_backend',
      'pg_cancel_backend',
      'pg_switch_wal',
      'pg_reload_conf',
    ],
  },
  {
    does: 'hands work to another process',
    schemas: ['cron'],
    names: ['schedule', 'schedule_in_database', 'unschedule', 'alter_job'],
  },
  { does: 'sets a sequence', names: ['setval'] },
];

/**
 * What a function does outside the database; undefined if it does nothing there. Of several effects, the one that a rollback undoes least.
 */
export function outsideEffect(routine: FunctionRow, sources: Sources): OutsideEffect | undefined {
  const all = sources.reached(routine);
  const unread = all.find((one) => sources.body(one).isUnreadable);
  if (unread !== undefined)
    return { does: `${unread === routine ? '' : `calls ${qualifiedName(unread)}(), which `}${whyUnread(unread)}` };
  if (all.some((one) => sources.effects(one).copies)) return { does: 'copies to or from a file or a program' };
  if (waits(all.map((one) => sources.body(one)))) return { does: 'waits (pg_sleep)' };
  const own = new Set(all.map(qualifiedName));
  const calls = all
    .flatMap((one) => sources.effects(one).calls)
    .filter(
      ({ schema, name }) =>
        !(schema === undefined ? all.some((one) => one.name === name) : own.has(`${schema}.${name}`)),
    );
  const done = outside.filter(({ schemas, names }) =>
    calls.some(
      ({ schema, name }) =>
        names.includes(name) && (schemas === undefined ? schema !== 'net' : schemas.includes(schema ?? '')),
    ),
  );
  const rank = ({ isSent, isQueued }: OutsideEffect): number => Number(isSent ?? false) + Number(isQueued ?? false);
  return done.toSorted((one, other) => rank(one) - rank(other))[0];
}

/** The same, but for requests of pg_net: a call of them is undone with the transaction. */
export function lastingEffect(routine: FunctionRow, sources: Sources): OutsideEffect | undefined {
  const effect = outsideEffect(routine, sources);
  return effect?.isQueued === true && (sources.requests ?? null) !== null ? undefined : effect;
}

function whyUnread({ language }: FunctionRow): string {
  return language === 'sql' || language === 'plpgsql'
    ? "has a body that PostgreSQL's parser cannot read"
    : `is written in ${language}, which may do anything`;
}
