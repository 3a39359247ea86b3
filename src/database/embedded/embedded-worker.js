/**
 * The thread that PGlite runs in: WebAssembly blocks its event loop, so a query that never ends can only be stopped by
 * ending the thread. JavaScript with types in comments, because Node itself loads a worker, from the source as well as
 * from the build. Its requests are in `protocol.ts`.
 */
import { mkdirSync, renameSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { MemoryFS, PGlite, protocol } from '@electric-sql/pglite';
import { becomeUser } from './become-user.js';
import { addLateFiles } from './add-late-files.js';
import { postgis } from './postgis-setup.js';

/** @typedef {import('./protocol.ts').Request} Request */
/** @typedef {import('./protocol.ts').WorkerInput} WorkerInput */
/** @typedef {import('./protocol.ts').Pack} Pack */

const root = '/pglite';
const dataDirectory = `${root}/data`;
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const input = /** @type {WorkerInput} */ (workerData);

/**
 * Writes the files of a pack into the engine's file system, without copying them.
 * @param {PGlite} database
 * @param {Pack} pack
 * @param {string} directory
 */
function writePack(database, pack, directory) {
  const { FS } = database.Module;
  const made = new Set();
  for (const { path, offset, size } of pack.entries) {
    const target = `${directory}/${path}`;
    const parent = size === undefined ? target : target.slice(0, target.lastIndexOf('/'));
    if (!made.has(parent)) FS.mkdirTree(parent);
    made.add(parent);
    if (size !== undefined) {
      FS.writeFile(target, pack.bytes.subarray(offset, offset + size), { canOwn: true });
    }
  }
}

/** An in-memory file system that holds the snapshot's files before the engine looks for them. */
class SnapshotFS extends MemoryFS {
  /** @override */
  async initialSyncFs() {
    if (input.snapshot && this.pg) {
      this.pg.Module.FS.mkdirTree(dataDirectory);
      writePack(this.pg, input.snapshot, dataDirectory);
    }
  }
}

/**
 * Writes the files of a new persistent database, and renames the directory when all are written. There are hundreds of
 * small files: not awaiting each one takes a third of the time.
 * @param {Pack} pack
 * @param {string} at
 * @param {string} directory
 */
function writeKept(pack, at, directory) {
  mkdirSync(at, { mode: 0o700 });
  for (const { path, offset, size } of pack.entries) {
    const target = join(at, path);
    if (size === undefined) mkdirSync(target, { recursive: true, mode: 0o700 });
    else writeFileSync(target, pack.bytes.subarray(offset, offset + size), { mode: 0o600 });
  }
  renameSync(at, directory);
}

/**
 * What ended the engine in the middle of a statement: a stack that is too deep, memory that is not there. PGlite itself
 * catches it and continues as if the statement had worked.
 * @type {unknown}
 */
let fault;

/** The status of the exception by which PostgreSQL jumps out of a failed statement, as it should. */
const jump = 100;

/**
 * After a fault, nothing of the engine is called again: it would continue in the middle of what it was at, maybe without an end.
 * @param {PGlite} database
 */
function stopAtFaults(database) {
  const engine = /** @type {Record<string, () => void>} */ (/** @type {unknown} */ (database.Module));
  /** @type {(name: string, call: (step: () => void) => void) => void} */
  const replace = (name, call) => {
    const step = /** @type {() => void} */ (engine[name]);
    // At its first call, each of these functions puts another one in its place.
    const ours = () => call(step);
    Object.defineProperty(engine, name, { get: () => ours, set() {} });
  };
  // PGlite ignores any other exception.
  const leave = () => Object.assign(new Error('The engine has stopped.'), { status: jump });
  replace('_PostgresMainLoopOnce', (step) => {
    if (fault !== undefined) throw leave();
    try {
      step();
    } catch (error) {
      if (/** @type {{ status?: number }} */ (error).status === jump) throw error;
      fault = error;
      throw leave();
    }
  });
  replace('_PostgresMainLongJmp', (step) => {
    if (fault !== undefined) throw fault;
    step();
  });
  for (const name of ['_PostgresSendReadyForQueryIfNecessary', '_pgl_pq_flush'])
    replace(name, (step) => {
      if (fault === undefined) step();
    });
}

async function open() {
  const { directory, snapshot } = input;
  if (directory !== undefined && snapshot && input.writeTo) writeKept(snapshot, input.writeTo, directory);
  const database = await PGlite.create({
    // PGlite would use the same file system for the database that it runs initdb with, so none is passed in that case.
    ...(snapshot && directory === undefined ? { fs: new SnapshotFS() } : {}),
    ...(directory === undefined ? {} : { dataDir: directory }),
    ...(input.module ? { pgliteWasmModule: input.module } : {}),
    extensions: { postgis },
    startParams: ['--single', '-F', '-j', ...input.settings.flatMap((setting) => ['-c', setting])],
    initDbStartParams: ['--username=supabase_admin', '--wal-segsize=1'],
  });
  stopAtFaults(database);
  writePack(database, input.extensions, root);
  if (input.late) addLateFiles(database, root, input.late);
  if (input.user !== undefined) await becomeUser(database, input.user);
  return database;
}

/**
 * Sends messages and returns the result of the last statement that is described.
 * @param {PGlite} database
 * @param {Uint8Array[]} messages
 * @param {(text: string) => void} [onRaise] called while it runs
 */
async function run(database, messages, onRaise) {
  /** @type {import('../wire.ts').WireField[]} */
  let fields = [];
  /** @type {(string | null)[][]} */
  let rows = [];
  let tag = '';
  let done = 0;
  /** @type {{ done?: number } | undefined} */
  let failure;
  // In one buffer: after an error, PostgreSQL skips everything up to the Sync.
  const answers = await database.execProtocolStream(Buffer.concat(messages), {
    throwOnError: false,
    // PostgreSQL's own notices have no line of a function as their context.
    ...(onRaise && {
      onNotice: ({ message, where }) => / at RAISE/.test(where ?? '') && onRaise(message ?? ''),
    }),
  });
  if (fault !== undefined) throw fault;
  for (const answer of answers) {
    if (answer.name === 'rowDescription') {
      const description = /** @type {import('./protocol.ts').RowDescription} */ (/** @type {unknown} */ (answer));
      fields = description.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
      rows = [];
    } else if (answer.name === 'noData') {
      fields = [];
      rows = [];
    } else if (answer.name === 'dataRow') {
      rows.push(/** @type {import('./protocol.ts').DataRow} */ (/** @type {unknown} */ (answer)).fields);
    } else if (answer.name === 'commandComplete') {
      tag = /** @type {import('./protocol.ts').CommandComplete} */ (/** @type {unknown} */ (answer)).text;
      done += 1;
    } else if (answer.name === 'notification') {
      const { channel, payload } = /** @type {import('./protocol.ts').Notification} */ (
        /** @type {unknown} */ (answer)
      );
      port.postMessage({ notification: { channel, payload } });
    } else if (answer.name === 'error') {
      failure ??= Object.assign(answer, { done });
    }
  }
  if (failure) throw failure;
  return { fields, rows, tag };
}

/** The messages of the extended protocol after which PostgreSQL says nothing of being ready until a Sync. */
const extended = new Set(['P', 'B', 'D', 'E', 'C']);
/** ReadyForQuery, with its state. */
const readyLength = 6;

/**
 * Forwards messages of the wire protocol. PGlite reports that it is ready after an error of the extended protocol, too,
 * where a client only expects that in answer to its Sync.
 * @param {PGlite} database
 * @param {Uint8Array[]} messages
 */
async function forward(database, messages) {
  const answers = [];
  for (const message of messages) {
    const answer = await database.execProtocolRaw(message);
    if (fault !== undefined) throw fault;
    const isReady = answer.length >= readyLength && answer[answer.length - readyLength] === 'Z'.charCodeAt(0);
    const isEarly = isReady && extended.has(String.fromCharCode(message[0] ?? 0));
    answers.push(isEarly ? answer.subarray(0, -readyLength) : answer);
  }
  // A copy: the engine reuses its memory.
  return new Uint8Array(Buffer.concat(answers));
}

/**
 * What follows a text that may hold `COPY … FROM STDIN`: nobody sends its data here, and an engine that waits for more ends.
 * PostgreSQL ignores it where there is no COPY.
 * @param {string} sql
 */
function afterCopy(sql) {
  return sql.toLowerCase().includes('copy') ? [protocol.serialize.copyFail('nobody sends data here')] : [];
}

/** How many statements stay prepared, those that were used last. */
const mostPrepared = 100;
/** @type {Map<string, string>} The names of prepared statements by their text, the one that was used last at the end. */
const prepared = new Map();
/** @type {string[]} Statements to be forgotten by PostgreSQL, too. */
let dropped = [];
let lastPrepared = 0;

/** @param {string} sql */
function forget(sql) {
  dropped.push(/** @type {string} */ (prepared.get(sql)));
  prepared.delete(sql);
}

/**
 * Has PostgreSQL read and plan a text once, and gives it a name. PostgreSQL plans it again where a table, the role or the
 * search path has changed.
 * @param {string} sql
 */
function prepare(sql) {
  const known = prepared.get(sql);
  const name = known ?? `muse_${++lastPrepared}`;
  prepared.delete(sql);
  prepared.set(sql, name);
  if (prepared.size > mostPrepared) forget(/** @type {string} */ (prepared.keys().next().value));
  return { name, messages: known === undefined ? [protocol.serialize.parse({ name, text: sql })] : [] };
}

/** PostgreSQL's code for a prepared statement that is not there. */
const notPrepared = '26000';

/**
 * Runs statements as one message: after an error, PostgreSQL skips everything up to the Sync.
 * @param {PGlite} database
 * @param {import('../wire.ts').WireStatement[]} statements
 * @param {boolean} keep whether they stay prepared
 */
async function query(database, statements, keep) {
  const { serialize } = protocol;
  const fresh = statements.filter(({ sql }) => !prepared.has(sql));
  const closed = dropped;
  dropped = [];
  const messages = statements.flatMap(({ sql, parameters }, index) => {
    const { name, messages } = keep ? prepare(sql) : { name: '', messages: [serialize.parse({ text: sql })] };
    // Only the last has a result.
    const describe = index === statements.length - 1 ? [serialize.describe({ type: 'P' })] : [];
    const bind = serialize.bind({ statement: name, values: parameters });
    return [...messages, bind, ...describe, serialize.execute({}), ...afterCopy(sql)];
  });
  const close = closed.map((name) => serialize.close({ type: 'S', name }));
  try {
    const result = await run(database, [...close, ...messages, serialize.sync()]);
    // Saves the next one an attempt: see below.
    if (result.tag === 'DISCARD ALL') prepared.clear();
    return result;
  } catch (error) {
    if (!keep) throw error;
    // They may not have been prepared.
    for (const { sql } of fresh) if (prepared.has(sql)) forget(sql);
    const isGone = /** @type {{ code?: string }} */ (error).code === notPrepared;
    if (!isGone || fresh.length === statements.length) throw error;
    // Another client has discarded them, and nothing has been done yet.
    prepared.clear();
    await run(database, [serialize.query('ROLLBACK')]);
    return query(database, statements, keep);
  }
}

/** How many statements are sent as one message at most. */
const mostTogether = 16;
/** What takes longer is sent with less beside it, in ms: a limit is for one statement. */
const longMs = 20;
/** How often the other thread is told that statements continue, in ms. */
const tellMs = 20;

/**
 * Settings that change how PostgreSQL reads text: what comes after one of them is not sent with it, as a message is read before any of
 * it runs. A name in a comment costs a little time.
 * @param {string} sql
 */
const mayChangeReading = (sql) => /standard_conforming_strings|backslash_quote/i.test(sql);

/**
 * Runs statements, several with one message: most of the time of a short one is that of its message. Where one fails, PostgreSQL skips
 * those after it, which are then sent again.
 * @param {PGlite} database
 * @param {Extract<Request, { kind: 'each' }>} request
 * @returns {Promise<import('./protocol.ts').EachAnswer>}
 */
async function each(database, { id, statements, savepoint, whole }) {
  /** @type {[number, import('../wire.ts').ServerReport][]} */
  const failed = [];
  if (whole) await run(database, [protocol.serialize.query(`begin;savepoint ${savepoint}`)]);
  const next = `\n;release savepoint ${savepoint};savepoint ${savepoint};`;
  let together = 1;
  let told = performance.now();
  for (let from = 0; from < statements.length;) {
    const start = performance.now();
    if (start - told > tellMs) {
      port.postMessage({ id, isOn: true });
      told = start;
    }
    const some = statements.slice(from, from + together);
    const last = some.findIndex(mayChangeReading);
    if (last !== -1) some.length = last + 1;
    const texts = some.map((sql) => sql + next);
    try {
      await run(database, [protocol.serialize.query(texts.join('')), ...afterCopy(texts.join(''))]);
      from += some.length;
      together = performance.now() - start > longMs ? 1 : Math.min(together * 2, mostTogether);
    } catch (error) {
      const { server, report, done = 0 } = describe(error);
      if (!server) throw error;
      await run(database, [protocol.serialize.query(`rollback to savepoint ${savepoint}`)]);
      together = 1;
      // Three commands for each: it, the savepoint's release, and the new savepoint.
      const index = Math.floor(done / 3);
      // Where none has run, it may be that PostgreSQL cannot read one of the others: the first is tried alone.
      if (index === 0 && some.length > 1 && !isWithin(report, /** @type {string} */ (texts[0]))) continue;
      const before = charactersIn(texts.slice(0, index).join(''));
      const position = report.position === undefined ? undefined : String(Number(report.position) - before);
      failed.push([from + index, { ...report, position }]);
      from += index + 1;
    }
  }
  if (whole) await run(database, [protocol.serialize.query(`release savepoint ${savepoint};commit`)]);
  return failed;
}

/** SQLSTATEs without a position of what PostgreSQL may find wrong as it reads a text: syntax, names, literals, what it does not know. */
const ofReading = /^(?:42601|42602|42622|0A000|22|54)/;

/**
 * Whether an error is one of a statement, which may be the first of several.
 * @param {import('../wire.ts').ServerReport} report
 * @param {string} text the statement's
 */
function isWithin({ code = '', position }, text) {
  return position === undefined ? !ofReading.test(code) : Number(position) <= charactersIn(text);
}

/**
 * As PostgreSQL counts them.
 * @param {string} text
 */
function charactersIn(text) {
  let count = 0;
  // Each but the second half of a pair.
  for (let at = 0; at < text.length; at += 1) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  return count;
}

/**
 * @param {PGlite} database
 * @param {Request} request
 */
async function answer(database, request) {
  const { serialize } = protocol;
  switch (request.kind) {
    case 'script':
      await run(
        database,
        [serialize.query(request.sql), ...afterCopy(request.sql)],
        request.raises ? (raised) => port.postMessage({ id: request.id, raised }) : undefined,
      );
      return undefined;
    case 'query':
      return query(database, request.statements, request.keep);
    case 'each':
      return each(database, request);
    case 'raw':
      return forward(database, request.messages);
    case 'dump':
      return new Uint8Array(await (await database.dumpDataDir('none')).arrayBuffer());
    case 'close':
      await database.close();
      return undefined;
  }
}

/** What the engine needs at least to start and to write its log, in bytes. */
const leastFree = 2 * 1024 * 1024;

/** Whether the disk that the database is on is full: the engine itself only says that it has stopped. */
function isDiskFull() {
  if (input.directory === undefined) return false;
  try {
    const { bavail, bsize } = statfsSync(dirname(input.directory));
    return bavail * bsize < leastFree;
  } catch {
    return false;
  }
}

/** @param {unknown} error */
function describe(error) {
  const { done } = /** @type {{ done?: number }} */ (error);
  const { code, detail, hint, position, where, schema, table, column, constraint } =
    /** @type {import('../wire.ts').ServerReport} */ (error);
  if (error instanceof Error && 'syscall' in error) {
    const { code: name = '', path } = /** @type {NodeJS.ErrnoException} */ (error);
    return { server: false, report: {}, system: { code: name, path, message: error.message } };
  }
  // V8 has one stack for the engine and itself, and this error for the end of it. PostgreSQL has a code for the same.
  if (error instanceof RangeError) return { server: false, report: { code: '54001', message: error.message } };
  // An exit of the engine and a fault of the WebAssembly have no SQLSTATE; their stack is minified source.
  const message = error instanceof Error ? error.message : String(/** @type {any} */ (error)?.message ?? error);
  const server = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  if (!server && isDiskFull()) {
    const system = { code: 'ENOSPC', path: input.directory, message: message.slice(0, 500) };
    return { server, report: {}, system };
  }
  return server
    ? { server, done, report: { code, message, detail, hint, position, where, schema, table, column, constraint } }
    : { server, report: { message: message.slice(0, 500) } };
}

try {
  const database = await open();
  /** One after the other: what a request sends in several messages belongs together. */
  let last = Promise.resolve();
  port.on('message', (/** @type {Request} */ request) => {
    last = last
      .then(() => answer(database, request))
      .then(
        (value) => port.postMessage({ id: request.id, value }),
        (error) => port.postMessage({ id: request.id, error: describe(error) }),
      );
  });
  port.postMessage({ id: 0 });
} catch (error) {
  port.postMessage({ id: 0, error: describe(error) });
}
