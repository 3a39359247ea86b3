import { describe, expect, it } from 'vitest';
import { createFlags } from '../../src/cli/create-muse.ts';
import { limitFlags, museFlags } from '../../src/cli/flags.ts';
import { formatHelp } from '../../src/cli/help.ts';
import { commandNames, museHelp } from '../../src/cli/muse-command.ts';
import { limitsOf } from '../../src/cli/muse-context.ts';
import { parseArguments, splitCommand } from '../../src/cli/parse.ts';
import { MuseError } from '../../src/shared/error.ts';

const parse = (...argv: string[]) => parseArguments(argv, createFlags, 'create-muse');
const refusal = (...argv: string[]): MuseError => {
  try {
    parse(...argv);
  } catch (error) {
    return error as MuseError;
  }
  throw new Error(`${argv.join(' ')} was taken`);
};

describe('accepted arguments', () => {
  it.each([
    [['realtymuse'], {}, ['realtymuse']],
    [['realtymuse', '--yes'], { yes: true }, ['realtymuse']],
    [['-y', 'realtymuse'], { yes: true }, ['realtymuse']],
    [['a', '--preset', 'realty', '--preset=crm'], { preset: ['realty', 'crm'] }, ['a']],
    [['a', '--dir=--yes'], { dir: '--yes' }, ['a']],
    [['a', '--', '--yes'], {}, ['a', '--yes']],
    [['a', '--table', 'x: y text!'], { table: ['x: y text!'] }, ['a']],
  ])('%j', (argv, values, positionals) => {
    const parsed = parse(...argv);
    expect({ ...parsed.values }).toEqual(values);
    expect(parsed.positionals).toEqual(positionals);
  });
});

describe('refused arguments', () => {
  it.each([
    [['--persets', 'realty'], 'There is no flag --persets.', 'Did you mean --preset?'],
    [['--wat'], 'There is no flag --wat.', 'List all flags: create-muse --help'],
    [['--target', 'supbase'], '--target cannot be "supbase"', 'Did you mean --target supabase?'],
    [['--dir', '--yes'], '--dir needs a value', 'create-muse --help'],
    [['--dir'], '--dir needs a value', 'create-muse --help'],
    [['--dir='], '--dir needs a value', 'create-muse --help'],
    [['--yes=no'], '--yes takes no value', 'Write --yes alone.'],
  ])('%j', (argv, message, suggestion) => {
    const error = refusal(...argv);
    expect(error.code).toBe('bad-flag');
    expect(error.message).toContain(message);
    expect(error.suggestion).toContain(suggestion);
  });
});

describe('the command', () => {
  it.each([
    [['status'], 'status', []],
    [['--env', 'staging', 'status'], 'status', ['--env', 'staging']],
    [['--dir', 'migrate', 'status', '--check'], 'status', ['--dir', 'migrate', '--check']],
    [['--env=staging', '--json', 'new', 'status'], 'new', ['--env=staging', '--json', 'status']],
    [['-y', 'reset'], 'reset', ['-y']],
    [['new', '--table', 'status: a text'], 'new', ['--table', 'status: a text']],
    [['--', 'status'], 'status', ['--']],
    [['--json'], undefined, ['--json']],
  ])('of %j', (argv, command, rest) => {
    expect(splitCommand(argv, museFlags, 'muse')).toEqual({ ...(command === undefined ? {} : { command }), rest });
  });

  it.each([
    [
      ['--steps', '2', 'rollback'],
      '--steps is not a global flag',
      'Write it after the command: muse <command> --steps',
    ],
    [['--evn', 'staging', 'status'], '--evn is not a global flag', 'Did you mean --env?'],
  ])('of %j cannot come after that flag', (argv, message, suggestion) => {
    expect(() => splitCommand(argv, museFlags, 'muse')).toThrow(
      expect.objectContaining({ code: 'bad-flag', message: expect.stringContaining(message), suggestion }),
    );
  });
});

describe('time limits', () => {
  it.each([
    [['--lock-timeout', '2.5'], { lockTimeoutMs: 2500 }],
    [['--statement-timeout=2147483', '--lock-timeout=0.001'], { lockTimeoutMs: 1, statementTimeoutMs: 2_147_483_000 }],
    [[], {}],
  ])('%j', (argv, limits) => {
    expect(limitsOf(parseArguments(argv, limitFlags, 'muse migrate'))).toEqual(limits);
  });

  // 0 would be no limit at all.
  it.each(['0', '-1', '0.0001', '2147484', 'ten', '1e9', 'NaN', 'Infinity'])('--lock-timeout=%s is refused', (text) => {
    expect(() => limitsOf(parseArguments([`--lock-timeout=${text}`], limitFlags, 'muse migrate'))).toThrow(MuseError);
  });
});

describe('help', () => {
  const text = formatHelp({ about: 'About.', usage: ['create-muse [name]'], flags: createFlags, width: 80 });
  it('has every flag', () => {
    for (const flag of createFlags) expect(text).toContain(`--${flag.name}`);
  });
  it.each([undefined, ...commandNames()])('of muse %s fits 80 columns', async (name) => {
    for (const line of (await museHelp(80, name)).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });
  it('fits 80 columns', () => {
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });
});
