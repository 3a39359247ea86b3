import type { Socket } from 'node:net';
import type { SharedEmbedded } from '../../database/embedded/shared.ts';
import type { SessionUser } from '../../database/embedded/turns.ts';
import type { WorkerWire } from '../../database/embedded/worker-wire.ts';
import { DatabaseError } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import { createExchange } from './exchange.ts';
import {
  backendKey,
  copyIn,
  fieldsOf,
  type Message,
  notification,
  parameterStatus,
  ProtocolError,
  query,
  type Reader,
  readyForQuery,
  type Report,
  report,
  sync,
  type TransactionState,
} from './messages.ts';
import { applySettings, readReported, readSettings, type Settings } from './session-state.ts';
import { usesOf } from './uses.ts';

export interface ClientOptions {
  socket: Socket;
  reader: Reader;
  /** Its settings from the start of the connection. */
  settings: ReadonlyMap<string, string>;
  /** What a request to cancel has to name. */
  key: { id: number; secret: number };
  shared: Pick<SharedEmbedded, 'turns' | 'channels' | 'changed'>;
  /** How long a client may leave a transaction open without a statement while others wait, in ms. */
  idleInTransactionMs: number;
  /** How long a statement may take where the client does not set `statement_timeout`, in ms. */
  statementMs: number;
}

/** A client that has logged in. */
export interface Client {
  /** Serves it until it leaves. */
  serve(): Promise<void>;
  /** Ends what it runs, as CancelRequest asks. */
  cancel(): void;
  /** Ends the connection and tells why. */
  end(reason: Report): void;
}

/** Messages up to one that PostgreSQL answers. */
interface Batch {
  messages: Message[];
  /** The answer ends with ReadyForQuery. */
  ready: boolean;
}

const forwarded = new Set(['Q', 'P', 'B', 'D', 'E', 'C', 'S', 'H', 'F']);
/** Data of a COPY that nobody reads any more. PostgreSQL ignores it, too. */
const stray = new Set(['d', 'c', 'f']);
/** How long a statement may still run after its client has left or has cancelled it, in ms: most end by themselves. */
const graceMs = 200;
const checkMs = 100;

/** Statements that change nothing, by their command tags. */
const harmless = new Set(
  (
    'BEGIN,START TRANSACTION,COMMIT,ROLLBACK,SAVEPOINT,RELEASE,SET,RESET,SHOW,FETCH,MOVE,DECLARE CURSOR,CLOSE CURSOR,' +
    'CLOSE CURSOR ALL,PREPARE,DEALLOCATE,DEALLOCATE ALL,DISCARD ALL,LISTEN,UNLISTEN,NOTIFY,EXPLAIN,LOCK TABLE'
  ).split(','),
);
/** Statements that change rows at most. */
const ofRows = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'COPY']);
/** Statements after which a setting may have another value. */
const ofSettings = new Set(['SET', 'RESET', 'ROLLBACK', 'DISCARD ALL']);

