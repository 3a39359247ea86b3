import { MuseError } from '../error.ts';
import { exitCodeOf, formatError } from './exit.ts';
import { createOutput, type Output } from './output.ts';

/** What a command gets to work with. */
export interface CommandContext {
  output: Output;
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
  /** Whether questions may be asked: a terminal, no `CI`, no `--json`, no `--yes`. */
  interactive: boolean;
  environment: NodeJS.ProcessEnv;
  /** Absolute path that relative ones start from. */
  directory: string;
}

/** What a command ends with: its JSON and, for people, its text. */
export interface CommandResult {
  /** The object that `--json` prints; `ok` and `command` come first. */
  json: Record<string, unknown>;
  text?: string;
  exitCode?: number;
}

/**
 * Runs a command at the edge of the process: the streams, Ctrl-C, the one place where errors are printed.
 * @returns the exit code
 */
export async function runCommand(
  command: string,
  flags: { json: boolean; quiet: boolean; verbose: boolean; yes: boolean },
  work: (context: CommandContext) => Promise<CommandResult>,
): Promise<number> {
  const output = createOutput({ ...flags, stdout: process.stdout, stderr: process.stderr, environment: process.env });
  const abort = new AbortController();
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts += 1;
    // The second one means it: whoever presses Ctrl-C twice does not wait for a tidy end.
    if (interrupts > 1) process.exit(130);
    abort.abort(new MuseError({ code: 'cancelled', message: 'Cancelled.', suggestion: 'Run the same command again.' }));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // A reader that went away ("| head") is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  try {
    const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env['CI'] && !flags.json && !flags.yes;
    const result = await work({ output, signal: abort.signal, interactive, environment: process.env, directory: process.cwd() });
    if (flags.json) output.result(JSON.stringify(result.json));
    else if (result.text !== undefined) output.result(result.text);
    return result.exitCode ?? 0;
  } catch (error) {
    return report(command, error, output);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** An error that carries the JSON of how far its command got. */
export interface Reported {
  report?: Record<string, unknown>;
}

async function report(command: string, thrown: unknown, output: Output): Promise<number> {
  const error = asMuseError(thrown);
  const code = exitCodeOf(error.code);
  if (output.json) {
    const { message, detail, suggestion } = error;
    output.result(
      JSON.stringify({
        ok: false,
        command,
        ...(thrown as Reported).report,
        ...(error.findings === undefined ? {} : { findings: error.findings.map(withoutSnippet) }),
        error: { code: error.code, message, ...(detail === undefined ? {} : { detail }), suggestion },
      }),
    );
  } else {
    if (error.findings !== undefined && error.findings.length > 0) {
      const { formatFindings } = await import('./findings.ts');
      output.problem(formatFindings(error.findings, output));
    }
    output.problem(formatError(error, output));
    if (output.verbose && error.cause instanceof Error) output.problem(String(error.cause.stack));
  }
  return code;
}

/** Anything thrown as the one type; what nobody expected says so, and how to see more of it. */
function asMuseError(thrown: unknown): MuseError {
  if (thrown instanceof MuseError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error.name === 'ExitPromptError' || error.name === 'AbortPromptError') {
    return new MuseError({ code: 'cancelled', message: 'Cancelled.', suggestion: 'Nothing was made. Run the same command again.' });
  }
  return new MuseError({
    code: 'unexpected',
    message: `Something unexpected went wrong: ${firstLine(error.message)}`,
    suggestion: 'Run it again with --verbose and report what it prints.',
    cause: error,
  });
}

/** Some programs throw pages; a line of at most 300 characters says as much. */
function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 300);
}

function withoutSnippet<T extends { snippet?: string }>(finding: T): Omit<T, 'snippet'> {
  const { snippet: _, ...rest } = finding;
  return rest;
}
