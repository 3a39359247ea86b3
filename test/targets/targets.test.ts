import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MuseError } from '../../src/shared/error.ts';
import type { Muse, MuseFile } from '../../src/shared/muse-file.ts';
import { takesCertificate } from '../../src/targets/certificate.ts';
import { openEnvironment, placeOf, targetOf } from '../../src/targets/open.ts';
import { targetKinds } from '../../src/targets/kinds.ts';
import { defaultTarget } from '../../src/targets/target.ts';
import { targets } from '../../src/targets/targets.ts';
import { secretsFileOf } from '../../src/targets/secrets-file.ts';
import type { Place, Target } from '../../src/targets/target.ts';
import { temporaryDirectory } from '../support/cli.ts';

const muse = (environments: MuseFile['environments']): Muse => ({
  directory: '/nowhere',
  museFile: { environments } as MuseFile,
});

describe('an unknown target', () => {
  it.each([
    ['neon', 'Choose one of: embedded, postgres, supabase.'],
    ['supbase', 'Did you mean "supabase"?'],
    ['constructor', 'Choose one of: embedded, postgres, supabase.'],
  ])('%s is refused, whatever URL is available', async (target, suggestion) => {
    const place = muse({ development: { target } });
    await expect(
      openEnvironment(place, 'development', { DATABASE_URL: 'postgresql://127.0.0.1:1/none' }),
    ).rejects.toMatchObject({ code: 'bad-target', suggestion });
    expect(() => targetOf(target)).toThrow(`"${target}" is not a target.`);
  });
});

it('an unknown environment is refused with a list of the known ones', () => {
  expect(() =>
    placeOf(muse({ development: { target: 'embedded' }, production: { target: 'postgres' } }), 'staging', {}),
  ).toThrow(
    expect.objectContaining({
      code: 'bad-environment',
      suggestion: expect.stringContaining('It has development, production'),
    }),
  );
});

describe.each(targetKinds)('%s', (kind) => {
  const target: Target = targets[kind];

  it('describes itself, and stores nothing in muse.json that could be a secret', () => {
    expect([target.title, target.about]).not.toContain('');
    expect(Object.keys(target.settings).filter((key) => /password|secret|token|^url$|key/i.test(key))).toEqual([]);
  });

  it('is a local directory, a server, or a project', () => {
    expect([target.local, target.provisioned].filter(Boolean).length).toBeLessThanOrEqual(1);
    expect(target.needsUrl && (target.local || target.provisioned)).toBe(false);
    // A database that can be dropped belongs only to the muse, and a certificate implies a network connection.
    expect(target.drop !== undefined).toBe(target.local);
    expect(takesCertificate(target)).toBe(!target.local);
  });
});

it('the default needs neither a URL nor a project', () => {
  const { local, needsUrl, provisioned } = targets[defaultTarget];
  expect({ local, needsUrl, provisioned }).toEqual({ local: true, needsUrl: false, provisioned: false });
});

describe('the URL of a PostgreSQL environment', () => {
  const url = (host: string, rest = 'app'): string => `postgresql://u:s3cret@${host}:5432/${rest}`;

  it.each([
    ['development', url('mine'), url('theirs'), url('mine')],
    ['production', url('mine'), undefined, url('mine')],
    ['production', undefined, url('mine'), url('mine')],
    ['staging', url('mine'), url('MINE'), url('mine')],
    ['staging', `${url('mine')}?sslmode=require`, url('mine'), `${url('mine')}?sslmode=require`],
  ] as const)('%s, by the process %s and by its file %s', async (name, ofProcess, ofFile, expected) => {
    const directory = await temporaryDirectory();
    if (ofFile !== undefined) await writeFile(join(directory, secretsFileOf(name)), `DATABASE_URL=${ofFile}\n`);
    const place: Place = { directory, name, entry: { target: 'postgres' }, environment: { DATABASE_URL: ofProcess } };
    expect(await targets.postgres.url?.(place)).toBe(expected);
  });

  it.each([
    ['production', url('mine'), url('theirs'), ['mine:5432/app', 'theirs:5432/app', '.env.production.local']],
    ['staging', url('mine'), url('mine', 'other'), ['mine:5432/app', 'mine:5432/other', '.env.staging.local']],
    ['staging', url('mine'), `${url('mine')}?host=theirs`, ['mine:5432/app', 'theirs:5432/app']],
    ['production', url('mine'), url('mine').replace('u:', 'v:'), ['mine:5432/app as u', 'mine:5432/app as v']],
  ] as const)('%s is refused where they disagree: %s and %s', async (name, ofProcess, ofFile, words) => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, secretsFileOf(name)), `DATABASE_URL=${ofFile}\n`);
    const place: Place = { directory, name, entry: { target: 'postgres' }, environment: { DATABASE_URL: ofProcess } };
    const error = await targets.postgres.open(place).catch((thrown: unknown) => thrown as MuseError);
    expect(error).toMatchObject({ code: 'bad-database-url' });
    for (const word of words) expect((error as MuseError).message).toContain(word);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });
});
