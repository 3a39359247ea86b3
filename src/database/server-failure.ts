/** What PostgreSQL reported, as an error for people, where nobody knew which statement of which file it was. */
import { type ErrorCode, MuseError } from '../shared/error.ts';

/** What is known of the report. */
interface Report {
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
  where?: string | undefined;
}

interface Kind {
  /** SQLSTATE, https://www.postgresql.org/docs/17/errcodes-appendix.html */
  sqlstate: string;
  /** Where one SQLSTATE means several things: what the message says. */
  says?: RegExp;
  code: ErrorCode;
  message: string;
  suggestion: string;
}

/** How a setting of the server is changed for one run, or for good. */
const raise = (setting: string, example: string): string =>
  `Allow more for this run by the database URL: ?options=-c%20${setting}%3D${example}. ` +
  `Or for good: ALTER ROLE <user> SET ${setting} = '${example}'`;

const kinds: readonly Kind[] = [
  {
    sqlstate: '57014',
    says: /statement timeout/,
    code: 'statement-timeout',
    message: "The server's statement_timeout ended a statement.",
    suggestion: `${raise('statement_timeout', '10min')}. Commands that run SQL files also have --statement-timeout <seconds>.`,
  },
  {
    sqlstate: '57014',
    says: /COPY from stdin failed/,
    code: 'database-failed',
    message: 'COPY … FROM STDIN gets no data here.',
    suggestion: String.raw`Insert the rows, or copy them in psql, which muse psql opens: \copy <table> from '<file>' csv`,
  },
  {
    sqlstate: '57014',
    code: 'database-failed',
    message: 'Someone cancelled a statement on the server.',
    suggestion: 'Run the command again: what had not been committed was rolled back.',
  },
  {
    sqlstate: '55P03',
    code: 'locked',
    message: "A lock was not free within the server's lock_timeout.",
    suggestion: `Wait until the session that holds it is done: pg_stat_activity shows it. ${raise('lock_timeout', '1min')}`,
  },
  {
    sqlstate: '25P03',
    code: 'connection-lost',
    message: "The server's idle_in_transaction_session_timeout ended the connection.",
    suggestion: raise('idle_in_transaction_session_timeout', '10min'),
  },
  {
    sqlstate: '25P04',
    code: 'statement-timeout',
    message: "The server's transaction_timeout ended a transaction.",
    suggestion: raise('transaction_timeout', '30min'),
  },
  {
    sqlstate: '57P05',
    code: 'connection-lost',
    message: "The server's idle_session_timeout ended the connection.",
    suggestion: raise('idle_session_timeout', '1h'),
  },
  {
    sqlstate: '53100',
    code: 'disk-full',
    message: "The server's disk is full.",
    suggestion: 'Free space on the server, or give it a larger disk, then run the command again.',
  },
  {
    sqlstate: '53200',
    code: 'out-of-memory',
    message: 'The database has no memory left for a statement.',
    suggestion: 'Let the statement work on fewer rows at a time, or give the server more memory.',
  },
  {
    sqlstate: '53300',
    code: 'database-full',
    message: 'The server has no connection left.',
    suggestion: 'Close other connections, or use the pooler.',
  },
  {
    sqlstate: '54001',
    code: 'database-failed',
    message: "A statement went deeper than the server's max_stack_depth.",
    suggestion: 'Look for a function, trigger or policy that calls itself without an end.',
  },
  {
    sqlstate: '25006',
    code: 'read-only',
    message: 'The server accepts no changes: the connection or the server is read-only.',
    suggestion: 'Connect to the primary server, and not to a replica.',
  },
  {
    sqlstate: '42501',
    code: 'no-permission',
    message: 'The database user may not do this.',
    suggestion: 'Connect as the owner of the tables, e.g. postgres on Supabase.',
  },
];

/** The error for people: which limit of the server it was and how to raise it, else PostgreSQL's own words. */
export function serverFailure(report: Report): MuseError {
  const { code: sqlstate, message, detail, hint, where } = report;
  const kind = kinds.find((one) => one.sqlstate === sqlstate && (one.says?.test(message) ?? true));
  const more = [detail, where, hint === undefined ? undefined : `Hint: ${hint}`].filter((line) => line !== undefined);
  const said = `PostgreSQL: ${message} (SQLSTATE ${sqlstate})`;
  return new MuseError({
    code: kind?.code ?? 'database-failed',
    message: kind?.message ?? `PostgreSQL refused a statement: ${message} (SQLSTATE ${sqlstate}).`,
    ...(kind === undefined && more.length === 0
      ? {}
      : { detail: [...(kind === undefined ? [] : [said]), ...more].join('\n') }),
    suggestion: kind?.suggestion ?? 'Correct what PostgreSQL names, then run the command again.',
    cause: report,
  });
}
