import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkProduct, createProduct } from '../../src/create/create-product.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { openRegistry } from '../../src/portfolio/registry/open.ts';
import { defaultIntervals, type Intervals } from '../../src/portfolio/worker/work.ts';
import { environment as cleanEnvironment, temporaryDirectory } from '../support/cli.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { smallKit } from '../kit/repository.ts';
import { isWhole } from '../support/sample.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { hasNamespaces, machinesNote, openRelay, spawnOn } from '../support/machines.ts';
import { type Native, startNative } from '../support/native.ts';

const script = join(import.meta.dirname, '..', 'support', 'portfolio-worker.js');
const kit = smallKit();
/** As long as a worker may take to be missed, and its muse to be taken up again, in ms. */
const longest = 35_000;
/** As they are in use; the sample of every day does not wait for half a minute, and a busy machine is not taken for a dead one. */
const intervals: Intervals = isWhole ? defaultIntervals : { beatMs: 500, silenceMs: 5000, pollMs: 100 };

let fakeApi: FakeApi;
let native: Native;
beforeAll(async () => {
  [fakeApi, native] = [await openFakeApi(), await startNative()];
  fakeApi.conditions.upAtOnce = true;
});
afterAll(async () => {
  await Promise.all([fakeApi.close(), native.stop()]);
});

/** Four machines with a worker each; one that dies is replaced by another on the same machine, whose disk is as it was. */
async function startWorkers() {
  const folder = await temporaryDirectory();
  const [log, url, watch] = [
    join(folder, 'log'),
    await native.createDatabase('registry'),
    await native.createDatabase('watch'),
  ];
  await mkdir(log);
  const observer = new pg.Client(watch);
  await observer.connect();
  await observer.query('create table work (muse text, pid int, host text, alone boolean, began bigint)');
  const ports = [...fakeApi.ports, Number(new URL(url).port)];
  const relays = hasNamespaces ? await Promise.all(ports.map((port) => openRelay(port, folder))) : [];
  const registry = await openRegistry({ url, directory: join(folder, 'here') });
  const environment = cleanEnvironment({
    ...fakeApi.env,
    SUPABASE_PROFILE: await fakeApi.writeProfile(folder),
    MUSE_REGISTRY: url,
  });
  const running = new Map<string, ChildProcess>();
  let printed = '';
  let ending = false;
  const start = (machine: string): void => {
    const settings = {
      data: join(folder, machine),
      log,
      watch,
      intervals,
      relays: relays.map(({ port, socket }) => [port, socket]),
    };
    const child = spawnOn(machine, script, [JSON.stringify(settings)], environment);
    running.set(machine, child);
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text: Buffer) => (printed += text.toString()));
    child.once('exit', (_, signal) => {
      running.delete(machine);
      if (ending) return;
      if (signal !== 'SIGKILL') printed += `\nA worker ended by itself.\n`;
      start(machine);
    });
  };
  onTestFinished(async () => {
    ending = true;
    const ends = [...running.values()].map((child) => once(child, 'exit'));
    for (const child of running.values()) child.kill('SIGKILL');
    await Promise.all(ends);
    await registry.close();
    await observer.end();
    await Promise.all(relays.map((relay) => relay.close()));
  });
  for (let machine = 1; machine <= 4; machine += 1) start(`machine-${machine}`);
  const portfolio = new OwnPortfolio(registry, {
    directory: join(folder, 'here'),
    environment,
    signal: new AbortController().signal,
    intervals,
    creator: { check: checkProduct, create: createProduct },
  });
  return {
    log,
    observer,
    portfolio,
    told: () => printed,
    /** Creates these products with the four workers. */
    async provision(names: readonly string[]) {
      const file = join(folder, `${names[0]}.yaml`);
      const muses = names.map((name) => ({ name, preset: 'blank' }));
      await writeFile(file, JSON.stringify({ defaults: { kit, org: 'acme', region: 'eu-central-1' }, muses }));
      const { run } = await portfolio.provision(file, { detach: true, waves: '100%', onError: 'continue' });
      for (;;) {
        const rollout = (await portfolio.runs()).find((one) => one.run.name === run.name)!;
        if (rollout.run.state !== 'running') return rollout;
        await sleep(200);
      }
    },
  };
}

/** What the four came to: everything must be as if nobody had died. */
async function expectDone(
  { log, observer, portfolio, told }: Awaited<ReturnType<typeof startWorkers>>,
  rollout: Awaited<ReturnType<OwnPortfolio['runs']>>[number],
  plan: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const names = rollout.muses.map(({ name }) => name);
  expect(rollout.muses.map(({ name, state, error }) => [name, state, error])).toEqual(
    names.map((name) => [name, 'done', undefined]),
  );
  const projects = [...fakeApi.state.projects.values()].map(({ name }) => name).filter((name) => names.includes(name));
  expect(projects.sort()).toEqual([...names].sort());
  // Every death that was planned, and no other end of a worker.
  const deaths = (await readdir(log)).filter((file) => file.endsWith('.death'));
  expect(deaths.sort()).toEqual(
    Object.entries(plan)
      .flatMap(([name, points]) => points.map((point) => `${name} ${point.replaceAll(' ', '_')}.death`))
      .sort(),
  );
  const printed = told();
  expect(printed).not.toContain('ended by itself');
  const { rows } = await observer.query<{ muse: string; host: string; alone: boolean; began: string }>(
    'select * from work order by began',
  );
  expect(rows.filter(({ alone }) => !alone)).toEqual([]);
  const late: [string, number][] = [];
  for (const file of deaths) {
    const died = Number(await readFile(join(log, file), 'utf8'));
    const next = rows.find(({ muse, began }) => muse === file.split(' ')[0] && Number(began) > died);
    const ms = Number(next?.began ?? Infinity) - died;
    if (ms > longest) late.push([file, ms]);
  }
  expect(late).toEqual([]);
  const { broken } = await portfolio.audit();
  expect(broken).toBeUndefined();
  expect(findSecrets({ printed }, [fakeApi.env['SUPABASE_ACCESS_TOKEN']!])).toEqual([]);
}

describe(`four workers in four processes, ${machinesNote}`, () => {
  it(
    'make one project, though the one that asked for it dies before it can write that down',
    { timeout: 240_000 },
    async () => {
      const workers = await startWorkers();
      const point =
        'before project started commit ignored repository tables upstream intent organization ref region selection settled';
      const plan = { once: [point] };
      await writeFile(join(workers.log, 'plan.json'), JSON.stringify(plan));
      await expectDone(workers, await workers.provision(['once']), plan);
    },
  );

  it.runIf(isWhole)(
    'die before and after each entry of the journal: all is done, with one project each',
    { timeout: 3_600_000 },
    async () => {
      const workers = await startWorkers();
      await expectDone(workers, await workers.provision(['recorded']), {});
      const entries = new Set((await readFile(join(workers.log, 'recorded.entries'), 'utf8')).trim().split('\n'));
      expect(entries.size).toBeGreaterThan(30);
      const points = [...entries].flatMap((entry) => [`before ${entry}`, `after ${entry}`]);
      // Fewer to a muse than the registry takes for a muse that kills workers.
      const names = Array.from({ length: Math.ceil(points.length / 3) }, (_, index) => `muse-${index + 1}`);
      const plan = Object.fromEntries(
        names.map((name, index) => [name, points.filter((__, position) => position % names.length === index)]),
      );
      await writeFile(join(workers.log, 'plan.json'), JSON.stringify(plan));
      await expectDone(workers, await workers.provision(names), plan);
    },
  );
});
