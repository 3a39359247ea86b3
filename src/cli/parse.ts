import { parseArgs, type ParseArgsConfig } from 'node:util';
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import type { Flag } from './flags.ts';

type Values = Record<string, string | boolean | string[] | undefined>;

/** What was typed: flags by their names, only those that were given, and the words between them. */
export class ParsedArguments {
  readonly values: Values;
  readonly positionals: readonly string[];

  constructor(values: Values, positionals: readonly string[]) {
    this.values = values;
    this.positionals = positionals;
  }

  /** The value of a flag that takes one; the last one counts. */
  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** The values of a repeatable flag, or undefined where it was not given. */
  texts(name: string): string[] | undefined {
    const value = this.values[name];
    return Array.isArray(value) ? value : undefined;
  }

  /** Says whether a flag without a value was given. */
  has(name: string): boolean {
    return this.values[name] === true;
  }

  /**
   * Refuses words besides flags.
   * @param command as it was typed, e.g. `muse status`
   * @throws MuseError `bad-call`
   */
  refuseWords(command: string): void {
    if (this.positionals.length === 0) return;
    throw new MuseError({
      code: 'bad-call',
      message: `${command} takes no "${this.positionals.join(' ')}".`,
      suggestion: `See ${command} --help`,
    });
  }

  /**
   * The value of a flag that takes a time, in seconds.
   * @param most the longest time that can be held, in seconds; the shortest is a millisecond
   * @throws MuseError `bad-flag` for anything else
   */
  seconds(name: string, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const seconds = Number(text);
    if (seconds >= 0.001 && seconds <= most) return seconds;
    throw badFlag(
      `--${name} takes a number of seconds from 0.001 to ${most}, not "${text}".`,
      `For example: --${name} 30`,
    );
  }

  /**
   * The value of a flag that takes a port; 0 stands for any that is free.
   * @throws MuseError `bad-flag` for anything else
   */
  port(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined || (/^\d{1,5}$/.test(text) && Number(text) <= 65_535))
      return text === undefined ? undefined : Number(text);
    throw badFlag(`--${name} takes a port from 0 to 65535, not "${text}".`, `For example: --${name} 54400`);
  }
}

function optionsOf(flags: readonly Flag[]): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    flags.map(({ name, type, multiple = false, short }) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
}

/**
 * Finds the command among the arguments: the first word that is neither a flag nor the value of a global flag.
 * @param argv without `node` and the script
 * @param program for the hint, e.g. `muse`
 * @returns the command, undefined where there is none, and the arguments without it
 * @throws MuseError `bad-flag` for a flag before the command that is not a global one
 */
export function splitCommand(
  argv: readonly string[],
  globalFlags: readonly Flag[],
  program: string,
): { command?: string; rest: string[] } {
  const { tokens } = parseArgs({ args: [...argv], options: optionsOf(globalFlags), strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional')
      return { command: token.value, rest: argv.filter((_, index) => index !== token.index) };
    if (token.kind !== 'option' || globalFlags.some(({ name }) => name === token.name)) continue;
    const near = nearest(
      token.name,
      globalFlags.map(({ name }) => name),
    );
    throw badFlag(
      `${token.rawName} is not a global flag, so it cannot go before the command.`,
      near === undefined
        ? `Write it after the command: ${program} <command> ${token.rawName}`
        : `Did you mean --${near}?`,
    );
  }
  return { rest: [...argv] };
}

/**
 * Reads argv by the flags that a command has.
 * @param argv without `node` and the script
 * @param command for the hint, e.g. `create-muse`
 * @throws MuseError `bad-flag` for an unknown flag (with the nearest one), a missing or unwanted value
 */
export function parseArguments(argv: readonly string[], flags: readonly Flag[], command: string): ParsedArguments {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: optionsOf(flags),
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag = flags.find((known) => known.name === token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, flags, command);
    if (flag.type === 'boolean' && token.value !== undefined) {
      throw badFlag(`--${flag.name} takes no value, but was given "${token.value}".`, `Write --${flag.name} alone.`);
    }
    if (flag.type === 'string') checkValue(flag, token.value, token.inlineValue === true, command);
  }
  return new ParsedArguments(values as Values, positionals);
}

function checkValue(flag: Flag, value: string | undefined, inline: boolean, command: string): void {
  const example = `${command} --help`;
  // "--dir --yes" is a forgotten value far more often than a directory of that name; "--dir=--yes" says so on purpose. A lone
  // dash stands for stdout.
  if (value === undefined || value === '' || (!inline && value.startsWith('-') && value !== '-')) {
    throw badFlag(`--${flag.name} needs a value: --${flag.name} ${flag.value ?? '<value>'}.`, `See ${example}`);
  }
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const near = nearest(value, flag.choices);
    throw badFlag(
      `--${flag.name} cannot be "${value}". Allowed: ${flag.choices.join(', ')}.`,
      near === undefined ? `See ${example}` : `Did you mean --${flag.name} ${near}?`,
    );
  }
}

function unknownFlag(raw: string, flags: readonly Flag[], command: string): MuseError {
  const near = nearest(
    raw.replace(/^-+/, ''),
    flags.map((flag) => flag.name),
  );
  return badFlag(
    `There is no flag ${raw}.`,
    near === undefined
      ? `List all flags: ${command} --help`
      : `Did you mean --${near}? List all flags: ${command} --help`,
  );
}

function badFlag(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-flag', message, suggestion });
}
