/**
 * shared/: what every module uses: the error type, findings, files, locks, text.
 * May touch: files, in files.ts and directory-lock.ts only.
 */
import type { Finding } from './finding.ts';

/** What a {@link MuseError} is made from. */
export interface MuseErrorFields {
  /**
   * Kebab-case name of what went wrong. The prefix tells the kind, and with it the exit code:
   * `bad-…` the call is wrong (2), `findings` the checks say no (3), `cancelled` (130), all else: it failed (1).
   */
  code: string;
  /** What happened, and where: one sentence. */
  message: string;
  /** More of it, several lines at most: what the other program printed, what was looked for. */
  detail?: string;
  /** What to do next: a command, a flag, a thing to write. */
  suggestion: string;
  cause?: unknown;
  /** With `findings`: what was found. */
  findings?: readonly Finding[];
}

/** The one type of error that a user can meet. Leaves throw it; only `cli` prints it and exits. Holds no secret. */
export class MuseError extends Error {
  override readonly name = 'MuseError';
  readonly code: string;
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

/** An error that nobody expected, as the one type: says so, and how to see more of it. */
export function unexpected(thrown: unknown): MuseError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // Some programs throw pages; a line of at most 300 characters says as much.
  const line = (error.message.split('\n', 1)[0] ?? '').slice(0, 300);
  return new MuseError({
    code: 'unexpected',
    message: `Something unexpected went wrong: ${line}`,
    suggestion: 'Run it again with --verbose and report what it prints.',
    cause: error,
  });
}
