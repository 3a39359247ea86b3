import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../src/kit/environment-file.ts';
import { smallKit } from '../kit/repository.ts';
import { createMuse as createMuseProgram, muse as museProgram, temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { isWhole } from '../support/sample.ts';

const run = promisify(execFile);
const kit = smallKit();
/** With a kit that takes little time: what these tests are about is around it. */
const small = ['--kit', kit];
/** And with no proof: the test of what stays secret has one, as everything of the proof does. */
const unproven = [...small, '--no-verify'];
const flags = [
  '--target',
  'supabase',
  '--org',
  'acme',
  '--region',
  'eu-central-1',
  '--preset',
  'deliverables',
  '--yes',
];

/** Collects the arguments of every process on this machine until it is stopped; nothing without /proc. */
function watchArguments(): () => string {
  const seen = new Set<string>();
  const look = (): void => {
    for (const pid of existsSync('/proc/self/cmdline')
      ? readdirSync('/proc').filter((name) => /^\d+$/.test(name))
      : []) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // The process has ended.
      }
    }
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    return [...seen].join('\n');
  };
}

const readGit = async (cwd: string, args: string[]): Promise<string> =>
  (await run('git', args, { cwd, maxBuffer: 1 << 28, encoding: 'latin1' })).stdout;

let fakeApi: FakeApi;
beforeAll(async () => {
  fakeApi = await openFakeApi();
  // Only the first test waits in real time.
  fakeApi.conditions.upAtOnce = true;
});
afterAll(() => fakeApi.close());

describe('create-muse --target supabase', () => {
  it('ends with a project that works, and says so', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    const seen = watchArguments();
    fakeApi.conditions.upAtOnce = false;
    const made = await createMuseProgram(
      [
        'cloudmuse',
        ...flags,
        '--site-url',
        'https://cloud.example.com',
        '--admin-email',
        'ada@example.com',
        // The proof of the built-in kit takes longer than the rest.
        ...(isWhole ? [] : ['--no-verify']),
      ],
      { cwd, env },
    );
    fakeApi.conditions.upAtOnce = true;
    expect(made.stderr).toBe('');
    expect(made.code).toBe(0);
    expect(made.stdout).toContain('cloudmuse is ready');
    expect(made.stdout).toContain("The admin's password, shown only once:");

    const directory = join(cwd, 'cloudmuse');
    const projects = [...fakeApi.state.projects.values()].filter(({ name }) => name === 'cloudmuse');
    expect(projects).toHaveLength(1);
    const museFile = JSON.parse(await readFile(join(directory, 'muse.json'), 'utf8')) as {
      environments: Record<string, unknown>;
    };
    expect(museFile.environments).toEqual({
      development: { target: 'supabase', ref: projects[0]?.ref, region: 'eu-central-1', organization: 'acme' },
    });
    if (process.platform !== 'win32') expect((await stat(join(directory, '.env.local'))).mode & 0o777).toBe(0o600);
    const values = parseEnvironment(await readFile(join(directory, '.env.local'), 'utf8'));
    for (const name of [
      'NEXT_PUBLIC_SUPABASE_URL',
      'NEXT_PUBLIC_SUPABASE_ANON_KEY',
      'SUPABASE_SERVICE_ROLE_KEY',
      'DATABASE_URL',
      'DIRECT_URL',
    ]) {
      expect(values[name], name).toBeTruthy();
    }
    expect(values['NEXT_PUBLIC_SUPABASE_URL']).toContain(projects[0]?.ref);

    const status = await museProgram(['status', '--json'], { cwd: directory, env });
    const processes = seen();
    if (process.platform === 'linux') expect(processes).toContain('cloudmuse');
    expect(JSON.parse(status.stdout)).toMatchObject({
      ok: true,
      environments: [{ name: 'development', target: 'supabase', pending: [], edited: [], missing: [] }],
    });
    expect((await run('git', ['status', '--porcelain'], { cwd: directory })).stdout).toBe('');

    // Secrets are only in .env.local.
    const secrets = [
      fakeApi.state.token,
      values['SUPABASE_DB_PASSWORD'] ?? 'missing',
      values['SUPABASE_SERVICE_ROLE_KEY'] ?? 'missing',
    ];
    const journal = await readFile(join(directory, '.muse', 'journal.json'), 'utf8');
    const objects = await run('git', ['log', '-p', '--all'], { cwd: directory, maxBuffer: 1 << 28 });
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      for (const text of [made.stdout, made.stderr, status.stdout, journal, objects.stdout, processes])
        expect(text.includes(secret)).toBe(false);
    }

    const refused = await muse(['destroy'], { cwd: directory, env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--confirm');
    const destroyed = await muse(['destroy', '--confirm', projects[0]?.ref ?? ''], { cwd: directory, env });
    expect(destroyed.stderr).toBe('');
    expect(destroyed.code).toBe(0);
    expect(fakeApi.state.projects.has(projects[0]?.ref ?? '')).toBe(false);
  });

  // As in test/supabase/faults.test.ts; that the command continues: supabase-kill.test.ts.
  it.runIf(isWhole)('continues after a lost response, with exactly one project', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    fakeApi.http.add('answer-lost', 'POST /v1/projects');
    const { code, stderr } = await createMuse(['lostmuse', ...flags, ...unproven, '--json'], { cwd, env });
    expect(code, stderr).toBe(0);
    expect([...fakeApi.state.projects.values()].filter(({ name }) => name === 'lostmuse')).toHaveLength(1);
  });
});

