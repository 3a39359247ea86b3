import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMuse as create, resumeMuse } from '../../src/create/create.ts';
import type { Journal } from '../../src/create/journal.ts';
import { smallKit } from '../kit/repository.ts';
import { node } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

/** Every request is walked with this set. */
const every = isWhole || process.env['CREATE_MUSE_ALL_KILLS'] !== undefined;
const support = join(import.meta.dirname, '..', 'support');
const answers = {
  kit: smallKit(),
  name: 'unlucky',
  presets: ['deliverables'],
  // A project that is proven is another test's.
  verify: false,
  target: 'supabase',
  supabase: { organization: 'acme', region: 'eu-central-1' },
};

let fakeApi: FakeApi;
let place: string;
let prepared: string;
let env: Record<string, string>;

const journalOf = async (directory: string): Promise<Journal> =>
  JSON.parse(await readFile(join(directory, '.muse', 'journal.json'), 'utf8')) as Journal;
const refs = (): string[] => [...fakeApi.state.projects.keys()];
/** A finished muse without a project. */
async function fresh(name: string): Promise<string> {
  const directory = join(place, name);
  await cp(prepared, directory, { recursive: true });
  fakeApi.conditions.initFailed = 1;
  return directory;
}

beforeAll(async () => {
  fakeApi = await openFakeApi();
  fakeApi.conditions.upAtOnce = true;
  place = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(place) };
  prepared = join(place, 'prepared');
  const { signal, stderr } = await node(
    join(support, 'kill-at.js'),
    [prepared, 'project', 'started', JSON.stringify(answers)],
    { cwd: place, env },
  );
  if (signal !== 'SIGKILL') throw new Error(stderr);
});
afterEach(() => {
  fakeApi.state.projects.clear();
  fakeApi.state.deleted.length = 0;
  Object.assign(fakeApi.conditions, { initFailed: 0, notReadyForDeletion: 0, goingDown: 0 });
});
afterAll(async () => {
  await fakeApi.close();
  await rm(place, { recursive: true, force: true });
});