/** Talks to one client. It has the session for a transaction, or for one statement outside of a transaction. */
export function createClient(options: ClientOptions): Client {
  const { socket, reader, key } = options;
  const { turns, channels, changed } = options.shared;
  const exchange = createExchange();
  let saved: Settings = new Map(options.settings);
  /** What the client has been told of its settings. */
  let told: Settings = new Map();
  let state: TransactionState = 'I';
  /** Settings may have other values than when they were last read. */
  let touched = false;
  /** After an error, everything up to a Sync is ignored; here only where PostgreSQL itself cannot do so. */
  let skips = false;
  /** What ends its listening, by channel. */
  const heard = new Map<string, () => void>();
  /** Messages that were read too early. */
  let early: Message[] = [];
  /** The engine while it runs something of this client. */
  let active: WorkerWire | undefined;
  let isCancelled = false;
  let waiting: AbortController | undefined;

  const me: SessionUser = {
    async enter(wire) {
      exchange.forget();
      await applySettings(wire, saved);
      limit(wire, saved.get('statement_timeout'));
    },
    async leave(wire) {
      if (!socket.destroyed) saved = await readSettings(wire, exchange.settings);
    },
  };

  /** The engine ignores `statement_timeout`. */
  const limit = (wire: WorkerWire, timeout: string | undefined): void =>
    wire.limitCalls(timeout === undefined ? options.statementMs : Number(timeout) || undefined);

  const write = (bytes: Uint8Array): void => {
    if (bytes.length > 0 && socket.writable) socket.write(bytes);
  };

  function end(reason: Report): void {
    if (socket.writable) socket.end(report(reason));
    setTimeout(() => socket.destroy(), graceMs).unref();
  }

  /** Ends the statement that runs now, and the engine with it, if it does not end by itself. */
  function stopSoon(): void {
    const wire = active;
    setTimeout(() => {
      if (wire !== undefined && wire === active) void wire.terminate();
    }, graceMs);
  }
  socket.on('close', () => {
    waiting?.abort(new Error('the client has left'));
    stopSoon();
    heard.forEach((stop) => stop());
    heard.clear();
  });

  const nextMessage = async (): Promise<Message | undefined> => early.shift() ?? reader.next();

  /** Reads up to a message that PostgreSQL answers. Undefined where the client leaves. */
  async function nextBatch(): Promise<Batch | undefined> {
    const messages: Message[] = [];
    for (;;) {
      const message = await nextMessage();
      if (message === undefined || message.type === 'X') return undefined;
      const { type } = message;
      if (stray.has(type)) continue;
      if (!forwarded.has(type)) throw new ProtocolError(`invalid frontend message type ${type.charCodeAt(0)}`);
      if (skips) {
        if (type !== 'S') continue;
        skips = false;
        write(readyForQuery(state));
        continue;
      }
      if (type === 'Q') {
        const { copies } = usesOf(fieldsOf(message.bytes).text());
        const whole = await withData(message, copies);
        if (whole === undefined) return undefined;
        messages.push(whole);
      } else messages.push(message);
      if (type === 'Q' || type === 'S' || type === 'H' || type === 'F') return { messages, ready: type !== 'H' };
    }
  }

  /**
   * A statement with the data that it reads from the client. All of it is there before the statement runs: the engine
   * cannot wait for more.
   */
  async function withData(statement: Message, copies: readonly { binary: boolean }[]): Promise<Message | undefined> {
    const parts = [statement.bytes];
    for (const { binary } of copies) {
      write(copyIn(binary));
      for (;;) {
        const message = await nextMessage();
        if (message === undefined || message.type === 'X') return undefined;
        // PostgreSQL ignores Flush and Sync here, too.
        if (stray.has(message.type)) parts.push(message.bytes);
        if (message.type === 'c' || message.type === 'f') break;
      }
    }
    return parts.length === 1 ? statement : { type: statement.type, bytes: Buffer.concat(parts) };
  }

  /** Sends messages and passes the answer on. */
  async function send(wire: WorkerWire, units: Uint8Array[], tags: Set<string>): Promise<{ failed: boolean }> {
    active = wire;
    const answer = await wire.raw(units).finally(() => (active = undefined));
    const outcome = exchange.read(answer);
    outcome.tags.forEach((tag) => tags.add(tag));
    listen();
    state = outcome.state ?? state;
    const { bytes } = outcome;
    touched ||= outcome.tags.some((tag) => ofSettings.has(tag));
    // After this client has its answer, as PostgreSQL does.
    setImmediate(() => outcome.notifications.forEach((one) => channels.publish(one)));
    if (!touched || outcome.state === undefined || state === 'E') write(bytes);
    else {
      const ready = readyForQuery(state);
      write(bytes.subarray(0, -ready.length));
      write(await changedSettings(wire));
      write(ready);
    }
    return outcome;
  }

  /** Hears of the channels that the client listens to now, also while others have the session. */
  function listen(): void {
    for (const [channel, stop] of heard) {
      if (exchange.channels.has(channel)) continue;
      stop();
      heard.delete(channel);
    }
    for (const channel of exchange.channels) {
      if (heard.has(channel)) continue;
      heard.set(
        channel,
        channels.listen(channel, ({ payload }) => write(notification(0, channel, payload))),
      );
    }
  }

  /** What the client is to be told of its settings now. */
  async function changedSettings(wire: WorkerWire): Promise<Buffer> {
    const { values, timeout } = await readReported(wire);
    limit(wire, timeout);
    if (state === 'I') {
      // What a transaction has set may end with it, and what is committed outlives the engine.
      touched = false;
      saved = await readSettings(wire, exchange.settings);
    }
    const different = [...values].filter(([name, value]) => told.get(name) !== value);
    told = values;
    return Buffer.concat(different.map(([name, value]) => parameterStatus(name, value)));
  }

  /** Runs a batch. False where the client has left in the middle of it. */
  async function run(wire: WorkerWire, { messages }: Batch, tags: Set<string>): Promise<boolean> {
    let units: Uint8Array[] = [];
    for (const [index, message] of messages.entries()) {
      const copies = message.type === 'E' ? exchange.copiesOf(message) : [];
      // Where what comes before fails, PostgreSQL skips the statement, and the client sends no data.
      const reads = copies.length > 0 && !(units.length > 0 && (await send(wire, units, tags)).failed);
      if (copies.length > 0) units = [];
      if (reads) {
        early = [...messages.slice(index + 1), ...early];
        const whole = await fromClient(withData(message, copies));
        if (whole !== undefined) await send(wire, exchange.units(whole), tags);
        return whole !== undefined;
      }
      units.push(...exchange.units(message));
    }
    await send(wire, units, tags);
    return true;
  }

  /** Waits for the client while it has the session, and ends it where it lets others wait for too long. */
  async function fromClient<T>(message: Promise<T>): Promise<T> {
    const since = performance.now();
    const timer = setInterval(() => {
      if (turns.waiting() === 0 || performance.now() - since < options.idleInTransactionMs) return;
      clearInterval(timer);
      end(idleTooLong);
    }, checkMs);
    try {
      return await message;
    } finally {
      clearInterval(timer);
    }
  }

  /** Has the session from a batch to the end of its transaction. */
  async function hold(wire: WorkerWire, first: Batch): Promise<void> {
    const tags = new Set<string>();
    // Its transaction was lost with the engine: until its ROLLBACK, it is in one that has failed.
    if (state !== 'I') await wire.raw([query('BEGIN'), query('SELECT 1/0')]);
    let batch: Batch | undefined = first;
    try {
      while (batch !== undefined) {
        const isThere = await run(wire, batch, tags);
        if (isThere && batch.ready && state === 'I') return;
        batch = isThere ? await fromClient(nextBatch()) : undefined;
      }
      // It has left in a transaction.
      await wire.raw([sync, query('ROLLBACK')]);
    } catch (error) {
      if (wire.isOpen()) {
        await wire.raw([sync, query('ROLLBACK')]);
        throw error;
      }
      lost(error, batch);
    } finally {
      // That also ended what others listen to.
      if (wire.isOpen() && ['UNLISTEN', 'DISCARD ALL'].some((tag) => tags.has(tag))) await channels.subscribe(wire);
      const changes = [...tags].filter((tag) => !harmless.has(tag));
      if (changes.length > 0) changed({ schemaMayDiffer: changes.some((tag) => !ofRows.has(tag)) });
    }
  }

  /** Tells the client that its statement, and the transaction that it was in, ended with the engine. */
  function lost(error: unknown, batch: Batch | undefined): void {
    const isTimeout = error instanceof MuseError && error.code === 'statement-timeout';
    const message = isCancelled
      ? 'canceling statement due to user request'
      : isTimeout
        ? 'canceling statement due to statement timeout'
        : `the database stopped and was started again: ${error instanceof MuseError ? (error.detail ?? error.message) : String(error)}`;
    refuse({ severity: 'ERROR', code: isCancelled || isTimeout ? '57014' : '57P02', message }, batch?.ready === true);
  }

  function refuse(reason: Report, ready: boolean): void {
    isCancelled = false;
    write(report(reason));
    if (state === 'T') state = 'E';
    if (ready) write(readyForQuery(state));
    else skips = true;
  }

  /** Takes a turn for a batch. */
  async function take(batch: Batch): Promise<void> {
    waiting = new AbortController();
    const { signal } = waiting;
    let hasBegun = false;
    try {
      await turns.take(
        me,
        async (wire) => {
          hasBegun = true;
          waiting = undefined;
          await hold(wire, batch);
        },
        signal,
      );
    } catch (error) {
      if (hasBegun || !isCancelled) throw error;
      refuse({ severity: 'ERROR', code: '57014', message: 'canceling statement due to user request' }, batch.ready);
    } finally {
      waiting = undefined;
    }
  }

  async function greet(): Promise<void> {
    const greeting = await turns.take(me, changedSettings);
    write(Buffer.concat([greeting, backendKey(key.id, key.secret), readyForQuery('I')]));
  }

  return {
    async serve() {
      try {
        await greet();
        for (let batch = await nextBatch(); batch !== undefined; batch = await nextBatch()) await take(batch);
      } catch (error) {
        end(reasonOf(error));
      }
    },
    cancel() {
      if (active === undefined && waiting === undefined) return;
      isCancelled = true;
      waiting?.abort(new Error('cancelled'));
      stopSoon();
    },
    end,
  };
}

const idleTooLong: Report = {
  severity: 'FATAL',
  code: '25P03',
  message: 'terminating connection due to idle-in-transaction timeout',
  detail: 'Others waited: the embedded database has one session, and an open transaction keeps it.',
};

/** Why a connection ends. */
function reasonOf(error: unknown): Report {
  if (error instanceof DatabaseError) {
    const { code, message, detail, hint } = error;
    return { severity: 'FATAL', code, message, detail, hint };
  }
  if (error instanceof ProtocolError || error instanceof RangeError) {
    return { severity: 'FATAL', code: '08P01', message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { severity: 'FATAL', code: '57P01', message };
}
