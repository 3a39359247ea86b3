/** What a run survives: workers that die or fall silent, a lost registry, lost answers, wrong clocks, older versions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { finishItem, giveBackUnknown, supervise, takeItems } from '../../src/portfolio/engine/items.ts';
import { readStatus } from '../../src/portfolio/status.ts';
import { work } from '../../src/portfolio/worker/work.ts';
import { MuseError } from '../../src/shared/error.ts';
import type { Kinds } from '../../src/portfolio/kinds/kind.ts';
import type { Registry } from '../../src/portfolio/registry/open.ts';
import { isWhole } from '../support/sample.ts';
import {
  addRows,
  failing,
  named,
  quick,
  registryKinds,
  rowsOf,
  runner,
  testKind,
  useRegistries,
} from './registries.ts';

/** Only on PostgreSQL a registry can be lost; runs on the other one: engine.test.ts. */
const sampledKinds = isWhole ? registryKinds : (['PostgreSQL'] as const);

describe.each(sampledKinds)('runs on %s', (kind) => {
  const open = useRegistries(kind, true);

  it('give an item back on Ctrl-C, and start nothing else', async () => {
    const { registry, directory } = await open();
    await addRows(registry, named(3));
    const stop = new AbortController();
    const run = runner(registry, directory);
    const kinds = testKind(async (_, { signal }) => {
      stop.abort(new Error('Ctrl-C'));
      await sleep(10_000, undefined, { signal });
    });
    await expect(run(kinds, { concurrency: 1 }, stop.signal)).rejects.toThrow('Ctrl-C');
    expect(await rowsOf(registry, 'select state, worker, attempts from portfolio.items order by position')).toEqual([
      { state: 'queued', worker: null, attempts: 0 },
      { state: 'waiting', worker: null, attempts: 0 },
      { state: 'waiting', worker: null, attempts: 0 },
    ]);
    expect(await run(failing(), {})).toMatchObject({ attached: true, run: { state: 'done' } });
  });

  it('are taken over from a silent worker, whose late result is not counted', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['only']);
    const run = runner(registry, directory);
    await run(failing(), { detach: true });
    const identity = { id: '00000000-0000-4000-8000-000000000001', host: 'elsewhere', tool: '0.1.0', kinds: ['try'] };
    await rowsOf(
      registry,
      `insert into portfolio.workers (id, host, pid, tool, concurrency, beat_at)
       values ('${identity.id}', 'elsewhere', 1, '0.1.0', 1, now() - interval '1 minute')`,
    );
    // The muse is on another host.
    expect(await registry.transaction((session) => takeItems(session, identity, 5))).toEqual([]);
    const [item] = await registry.transaction((session) => takeItems(session, { ...identity, host: registry.host }, 5));
    expect(item).toMatchObject({ attempt: 1, kind: 'try' });
    expect(await registry.transaction((session) => supervise(session, 120_000))).toEqual([]);
    expect(await registry.transaction((session) => supervise(session, 30_000))).toEqual([item!.id]);
    expect(await run(failing(), {})).toMatchObject({ run: { state: 'done' } });
    const late = { state: 'failed' as const, result: {}, error: { code: 'x', message: 'x', suggestion: 'x' } };
    expect(await registry.transaction((session) => finishItem(session, identity, item!, late))).toBe(false);
    expect(await rowsOf(registry, 'select state, attempts from portfolio.items')).toEqual([
      { state: 'done', attempts: 2 },
    ]);
  });

  it('fail what cannot be written down, whatever is in the message', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['one']);
    const run = runner(registry, directory);
    const kinds = testKind(async () => ({ result: { text: 'a\u0000b' } }));
    expect(await run(kinds)).toMatchObject({ run: { state: 'failed' }, muses: [{ state: 'failed' }] });
    const message = 'a\u0000b \ud800 \u001b[31m';
    const nasty = testKind(async () => {
      throw new MuseError({ code: 'migration-failed', message, suggestion: message });
    });
    const { muses } = await run(nasty, { resume: 'try-1' });
    expect(muses).toMatchObject([{ state: 'failed', error: { message: String.raw`a\x00b \ud800 \x1b[31m` } }]);
  });

  it('let go of their items when the registry is silent, and take new ones afterwards', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['one']);
    let tries = 0;
    // The transactions of the heartbeat take too long, as where the network hangs.
    const slow: Registry = {
      ...registry,
      async transaction(use) {
        const value = await registry.transaction(use);
        if (tries === 1) await sleep(900);
        return value;
      },
    };
    const kinds = testKind(async (_, { signal }) => {
      tries += 1;
      if (tries === 1) await sleep(20_000, undefined, { signal });
    });
    expect(await runner(slow, directory)(kinds)).toMatchObject({ run: { state: 'done' } });
    expect(tries).toBeGreaterThan(1);
  });

  it('continue when the registry is lost in the middle of them', async ({ skip }) => {
    const { registry, directory, url } = await open();
    skip(url === undefined, 'an embedded registry is in this process');
    await addRows(registry, named(6));
    const tried: string[] = [];
    const kinds = testKind(async (name) => {
      tried.push(name);
      if (name !== 'm03') return;
      const other = await openPostgres({ url: url! });
      await other.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'muse portfolio' and datname = current_database()`,
      );
      await other.close();
    });
    expect(await runner(registry, directory)(kinds, { concurrency: 2 })).toMatchObject({ run: { state: 'done' } });
    expect([...new Set(tried)].sort()).toEqual(named(6));
  });

  it.each([
    ['an hour fast', 3_600_000],
    ['a day slow', -86_400_000],
  ])('are timed by the registry, though the clock of the machine is %s', async (_, skew) => {
    const { registry, directory } = await open();
    await addRows(registry, named(2));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skew, shouldAdvanceTime: false });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const kinds = testKind(async () => ({
      seen: { files: { applied: 1, pending: 0, edited: 0, missing: 0, unreadable: 0 } },
    }));
    const rollout = await runner(registry, directory)(kinds, { waves: '1,100%', pauseBetween: 1 });
    expect(rollout.run.state).toBe('done');
    // Nobody was taken for dead, nothing was seen in the future or too long ago.
    expect(await rowsOf(registry, 'select distinct attempts from portfolio.items')).toEqual([{ attempts: 1 }]);
    const muses = await registry.transaction((session) => readStatus(session));
    expect(muses.flatMap(({ environments }) => environments.map(({ name, known }) => [name, known]))).toEqual(
      [1, 2].flatMap(() => [
        ['development', 'yes'],
        ['staging', 'never'],
      ]),
    );
  });

  it('wait for a server whose connections are all in use', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['one']);
    let tries = 0;
    const kinds = testKind(async () => {
      tries += 1;
      if (tries === 1)
        throw new MuseError({ code: 'database-full', message: 'All connections are in use.', suggestion: 'Wait.' });
    });
    expect(await runner(registry, directory)(kinds)).toMatchObject({ run: { state: 'done' } });
    expect(tries).toBe(2);
  });

  it('are not begun again before the earlier attempt of the same worker has ended', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['one']);
    const order: string[] = [];
    const kinds = testKind(async (_, { saveJournal }) => {
      const attempt = order.filter((word) => word === 'begins').length;
      order.push('begins');
      if (attempt === 0) {
        // As where the others heard nothing of this worker.
        await registry.transaction((session) => supervise(session, -1000));
        await sleep(300);
        await expect(saveJournal({})).rejects.toMatchObject({ code: 'item-lost' });
      }
      order.push('ends');
    });
    expect(await runner(registry, directory)(kinds)).toMatchObject({ run: { state: 'done' } });
    expect(order).toEqual(['begins', 'ends', 'begins', 'ends']);
    expect(await rowsOf(registry, 'select state, attempts from portfolio.items')).toEqual([
      { state: 'done', attempts: 2 },
    ]);
  });

  it('fail what five workers in a row have died of', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['heavy']);
    await runner(registry, directory)(failing(), { detach: true });
    for (let life = 1; life <= 5; life += 1) {
      const id = `00000000-0000-4000-8000-00000000000${life}`;
      await rowsOf(
        registry,
        `insert into portfolio.workers (id, host, pid, tool, concurrency, beat_at)
         values ('${id}', 'x', 1, '0.1.0', 1, now() - interval '1 minute')`,
      );
      const worker = { id, host: registry.host, tool: '0.1.0', kinds: ['try'] };
      expect(await registry.transaction((session) => takeItems(session, worker, 1))).toHaveLength(1);
      await registry.transaction((session) => supervise(session, 30_000));
    }
    expect(
      await rowsOf(
        registry,
        "select i.state, i.error ->> 'code' as code, r.state as run from portfolio.items i join portfolio.runs r on r.number = i.run",
      ),
    ).toEqual([{ state: 'failed', code: 'worker-lost', run: 'failed' }]);
  });

  it('are not taken by an older version, or by one that does not know their kind', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['new']);
    await runner(registry, directory)(failing(), { detach: true });
    await rowsOf(registry, "update portfolio.runs set tool = '0.10.0'");
    const done: string[] = [];
    const as = async (tool: string, kinds: Kinds): Promise<void> => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('enough')), 150);
      await work({ registry, kinds, directory, environment: {}, signal: stop.signal, intervals: quick, tool });
    };
    const noting = testKind(async (name) => {
      done.push(name);
    });
    await as('0.9.3', noting);
    await as('0.10.0', { other: noting['try']! });
    expect(done).toEqual([]);
    await as('0.10.0', noting);
    expect(done).toEqual(['new']);
  });

  it('are given back where the answer to taking them was lost, and wait for the machine that a muse is on', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['here', 'there']);
    await rowsOf(registry, "update portfolio.muses set host = 'elsewhere' where name = 'there'");
    const run = runner(registry, directory);
    await run(failing(), { detach: true });
    const id = '00000000-0000-4000-8000-000000000009';
    const worker = { id, host: registry.host, tool: '0.1.0', kinds: ['try'] };
    await rowsOf(
      registry,
      `insert into portfolio.workers (id, host, pid, tool, concurrency) values ('${id}', 'x', 1, '0.1.0', 1)`,
    );
    const taken = await registry.transaction((session) => takeItems(session, worker, 5));
    expect(taken).toHaveLength(1);
    for (const held of [[taken[0]!.id], []]) {
      await registry.transaction((session) => giveBackUnknown(session, worker, held));
      expect(
        await rowsOf(registry, "select count(*)::int as count from portfolio.items where state = 'running'"),
      ).toEqual([{ count: held.length }]);
    }
    const stop = new AbortController();
    const waits: string[] = [];
    setTimeout(() => stop.abort(new Error('enough')), 200);
    const waiting = run(failing(), { onWait: (text) => waits.push(text) }, stop.signal);
    await expect(waiting).rejects.toThrow('enough');
    expect(waits).toEqual(['Muses on elsewhere wait for a worker there: muse portfolio work']);
    expect(await rowsOf(registry, 'select state from portfolio.items order by position')).toEqual([
      { state: 'done' },
      { state: 'queued' },
    ]);
  });
});
