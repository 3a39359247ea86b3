import { cancelled, type ErrorCode, MuseError } from '../shared/error.ts';
import { asMuseError } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import type { Hooks } from '../shared/hooks.ts';
import { printableLine } from '../shared/printable.ts';
import type { Ask } from './ask.ts';
import { type Flag, isAmong } from './flags.ts';
import { LeftRunning, listenForInterrupts } from './interrupt.ts';
import { createOutput, type Output } from './output.ts';
import { type ParsedArguments, parseArguments } from './parse.ts';
import { SoFar } from './so-far.ts';

/** What a command gets to work with. */
export interface CommandContext {
  output: Output;
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
  /** For everything that runs longer than a moment: stops it, shows what it waits for, keeps what it has done. */
  hooks: Hooks & { signal: AbortSignal };
  /** What is told where the command fails or is stopped on the way. */
  soFar: SoFar;
  /** Leaves Ctrl-C to another program that runs in the terminal. Returns a function that ends it. */
  leaveCtrlC(): () => void;
  /** Shows what the command is doing, until the next line. */
  working(text: string): void;
  /** Asks the person at the terminal; undefined without one, and with `CI`, `--json` or `--yes`. */
  ask?: () => Promise<Ask>;
  environment: NodeJS.ProcessEnv;
  /** Absolute path that relative ones start from. */
  directory: string;
}

/** What a command ends with: its JSON and, for people, its text. */
export interface CommandResult {
  /** The object that `--json` prints, after `ok` and `command`. */
  json: Record<string, unknown> & { findings?: readonly Finding[] };
  text?: string;
  /** The text is for a program, or copied as a whole: it is not fitted to the terminal. */
  verbatim?: boolean;
  /** Where it ended as it should and the code says something all the same: 3 for findings. */
  exitCode?: number;
  /** It ran until it was stopped, or until what it ran for ended with `exitCode`: what it had to say, `json` included, is printed. */
  served?: boolean;
  /** It failed after it began: printed, and gives the exit code; `json` tells how far it got. */
  error?: MuseError;
}

/** A command that is ready to run: how its arguments are read, and what it does with them. */
export interface Runnable {
  /** As in the JSON and in hints, e.g. `muse status`. */
  title: string;
  argv: readonly string[];
  flags: readonly Flag[];
  work(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult>;
}

/**
 * Runs a command at the edge of the process: the streams, Ctrl-C, the one place where errors are printed.
 * @param program `muse` or `create-muse`: the title of an error that comes before the command is known
 * @param argv as typed: `--json` counts even where the rest of the line is wrong
 * @param choose finds the command; what it throws is printed as any other error
 * @returns the exit code
 */
export async function runCommand(
  program: string,
  argv: readonly string[],
  choose: () => Promise<Runnable>,
): Promise<number> {
  const json =
    isAmong(argv, 'json') ||
    isAmong(argv, 'format=json') ||
    argv.some((word, index) => word === '--format' && argv[index + 1] === 'json');
  const output = createOutput({
    json,
    quiet: isAmong(argv, 'quiet'),
    verbose: isAmong(argv, 'verbose'),
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
  });
  let title = program;
  const soFar = new SoFar();
  const interrupts = listenForInterrupts(() => {
    // Pressing Ctrl-C twice means not to wait for a tidy end.
    if (json) output.resultJson(failureJson(title, cancelled(undefined), soFar.json()));
    output.problem(`Stopped immediately; unfinished work was not cleaned up. ${nextAfterStop(program)}`);
    process.exit(exitCodeOf('cancelled'));
  });
  const { signal } = interrupts;
  // A reader that went away ("| head") is not a failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  const work = async (): Promise<CommandResult> => {
    const runnable = await choose();
    title = runnable.title;
    // The name that others see: those that wait for a lock of this process, and `ps`, which then shows no secret argument.
    process.title = title;
    const parsed = parseArguments(runnable.argv, runnable.flags, title);
    const interactive =
      !parsed.has('yes') &&
      !json &&
      !process.env['CI'] &&
      process.stdin.isTTY === true &&
      process.stdout.isTTY === true;
    return runnable.work(parsed, {
      output,
      signal,
      hooks: { signal, onNote: output.note, onDone: (done) => soFar.add(done) },
      soFar,
      leaveCtrlC: interrupts.leaveCtrlC,
      working(text) {
        soFar.now = text;
        output.transient(`${output.paint('cyan', '…')} ${text}`);
      },
      ...(interactive
        ? {
            async ask() {
              // What is being done waits for the answer, and is not to be told over the question.
              output.settle();
              return (await import('./ask.ts')).terminalAsk(signal);
            },
          }
        : {}),
      environment: process.env,
      directory: process.cwd(),
    });
  };
  try {
    const result = await interrupts.untilStopped(work());
    if (result.served === true) return result.exitCode ?? exitCodeOf('cancelled');
    if (signal.aborted) result.error ??= afterTheEnd();
    if (result.error !== undefined)
      return await printError(title, result.error, output, { ...soFar.json(), ...result.json });
    const exitCode = result.exitCode ?? 0;
    if (json) output.resultJson({ ok: exitCode === 0, command: title, ...withoutSnippets(result.json) });
    else if (result.text !== undefined) output.result(result.text, result.verbatim);
    return exitCode;
  } catch (error) {
    const told = signal.aborted || isUnanswered(error) ? stoppedAt(error, soFar, program) : error;
    const code = await printError(title, told, output, soFar.json());
    // What does not listen to the signal would keep the process alive; so would what was about to begin when it came.
    if (error instanceof LeftRunning) process.exit(code);
    if (signal.aborted) setTimeout(() => process.exit(code), lingerMs).unref();
    return code;
  } finally {
    output.settle();
    interrupts.dispose();
  }
}

