// muse dev beside the database that it serves, bare PGlite, and @supabase/lite: start, a select by id, parallel clients,
// memory.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, once } from './measure.js';
import { freePort } from './server.js';

const items = 1000;
const clients = 20;
/** Requests one after the other in one round, and how long a round of parallel ones takes. */
const inRow = 100;
const parallelMs = 2000;

const itemsSql = `create table public.bench_items (id bigint primary key, title text not null, done boolean not null default false);
insert into public.bench_items select n, 'item ' || n, n % 2 = 0 from generate_series(1, ${items}) n;
alter table public.bench_items enable row level security;
create policy read on public.bench_items for select to authenticated using (true);
grant select on public.bench_items to authenticated;`;

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function dev({ root, peer, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-dev-'));
  try {
    const ours = await museDev(root, place);
    const lite = await supabaseLite(peer('@supabase/lite', join('dist', 'cli', 'index.js')), place);
    // A directory has one process at a time.
    const copy = join(place, 'copy');
    cpSync(ours.database, copy, { recursive: true });
    const opened = { name: 'floor: the database opened', file: 'opened.js', args: [root, copy] };
    const bare = { name: 'floor: bare PGlite in a worker', file: 'bare.js', args: [] };
    const servers = lite === undefined ? [ours] : [ours, lite];
    const started = await starts([opened, ...servers], rounds);
    report(started, await rows([opened, bare, ...servers], rounds), { opened, bare, ours, lite });
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** A muse whose database has the rows. */
async function museDev(root, place) {
  const node = (cwd, ...args) => once({ command: process.execPath, args, cwd });
  await node(place, join(root, 'bin', 'create-muse.js'), 'sample', '--yes', '--preset', 'realty', '--json');
  const cwd = join(place, 'sample');
  const muse = join(root, 'bin', 'muse.js');
  await node(cwd, muse, 'psql', '-c', itemsSql);
  const port = await freePort();
  const args = [muse, 'dev', '--port', String(port), '--db-port', String(await freePort())];
  const key = () =>
    /"publishable":\s*"([^"]+)"/.exec(readFileSync(join(cwd, '.muse', 'dev-development.json'), 'utf8'))?.[1];
  return { name: 'muse dev', cwd, args, port, key, database: join(cwd, '.muse', 'database') };
}

/** A project of @supabase/lite on PGlite with the same rows. */
async function supabaseLite(bin, place) {
  if (bin === undefined) return undefined;
  const cwd = join(place, 'lite');
  mkdirSync(cwd);
  const env = { LITE_TELEMETRY: '0' };
  const lite = (...args) => once({ command: process.execPath, args: [bin, ...args], cwd, env });
  await lite('init', '--pglite');
  mkdirSync(join(cwd, 'supabase', 'migrations'));
  writeFileSync(join(cwd, 'supabase', 'migrations', '20260101000000_items.sql'), itemsSql);
  await lite('migration', 'up');
  const port = await freePort();
  const config = join(cwd, 'supabase', 'config.toml');
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^port = \d+$/m, `port = ${port}`));
  const key = () => /SUPABASE_PUBLISHABLE_KEY=(\S+)/.exec(readFileSync(join(cwd, '.env'), 'utf8'))?.[1];
  return { name: '@supabase/lite start', cwd, args: [bin, 'start'], env, port, key };
}

/** Starts a server or a floor, and waits until it says that it is ready. */
async function start(subject) {
  const begin = performance.now();
  const isFloor = 'file' in subject;
  const args = isFloor ? [join(import.meta.dirname, 'floor', subject.file), ...subject.args] : subject.args;
  const child = spawn(process.execPath, args, {
    cwd: subject.cwd,
    env: { ...process.env, CI: '1', ...subject.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(isFloor ? ['ipc'] : [])],
  });
  await new Promise((resolve, reject) => {
    const look = (data) => /ready in/i.test(String(data)) && resolve();
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('message', resolve);
    child.once('exit', () => reject(new Error(`${subject.name} ended`)));
  });
  return { child, ms: performance.now() - begin };
}

