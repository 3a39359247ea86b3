import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../src/kit/environment-file.ts';
import { createMuse, muse, temporaryDirectory } from '../support/cli.ts';
import { openTwin } from '../support/twin/open.ts';
import type { Twin } from '../support/twin/twin.ts';

const run = promisify(execFile);
const flags = ['--target', 'supabase', '--org', 'acme', '--region', 'eu-central-1', '--preset', 'deliverables', '--yes'];

let twin: Twin;
beforeAll(async () => {
  twin = await openTwin();
});
afterAll(() => twin.close());

describe('create-muse --target supabase', () => {
  it('ends with a project that serves, and says so', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...twin.env, SUPABASE_PROFILE: await twin.writeProfile(cwd) };
    const made = await createMuse(['cloudmuse', ...flags, '--site-url', 'https://cloud.example.com', '--admin-email', 'ada@example.com'], { cwd, env });
    expect(made.stderr).toBe('');
    expect(made.code).toBe(0);
    expect(made.stdout).toContain('cloudmuse is ready');
    expect(made.stdout).toContain("The admin's password, shown this once:");

    const directory = join(cwd, 'cloudmuse');
    const projects = [...twin.state.projects.values()].filter(({ name }) => name === 'cloudmuse');
    expect(projects).toHaveLength(1);
    const museFile = JSON.parse(await readFile(join(directory, 'muse.json'), 'utf8')) as { environments: Record<string, unknown> };
    expect(museFile.environments).toEqual({ development: { target: 'supabase', ref: projects[0]?.ref, region: 'eu-central-1', organization: 'acme' } });
    if (process.platform !== 'win32') expect((await stat(join(directory, '.env.local'))).mode & 0o777).toBe(0o600);
    const values = parseEnvironment(await readFile(join(directory, '.env.local'), 'utf8'));
    for (const name of ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'SUPABASE_SERVICE_ROLE_KEY', 'DATABASE_URL', 'DIRECT_URL']) {
      expect(values[name], name).toBeTruthy();
    }
    expect(values['NEXT_PUBLIC_SUPABASE_URL']).toContain(projects[0]?.ref);

    const status = await muse(['status', '--json'], { cwd: directory, env });
    expect(JSON.parse(status.stdout)).toMatchObject({ ok: true, environments: [{ name: 'development', target: 'supabase', pending: [], edited: [], missing: [] }] });
    expect((await run('git', ['status', '--porcelain'], { cwd: directory })).stdout).toBe('');

    // Nothing that is secret is anywhere but in .env.local.
    const secrets = [twin.state.token, values['SUPABASE_DB_PASSWORD'] ?? 'missing', values['SUPABASE_SERVICE_ROLE_KEY'] ?? 'missing'];
    const journal = await readFile(join(directory, '.muse', 'journal.json'), 'utf8');
    const objects = await run('git', ['log', '-p', '--all'], { cwd: directory, maxBuffer: 1 << 28 });
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      for (const text of [made.stdout, made.stderr, status.stdout, journal, objects.stdout]) expect(text.includes(secret)).toBe(false);
    }

    const refused = await muse(['destroy'], { cwd: directory, env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--confirm');
    const destroyed = await muse(['destroy', '--confirm', projects[0]?.ref ?? ''], { cwd: directory, env });
    expect(destroyed.stderr).toBe('');
    expect(destroyed.code).toBe(0);
    expect(twin.state.projects.has(projects[0]?.ref ?? '')).toBe(false);
  });

  it('goes on after an answer that never came, with exactly one project', async () => {
    const cwd = await temporaryDirectory();
    const env = { ...twin.env, SUPABASE_PROFILE: await twin.writeProfile(cwd) };
    twin.http.add('answer-lost', 'POST /v1/projects');
    const { code, stderr } = await createMuse(['lostmuse', ...flags, '--json'], { cwd, env });
    expect(code, stderr).toBe(0);
    expect([...twin.state.projects.values()].filter(({ name }) => name === 'lostmuse')).toHaveLength(1);
  });
});

describe('a refusal before anything is created', () => {
  it.each([
    ['a token of the wrong shape', { SUPABASE_ACCESS_TOKEN: 'sbp_short' }, [], 2],
    ['no token', { SUPABASE_ACCESS_TOKEN: '', HOME: '/nonexistent' }, [], 2],
    ['an organization that is not there', {}, ['--org', 'nobody'], 2],
    ['a region that is not there', {}, ['--region', 'mars-north-1'], 2],
  ])('%s costs nothing', async (_, extra, more, expected) => {
    const cwd = await temporaryDirectory();
    const before = twin.count('POST', '/v1/projects');
    const { code, stderr } = await createMuse(['refusedmuse', ...flags, ...more], { cwd, env: { ...twin.env, ...extra } });
    expect(code).toBe(expected);
    expect(stderr).toContain('→');
    expect(twin.count('POST', '/v1/projects')).toBe(before);
  });
});