/** How long after its last word a stopped command may still run, in ms. */
const lingerMs = 200;

function nextAfterStop(program: string): string {
  return program === 'create-muse' ? 'Add --resume to continue.' : 'Run the same command again.';
}

/** The error of a command that was stopped: where it was, and what it had done by then. */
function stoppedAt(thrown: unknown, soFar: SoFar, program: string): MuseError {
  const error = cancelled(thrown);
  return new MuseError({
    code: 'cancelled',
    message: error.message,
    detail: error.detail ?? soFar.lines().join('\n'),
    suggestion:
      thrown instanceof LeftRunning
        ? `What it was at may not be cleaned up. ${nextAfterStop(program)}`
        : error.suggestion,
    cause: thrown,
  });
}

/** The signal came too late to stop anything, and the exit code still has to say that there was one. */
function afterTheEnd(): MuseError {
  return new MuseError({
    code: 'cancelled',
    message: 'Cancelled, but everything was done already.',
    suggestion: 'There is nothing to run again.',
  });
}

/** The exit code that an error's code stands for: the table in docs/cli.md. */
function exitCodeOf(code: ErrorCode): number {
  if (code.startsWith('bad-')) return 2;
  if (code === 'findings') return 3;
  return code === 'cancelled' ? 130 : 1;
}

async function printError(
  title: string,
  thrown: unknown,
  output: Output,
  json: CommandResult['json'],
): Promise<number> {
  // An error of a file that does not say which one is about one of the muse.
  const error = asMuseError(thrown, typeof json['directory'] === 'string' ? json['directory'] : process.cwd());
  if (output.json) output.resultJson(failureJson(title, error, json));
  else {
    if (error.findings !== undefined && error.findings.length > 0) {
      const { formatText } = await import('../publish/findings-text.ts');
      const shown = output.quiet ? error.findings.filter(({ severity }) => severity === 'error') : error.findings;
      output.problem(formatText(shown, output));
    }
    output.problem(formatError(error, output));
    if (output.verbose && error.cause instanceof Error) output.problem(String(error.cause.stack));
  }
  return exitCodeOf(error.code);
}

function failureJson(command: string, error: MuseError, json: CommandResult['json'] = {}): Record<string, unknown> {
  const { code, message, detail, suggestion, findings } = error;
  return {
    ok: false,
    command,
    ...withoutSnippets({ ...(findings === undefined ? {} : { findings }), ...json }),
    error: { code, message, ...(detail === undefined ? {} : { detail }), suggestion },
  };
}

/** An error as text for people: what happened, more of it, what to do next. */
function formatError(error: MuseError, output: Output): string {
  const lines = [`${output.paint(['red', 'bold'], '✗')} ${printableLine(error.message)}`];
  if (error.detail !== undefined && error.detail !== '')
    lines.push(
      '',
      ...error.detail
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}`),
      '',
    );
  const [first = '', ...rest] = error.suggestion.split('\n');
  lines.push(`${output.paint('cyan', '→')} ${first}`, ...rest.map((line) => `  ${line}`));
  return lines.join('\n');
}

/** Ctrl-C at a question is a key, not a signal: inquirer tells it by an error. */
function isUnanswered(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'ExitPromptError' || thrown.name === 'AbortPromptError');
}

/** The snippets of findings are for people, and causes for folding. */
function withoutSnippets({ findings, ...json }: CommandResult['json']): Record<string, unknown> {
  return findings === undefined ? json : { ...json, findings: findings.map(withoutSnippet) };
}

function withoutSnippet({ snippet: _snippet, cause: _cause, consequences, ...rest }: Finding): Finding {
  return consequences === undefined ? rest : { ...rest, consequences: consequences.map(withoutSnippet) };
}