async function stop(child) {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** A signed-in user of a server, as most requests of an app have one. */
async function signUp({ port, key }) {
  const response = await fetch(`http://127.0.0.1:${port}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: key(), 'content-type': 'application/json' },
    body: JSON.stringify({ email: `${randomUUID()}@example.com`, password: randomUUID() }),
  });
  return (await response.json()).access_token;
}

/** A user's request for a row. */
function ask({ port, key, token }, id, agent) {
  const headers = { apikey: key, authorization: `Bearer ${token}` };
  return fetchText({ port, path: `/rest/v1/bench_items?id=eq.${id}&select=*`, headers, agent });
}

function fetchText(options) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', ...options }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    }).on('error', reject);
  });
}

/** CPU time of a process so far, in ms, and its peak memory, in MB; undefined without /proc. */
function usage(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpu: (Number(fields[11]) + Number(fields[12])) * 10, peak: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

/** The time from nothing to the first answer, in turn. */
async function starts(subjects, rounds) {
  const times = new Map(subjects.map(({ name }) => [name, { ms: [], cpu: [] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const subject of subjects) {
      const { child, ms } = await start(subject);
      const used = usage(child.pid);
      await stop(child);
      if (round === 0) continue;
      times.get(subject.name).ms.push(ms);
      if (used) times.get(subject.name).cpu.push(used.cpu);
    }
  }
  return new Map([...times].map(([name, { ms, cpu }]) => [name, { ms: median(ms), cpu: median(cpu) }]));
}

/** Queries and requests in turn, with everything running: one after the other, then in parallel. */
async function rows(subjects, rounds) {
  const running = [];
  try {
    for (const subject of subjects) {
      const started = await start(subject);
      running.push({ subject, ...started, ...(await askerOf(subject, started.child)), ms: [], cpu: [], perSecond: [] });
    }
    for (let round = 0; round <= rounds; round++) {
      for (const one of running) await oneRound(one, round > 0);
    }
    return new Map(
      running.map(({ subject, child, ms, cpu, perSecond }) => [
        subject.name,
        {
          ms: median(ms),
          cpu: median(cpu),
          perSecond: perSecond.length === 0 ? undefined : median(perSecond),
          peak: usage(child.pid)?.peak,
        },
      ]),
    );
  } finally {
    for (const { child, agent } of running) {
      agent?.destroy();
      await stop(child);
    }
  }
}

/** How to ask a floor, or a server as a user. */
async function askerOf(subject, child) {
  if ('file' in subject) {
    const inTurn = async () => {
      const answer = new Promise((resolve) => child.once('message', resolve));
      child.send({ count: inRow });
      return (await answer).times;
    };
    return { inTurn };
  }
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const server = { ...subject, key: subject.key(), token: await signUp(subject) };
  const one = async (id) => {
    const { status, text } = await ask(server, id, agent);
    if (status !== 200 || JSON.parse(text).length !== 1) throw new Error(`${server.name}: ${status} ${text}`);
  };
  const inTurn = async () => {
    const times = [];
    for (let id = 1; id <= inRow; id++) {
      const begin = performance.now();
      await one(id);
      times.push(performance.now() - begin);
    }
    return times;
  };
  return { agent, inTurn, one };
}

async function oneRound({ child, inTurn, one, ms, cpu, perSecond }, counts) {
  const before = usage(child.pid);
  const times = await inTurn();
  const after = usage(child.pid);
  if (counts) {
    ms.push(median(times));
    if (after) cpu.push((after.cpu - before.cpu) / inRow);
  }
  if (one === undefined) return;
  const end = performance.now() + parallelMs;
  let done = 0;
  const client = async (id) => {
    for (; performance.now() < end; done++) await one(id);
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index + 1)));
  if (counts) perSecond.push((done * 1000) / parallelMs);
}

/** Prints the table, and each ratio with its aim. */
function report(started, measured, { opened, bare, ours, lite }) {
  const write = (text) => process.stdout.write(`${text}\n`);
  const line = (name, ...columns) => write(`  ${name.padEnd(32)}${columns.map((text) => text.padStart(15)).join('')}`);
  const ms = (value) => (value === undefined ? '' : `${value.toFixed(value < 100 ? 2 : 0)} ms`);
  const against = (what, ratio, limit, least = false) => {
    const met = least ? ratio >= limit : ratio <= limit;
    write(`  ${what}: ${ratio.toFixed(2)}, aim ${least ? 'at least ' : ''}${limit}: ${met ? 'met' : 'NOT met'}`);
  };
  write(`\nmuse dev (load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores)`);
  line('', 'start', 'CPU time', 'select by id', 'CPU time', `${clients} clients`, 'peak memory');
  for (const [name, { ms: each, cpu, perSecond, peak }] of measured) {
    const begun = started.get(name);
    const rate = perSecond === undefined ? '' : `${perSecond.toFixed(0)} a second`;
    line(
      name,
      ms(begun?.ms),
      ms(begun?.cpu),
      ms(each),
      ms(cpu),
      rate,
      peak === undefined ? '' : `${peak.toFixed(0)} MB`,
    );
  }
  const [own, floor] = [measured.get(ours.name), measured.get(opened.name)];
  const startOf = (subject) => started.get(subject.name);
  against('start over opening the database', startOf(ours).ms / startOf(opened).ms, 1.3);
  against('the same in CPU time', startOf(ours).cpu / startOf(opened).cpu, 1.3);
  against('select by id over bare PGlite', own.ms / measured.get(bare.name).ms, 4);
  against('memory over the opened database', own.peak / floor.peak, 1.5);
  if (lite === undefined) return;
  const other = measured.get(lite.name);
  against('select by id over @supabase/lite', own.ms / other.ms, 0.5);
  against(`requests of ${clients} clients over @supabase/lite`, own.perSecond / other.perSecond, 4, true);
}
