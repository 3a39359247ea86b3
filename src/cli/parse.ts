import { parseArgs, type ParseArgsConfig } from 'node:util';
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import type { Flag } from './flags.ts';

/** What was typed, by flag name; only flags that were given are there. */
export interface ParsedArguments {
  values: Record<string, string | boolean | string[] | undefined>;
  positionals: string[];
}

/** The value of a flag that takes one; the last one counts. */
export function flagText(parsed: ParsedArguments, name: string): string | undefined {
  const value = parsed.values[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of a repeatable flag, or undefined where it was not given. */
export function flagTexts(parsed: ParsedArguments, name: string): string[] | undefined {
  const value = parsed.values[name];
  return Array.isArray(value) ? value : undefined;
}

/** Says whether a flag without a value was given. */
export function isSet(parsed: ParsedArguments, name: string): boolean {
  return parsed.values[name] === true;
}

/**
 * Reads argv by the flags that a command has.
 * @param argv without `node` and the script
 * @param command for the hint, as `create-muse`
 * @throws MuseError `bad-flag` for an unknown flag (with the nearest one), a missing or unwanted value
 */
export function parseArguments(argv: readonly string[], flags: readonly Flag[], command: string): ParsedArguments {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const flag of flags) {
    options[flag.name] = {
      type: flag.type,
      multiple: flag.multiple ?? false,
      ...(flag.short === undefined ? {} : { short: flag.short }),
    };
  }
  const { values, positionals, tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag = flags.find((known) => known.name === token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, flags, command);
    if (flag.type === 'boolean' && token.value !== undefined) {
      throw badFlag(`--${flag.name} takes no value, but was given "${token.value}".`, `Write --${flag.name} alone.`);
    }
    if (flag.type === 'string') checkValue(flag, token.value, token.inlineValue === true, command);
  }
  return { values: values as ParsedArguments['values'], positionals };
}

function checkValue(flag: Flag, value: string | undefined, inline: boolean, command: string): void {
  const example = `${command} --help`;
  // "--dir --yes" is a forgotten value far more often than a directory of that name; "--dir=--yes" says so on purpose.
  if (value === undefined || value === '' || (!inline && value.startsWith('-'))) {
    throw badFlag(`--${flag.name} needs a value: --${flag.name} ${flag.value ?? '<value>'}.`, `See ${example}.`);
  }
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const near = nearest(value, flag.choices);
    throw badFlag(
      `--${flag.name} cannot be "${value}": it takes ${flag.choices.join(', ')}.`,
      near === undefined ? `See ${example}.` : `Did you mean --${flag.name} ${near}?`,
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
    near === undefined ? `${command} --help lists them.` : `Did you mean --${near}? ${command} --help lists them all.`,
  );
}

function badFlag(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-flag', message, suggestion });
}
