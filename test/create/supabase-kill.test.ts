import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/create/journal.ts';
import { smallKit } from '../kit/repository.ts';
import { node } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

const root = join(import.meta.dirname, '..', '..');
const killer = join(root, 'test', 'support', 'kill-at.js');
/** With this set, every request is tested; otherwise one in the middle. */
const every = isWhole || process.env['CREATE_MUSE_ALL_KILLS'] !== undefined;
const answers = {
  kit: smallKit(),
  name: 'killed',
  kitExtensions: 'archive',
  presets: ['deliverables'],
  target: 'supabase',
  supabase: { organization: 'acme', region: 'eu-central-1' },
};

let fakeApi: FakeApi;
let place: string;
let prepared: string;
let env: Record<string, string>;
let requests: number;
/** The report of an uninterrupted run. */
let whole: unknown;

/** The parts of a report that no interruption may change; `next` differs with the directory. */
function told(stdout: string): unknown {
  const { proven, notes, findings, tables } = JSON.parse(stdout) as Record<string, unknown>;
  return { proven, notes, findings, tables };
}

const projects = (): number => [...fakeApi.state.projects.values()].filter(({ name }) => name === 'killed').length;

/** A finished muse without a project, created once for all tests. */
async function fresh(name: string): Promise<string> {
  const directory = join(place, name);
  await cp(prepared, directory, { recursive: true });
  return directory;
}

/** Continues until it is done, checks the result, and returns the number of requests of the run itself. */
async function finish(directory: string): Promise<number> {
  const before = fakeApi.state.requests.length;
  const { code, stderr, stdout } = await createMuse(['--resume', '--dir', directory, '--json'], { cwd: place, env });
  const sent = fakeApi.state.requests.length - before;
  expect(code, stderr).toBe(0);
  whole ??= told(stdout);
  expect(told(stdout)).toEqual(whole);
  expect(projects()).toBe(1);
  const status = await muse(['status', '--json'], { cwd: directory, env });
  expect(JSON.parse(status.stdout)).toMatchObject({
    environments: [{ target: 'supabase', pending: [], edited: [], missing: [] }],
  });
  const journal = JSON.parse(await readFile(join(directory, '.muse', 'journal.json'), 'utf8')) as Journal;
  expect(journal.finished).toBe(true);
  return sent;
}

/** Each project's database holds a connection, and the server has a hundred. */
async function clear(): Promise<void> {
  for (const ref of fakeApi.state.projects.keys()) await fakeApi.databases.drop(ref);
  fakeApi.state.projects.clear();
}

beforeAll(async () => {
  fakeApi = await openFakeApi();
  fakeApi.conditions.upAtOnce = true;
  place = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(place) };
  prepared = join(place, 'prepared');
  const { signal, stderr } = await node(killer, [prepared, 'project', 'started', JSON.stringify(answers)], {
    cwd: place,
    env,
  });
  if (signal !== 'SIGKILL') throw new Error(stderr);
  requests = await finish(await fresh('clean'));
  await clear();
}, 300_000);
afterEach(clear);
afterAll(async () => {
  await fakeApi.close();
  await rm(place, { recursive: true, force: true });
});

/** Resumes a run and kills it at the n-th request from now. */
function killedAt(directory: string, n: number, phase: 'before' | 'after'): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [join(root, 'bin', 'create-muse.js'), '--resume', '--dir', directory, '--json'],
      { cwd: place, env: { ...process.env, ...env }, stdio: 'ignore' },
    );
    fakeApi.killAfterRequest(n, () => void child.kill('SIGKILL'), phase);
    child.on('close', (_, signal) => resolve(signal));
  });
}

describe('kill -9 at a request, then --resume: one project, and all of it done', () => {
  it('at each request of a run', async () => {
    expect(requests).toBeGreaterThan(15);
    const numbers = every ? Array.from({ length: requests }, (_, index) => index + 1) : [Math.ceil(requests / 2)];
    for (const n of numbers) {
      for (const phase of every ? (['before', 'after'] as const) : (['after'] as const)) {
        const directory = await fresh(`at-${n}-${phase}`);
        expect(await killedAt(directory, n, phase), `request ${n} ${phase}`).toBe('SIGKILL');
        await finish(directory);
        await clear();
        await rm(directory, { recursive: true, force: true });
      }
    }
    const which = every ? 'before and after each' : 'after one';
    process.stdout.write(
      `\n  kill -9 ${which} of the ${requests} requests of the command, and resumed: one project, all of it done\n\n`,
    );
  }, 3_600_000);
});

const entries = ['project', 'wait', 'migrate', 'check', 'configure', 'prove', 'finish'].flatMap(
  (step) =>
    [
      [step, 'started'],
      [step, 'done'],
    ] as const,
);
describe('kill -9 at an entry of the journal, then --resume: one project, and all of it done', () => {
  it.each(entries.filter(([step, status]) => every || (step === 'migrate' && status === 'started')))(
    '%s %s',
    async (step, status) => {
      const directory = join(place, `${step}-${status}`);
      const { signal, stderr } = await node(killer, [directory, step, status, JSON.stringify(answers)], {
        cwd: place,
        env,
      });
      expect(signal, stderr).toBe('SIGKILL');
      await finish(directory);
    },
    120_000,
  );
});
