import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { openRegistry, type Registry } from '../../src/portfolio/registry/open.ts';
import { type Intervals, work } from '../../src/portfolio/worker/work.ts';
import { rolloutError, rollOut } from '../../src/portfolio/rollout.ts';
import type { Kind } from '../../src/portfolio/kinds/kind.ts';
import { kinds } from '../../src/portfolio/kinds/kinds.ts';
import { MuseError } from '../../src/shared/error.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { muse as runMuse } from '../support/cli-in-process.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { sampleOf } from '../support/sample.ts';
import { tableFiles } from '../muse/muse-on-disk.ts';
import { useFleet } from './fleet.ts';
import { addRows, named, quick, registryKinds, rowsOf, testKind, useRegistries } from './registries.ts';

/** The password in the URLs of the native server. */
let password: string;
const { native, fleet } = useFleet();
beforeAll(() => {
  password = new URL(native().url()).password;
});

const homes = tableFiles('001', 'homes');

/** A rehearsal keeps this process busy for longer than it may be silent in other tests. */
const patient: Intervals = { ...quick, silenceMs: 30_000 };

function portfolioOn(
  registry: Registry,
  directory: string,
  environment: NodeJS.ProcessEnv,
  intervals = patient,
): OwnPortfolio {
  return new OwnPortfolio(registry, { directory, environment, signal: new AbortController().signal, intervals });
}

/** Everything that a registry holds, as text. */
async function everythingIn(registry: Registry): Promise<string> {
  const texts: string[] = [];
  for (const table of ['muses', 'environments', 'runs', 'items', 'workers', 'audit'])
    texts.push(
      ...(await rowsOf<{ row: string }>(registry, `select x::text as row from portfolio.${table} x`)).map(
        ({ row }) => row,
      ),
    );
  texts.push(
    ...(await rowsOf<{ row: string }>(registry, 'select x::text as row from pgboss.job x')).map(({ row }) => row),
  );
  return texts.join('\n');
}

/** The registry of several workers is on PostgreSQL. */
const sampledKinds = sampleOf(registryKinds, 2);

