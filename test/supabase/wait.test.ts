import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { destroyProject } from '../../src/supabase/destroy.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import { readKeys } from '../../src/supabase/keys.ts';
import { secret } from '../../src/supabase/secret.ts';
import { neededServices, type Progress, projectStatus, waitForProject } from '../../src/supabase/wait.ts';
import { fastClock, type FastClock } from '../support/fast-clock.ts';
import type { Conditions } from '../support/fake-api/faults.ts';
import type { FakeProject } from '../support/fake-api/state.ts';
import { startFakeApi, type FakeApi } from '../support/fake-api/fake-api.ts';

let fakeApi: FakeApi;
let clock: FastClock;
let http: Http;
let project: FakeProject;
let asked: number[];
beforeEach(async () => {
  fakeApi = await startFakeApi(
    { host: '127.0.0.1', port: 1, user: 'nobody', password: '', postgresPassword: '' },
    'none',
  );
  clock = fastClock();
  asked = [];
  http = createHttp({
    baseUrl: fakeApi.url,
    token: secret(fakeApi.state.token),
    clock,
    onRequest: () => void asked.push(clock.now()),
  });
  project = fakeApi.addProject();
  Object.assign(project, { status: 'UNKNOWN', looks: 0 });
});
afterEach(() => fakeApi.close());

describe('waitForProject', () => {
  it('shows each change, polls at most every 2 s, and stops once everything is healthy', async () => {
    const seen: Progress[] = [];
    await waitForProject(http, project.ref, { onProgress: (progress) => seen.push(progress) });
    expect(seen.filter((one) => one.name === 'project').map((one) => one.status)).toEqual([
      'UNKNOWN',
      'COMING_UP',
      'ACTIVE_HEALTHY',
    ]);
    for (const name of neededServices) {
      expect(seen.filter((one) => one.name === name).map((one) => one.status)).toEqual(['COMING_UP', 'ACTIVE_HEALTHY']);
    }
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2000);
    expect(asked).toHaveLength(5);
  });

  it.each<[string, Partial<Conditions>]>([
    ['a status never seen before', { newStatus: 'DEFROSTING' }],
    ['one service that is late', { unhealthyService: { name: 'storage', looks: 5 } }],
  ])('continues after %s', async (_, conditions) => {
    Object.assign(fakeApi.conditions, conditions);
    await waitForProject(http, project.ref);
    expect(project.status).toBe('ACTIVE_HEALTHY');
  });

  it.each<[string, Partial<Conditions>, string]>([
    ['coming up for ever', { neverHealthy: true }, 'wait-timeout'],
    ['a service that never comes', { unhealthyService: { name: 'auth', looks: 1e9 } }, 'wait-timeout'],
    ['INIT_FAILED', { initFailed: 1 }, 'init-failed'],
  ])('%s ends in %s', async (_, conditions, code) => {
    Object.assign(fakeApi.conditions, conditions);
    const error: unknown = await waitForProject(http, project.ref, { timeoutMs: 60_000 }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code });
    expect((error as { suggestion: string }).suggestion).toContain('--resume');
  });

  it('reports a deleted project', async () => {
    await expect(waitForProject(http, 'abcdefghijklmnopqrst')).rejects.toMatchObject({ code: 'project-gone' });
  });
});

describe('projectStatus', () => {
  it('shows the project and each service', async () => {
    await waitForProject(http, project.ref);
    const status = await projectStatus(http, project.ref);
    expect(status).toMatchObject({ name: 'stranger', status: 'ACTIVE_HEALTHY' });
    expect(status.services.map((one) => one.name)).toEqual([...neededServices]);
    expect(new Set(status.services.map((one) => one.status))).toEqual(new Set(['ACTIVE_HEALTHY']));
  });
});

describe('readKeys', () => {
  it('matches by type, and waits for missing keys', async () => {
    fakeApi.conditions.keysNull = 2;
    const keys = await readKeys(http, project.ref);
    expect(keys.client.reveal()).toBe(project.keys.publishable);
    expect(keys.server.reveal()).toBe(project.keys.secret);
    expect(keys.anon?.reveal()).toBe(project.keys.anon);
    expect(keys.serviceRole?.reveal()).toBe(project.keys.serviceRole);
    expect(asked).toHaveLength(3);
  });
});

describe('destroyProject', () => {
  it('retries after "not ready for deletion", and accepts that the project is already gone', async () => {
    fakeApi.conditions.notReadyForDeletion = 3;
    let waits = 0;
    await destroyProject(http, project.ref, 600_000, () => (waits += 1));
    expect(waits).toBe(3);
    expect(fakeApi.state.deleted).toEqual([project.ref]);
    await destroyProject(http, project.ref);
  });

  it('survives a lost response', async () => {
    fakeApi.http.add('answer-lost', 'DELETE /v1/projects/{ref}');
    await destroyProject(http, project.ref);
    expect(fakeApi.state.deleted).toEqual([project.ref]);
  });
});