describe('muse provision', () => {
  it('creates a project for an embedded muse, and adopts an existing one', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    expect((await createMuse(['latermuse', '--yes', '--quiet', ...unproven], { cwd })).code).toBe(0);
    const directory = join(cwd, 'latermuse');
    const made = await muse(['provision', '--org', 'acme', '--region', 'emea', '--yes'], { cwd: directory, env });
    expect(made.stderr).toBe('');
    expect(made.code).toBe(0);
    expect(made.stdout).toContain('its data is not copied');
    const [project] = [...fakeApi.state.projects.values()].filter(({ name }) => name === 'latermuse');
    const status = await muse(['status', '--json'], { cwd: directory, env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      environments: [{ target: 'supabase', pending: [], health: { status: 'ACTIVE_HEALTHY' } }],
    });

    // The same project, as production of another muse: its owner knows the password.
    const password = parseEnvironment(await readFile(join(directory, '.env.local'), 'utf8'))['SUPABASE_DB_PASSWORD'];
    const adopted = await muse(
      ['provision', '--env', 'production', '--project-ref', project?.ref ?? '', '--yes', '--json'],
      {
        cwd: directory,
        env: { ...env, SUPABASE_DB_PASSWORD: password },
      },
    );
    expect(adopted.code, adopted.stdout).toBe(0);
    const museFile = JSON.parse(await readFile(join(directory, 'muse.json'), 'utf8')) as {
      environments: Record<string, unknown>;
    };
    expect(museFile.environments['production']).toMatchObject({ target: 'supabase', ref: project?.ref });
    expect(adopted.stderr).toContain('The project "latermuse"');
    expect(adopted.stderr.replace(/\s+/g, ' ')).toContain('no users, no buckets');
    expect([...fakeApi.state.projects.values()].filter(({ name }) => name === 'latermuse')).toHaveLength(1);
  });
});

