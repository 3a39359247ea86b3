import { randomUUID } from 'node:crypto';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';
import { fit } from '../shared/wrap.ts';
import { printable, printableJson } from '../shared/printable.ts';
import { columnsOf, shorten } from './text.ts';

/** A color or weight, or several. */
type Format = Parameters<typeof styleText>[0];

/**
 * Where text goes, and how: the terminal's edge, handed in so that tests read what is printed. Whatever text holds, no
 * control character reaches the terminal but those of {@link Output.paint}: others are spelled out.
 */
export interface Output {
  readonly json: boolean;
  /** Only errors are printed. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** Columns to write in: the terminal's, from 40 to 200; 80 where there is none. */
  readonly width: number;
  /** Whether a line may be rewritten in place. */
  readonly live: boolean;
  /** A line of progress: stdout, or stderr with `--json`; nothing with `--quiet`. In a terminal, long lines break between words. */
  progress(text: string): void;
  /** What is waited for, and why: stderr, as stdout may be read by a program; nothing with `--quiet`. */
  note(text: string): void;
  /**
   * What is being done: one line or several, which the next line of progress replaces. After a while without any other it is
   * written again with the time that it takes already, and again after each such while. Where `live` is false, only that is
   * told, of its first line, on stderr. Nothing with `--quiet`.
   */
  transient(text: string): void;
  /** Nothing is being done any more. */
  settle(): void;
  /**
   * What was asked for: stdout. Nothing with `--quiet`, unless it is for a program.
   * @param verbatim the text is not fitted to the terminal
   */
  result(text: string, verbatim?: boolean): void;
  /** The one object that was asked for: stdout. */
  resultJson(value: unknown): void;
  /** What went wrong: stderr. */
  problem(text: string): void;
  /** Paints the text where there is color. */
  paint(format: Format, text: string): string;
}

/** What decides how an output behaves. */
export interface OutputOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  stdout: NodeJS.WriteStream | WriteStream;
  stderr: NodeJS.WriteStream | WriteStream;
  environment: NodeJS.ProcessEnv;
}

/**
 * Whether text on a stream is colored: `NO_COLOR` and `CLICOLOR=0` say no, `FORCE_COLOR` and `CLICOLOR_FORCE` yes, in this
 * order; else a terminal that is not dumb is. https://no-color.org, https://bixense.com/clicolors
 */
function isColored(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM } = environment;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return !['0', 'false'].includes(FORCE_COLOR);
  if (CLICOLOR_FORCE && CLICOLOR_FORCE !== '0') return true;
  return stream.isTTY === true && TERM !== 'dumb' && CLICOLOR !== '0';
}

/** After so long without a line, in ms, it is told what is being done and for how long already: no run is silent for 2 s. */
const silenceMs = 1500;

/** Output to two streams, by the flags, the environment, and what the terminal can do. */
export function createOutput(options: OutputOptions): Output {
  const { json, quiet, verbose, stdout, stderr, environment } = options;
  const progressStream = json ? stderr : stdout;
  const color = isColored(progressStream, environment);
  const live = progressStream.isTTY === true && environment['TERM'] !== 'dumb' && !environment['CI'] && !quiet;
  // Stands for the escape character of our own colors: text of others cannot know it, and so cannot color anything.
  const own = randomUUID();
  const shown = (text: string): string => text.split(own).map(printable).join('\u001B');
  /** Lines on the screen that are to be replaced. */
  let pending = 0;
  const clear = (): void => {
    if (pending > 0) progressStream.write(`\r\u001B[2K${'\u001B[1A\u001B[2K'.repeat(pending - 1)}`);
    pending = 0;
  };
  /** Writes lines for people: as wide as the terminal, and painted only where it can be seen. */
  const write = (stream: OutputOptions['stdout'], text: string): void => {
    clear();
    const visible = shown(text);
    const painted = color && !isColored(stream, environment) ? stripVTControlCharacters(visible) : visible;
    stream.write(`${stream.isTTY === true ? fit(painted, columnsOf(stream)) : painted}\n`);
  };
  /** What is being done, and when that began. */
  let doing: { text: string; since: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const settle = (): void => {
    doing = undefined;
    clearTimeout(timer);
    timer = undefined;
  };
  /** Writes lines that the next ones replace. */
  const replace = (text: string): void => {
    clear();
    const lines = shown(text).split('\n');
    progressStream.write(lines.map((line) => cut(line, (progressStream.columns ?? 80) - 1)).join('\n'));
    pending = lines.length;
  };
  const tellDoing = (): void => {
    if (doing === undefined) return;
    const seconds = Math.round((performance.now() - doing.since) / 1000);
    const [first = '', ...rest] = doing.text.split('\n');
    const told = seconds === 0 ? first : `${first} (${seconds} s)`;
    if (live) replace([told, ...rest].join('\n'));
    else write(stderr, told);
    timer?.refresh();
  };
  return {
    json,
    quiet,
    verbose,
    color,
    width: columnsOf(progressStream),
    live,
    progress(text) {
      settle();
      if (!quiet) write(progressStream, text);
    },
    note(text) {
      if (!quiet) write(stderr, text);
    },
    transient(text) {
      if (quiet) return;
      const now = live ? text : text.split('\n', 1)[0]!;
      if (now !== doing?.text) doing = { text: now, since: performance.now() };
      if (live) {
        replace(text);
        clearTimeout(timer);
        timer = setTimeout(tellDoing, silenceMs).unref();
      } else timer ??= setTimeout(tellDoing, silenceMs).unref();
    },
    settle,
    result(text, verbatim = json) {
      settle();
      if (!verbatim) {
        if (!quiet) write(stdout, text);
        return;
      }
      clear();
      stdout.write(`${shown(text)}\n`);
    },
    resultJson(value) {
      settle();
      clear();
      stdout.write(`${printableJson(JSON.stringify(value))}\n`);
    },
    problem(text) {
      settle();
      write(stderr, text);
    },
    paint: (format, text) =>
      color ? styleText(format, text, { validateStream: false }).replaceAll('\u001B', own) : text,
  };
}

/** At most so many columns of a line: what wraps into a second one could not be cleared again. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : shorten(plain, columns);
}
