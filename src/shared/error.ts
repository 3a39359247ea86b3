/**
 * shared/: the error type, findings, files, locks and text, for every module.
 * May touch: files, only in files.ts and directory-lock.ts.
 */
import type { Finding } from './finding.ts';

/**
 * All error codes. The prefix decides the exit code: `bad-…` the call is
 * wrong (2), `findings` the checks found errors (3), `cancelled` (130), anything else failed (1).
 */
export const errorCodes = [
  'answer-lost',
  'api-failed',
  'api-forbidden',
  'api-not-found',
  'api-refused',
  'api-unexpected',
  'api-unreachable',
  'backup-failed',
  'backup-incomplete',
  'bad-backup-file',
  'bad-call',
  'bad-certificate',
  'bad-change',
  'bad-command',
  'bad-confirmation',
  'bad-data-migration',
  'bad-database-url',
  'bad-directory',
  'bad-environment',
  'bad-environment-value',
  'bad-flag',
  'bad-identifier',
  'bad-kit-source',
  'bad-layout',
  'bad-literal',
  'bad-muse',
  'bad-name',
  'bad-organization',
  'bad-password-missing',
  'bad-port',
  'bad-preset',
  'bad-profile',
  'bad-prune',
  'bad-region',
  'bad-registry',
  'bad-rollback-target',
  'bad-run',
  'bad-session',
  'bad-spec',
  'bad-table',
  'bad-target',
  'bad-token',
  'bad-token-missing',
  'bad-url',
  'baseline-missing',
  'baseline-needs-superuser',
  'baseline-present',
  'baseline-version',
  'bucket-not-empty',
  'cancelled',
  'cannot-act-as',
  'changed-meanwhile',
  'configure-failed',
  'connect-failed',
  'connection-lost',
  'data-would-be-lost',
  'database-closed',
  'database-failed',
  'database-full',
  'database-in-use',
  'database-missing',
  'database-password',
  'database-starting',
  'database-tls',
  'database-unknown-host',
  'database-unreachable',
  'database-version',
  'destroy-timeout',
  'dev-running',
  'directory-changed',
  'directory-in-use',
  'disk-full',
  'embedded-failed',
  'environment-not-ignored',
  'file-busy',
  'findings',
  'git-busy',
  'git-failed',
  'git-missing',
  'git-timeout',
  'history-newer',
  'init-failed',
  'install-failed',
  'intent-differs',
  'item-lost',
  'journal-unreadable',
  'keys-missing',
  'kit-empty',
  'kit-not-found',
  'kit-owned-by-another',
  'kit-private',
  'kit-ref-unknown',
  'kit-unreachable',
  'kit-unsafe-link',
  'layout-unknown',
  'lock-lost',
  'locked',
  'migration-failed',
  'muse-elsewhere',
  'muse-in-run',
  'muse-json-missing',
  'muse-json-unreadable',
  'muse-renamed',
  'name-taken',
  'no-extension-folder',
  'no-interactive-transaction',
  'no-muse',
  'no-permission',
  'not-confirmed',
  'not-in-staging',
  'nothing-to-resume',
  'out-of-memory',
  'ownership-unproven',
  'password-refused',
  'path-outside',
  'path-taken',
  'path-too-long',
  'plan-limit',
  'pooler-refused',
  'project-gone',
  'project-missing',
  'project-unusable',
  'psql-missing',
  'quota-reached',
  'rate-limited',
  'read-only',
  'ref-taken',
  'restore-failed',
  'restore-order',
  'restore-refused',
  'rollback-missing',
  'run-stopped',
  'run-unfinished',
  'same-database',
  'secrets-failed',
  'seed-failed',
  'seed-unreadable',
  'settle-failed',
  'statement-timeout',
  'token-refused',
  'too-many-files',
  'uncommitted-changes',
  'unexpected',
  'unreadable-file',
  'verification-unanswered',
  'wait-timeout',
  'worker-lost',
] as const;

/** What went wrong, for programs. */
export type ErrorCode = (typeof errorCodes)[number];

/** What a {@link MuseError} is made from. */
export interface MuseErrorFields {
  code: ErrorCode;
  /** What happened, and where: one sentence. */
  message: string;
  /** A few lines of detail: what another program printed, what was looked for. */
  detail?: string;
  /** What to do next: a command, a flag, or what to write. */
  suggestion: string;
  cause?: unknown;
  /** With `findings`: what was found. */
  findings?: readonly Finding[];
}

/** The only type of error that a user sees. Any module throws it; only `cli` prints it and exits. Contains no secret. */
export class MuseError extends Error {
  override readonly name = 'MuseError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly suggestion: string;
  readonly findings: readonly Finding[] | undefined;

  constructor(fields: MuseErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.detail = fields.detail;
    this.suggestion = fields.suggestion;
    this.findings = fields.findings;
  }
}

/** The error of a run that was stopped, with the detail of the error that the stop caused. */
export function cancelled(cause: unknown): MuseError {
  if (cause instanceof MuseError && cause.code === 'cancelled') return cause;
  const detail = cause instanceof MuseError ? cause.detail : undefined;
  return new MuseError({
    code: 'cancelled',
    message: 'Cancelled.',
    suggestion: 'Run the same command again.',
    cause,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** An error that knows how it is told to a user, where nothing that caught it knew more. */
export interface Tellable extends Error {
  told(): MuseError;
}

/** Whether a thrown thing is {@link Tellable}. */
export function isTellable(thrown: unknown): thrown is Tellable {
  return thrown instanceof Error && 'told' in thrown && typeof thrown.told === 'function';
}

/** An unexpected error as a MuseError that says how to see more of it. */
export function unexpected(thrown: unknown): MuseError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // Some libraries throw pages of text; a line of at most 300 characters is enough.
  const line = (error.message.split('\n', 1)[0] ?? '').slice(0, 300);
  return new MuseError({
    code: 'unexpected',
    message: `Something unexpected went wrong: ${line}`,
    suggestion: 'Run the command again with --verbose, and report what it prints.',
    cause: error,
  });
}
