import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/create/journal.ts';
import { createMuse, muse, node } from '../support/cli.ts';
import { openTwin } from '../support/twin/open.ts';
import type { Twin } from '../support/twin/twin.ts';

const root = join(import.meta.dirname, '..', '..');
const killer = join(root, 'test', 'support', 'kill-at.js');
/** Every request is walked with this set; else each seventh, which takes about a minute. */
const every = process.env['CREATE_MUSE_ALL_KILLS'] === undefined ? 7 : 1;
const answers = { name: 'killed', kitExtensions: 'archive', presets: ['deliverables'], target: 'supabase', supabase: { organization: 'acme', region: 'eu-central-1' } };

let twin: Twin;
let place: string;
let prepared: string;
let env: Record<string, string>;
let requests: number;

const projects = (): number => [...twin.state.projects.values()].filter(({ name }) => name === 'killed').length;

/** A muse that is in place and has no project yet: what everything before costs is paid once. */
async function fresh(name: string): Promise<string> {
  const directory = join(place, name);
  await cp(prepared, directory, { recursive: true });
  return directory;
}

/** Goes on until it is done, and says what came of it. */
async function finish(directory: string): Promise<void> {
  const { code, stderr } = await createMuse(['--resume', '--dir', directory, '--json'], { cwd: place, env });
  expect(code, stderr).toBe(0);
  expect(projects()).toBe(1);
  const status = await muse(['status', '--json'], { cwd: directory, env });
  expect(JSON.parse(status.stdout)).toMatchObject({ environments: [{ target: 'supabase', pending: [], edited: [], missing: [] }] });
  const journal = JSON.parse(await readFile(join(directory, '.muse', 'journal.json'), 'utf8')) as Journal;
  expect(journal.finished).toBe(true);
}

beforeAll(async () => {
  twin = await openTwin();
  twin.conditions.upAtOnce = true;
  place = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  env = { ...twin.env, SUPABASE_PROFILE: await twin.writeProfile(place) };
  prepared = join(place, 'prepared');
  const { signal, stderr } = await node(killer, [prepared, 'project', 'started', JSON.stringify(answers)], { cwd: place, env });
  if (signal !== 'SIGKILL') throw new Error(stderr);
  const before = twin.state.requests.length;
  await finish(await fresh('clean'));
  requests = twin.state.requests.length - before;
  twin.state.projects.clear();
});
afterEach(() => twin.state.projects.clear());
afterAll(async () => {
  await twin.close();
  await rm(place, { recursive: true, force: true });
});

/** Resumes, and is killed at the n-th request from now. */
function killedAt(directory: string, n: number, phase: 'before' | 'after'): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'create-muse.js'), '--resume', '--dir', directory, '--json'], { cwd: place, env: { ...process.env, ...env }, stdio: 'ignore' });
    twin.killAfterRequest(n, () => void child.kill('SIGKILL'), phase);
    child.on('close', (_, signal) => resolve(signal));
  });
}

describe('kill -9 at a request, then --resume: one project, and all of it done', () => {
  it('walks the requests of a run', async () => {
    expect(requests).toBeGreaterThan(15);
    for (let n = 1; n <= requests - 2; n += every) {
      for (const phase of ['before', 'after'] as const) {
        const directory = await fresh(`at-${n}-${phase}`);
        expect(await killedAt(directory, n, phase), `request ${n} ${phase}`).toBe('SIGKILL');
        await finish(directory);
        twin.state.projects.clear();
        await rm(directory, { recursive: true, force: true });
      }
    }
  }, 3_600_000);
});
