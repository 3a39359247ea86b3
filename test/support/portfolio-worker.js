// A worker of a portfolio in a process of its own, that can be told to die with SIGKILL where it writes a journal, and that
// records what it works on. Its network may be a namespace with nothing in it: then it reaches servers through sockets that are files.
// node portfolio-worker.js <settings as JSON>
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

/**
 * @type {{ data: string, log: string, watch: string, intervals: object, relays: [port: number, socket: string][] }}
 * data directory of this machine; folder for what is recorded; URL of the database that sees who works on what
 */
const { data, log, watch, intervals, relays } = JSON.parse(process.argv[2] ?? '{}');

for (const [port, path] of relays) {
  const relay = createServer((local) => {
    const far = connect(path);
    for (const [from, to] of [
      [local, far],
      [far, local],
    ]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  await new Promise((resolve) => relay.listen(port, '127.0.0.1', () => resolve(undefined)));
  relay.unref();
}

const load = (/** @type {string} */ file) =>
  import(pathToFileURL(join(import.meta.dirname, '..', '..', 'build', file)).href);
const [{ openOwnPortfolio }, { checkProduct, createProduct }] = await Promise.all([
  load('portfolio/portfolio.js'),
  load('create/create-product.js'),
]);

/** What an entry of the journal is about: the step, and what is known by then. */
const entryOf = ({ steps, data: { project = {}, ...facts } }) => {
  const { id = 'nothing', status = '' } = steps.at(-1) ?? {};
  return [id, status, ...Object.keys(facts).sort(), ...Object.keys(project).sort()].join(' ').trim();
};

/** Dies if the plan has this point for this muse, and nobody died of it before. */
function dieAt(/** @type {string} */ muse, /** @type {string} */ point) {
  const plan = join(log, 'plan.json');
  if (!existsSync(plan) || !JSON.parse(readFileSync(plan, 'utf8'))[muse]?.includes(point)) return;
  try {
    writeFileSync(join(log, `${muse} ${point.replaceAll(' ', '_')}.death`), String(Date.now()), { flag: 'wx' });
  } catch {
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

/** Works on a muse while nobody else does, or records that another worker does. */
async function watched(/** @type {string} */ muse, /** @type {() => Promise<unknown>} */ work) {
  const session = new pg.Client(watch);
  await session.connect();
  try {
    const { rows } = await session.query('select pg_try_advisory_lock(hashtext($1)) as alone', [muse]);
    await session.query('insert into work (muse, pid, host, alone, began) values ($1, $2, $3, $4, $5)', [
      muse,
      process.pid,
      data,
      rows[0].alone,
      Date.now(),
    ]);
    return await work();
  } finally {
    await session.end();
  }
}

const stop = new AbortController();
process.on('SIGINT', () => stop.abort(new Error('Ctrl-C')));
const portfolio = await openOwnPortfolio({
  directory: data,
  environment: process.env,
  signal: stop.signal,
  intervals,
  creator: {
    check: checkProduct,
    create: (request) =>
      watched(request.product.name, () =>
        createProduct({
          ...request,
          async save(journal) {
            const { name } = request.product;
            const entry = entryOf(journal);
            dieAt(name, `before ${entry}`);
            await request.save(journal);
            writeFileSync(join(log, `${name}.entries`), `${entry}\n`, { flag: 'a' });
            dieAt(name, `after ${entry}`);
          },
        }),
      ),
  },
});
await portfolio.work({ concurrency: 1, onItem: (event) => process.stdout.write(`${JSON.stringify(event)}\n`) });
await portfolio.close();