describe.each(sampledKinds)('muses with their own databases, the registry on %s', { timeout: 240_000 }, (kind) => {
  const open = useRegistries(kind);

  it('are migrated after one rehearsal, seen, verified, and nothing tells a secret', async () => {
    const { registry, directory } = await open();
    const names = ['one', 'two', 'three', 'away'];
    // Text that nobody has rehearsed on this machine.
    const file = 'migrations/extensions/001_homes.sql';
    const fresh = { ...homes, [file]: `${homes[file]}-- ${randomUUID()}\n` };
    const { folder, environment } = await fleet(names, fresh);
    // The server of this one is not there; the password in its URL must not be told either.
    environment['MUSE_AWAY_STAGING_URL'] = `postgres://nobody:${password}@127.0.0.1:1/none`;
    // A URL of the worker's own shell belongs to no muse.
    environment['DATABASE_URL'] = native().url();
    const portfolio = portfolioOn(registry, directory, environment);
    await portfolio.add([], { scan: [folder] });
    const notes: string[] = [];
    const rollout = await portfolio.rollOut('migrate', {
      env: 'staging',
      waves: '100%',
      onError: 'continue',
      onNote: (text) => notes.push(text),
    });
    expect(rollout.muses.map(({ name, state }) => [name, state])).toEqual([
      ['away', 'unknown'],
      ['one', 'done'],
      ['three', 'done'],
      ['two', 'done'],
    ]);
    expect(rollout.muses[1]).toMatchObject({ result: { applied: 1, skipped: 0 } });
    expect(rolloutError(rollout, 'x')).toMatchObject({ code: 'findings' });
    const rehearsed = notes.filter((text) => text.endsWith(`1/1 ${file}`));
    // The pass of the rehearsal and the three databases name the file; a rehearsal for each would name it twice as often.
    expect(rehearsed.length).toBeGreaterThanOrEqual(4);
    expect(rehearsed.length).toBeLessThanOrEqual(5);
    // A later run, e.g. in another process, has them rehearsed: the file is named for the database alone.
    const more = await fleet(['later'], fresh);
    const next = portfolioOn(registry, directory, more.environment);
    await next.add([], { scan: [more.folder] });
    const later: string[] = [];
    expect(
      await next.rollOut('migrate', { env: 'staging', only: 'later', onNote: (text) => later.push(text) }),
    ).toMatchObject({
      muses: [{ state: 'done', result: { applied: 1, proven: rollout.muses[1]?.result?.['proven'] } }],
    });
    expect(later.filter((text) => text.endsWith(file))).toEqual([`later: 1/1 ${file}`]);
    await next.archive(['later']);

    const verified = await portfolio.rollOut('verify', { env: 'staging', only: 'o*' });
    expect(verified.muses).toMatchObject([{ name: 'one', state: 'done', result: { errors: 0, pending: 0 } }]);

    // With nothing to do, what was proven stays proven.
    const again = await portfolio.rollOut('migrate', { env: 'staging', only: 'one' });
    expect(again.muses).toMatchObject([{ state: 'done', result: { applied: 0, skipped: 1 } }]);

    // What was changed by hand is found, and what cannot be reached is not fine.
    const two = await openPostgres({ url: environment['MUSE_TWO_STAGING_URL']! });
    await two.script('alter table public.homes add column by_hand text');
    await two.close();
    const status = await portfolio.status({ refresh: true, drift: true });
    expect(status).toMatchObject([
      { name: 'away', known: false, environments: [{ known: 'unreachable', error: { code: 'database-unreachable' } }] },
      {
        name: 'one',
        state: 'verified',
        known: true,
        environments: [{ applied: 1, pending: 0, drift: 0, isolation: { errors: 0 } }],
      },
      { name: 'three', state: 'migrated', environments: [{ drift: 0 }] },
      { name: 'two', environments: [{ drift: 1 }] },
    ]);
    const told = {
      registry: await everythingIn(registry),
      notes: notes.join('\n'),
      status: JSON.stringify([rollout, status]),
      audit: JSON.stringify(await portfolio.audit()),
      page: await portfolio.page(),
    };
    // They tell of the muse whose URL has the password and leads nowhere.
    for (const text of [told.registry, told.status, told.audit, told.page]) expect(text).toContain('away');
    expect(findSecrets(told, [password])).toEqual([]);
  });

  it('stop at a file that one muse’s data breaks, and continue when that is fixed', async () => {
    const { registry, directory } = await open();
    const { folder, environment } = await fleet(['good', 'odd'], {
      ...homes,
      'migrations/extensions/002_unique.sql':
        '-- Titles are unique.\ncreate unique index if not exists homes_title on public.homes (title);\n',
      'migrations/rollback/extensions/002_unique.sql': '-- Undo.\ndrop index if exists public.homes_title;\n',
    });
    const portfolio = portfolioOn(registry, directory, environment);
    await portfolio.add([], { scan: [folder] });
    const odd = await openPostgres({ url: environment['MUSE_ODD_STAGING_URL']! });
    onTestFinished(() => odd.close());
    const { migrate } = await import('../../src/migrations/apply.ts');
    const { readMigrations } = await import('../../src/migrations/read.ts');
    const { migrations } = await readMigrations(join(folder, 'odd'), {
      core: [],
      extensions: ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'x',
      order: 'number',
    });
    await migrate(odd, migrations.slice(0, 1));
    await odd.script(
      "insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001');" +
        "insert into public.homes (user_id, title) select '00000000-0000-4000-8000-000000000001', 'same' from generate_series(1, 2)",
    );
    const stopped = await portfolio.rollOut('migrate', { env: 'staging', canary: ['odd'] });
    expect(stopped.muses).toMatchObject([
      {
        name: 'odd',
        state: 'failed',
        error: { code: 'migration-failed', message: expect.stringContaining('002_unique.sql') },
      },
      { name: 'good', state: 'blocked' },
    ]);
    await odd.script('update public.homes set title = id::text');
    const resumed = await portfolio.rollOut('migrate', { resume: stopped.run.name });
    expect(resumed.muses).toMatchObject([
      { name: 'odd', state: 'done', result: { applied: 1, skipped: 1 } },
      { name: 'good', state: 'done', result: { applied: 2 } },
    ]);
  });
});

