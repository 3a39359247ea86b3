import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { museHelp } from '../../src/cli/muse-command.ts';
import { packageVersion } from '../../src/shared/version.ts';
import { smallKit } from '../kit/repository.ts';
import { createMuse, muse, temporaryDirectory } from '../support/cli.ts';
import { createMuse as createHere, muse as museHere } from '../support/cli-in-process.ts';

describe('help and version, as commands and as flags', () => {
  it.each([
    [createMuse, ['help'], 'create-muse [name] [flags]'],
    [createMuse, ['--help'], 'create-muse [name] [flags]'],
    [createMuse, ['--yes', 'help'], 'create-muse [name] [flags]'],
    [createMuse, ['-h'], 'create-muse [name] [flags]'],
    [createMuse, ['version'], packageVersion()],
    [createMuse, ['--version'], packageVersion()],
    [muse, ['help'], 'muse <command> [flags]'],
    [muse, [], 'muse <command> [flags]'],
    [muse, ['--help'], 'muse <command> [flags]'],
    [muse, ['help', 'status'], 'muse status [--env <name>]'],
    [muse, ['status', '--help'], 'muse status [--env <name>]'],
    [muse, ['--env', 'staging', 'status', '-h'], 'muse status [--env <name>]'],
    [muse, ['version'], packageVersion()],
    [muse, ['status', '-v'], packageVersion()],
  ])('%o %j', async (program, args, words) => {
    const cwd = await temporaryDirectory();
    const { code, stdout, stderr } = await program(args, { cwd });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(words);
    expect(await readdir(cwd)).toEqual([]);
  });

  it.each([
    [createMuse, ['help', '--json'], { command: 'create-muse', help: expect.stringContaining('--preset') }],
    [createMuse, ['version', '--json'], { command: 'create-muse', version: packageVersion() }],
    [muse, ['help', 'new', '--json'], { command: 'muse help', help: expect.stringContaining('--data-from') }],
    [muse, ['version', '--json'], { command: 'muse version', version: packageVersion() }],
  ])('%o %j', async (program, args, json) => {
    const { stdout } = await program(args, { cwd: await temporaryDirectory() });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, ...json });
  });
});

describe('global flags before and after the command', () => {
  const kit = smallKit();
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    const table = 'notes: title text!, owner user';
    await createHere(['--yes', '--no-verify', '--preset', 'blank', '--kit', kit, '--table', table, 'product'], { cwd });
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it.each([
    [['--dir', 'product', 'status', '--json']],
    [['--dir=product', '--json', 'status']],
    [['status', '--dir', 'product', '--json']],
    [['--json', '--env', 'development', 'status', '--dir', 'product']],
  ])('%j', async (args) => {
    const { code, stdout } = await museHere(args, { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      command: 'muse status',
      name: 'product',
      directory: join(cwd, 'product'),
      kit: { source: kit, layout: 'musekit', commit: expect.any(String) },
      environments: [{ name: 'development', target: 'embedded' }],
    });
  });

  it('--env before the command picks the environment', async () => {
    const { code, stdout } = await museHere(['--env', 'staging', '--json', 'status', '--dir', 'product'], { cwd });
    expect(code).not.toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { message: expect.stringContaining('staging') } });
  });

  it('a command prints its environment and target', async () => {
    const { stdout } = await museHere(['verify', '--dir', 'product', '--json'], { cwd });
    const verified = JSON.parse(stdout) as {
      isolation: { proven: string[]; notProven: string[]; tables: { table: string }[] };
    };
    expect(verified).toMatchObject({
      ok: true,
      environment: 'development',
      target: { kind: 'embedded' },
      isolation: { notProven: [] },
    });
    expect(verified.isolation.proven).toEqual(verified.isolation.tables.map(({ table }) => table));
  });
});

describe('help loads no handler', () => {
  const source = join(import.meta.dirname, '..', '..', 'src');
  /** Modules that are loaded with a file, itself included, by static imports of values. */
  function loaded(file: string, seen = new Set<string>()): Set<string> {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gms,
    )) {
      if (specifier.startsWith('.')) loaded(join(dirname(file), specifier), seen);
      else expect(specifier, file).toMatch(/^node:/);
    }
    return seen;
  }

  it('except the text that the build wrote, which matches the commands', async () => {
    const { stdout } = await muse(['--help'], { cwd: await temporaryDirectory() });
    expect(stdout).toBe(await museHelp(80));
  });

  it('of a command, nor any module that slows down startup', async () => {
    const commands = (await readdir(join(source, 'cli', 'commands'), { recursive: true }))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(source, 'cli', 'commands', name));
    const all = new Set(
      [...commands, join(source, 'cli', 'muse.ts'), join(source, 'cli', 'create-muse.ts')].flatMap((file) => [
        ...loaded(file),
      ]),
    );
    const others = [...all]
      .filter((file) => !commands.includes(file))
      .map((file) => relative(source, file).replaceAll('\\', '/'));
    expect(others.sort()).toEqual([
      'cli/create-muse.ts',
      'cli/flags.ts',
      'cli/muse-command.ts',
      'cli/muse-context.ts',
      'cli/muse.ts',
      'cli/portfolio.ts',
      'cli/text.ts',
      'shared/error.ts',
      'shared/finding.ts',
      'shared/printable.ts',
      'shared/wrap.ts',
      'targets/kinds.ts',
      'targets/target.ts',
    ]);
  });
});