describe('muse provision, refused', () => {
  it('leaves nothing unfinished, and names another environment’s project after the environment', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    fakeApi.addProject({ name: 'twicemuse' });
    expect((await createMuse(['twicemuse', '--yes', '--quiet', ...unproven], { cwd })).code).toBe(0);
    const directory = join(cwd, 'twicemuse');
    for (const [flag, code] of [
      ['nobody', 2],
      ['acme', 1],
    ] as const) {
      const refused = await muse(['provision', '--org', flag, '--yes'], { cwd: directory, env });
      expect(refused.code).toBe(code);
      expect(refused.stderr).not.toContain('--resume');
    }
    const missing = await muse(['provision', '--project-ref', 'abcdefghijklmnopqrst', '--yes'], {
      cwd: directory,
      env,
    });
    expect(missing.stderr).toContain('404');
    // In a loop: the first call starts, as there is nothing to resume; the second one finds it done.
    const loop = ['provision', '--org', 'acme', '--env', 'staging', '--yes', '--resume'];
    const made = await muse(loop, { cwd: directory, env });
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toContain('starting from the beginning');
    const again = await muse(loop, { cwd: directory, env });
    expect([again.code, again.stdout.includes('starting from the beginning')]).toEqual([0, false]);
    expect([...fakeApi.state.projects.values()].filter(({ name }) => name === 'twicemuse-staging')).toHaveLength(1);
  });

  it('asks for the password of an adopted project before it does anything', async () => {
    const cwd = await temporaryDirectory();
    const theirs = fakeApi.addProject({ name: 'theirs' });
    const { code, stderr } = await createMuse(
      ['adopting', '--target', 'supabase', '--project-ref', theirs.ref, '--preset', 'blank', ...unproven, '--yes'],
      { cwd, env: fakeApi.env },
    );
    expect(code).toBe(2);
    expect(stderr).toContain('SUPABASE_DB_PASSWORD');
    expect(existsSync(join(cwd, 'adopting'))).toBe(false);
  });
});

describe('--resume with other answers', () => {
  it('accepts what can still be changed, and says why the rest cannot', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    fakeApi.conditions.neverHealthy = true;
    const late = await createMuse(['patient', ...flags, ...unproven, '--wait-timeout', '1'], { cwd, env });
    fakeApi.conditions.neverHealthy = false;
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('was not ready after 1 s');
    expect(late.stderr).toContain('--resume');
    const posts = fakeApi.count('POST', '/v1/projects');
    const moved = await createMuse(['patient', '--resume', '--region', 'us-east-1'], { cwd, env });
    expect(moved.code).toBe(2);
    expect(moved.stderr).toContain('--region cannot be changed for patient');
    const done = await createMuse(
      ['patient', '--resume', '--wait-timeout', '300', '--admin-email', 'eve@example.com'],
      { cwd, env },
    );
    expect(done.stderr).toBe('');
    expect(done.stdout).toContain("The admin's password, shown only once:");
    expect(fakeApi.count('POST', '/v1/projects')).toBe(posts);
  });

  it.skipIf(process.platform === 'win32')(
    'Ctrl-C during a wait ends immediately, and names the project and the command',
    async () => {
      const cwd = await temporaryDirectory();
      const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
      fakeApi.conditions.neverHealthy = true;
      const looked = fakeApi.count('GET', '/v1/projects/{ref}');
      let stopped = false;
      const waiting = createMuseProgram(['impatient', ...flags, ...unproven], {
        cwd,
        env,
        onOutput: (text, kill) => {
          if (stopped || !text.includes('Create the Supabase project')) return;
          stopped = true;
          const timer = setInterval(() => {
            if (fakeApi.count('GET', '/v1/projects/{ref}') === looked) return;
            clearInterval(timer);
            kill('SIGINT');
          }, 20);
        },
      });
      const { code, stderr } = await waiting;
      fakeApi.conditions.neverHealthy = false;
      expect(code).toBe(130);
      const [project] = [...fakeApi.state.projects.values()].filter(({ name }) => name === 'impatient');
      expect(stderr).toContain(`Cancelled. The Supabase project ${project?.ref} exists and stays.`);
      expect(stderr).toContain('create-muse impatient');
      expect(stderr).toContain('--resume');
    },
  );
});

