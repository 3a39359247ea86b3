/** The messages for connections that failed. */
import { type ErrorCode, MuseError } from '../../shared/error.ts';
import { toDatabaseError } from '../error-report.ts';
import { certificateTrouble } from './certificate.ts';
import { serverReport } from './failure.ts';

/** Why a connection failed, by SQLSTATE or Node's code: our code, what happened, what to do. */
const connectFailures: Readonly<Record<string, readonly [code: ErrorCode, what: string, suggestion: string]>> = {
  '28P01': [
    'database-password',
    'refuses the user or the password',
    'Check both; special characters in a URL must be percent-encoded.',
  ],
  '28000': [
    'database-password',
    'does not let this user in',
    'Check the user, and pg_hba.conf on a server of your own.',
  ],
  '3D000': ['database-missing', 'has no database of this name', 'Create the database, or correct the name.'],
  '53300': ['database-full', 'has no connection left', 'Close other connections, or use the pooler.'],
  '57P03': ['database-starting', 'is starting up or shutting down', 'Wait a moment, then run the command again.'],
  ENOTFOUND: ['database-unknown-host', 'is no known host', 'Check the host name, and that this machine has a network.'],
  EAI_AGAIN: ['database-unknown-host', 'cannot be looked up', 'Check that this machine has a network.'],
  ECONNREFUSED: ['database-unreachable', 'refuses the connection', 'Check host and port, and that the server runs.'],
  ETIMEDOUT: ['database-unreachable', 'does not answer', 'Check host and port, and firewalls on the way.'],
  EHOSTUNREACH: [
    'database-unreachable',
    'cannot be reached',
    'Check the network; some hosts have an IPv6 address only.',
  ],
  ENETUNREACH: [
    'database-unreachable',
    'cannot be reached',
    'Check the network; some hosts have an IPv6 address only.',
  ],
  ENOENT: [
    'database-unreachable',
    'has no such socket',
    'Check the directory of the socket, and that the server runs.',
  ],
};

/** Turns the error of a failed connect into a MuseError without any credentials in it. */
export function connectError(error: unknown, where: string): MuseError {
  const report = serverReport(error);
  const text = error instanceof Error ? error.message : String(error);
  const code = report?.code ?? (error as NodeJS.ErrnoException).code ?? '';
  // An AggregateError of several addresses has an empty message.
  const cause = report ? toDatabaseError(report) : new Error(text || code, { cause: error });
  const known = connectFailures[code] ?? byText(text, code);
  const [name, what, suggestion] = known ?? [
    'database-unreachable',
    'could not be connected to',
    'Check host and port, and that the server runs.',
  ];
  return new MuseError({
    code: name,
    message: `${where} ${what.replace(/\.$/, '')}.`,
    ...(text ? { detail: text } : {}),
    suggestion,
    cause: report ? cause : Object.assign(cause, { code }),
  });
}

function byText(text: string, code: string): readonly [ErrorCode, string, string] | undefined {
  if (/does not support SSL/i.test(text)) {
    return ['database-tls', 'offers no TLS', 'Where the way there is safe without, add ?sslmode=disable to the URL.'];
  }
  const trouble = certificateTrouble(code, text);
  if (trouble) return ['database-tls', trouble.what, trouble.suggestion];
  if (/timeout expired/i.test(text)) {
    return ['database-unreachable', 'does not answer', 'Check host and port, and firewalls on the way.'];
  }
  if (/password must be a string/i.test(text)) {
    return ['database-password', 'asks for a password, and none was given', 'Give one, or set PGPASSWORD.'];
  }
  return undefined;
}
