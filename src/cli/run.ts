import { MuseError, unexpected } from '../shared/error.ts';
import { fileError } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import type { Ask } from './ask.ts';
import { exitCodeOf, formatError } from './exit.ts';
import { createOutput, type Output } from './output.ts';
import { isSet, type ParsedArguments } from './parse.ts';

/** What a command gets to work with. */
export interface CommandContext {
  output: Output;
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
  /** Asks the person at the terminal; undefined without one, and with `CI`, `--json` or `--yes`. */
  ask?: () => Promise<Ask>;
  environment: NodeJS.ProcessEnv;
  /** Absolute path that relative ones start from. */
  directory: string;
}

/** What a command ends with: its JSON and, for people, its text. */
export interface CommandResult {
  /** The object that `--json` prints, after `ok` and `command`. */
  json: Record<string, unknown>;
  text?: string;
  /** Where it ended as it should and the code says something all the same: 3 for findings. */
  exitCode?: number;
  /** It failed after it began: printed, and gives the exit code; `json` tells how far it got. */
  error?: MuseError;
}

/**
 * Runs a command at the edge of the process: the streams, Ctrl-C, the one place where errors are printed.
 * @param argv as typed: `--json` counts even where the rest of the line is wrong
 * @param parse reads the flags; what it throws is printed as any other error
 * @returns the exit code
 */
export async function runCommand(
  command: string,
  argv: readonly string[],
  parse: () => ParsedArguments,
  work: (parsed: ParsedArguments, context: CommandContext) => Promise<CommandResult>,
): Promise<number> {
  const has = (flag: string): boolean => argv.includes(flag);
  const flags = { json: has('--json') || asJson(argv), quiet: has('--quiet'), verbose: has('--verbose') };
  const output = createOutput({ ...flags, stdout: process.stdout, stderr: process.stderr, environment: process.env });
  const abort = new AbortController();
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts += 1;
    // The second one means it: whoever presses Ctrl-C twice does not wait for a tidy end.
    if (interrupts > 1) {
      process.stderr.write(`\nStopped at once. What was begun stays as it is; ${command.startsWith('create-muse') ? 'add --resume to go on with it' : 'run the command again'}.\n`);
      process.exit(130);
    }
    abort.abort(new MuseError({ code: 'cancelled', message: 'Cancelled.', suggestion: 'Run the same command again.' }));
  };
  // The name by which others see this process: who waits for it, and `ps`, which then shows no argument that is a secret.
  process.title = command;
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // A reader that went away ("| head") is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  try {
    const parsed = parse();
    const asked = !isSet(parsed, 'yes') && !flags.json && !process.env['CI'];
    const interactive = asked && process.stdin.isTTY === true && process.stdout.isTTY === true;
    const result = await work(parsed, {
      output,
      signal: abort.signal,
      ...(interactive ? { ask: async () => (await import('./ask.ts')).terminalAsk() } : {}),
      environment: process.env,
      directory: process.cwd(),
    });
    if (result.error !== undefined) return await report(command, result.error, output, result.json);
    const exitCode = result.exitCode ?? 0;
    if (flags.json) output.result(JSON.stringify({ ok: exitCode === 0, command, ...result.json }));
    else if (result.text !== undefined) output.result(result.text);
    return exitCode;
  } catch (error) {
    return await report(command, error, output);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** `--format json` is `--json` by another name. */
function asJson(argv: readonly string[]): boolean {
  return argv.some((argument, index) => argument === '--format=json' || (argument === '--format' && argv[index + 1] === 'json'));
}

async function report(command: string, thrown: unknown, output: Output, json: Record<string, unknown> = {}): Promise<number> {
  const error = asMuseError(thrown);
  const code = exitCodeOf(error.code);
  if (output.json) {
    const { message, detail, suggestion } = error;
    output.result(
      JSON.stringify({
        command,
        ...json,
        ok: false,
        ...(error.findings === undefined || json['findings'] !== undefined ? {} : { findings: withoutSnippets(error.findings) }),
        error: { code: error.code, message, ...(detail === undefined ? {} : { detail }), suggestion },
      }),
    );
  } else {
    if (error.findings !== undefined && error.findings.length > 0) {
      const { formatText } = await import('../publish/findings-text.ts');
      output.problem(formatText(error.findings, output));
    }
    output.problem(formatError(error, output));
    if (output.verbose && error.cause instanceof Error) output.problem(String(error.cause.stack));
  }
  return code;
}

/** Anything thrown as the one type; what nobody expected says so, and how to see more of it. */
function asMuseError(thrown: unknown): MuseError {
  if (thrown instanceof MuseError) return thrown;
  if (thrown instanceof Error && (thrown.name === 'ExitPromptError' || thrown.name === 'AbortPromptError')) {
    return new MuseError({ code: 'cancelled', message: 'Cancelled.', suggestion: 'Nothing was changed. Run the same command again.' });
  }
  const known = fileError(thrown, '');
  return known instanceof MuseError ? known : unexpected(thrown);
}

/** Findings as `--json` has them: the snippet is for eyes. */
export function withoutSnippets(findings: readonly Finding[]): Omit<Finding, 'snippet'>[] {
  return findings.map(({ snippet: _snippet, ...rest }) => rest);
}