describe('a project that ends as INIT_FAILED', () => {
  it('without a terminal: names the two commands, which lead to one project', async () => {
    const directory = await fresh('commands');
    const { code, stdout } = await createMuse(['--resume', '--dir', directory, '--json'], { cwd: place, env });
    expect(code).toBe(1);
    const [ref = ''] = refs();
    const { error } = JSON.parse(stdout) as { error: { code: string; suggestion: string } };
    expect(error.code).toBe('init-failed');
    expect(error.suggestion).toContain(`muse destroy --confirm ${ref}`);
    expect(error.suggestion).toContain('--resume');
    expect(fakeApi.state.deleted).toEqual([]);

    expect((await muse(['destroy', '--confirm', ref], { cwd: directory, env })).code).toBe(0);
    const again = await createMuse(['--resume', '--dir', directory, '--region', 'us-east-1', '--json'], {
      cwd: place,
      env,
    });
    expect(again.code, again.stdout).toBe(0);
    expect(fakeApi.state.deleted).toEqual([ref]);
    expect([...fakeApi.state.projects.values()].map(({ region }) => region)).toEqual(['us-east-1']);
  });

  const go = (directory: string, agree: (question: string) => Promise<boolean>): ReturnType<typeof resumeMuse> =>
    resumeMuse(directory, {}, { signal: new AbortController().signal, environment: { ...process.env, ...env }, agree });

  it('answered with yes: deletes it and creates another', async () => {
    const directory = await fresh('yes');
    Object.assign(fakeApi.conditions, { initFailed: 2 });
    const questions: string[] = [];
    const report = await go(directory, async (question) => {
      expect(question).toContain(refs()[0]);
      questions.push(question);
      return true;
    });
    expect(report.error).toBeUndefined();
    expect(questions).toHaveLength(2);
    expect(fakeApi.state.deleted).toHaveLength(2);
    expect(refs()).toEqual([report.target.ref]);
    expect(report.steps.filter(({ status }) => status === 'failed')).toEqual([]);
    expect((await journalOf(directory)).data.project?.failed).toBeUndefined();
  });

  it.each([
    ['no', async () => false, 'init-failed'],
    ['Ctrl-C', async () => Promise.reject(new Error('User force closed the prompt')), 'cancelled'],
  ])('answered with %s: touches nothing', async (name, agree, code) => {
    const directory = await fresh(name);
    const report = await go(directory, agree);
    expect(report.error?.code).toBe(code);
    expect(report.error?.suggestion).toContain('--resume');
    expect(fakeApi.state.deleted).toEqual([]);
    expect((await journalOf(directory)).data.project?.ref).toBe(refs()[0]);
  });

  it('is never offered for a project that this run did not create', async () => {
    const theirs = fakeApi.addProject({ name: 'theirs', password: 'known-to-its-owner' });
    Object.assign(theirs, { status: 'COMING_UP', looks: 0 });
    fakeApi.conditions.initFailed = 1;
    const report = await create(
      {
        ...answers,
        target: 'supabase',
        directory: join(place, 'adopting'),
        kitExtensions: 'archive',
        tables: [],
        prefix: '',
        environment: 'development',
        supabaseBaseline: false,
        fix: false,
        git: false,
        install: false,
        supabase: { projectRef: theirs.ref },
      },
      {},
      // Adopting it was confirmed, and deleting it would be too.
      {
        signal: new AbortController().signal,
        environment: { ...process.env, ...env, SUPABASE_DB_PASSWORD: 'known-to-its-owner' },
        agree: async () => true,
      },
    ).catch((error: unknown) => ({ error }));
    expect(report.error).toMatchObject({ code: 'init-failed' });
    expect(fakeApi.state.deleted).toEqual([]);
  });

  // At other requests in test/create/supabase-kill.test.ts.
  it.runIf(isWhole)(
    'kill -9 at any request from the deletion to the second creation: one project at the end',
    async () => {
      const finish = (directory: string): ReturnType<typeof node> =>
        node(join(support, 'agree.js'), [directory], { cwd: place, env });
      const clean = await fresh('clean');
      const before = fakeApi.state.requests.length;
      const { code, stderr } = await finish(clean);
      expect(code, stderr).toBe(0);
      const sent = fakeApi.state.requests
        .slice(before)
        .map(({ method, path }) => `${method} ${path.replace(/[a-z]{20}/, '{ref}')}`);
      const first = sent.indexOf('DELETE /v1/projects/{ref}');
      const last = sent.lastIndexOf('POST /v1/projects');
      expect(first).toBeGreaterThan(0);
      expect(last).toBeGreaterThan(first);
      for (let n = first + 1; n <= last + 1; n += 1) {
        // By default only the one whose unreported effect costs something: a second project; testing all takes a minute.
        const phases = every ? (['before', 'after'] as const) : n === last + 1 ? (['after'] as const) : [];
        for (const phase of phases) {
          fakeApi.state.projects.clear();
          const directory = await fresh(`at-${n}-${phase}`);
          const signal = await new Promise((resolve) => {
            const child = spawn(process.execPath, [join(support, 'agree.js'), directory], {
              cwd: place,
              env: { ...process.env, ...env },
              stdio: 'ignore',
            });
            fakeApi.killAfterRequest(n, () => void child.kill('SIGKILL'), phase);
            child.on('close', (_, name) => resolve(name));
          });
          expect(signal).toBe('SIGKILL');
          const resumed = await finish(directory);
          expect(resumed.code, resumed.stderr).toBe(0);
          // It was confirmed before, so it is not asked again.
          expect(resumed.stdout).toBe('');
          expect(refs()).toHaveLength(1);
          expect((await journalOf(directory)).data.project?.ref).toBe(refs()[0]);
        }
      }
    },
    300_000,
  );
});
