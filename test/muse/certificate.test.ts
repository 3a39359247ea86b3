import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import { smallKit } from '../kit/repository.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { certificateFile } from '../support/certificates/files.ts';
import { startNative, type Native } from '../support/native.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

const kit = smallKit();
const authority = certificateFile('authority');
const other = certificateFile('other-authority');

describe('--db-ca with a PostgreSQL that serves TLS', () => {
  let native: Native;
  let elsewhere: Native;
  beforeAll(async () => {
    [native, elsewhere] = await Promise.all([
      startNative({ certificate: 'server' }),
      startNative({ certificate: 'elsewhere' }),
    ]);
  });
  afterAll(() => Promise.all([native.stop(), elsewhere.stop()]));

  const flags = ['--target', 'postgres', '--supabase-baseline', '--yes', '--no-git', '--no-verify', '--kit', kit];

  it('verifies it, stores the certificate, and uses that from then on', async () => {
    const cwd = await temporaryDirectory();
    const ca = join(cwd, 'ca.pem');
    await writeFile(ca, await readFile(authority));
    const DATABASE_URL = await native.createDatabase('verified');
    const made = await createMuse(['verified', ...flags, '--db-ca', 'ca.pem'], { cwd, env: { DATABASE_URL } });
    expect(made.stderr).toBe('');
    expect(made.stdout).not.toContain('not verified');
    const directory = join(cwd, 'verified');
    const museFile = JSON.parse(await readFile(join(directory, 'muse.json'), 'utf8')) as {
      environments: { development: unknown };
    };
    expect(museFile.environments.development).toEqual({
      target: 'postgres',
      databaseCa: 'certificates/development.crt',
    });

    // The original file can be deleted, since the muse has a copy.
    await rename(ca, join(cwd, 'gone.pem'));
    for (const command of ['status', 'migrate', 'verify']) {
      const { code, stderr } = await muse([command], { cwd: directory, env: { DATABASE_URL } });
      expect([command, code, stderr]).toEqual([command, 0, '']);
    }
    // Each command uses it: with another authority none of them continues.
    await writeFile(join(directory, 'certificates', 'development.crt'), await readFile(other));
    for (const command of ['status', 'migrate', 'verify']) {
      const { code, stderr } = await muse([command], { cwd: directory, env: { DATABASE_URL } });
      expect([command, code]).toEqual([command, 1]);
      expect(stderr).toContain('--db-ca');
    }
  });

  it.each([
    ['another authority', () => native, other, 'signed by no authority that was given (--db-ca)', 1],
    ['another host name', () => elsewhere, authority, 'for another host name', 1],
    ['a file that is missing', () => native, '/nowhere/ca.pem', 'cannot be read', 2],
    [
      'a file that is no certificate',
      () => native,
      join(import.meta.dirname, 'certificate.test.ts'),
      'holds no certificate',
      2,
    ],
  ])('%s: refused before anything is created', async (_, server, ca, words, expected) => {
    const cwd = await temporaryDirectory();
    const { code, stderr } = await createMuse(['refused', ...flags, '--db-ca', ca], {
      cwd,
      env: { DATABASE_URL: server().url() },
    });
    expect(stderr).toContain(words);
    expect(stderr).toContain('→');
    expect(stderr).not.toContain('native-password');
    expect(code).toBe(expected);
    expect(existsSync(join(cwd, 'refused'))).toBe(false);
  });
});

// 0.0.0.0 is this machine too, but not a loopback name. Windows does not connect to it.
describe.skipIf(process.platform === 'win32')('--db-ca with a Supabase project', () => {
  let fakeApi: FakeApi;
  beforeAll(async () => {
    fakeApi = await openFakeApi();
    Object.assign(fakeApi.conditions, { upAtOnce: true, poolerHost: '0.0.0.0', certificate: 'signed' });
  });
  afterAll(() => fakeApi.close());

  it('a missing file creates nothing, a wrong one stops before migrating, and --resume accepts another', async () => {
    const cwd = await temporaryDirectory();
    const profile = await fakeApi.writeProfile(cwd);
    await writeFile(
      profile,
      (await readFile(profile, 'utf8')).replace('pooler_host: 127.0.0.1', 'pooler_host: 0.0.0.0'),
    );
    const env = { ...fakeApi.env, SUPABASE_PROFILE: profile };
    const flags = [
      '--target',
      'supabase',
      '--org',
      'acme',
      '--region',
      'eu-central-1',
      '--kit',
      kit,
      '--yes',
      '--no-verify',
    ];

    const missing = await createMuse(['tlsmuse', ...flags, '--db-ca', '/nowhere/ca.pem'], { cwd, env });
    expect(missing.code).toBe(2);
    expect(fakeApi.count('POST', '/v1/projects')).toBe(0);

    const wrong = await createMuse(['tlsmuse', ...flags, '--db-ca', other], { cwd, env });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('signed by no authority that was given (--db-ca)');
    const right = await createMuse(['tlsmuse', '--resume', '--db-ca', authority], { cwd, env });
    expect(right.stderr).toBe('');
    expect(right.code).toBe(0);
    expect(right.stdout).not.toContain('not verified');
    expect(fakeApi.count('POST', '/v1/projects')).toBe(1);

    const directory = join(cwd, 'tlsmuse');
    expect(await readFile(join(directory, 'certificates', 'development.crt'), 'utf8')).toBe(
      await readFile(authority, 'utf8'),
    );
    expect((await muse(['migrate'], { cwd: directory, env })).code).toBe(0);
    fakeApi.conditions.certificate = 'elsewhere';
    const moved = await muse(['migrate'], { cwd: directory, env });
    expect(moved.code).toBe(1);
    expect(moved.stderr).toContain('for another host name');

    const unverified = await createMuse(['plainmuse', ...flags], { cwd, env });
    expect(unverified.code).toBe(0);
    expect(unverified.stdout.replaceAll('\n', ' ')).toContain(
      "the server's identity was not verified. To verify it, add --db-ca <file>",
    );
  }, 180_000);
});