describe('secrets', () => {
  it('are only in .env.local, whatever fails and however much is printed', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
    const seen = watchArguments();
    const output: string[] = [];
    const run = async (args: string[], create = createMuse): Promise<number | null> => {
      const { code, stdout, stderr } = await create([...args, '--verbose'], { cwd, env });
      output.push(stdout, stderr);
      return code;
    };
    const directory = join(cwd, 'discreet');
    const journals: string[] = [];
    const stopped = async (): Promise<void> =>
      void journals.push(await readFile(join(directory, '.muse', 'journal.json'), 'utf8'));

    fakeApi.http.add('refused-plan', 'POST /v1/projects');
    expect(await run(['discreet', ...flags, ...small, '--admin-email', 'ada@example.com'])).toBe(1);
    await stopped();
    fakeApi.wire.add('cut-during', 'create table if not exists public.profiles');
    fakeApi.http.add('html-503', 'GET /v1/projects/{ref}/health');
    fakeApi.http.add('too-many', 'GET /v1/projects/{ref}/config/database/pooler');
    expect(await run(['discreet', '--resume'])).toBe(1);
    await stopped();
    fakeApi.killAfterRequest(4, () => void (fakeApi.state.tokenRevoked = true));
    expect(await run(['discreet', '--resume', '--json'])).toBe(1);
    fakeApi.state.tokenRevoked = false;
    await stopped();
    // A process of its own for the run that goes to the end: others can see its arguments.
    expect(await run(['discreet', '--resume'], createMuseProgram)).toBe(0);
    await stopped();
    const status = await muse(['status', '--verbose'], { cwd: directory, env });
    const refused = await muse(['destroy', '--confirm', 'no', '--verbose'], { cwd: directory, env });
    output.push(status.stdout, status.stderr, refused.stdout, refused.stderr);

    const [project] = [...fakeApi.state.projects.values()].filter(({ name }) => name === 'discreet');
    const values = parseEnvironment(await readFile(join(directory, '.env.local'), 'utf8'));
    const { keys, password } = project ?? { keys: undefined, password: '' };
    expect(values['SUPABASE_DB_PASSWORD']).toBe(password);
    const known = [
      fakeApi.state.token,
      password,
      keys?.secret ?? '',
      keys?.serviceRole ?? '',
      values['SESSION_SECRET'] ?? '',
    ];
    for (const one of known) expect(one.length).toBeGreaterThan(20);
    const shown = /shown only once: (\S+)/.exec(output.join('\n'))?.[1] ?? '';
    expect(shown.length).toBeGreaterThan(20);
    // Every git object, reachable or not.
    const objects = await readGit(directory, ['cat-file', '--batch-all-objects', '--batch']);
    const texts = { journals: journals.join('\n'), objects };
    expect(findSecrets({ ...texts, output: output.join('\n') }, known)).toEqual([]);
    expect(findSecrets(texts, [shown])).toEqual([]);
    // These are all processes on this machine, so only this run's own are checked.
    const processes = seen();
    expect([...known, shown].filter((one) => processes.includes(one))).toEqual([]);
  }, 180_000);
});

describe('two runs at once', () => {
  // The same in one process: test/supabase/faults.test.ts.
  it.runIf(isWhole)(
    'with one name: one creates the project, the other gets an error; in one directory: the other is refused',
    async () => {
      const cwd = await temporaryDirectory();
      const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(cwd) };
      const both = await Promise.all(
        ['one', 'two'].map((dir) => createMuseProgram(['racing', '--dir', dir, ...flags, ...unproven], { cwd, env })),
      );
      expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
      expect(both.find(({ code }) => code === 1)?.stderr).toContain('already has a project named "racing"');
      expect([...fakeApi.state.projects.values()].filter(({ name }) => name === 'racing')).toHaveLength(1);
    },
  );
});

describe('a refusal before anything is created', () => {
  it.each([
    ['a token of the wrong shape', { SUPABASE_ACCESS_TOKEN: 'sbp_short' }, [], 2],
    ['no token', { SUPABASE_ACCESS_TOKEN: '', HOME: '/nonexistent' }, [], 2],
    ['an organization that is not there', {}, ['--org', 'nobody'], 2],
    ['a region that is not there', {}, ['--region', 'mars-north-1'], 2],
    ['a certificate that is not there', {}, ['--db-ca', '/nowhere/ca.crt'], 2],
  ])('%s creates nothing', async (_, extra, more, expected) => {
    const cwd = await temporaryDirectory();
    const before = fakeApi.count('POST', '/v1/projects');
    const { code, stderr } = await createMuse(['refusedmuse', ...flags, ...unproven, ...more], {
      cwd,
      env: { ...fakeApi.env, ...extra },
    });
    expect(code).toBe(expected);
    expect(stderr).toContain('→');
    expect(fakeApi.count('POST', '/v1/projects')).toBe(before);
  });
});
