import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EnvironmentName } from '../../src/shared/muse-file.ts';
import { keptError } from '../../src/portfolio/worker/failure.ts';
import { itemEnvironment, splitWords, variableOf, withoutSecrets } from '../../src/portfolio/worker/secrets.ts';
import { Limit } from '../../src/portfolio/limit.ts';
import { isNewer } from '../../src/portfolio/engine/version.ts';
import { parseWaves, planWaves } from '../../src/portfolio/engine/waves.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { named } from './registries.ts';

const muse = { name: 'kid-vault', environments: { production: { target: 'postgres', urlVariable: 'PG_URL' } } };

describe('the secrets of an environment', () => {
  it.each<[string, EnvironmentName, string]>([
    ['kidvault', 'production', 'MUSE_KIDVAULT_PRODUCTION_URL'],
    ['kid-vault', 'staging', 'MUSE_KID_VAULT_STAGING_URL'],
    ['über', 'staging', 'MUSE_UFC_BER_STAGING_URL'],
    ['öber', 'staging', 'MUSE_UF6_BER_STAGING_URL'],
    ['Kid.Vault 2', 'development', 'MUSE_KID_VAULT_2_DEVELOPMENT_URL'],
  ])('of %s %s are in %s', (name, environment, variable) => {
    expect(variableOf(name, environment, 'URL')).toBe(variable);
  });

  it('come from variables of their own, and never from those of another database', async () => {
    const own = {
      PATH: '/bin',
      DATABASE_URL: 'postgres://shell',
      PG_URL: 'postgres://shell-too',
      SUPABASE_DB_PASSWORD: 'of-the-shell',
      MUSE_KID_VAULT_PRODUCTION_URL: 'postgres://u:s%40cret-word@host/db',
      MUSE_OTHER_PRODUCTION_URL: 'postgres://of-another-muse',
      MUSE_OTHER_STAGING_PASSWORD: 'of-another-muse',
      MUSE_REGISTRY: 'postgres://registry',
    };
    const { variables, secrets } = await itemEnvironment(muse, 'production', own, undefined);
    expect(variables).toEqual({ PATH: '/bin', PG_URL: own.MUSE_KID_VAULT_PRODUCTION_URL });
    const told = withoutSecrets(`at ${variables['PG_URL']} with s%40cret-word and s@cret-word`, secrets);
    expect(told).toBe('at [secret] with [secret] and [secret]');
    expect(keptError(new Error('no s@cret-word'), secrets).message).not.toContain('s@cret');
  });

  it('come from a command, without a shell', async () => {
    const directory = await temporaryDirectory();
    const script = join(directory, 'a command.mjs');
    await writeFile(
      script,
      `const [flag, name, environment] = process.argv.slice(2);
       if (name === 'broken') { console.error('the-secret-of-stderr'); process.exit(3); }
       console.log('DATABASE_URL=postgres://' + [flag, name, environment, process.env.MUSE_NAME].join('.'));`,
    );
    const command = `'${process.execPath}' "${script}" $HOME;ls`;
    const { variables } = await itemEnvironment(muse, 'production', { PATH: process.env['PATH'] }, command);
    expect(variables['PG_URL']).toBe('postgres://$HOME;ls.kid-vault.production.kid-vault');
    const error: unknown = await itemEnvironment(
      { ...muse, name: 'broken' },
      'production',
      { PATH: process.env['PATH'] },
      command,
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'secrets-failed', message: expect.stringContaining('ended with 3') });
    expect(JSON.stringify(error)).not.toContain('the-secret');
  });

  it.each([
    ['one two', ['one', 'two']],
    ['  "a b"  c\'d e\'f ', ['a b', 'cd ef']],
    ['""', ['']],
    ['', []],
  ])('the command line %j has the words %j', (line, words) => expect(splitWords(line)).toEqual(words));

  it('a quote that does not end is refused', () => {
    expect(() => splitWords('read "secret')).toThrow('does not end');
  });
});

describe('connections to one server', () => {
  it('are as many as are allowed, in order, and a wait ends with the signal', async () => {
    const limit = new Limit(2);
    const { signal } = new AbortController();
    let now = 0;
    let most = 0;
    const order: number[] = [];
    const work = (index: number) => async (): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(index);
      now -= 1;
    };
    const stop = new AbortController();
    const waiting = [0, 1, 2, 3].map((index) => limit.run('db:5432', signal, work(index)));
    const stopped = limit.run('db:5432', stop.signal, work(9));
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    await Promise.all([...waiting, limit.run('other:5432', signal, work(4)), limit.run(undefined, signal, work(5))]);
    expect(order.filter((index) => index < 4)).toEqual([0, 1, 2, 3]);
    expect(most).toBeLessThanOrEqual(4);
    await limit.run('db:5432', signal, work(6));
    await expect(limit.run('db:5432', signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await limit.run('db:5432', signal, work(7));
  });
});

it.each([
  ['0.10.0', '0.9.3', true],
  ['1.0.0', '1.0.0', false],
  ['1.0.0', '1.0.0-beta.2', true],
  ['1.0.0-beta.10', '1.0.0-beta.9', true],
  ['1.0.0-beta.1', '1.0.0', false],
  ['0.9.9', '1.0.0', false],
])('%s is newer than %s: %s', (one, other, expected) => expect(isNewer(one, other)).toBe(expected));

describe('waves', () => {
  it.each<[string, number, string[], string, number[]]>([
    ['a canary, a tenth, the rest', 20, ['m07'], '10%,100%', [1, 1, 18]],
    ['one, a tenth, all', 30, [], '1,10%,100%', [1, 2, 27]],
    ['what is left is the last wave', 10, [], '2', [2, 8]],
    ['sizes that add nobody', 3, [], '1,1,2%,100%', [1, 2]],
    ['more than there are', 2, [], '500', [2]],
    ['a pattern', 10, ['m0*'], '100%', [9, 1]],
  ])('%s', (_, count, canary, text, sizes) => {
    const waves = planWaves(named(count), canary, parseWaves(text));
    const found = Array.from(
      { length: Math.max(...waves) },
      (__, index) => waves.filter((wave) => wave === index + 1).length,
    );
    expect(found).toEqual(sizes);
  });

  it.each(['', '0', '101%', '1;2', '-1', '1.5', 'all', '1,,2'])('%j is refused', (text) => {
    expect(() => parseWaves(text)).toThrow('--waves');
  });
});