describe('several workers', { timeout: 240_000 }, () => {
  it('of which one is killed in the middle of a file: another finishes, nothing is done twice', async () => {
    const url = await native().createDatabase('registry');
    const directory = await temporaryDirectory();
    const registry = await openRegistry({ url, directory });
    onTestFinished(() => registry.close());
    // The file waits for a lock that this test holds; on a shadow database nobody does.
    const { folder, environment } = await fleet(['slow'], {
      ...homes,
      'migrations/extensions/002_waits.sql':
        '-- Waits.\nselect pg_advisory_xact_lock(4242);\ncreate table if not exists public.once (id int);\nalter table public.once enable row level security;\n',
      'migrations/rollback/extensions/002_waits.sql': '-- Undo.\ndrop table if exists public.once;\n',
    });
    const portfolio = portfolioOn(registry, directory, environment, quick);
    await portfolio.add([], { scan: [folder] });
    const holder = await openPostgres({ url: environment['MUSE_SLOW_STAGING_URL']! });
    onTestFinished(() => holder.close());
    await holder.query('select pg_advisory_lock(4242)');
    await portfolio.rollOut('migrate', { env: 'staging', detach: true });
    const bin = join(import.meta.dirname, '..', '..', 'bin', 'muse.js');
    const child = spawn(process.execPath, [bin, 'portfolio', 'work'], {
      env: { ...environment, MUSE_REGISTRY: url, CREATE_MUSE_PORTFOLIO: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (printed += text.toString()));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const waits = async (): Promise<boolean> =>
      (
        await holder.query(
          "select 1 from pg_locks where locktype = 'advisory' and not granted and objid = 4242 and database = (select oid from pg_database where datname = current_database())",
        )
      ).rows.length > 0;
    for (let tries = 0; !(await waits()); tries += 1) {
      if (tries > 2000) throw new Error(`the worker did not come to the file: ${printed}`);
      await sleep(50);
    }
    child.kill('SIGKILL');
    await ended;
    expect(await rowsOf(registry, 'select state, attempts from portfolio.items')).toEqual([
      { state: 'running', attempts: 1 },
    ]);
    // Its database session still waits: when it gets the lock, it commits what nobody hears of.
    const finishing = portfolio.rollOut('migrate', { env: 'staging' });
    await sleep(1500);
    await holder.query('select pg_advisory_unlock(4242)');
    const rollout = await finishing;
    expect(rollout).toMatchObject({ attached: true, run: { state: 'done' }, muses: [{ state: 'done' }] });
    expect(await rowsOf(registry, 'select attempts from portfolio.items')).toEqual([{ attempts: 2 }]);
    const { rows } = await holder.query('select file from muse.migrations order by file');
    expect(rows).toHaveLength(2);
    expect(findSecrets({ printed }, [password])).toEqual([]);
  });

  it('of which one cannot tell of its success: the history does, so it is done and not done again', async () => {
    const { folder, environment } = await fleet(['told'], homes);
    const directory = await temporaryDirectory();
    const registry = await openRegistry({ url: await native().createDatabase('registry'), directory });
    onTestFinished(() => registry.close());
    let isLost = false;
    const losing: Registry = {
      ...registry,
      transaction: (use) =>
        isLost
          ? Promise.reject(new MuseError({ code: 'database-unreachable', message: 'Gone.', suggestion: 'None.' }))
          : registry.transaction(use),
    };
    const kind: Kind = {
      ...kinds['migrate']!,
      async run(context) {
        const outcome = await kinds['migrate']!.run(context);
        isLost = true;
        return outcome;
      },
    };
    const portfolio = portfolioOn(registry, directory, environment, quick);
    await portfolio.add([], { scan: [folder] });
    const { signal } = new AbortController();
    const context = { directory, environment, signal, intervals: patient };
    await expect(
      rollOut('migrate', { env: 'staging' }, { ...context, registry: losing, kinds: { migrate: kind } }),
    ).rejects.toMatchObject({ code: 'database-unreachable' });
    expect(await rowsOf(registry, 'select state from portfolio.items')).toEqual([{ state: 'running' }]);
    expect(await portfolio.rollOut('migrate', { env: 'staging' })).toMatchObject({
      attached: true,
      run: { state: 'done' },
      muses: [{ name: 'told', state: 'done', result: { applied: 0, skipped: 1 } }],
    });
    expect(await portfolio.list()).toMatchObject([{ state: 'migrated', environments: [{ applied: 1, pending: 0 }] }]);
  });

  it('never work on one muse at the same time, and all of it is done', async () => {
    const url = await native().createDatabase('registry');
    const directory = await temporaryDirectory();
    const names = named(40);
    const registries = await Promise.all(Array.from({ length: 4 }, () => openRegistry({ url, directory })));
    onTestFinished(async () => {
      await Promise.all(registries.map((registry) => registry.close()));
    });
    await addRows(registries[0]!, names);
    const busy = new Set<string>();
    const overlaps: string[] = [];
    const done: string[] = [];
    const noting = testKind(async (name, { signal }) => {
      if (busy.has(name)) overlaps.push(name);
      busy.add(name);
      await sleep(10, undefined, { signal }).finally(() => busy.delete(name));
      done.push(name);
    });
    // On a busy machine nobody is taken for dead.
    const context = { kinds: noting, directory, environment: {}, intervals: patient };
    const stop = new AbortController();
    const never = new AbortController().signal;
    const started = await rollOut(
      'try',
      { waves: '10%,100%', concurrency: 12, detach: true },
      { ...context, registry: registries[0]!, signal: never },
    );
    const workers = registries
      .slice(1)
      .map((registry, index) =>
        work({ ...context, registry, concurrency: 3, signal: index === 0 ? stop.signal : never, run: 1 }),
      );
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 100);
    const rollout = await rollOut(
      'try',
      { resume: started.run.name },
      { ...context, registry: registries[0]!, signal: never },
    );
    await Promise.all(workers);
    expect(rollout.run.state).toBe('done');
    expect(overlaps).toEqual([]);
    expect([...new Set(done)].sort()).toEqual(names);
    expect(done).toHaveLength(names.length);
  });
});

describe('the command', { timeout: 240_000 }, () => {
  it('adds, plans, migrates, shows and checks, with JSON and exit codes', async () => {
    const { folder, environment } = await fleet(['shop'], homes);
    const env = { ...environment, CREATE_MUSE_PORTFOLIO: await temporaryDirectory() } as Record<string, string>;
    const call = async (...args: string[]): Promise<{ code: number | null; json: Record<string, unknown> }> => {
      const { code, stdout, stderr } = await runMuse(['portfolio', ...args, '--json'], { cwd: folder, env });
      expect(findSecrets({ stdout, stderr }, [password])).toEqual([]);
      return { code, json: JSON.parse(stdout) as Record<string, unknown> };
    };
    await cp(join(folder, 'shop'), join(folder, 'copies', 'Shop'), { recursive: true });
    expect(await call('add', 'shop', 'copies/Shop')).toMatchObject({
      code: 1,
      json: {
        ok: false,
        muses: [
          { name: 'shop', added: true },
          { added: false, error: { code: 'name-taken' } },
        ],
      },
    });
    expect(await call('status', '--check')).toMatchObject({
      code: 3,
      json: {
        muses: [{ name: 'shop', known: false, environments: [{ known: 'never' }] }],
        error: { code: 'findings' },
      },
    });
    expect(await call('migrate', '--env', 'staging', '--dry-run')).toMatchObject({
      code: 0,
      json: { run: { state: 'planned', waves: 1 }, muses: [{ name: 'shop', wave: 1 }] },
    });
    expect(await call('migrate', '--env', 'staging')).toMatchObject({
      code: 0,
      json: {
        command: 'muse portfolio migrate',
        run: { name: 'migrate-1', state: 'done' },
        muses: [{ state: 'done' }],
      },
    });
    expect(await call('status', '--check')).toMatchObject({
      code: 0,
      json: { muses: [{ state: 'migrated', known: true }] },
    });
    for (const [args, code] of [
      [['migrate', '--waves', '10x'], 2],
      [['migrate', '--concurrency', '0'], 2],
      [['migrate', '--resume', 'migrate-9'], 2],
      [['migrate', '--env', 'production'], 2],
      [['cancel'], 2],
      [['unknown'], 2],
      [['audit'], 0],
    ] as const)
      expect([args, (await call(...args)).code]).toEqual([args, code]);
  });
});
