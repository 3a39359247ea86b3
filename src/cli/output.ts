import { randomUUID } from 'node:crypto';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';
import { printable, printableJson } from '../shared/printable.ts';
import { shorten } from './text.ts';

/** A color or weight, or several. */
type Format = Parameters<typeof styleText>[0];

/**
 * Where text goes, and how: the terminal's edge, handed in so that tests read what is printed. Whatever text holds, no
 * control character reaches the terminal but those of {@link Output.paint}: others are spelled out.
 */
export interface Output {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly width: number;
  /** Whether a line may be rewritten in place. */
  readonly live: boolean;
  /** A line of progress: stdout, or stderr with `--json`; nothing with `--quiet`. */
  progress(text: string): void;
  /** Text, one line or several, that the next line of progress replaces. Nothing where `live` is false. */
  transient(text: string): void;
  /** What was asked for: stdout. */
  result(text: string): void;
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

/** Output to two streams, by the flags and what the terminal can do (`NO_COLOR`, `FORCE_COLOR`, `CI` and `TERM=dumb` count). */
export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, environment } = options;
  const progressStream = options.json ? stderr : stdout;
  const color =
    !environment['NO_COLOR'] &&
    ((progressStream.isTTY === true && environment['TERM'] !== 'dumb') || Boolean(environment['FORCE_COLOR']));
  const live = progressStream.isTTY === true && environment['TERM'] !== 'dumb' && !environment['CI'] && !options.quiet;
  // Stands for the escape character of our own colors: text of others cannot know it, and so cannot color anything.
  const own = randomUUID();
  const shown = (text: string): string => text.split(own).map(printable).join('\u001B');
  /** Lines on the screen that are to be replaced. */
  let pending = 0;
  const clear = (): void => {
    if (pending > 0) progressStream.write(`\r\u001B[2K${'\u001B[1A\u001B[2K'.repeat(pending - 1)}`);
    pending = 0;
  };
  return {
    json: options.json,
    verbose: options.verbose,
    color,
    width: Math.max(40, progressStream.columns ?? 80),
    live,
    progress(text) {
      clear();
      if (!options.quiet) progressStream.write(`${shown(text)}\n`);
    },
    transient(text) {
      if (!live) return;
      clear();
      const lines = shown(text).split('\n');
      progressStream.write(lines.map((line) => cut(line, (progressStream.columns ?? 80) - 1)).join('\n'));
      pending = lines.length;
    },
    result(text) {
      clear();
      stdout.write(`${shown(text)}\n`);
    },
    resultJson(value) {
      clear();
      stdout.write(`${printableJson(JSON.stringify(value))}\n`);
    },
    problem(text) {
      clear();
      stderr.write(`${shown(text)}\n`);
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
