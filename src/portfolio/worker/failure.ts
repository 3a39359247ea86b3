/** What an item that threw has come to. */
import type { ErrorCode } from '../../shared/error.ts';
import { asMuseError } from '../../shared/files.ts';
import { printable } from '../../shared/printable.ts';
import type { KeptError } from '../registry/muses.ts';
import { withoutSecrets } from './secrets.ts';

/** Nothing is known about the muse then: it, its database or what opens it was not there. */
const notReached = new Set<ErrorCode>([
  'api-forbidden',
  'api-not-found',
  'api-unreachable',
  'bad-database-url',
  'bad-environment',
  'bad-password-missing',
  'bad-token',
  'bad-token-missing',
  'connect-failed',
  'connection-lost',
  'database-full',
  'database-in-use',
  'database-missing',
  'database-password',
  'database-starting',
  'database-tls',
  'database-unknown-host',
  'database-unreachable',
  'git-failed',
  'git-timeout',
  'kit-not-found',
  'kit-private',
  'kit-unreachable',
  'muse-elsewhere',
  'muse-renamed',
  'no-muse',
  'password-refused',
  'pooler-refused',
  'project-gone',
  'project-missing',
  'project-unusable',
  'secrets-failed',
  'token-refused',
]);

/** What may be different a moment later, though nobody does anything about it. */
const passing = new Set<ErrorCode>(['connection-lost', 'database-full', 'database-starting', 'directory-in-use']);

/** Whether nothing could be found out, as opposed to something that went wrong. */
export const isUnknown = ({ code }: KeptError): boolean => notReached.has(code as ErrorCode);

/** Whether to try again at once. */
export const isPassing = ({ code }: KeptError): boolean => passing.has(code as ErrorCode);

/** An error as the registry keeps it: without the secrets of the item, and without its cause. */
export function keptError(thrown: unknown, secrets: readonly string[] = []): KeptError {
  const { code, message, suggestion } = asMuseError(thrown);
  // Nothing in it that PostgreSQL cannot store, or that acts on a terminal.
  const clean = (text: string): string => printable(withoutSecrets(text, secrets)).slice(0, 1000);
  return { code, message: clean(message), suggestion: clean(suggestion) };
}
