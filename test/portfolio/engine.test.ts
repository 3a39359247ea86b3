import { describe, expect, it } from 'vitest';
import { cancelRun } from '../../src/portfolio/engine/advance.ts';
import { queueNames } from '../../src/portfolio/queue.ts';
import { rolloutError } from '../../src/portfolio/rollout.ts';
import { MuseError } from '../../src/shared/error.ts';
import type { RolloutOptions } from '../../src/portfolio/api-types.ts';
import { sampleOf } from '../support/sample.ts';
import { addRows, failing, named, registryKinds, rowsOf, runner, testKind, useRegistries } from './registries.ts';

/** Runs on PostgreSQL: survival.test.ts. */
const sampledKinds = sampleOf(registryKinds, 2);

describe.each(sampledKinds)('runs on %s', (kind) => {
  const open = useRegistries(kind, true);

  it('go through all muses in waves, and leave no queue', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(12));
    const order: string[] = [];
    const started: string[][] = [];
    const kinds = testKind(async (name) => {
      order.push(name);
      started.push([...order]);
    });
    const rollout = await runner(registry, directory)(kinds, { canary: ['m05'], waves: '25%,100%', concurrency: 3 });
    expect(rollout).toMatchObject({ run: { state: 'done', waves: 3, name: 'try-1' }, attached: false, added: [] });
    expect(rollout.muses.map(({ name, wave }) => `${wave} ${name}`)).toEqual([
      '1 m05',
      ...['m01', 'm02'].map((name) => `2 ${name}`),
      ...named(12)
        .filter((name) => !['m05', 'm01', 'm02'].includes(name))
        .map((name) => `3 ${name}`),
    ]);
    expect(order[0]).toBe('m05');
    expect(order.slice(1, 3).sort()).toEqual(['m01', 'm02']);
    expect(rolloutError(rollout, '')).toBeUndefined();
    expect(await registry.transaction(queueNames)).toEqual([]);
    expect(await rowsOf(registry, 'select 1 from portfolio.workers where ended_at is null')).toEqual([]);
  });

  it('stop after a failure, and resume with what is not done', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(40));
    const run = runner(registry, directory);
    // 10 waves of four: the second item of the second wave fails.
    const waves = Array.from({ length: 10 }, (_, index) => String(4 * (index + 1))).join(',');
    const stopped = await run(failing('m06'), { waves, concurrency: 1 });
    expect(stopped.run).toMatchObject({ state: 'stopped', wave: 2, waves: 10 });
    const states = (rollout: typeof stopped): Record<string, number> =>
      rollout.muses.reduce<Record<string, number>>(
        (all, { state }) => ({ ...all, [state]: (all[state] ?? 0) + 1 }),
        {},
      );
    expect(states(stopped)).toEqual({ done: 5, failed: 1, blocked: 34 });
    expect(await rowsOf(registry, 'select 1 from portfolio.items where wave > 2 and started_at is not null')).toEqual(
      [],
    );
    const error = rolloutError(stopped, 'muse portfolio try --resume try-1');
    expect(error).toMatchObject({
      code: 'run-stopped',
      message: 'try-1 was stopped: 5 done, 1 failed, 34 not begun.',
      detail: expect.stringContaining('m06: m06 is broken.'),
      suggestion: expect.stringContaining('muse portfolio try --resume try-1'),
    });
    const tried: string[] = [];
    const resumed = await run(
      testKind(async (name) => {
        tried.push(name);
      }),
      { resume: 'try-1' },
    );
    expect(resumed.run.state).toBe('done');
    expect(tried.sort()).toEqual(named(40).slice(5));
    await expect(run(failing(), { resume: '1' })).rejects.toMatchObject({ code: 'nothing-to-resume' });
    await expect(run(failing(), { resume: 'try-9' })).rejects.toMatchObject({ code: 'bad-run' });
  });

  it.each<[string, RolloutOptions, string, Record<string, number>]>([
    ['continue', { onError: 'continue' }, 'failed', { done: 4, failed: 2 }],
    [
      'continue up to a number',
      { onError: 'continue', maxFailures: 2, concurrency: 1 },
      'stopped',
      { done: 1, failed: 2, blocked: 3 },
    ],
    ['stop after two', { maxFailures: 2, concurrency: 1 }, 'stopped', { done: 1, failed: 2, blocked: 3 }],
  ])('after failures, with: %s', async (_, options, state, expected) => {
    const { registry, directory } = await open();
    await addRows(registry, named(6));
    const rollout = await runner(registry, directory)(failing('m02', 'm03'), options);
    expect(rollout.run.state).toBe(state);
    const counts: Record<string, number> = {};
    for (const { state: each } of rollout.muses) counts[each] = (counts[each] ?? 0) + 1;
    expect(counts).toEqual(expected);
  });

  it('treat what cannot be reached as unknown: it stops the run and is a finding', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(3));
    const kinds = testKind(async (name) => {
      if (name === 'm01')
        throw new MuseError({ code: 'database-unreachable', message: 'No answer.', suggestion: 'Start it.' });
    });
    const rollout = await runner(registry, directory)(kinds, { concurrency: 1 });
    expect(rollout.muses.map(({ state }) => state)).toEqual(['unknown', 'blocked', 'blocked']);
    expect(rolloutError(rollout, 'x')).toMatchObject({ code: 'findings' });
  });

  it('attach to the same run, and refuse another one with a muse in it', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(3));
    const run = runner(registry, directory);
    const first = await run(failing(), { detach: true });
    const second = await run(failing(), { detach: true });
    expect([first.attached, second.attached]).toEqual([false, true]);
    expect(second.run.name).toBe('try-1');
    await expect(run(failing(), { only: 'm02', detach: true })).rejects.toMatchObject({
      code: 'muse-in-run',
      message: expect.stringContaining('m02 is in the run try-1'),
    });
    expect(await rowsOf(registry, 'select 1 from portfolio.runs')).toHaveLength(1);
    expect(await run(failing(), { resume: 'try-1' })).toMatchObject({ attached: true, run: { state: 'done' } });
  });

  it('name a muse that is added meanwhile, and leave it out', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(2));
    const tried: string[] = [];
    const kinds = testKind(async (name) => {
      tried.push(name);
      if (tried.length === 1) await addRows(registry, ['late']);
    });
    const rollout = await runner(registry, directory)(kinds, { waves: '1,100%' });
    expect(rollout).toMatchObject({ run: { state: 'done' }, added: ['late'] });
    expect(rollout.muses.map(({ name }) => name)).toEqual(named(2));
    expect(tried).toEqual(named(2));
    // The next run has it.
    expect((await runner(registry, directory)(kinds)).muses.map(({ name }) => name)).toEqual(['late', ...named(2)]);
  });

  it('can be cancelled and resumed', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(3));
    const run = runner(registry, directory);
    await run(failing(), { detach: true, concurrency: 1 });
    const { cancelled } = await registry.transaction((session) => cancelRun(session, 'try-1'));
    expect(cancelled).toBe(3);
    expect((await registry.transaction((session) => cancelRun(session, '1'))).cancelled).toBe(0);
    expect(await run(failing(), { resume: 'try-1' })).toMatchObject({ run: { state: 'done' } });
  });

  it('wait between waves', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(2));
    const times: number[] = [];
    const kinds = testKind(async () => {
      times.push(performance.now());
    });
    await runner(registry, directory)(kinds, { waves: '1,100%', pauseBetween: 1 });
    expect(times[1]! - times[0]!).toBeGreaterThan(950);
  });

  it('need production to be confirmed, and a plan changes nothing', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(5));
    const run = runner(registry, directory);
    await rowsOf(registry, "update portfolio.environments set name = 'production' where name = 'staging'");
    for (const confirm of [undefined, 'staging'])
      await expect(run(failing(), { env: 'production', confirm })).rejects.toMatchObject({ code: 'bad-confirmation' });
    expect(await run(failing(), { env: 'production', dryRun: true, waves: '1,100%' })).toMatchObject({
      run: { state: 'planned', waves: 2 },
      muses: [{ name: 'm01', wave: 1, state: 'waiting' }, { wave: 2 }, { wave: 2 }, { wave: 2 }, { wave: 2 }],
    });
    expect(await rowsOf(registry, 'select 1 from portfolio.runs')).toEqual([]);
    await expect(run(failing(), { env: 'staging' })).rejects.toMatchObject({ code: 'bad-muse' });
    await expect(run(failing(), { only: 'nobody' })).rejects.toMatchObject({ code: 'bad-muse' });
    await expect(run(failing(), { canary: ['nobody'] })).rejects.toMatchObject({ code: 'bad-muse' });
    expect(await run(failing(), { env: 'production', confirm: 'production' })).toMatchObject({
      run: { state: 'done' },
    });
  });
});
