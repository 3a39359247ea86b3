import { Worker } from 'node:worker_threads';
import { cancelled, MuseError } from '../../shared/error.ts';
import { fileError } from '../../shared/files.ts';
import { toDatabaseError } from '../error-report.ts';
import { openingStatements } from '../opening.ts';
import { giveLate, type LateFiles } from './late-files.ts';
import type { Wire, WireResult } from '../wire.ts';
import type {
  Answer,
  EachAnswer,
  Notification,
  QueryAnswer,
  Request,
  RequestBody,
  SystemError,
  WorkerInput,
} from './protocol.ts';

/** A wire to an engine that this process runs or borrows. */
export interface EmbeddedWire extends Wire {
  /** As `Database.limitStatements`. */
  limitCalls(ms: number | undefined): void;
  /** Ends the connection at once, as a crash would. */
  terminate(): Promise<void>;
}

/** A wire to a worker thread that runs the engine. Its `terminate` ends the thread. */
export interface WorkerWire extends EmbeddedWire {
  /**
   * Sends messages of PostgreSQL's protocol and returns what it answers. An error is part of the answer. Messages that
   * PostgreSQL reads as one, such as a COPY and its data, are one element.
   */
  raw(messages: Uint8Array[]): Promise<Uint8Array>;
  /** Whether the engine still runs. */
  isOpen(): boolean;
  /** The data directory as an uncompressed tar file. */
  dump(): Promise<Uint8Array>;
  /** Calls back with what a query or a script notifies of; what `raw` does is part of its answer. */
  onNotification(listener: (notification: Notification) => void): void;
}

/** The thread's input, with a way to files that it may need later. */
export interface EngineInput extends Omit<WorkerInput, 'late'> {
  late?: LateFiles | undefined;
}

export interface WorkerOptions {
  /** ms that a statement or script may take before the thread is ended; undefined for no limit. */
  timeoutMs?: number | undefined;
  /** Ends the thread when it aborts. */
  signal?: AbortSignal | undefined;
  /** The thread has been started and opens the database: until it has, this one has time for something else. */
  onStarting?: (() => void) | undefined;
}

/** A request that the thread has not answered yet. */
interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** Whether the result reports how many of the script's statements succeeded. */
  counts: boolean;
  timeoutMs: number | undefined;
}

/** What a request gets that was sent, and that the engine ended before it came to it: it can be sent to another. */
export class NeverStarted extends MuseError {
  constructor({ code, message, detail, suggestion }: MuseError) {
    super({ code, message, suggestion, ...(detail === undefined ? {} : { detail }) });
  }
}

const youngGenerationMb = 12;

/**
 * Starts the thread and waits until the database is open.
 * @throws MuseError `embedded-failed` if the engine does not start; `cancelled` on abort
 */
export async function startWorker(input: EngineInput, options: WorkerOptions = {}): Promise<WorkerWire> {
  const late = input.late === undefined ? undefined : giveLate(input.late);
  const worker = new Worker(new URL('./embedded-worker.js', import.meta.url), {
    workerData: { ...input, late } satisfies WorkerInput,
    // Keep the engine's own output out of this program's.
    stdout: true,
    stderr: true,
    execArgv: [],
    // A query leaves little to collect: the default of 48 MB only takes memory.
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    // The snapshot is used once, so transferring it saves a copy.
    transferList: [
      ...(input.snapshot ? [input.snapshot.bytes.buffer as ArrayBuffer] : []),
      ...(late === undefined ? [] : [late.port]),
    ],
  });
  worker.stdout.resume();
  worker.stderr.resume();
  /** By ID, in the order in which the thread takes them: only the first runs. */
  const waiting = new Map<number, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let gone: MuseError | undefined;
  let lastId = 0;
  const listeners = new Set<(text: string) => void>();
  let { timeoutMs: limitMs } = options;

  /** @param running whether the first that waits has been started, as far as is known */
  const end = (error: MuseError, running = true): void => {
    gone ??= error;
    clearTimeout(timer);
    let started = running;
    for (const { reject } of waiting.values()) {
      reject(started ? gone : new NeverStarted(gone));
      started = false;
    }
    waiting.clear();
    void worker.terminate();
  };
  /** Limits the time of the one that runs now. */
  const watch = (): void => {
    clearTimeout(timer);
    const [running] = waiting;
    const timeoutMs = running?.[1].timeoutMs;
    if (timeoutMs === undefined) return;
    // The answer may be there and this thread have been too busy to read it: it gets one more turn.
    const late = (): void => void setImmediate(() => waiting.has(running![0]) && end(timedOut(timeoutMs)));
    timer = setTimeout(late, timeoutMs);
  };
  const onAbort = (): void => end(cancelled(undefined));
  const notified: ((notification: Notification) => void)[] = [];
  worker.on('message', ({ id, value, error, raised, notification, isOn }: Answer) => {
    if (notification !== undefined) {
      for (const listener of notified) listener(notification);
      return;
    }
    if (raised !== undefined) {
      for (const listener of listeners) listener(raised);
      return;
    }
    if (isOn === true) {
      watch();
      return;
    }
    const call = waiting.get(id);
    waiting.delete(id);
    watch();
    if (!error) call?.resolve(value);
    else if (error.server && error.report.code === diskFull && input.directory !== undefined) {
      const full = fileFailure({ code: 'ENOSPC', path: input.directory, message: error.report.message ?? '' });
      call?.reject(full);
    } else if (error.server) call?.reject(toDatabaseError(error.report, call.counts ? error.done : undefined));
    else {
      const { system, report } = error;
      const broken = system
        ? fileFailure(system)
        : report.code === '54001'
          ? tooDeep(report.message)
          : failed(report.message ?? '');
      call?.reject(broken);
      end(broken, false);
    }
  });
  worker.on('error', (error) => end(failed(String(error.message).slice(0, 500))));
  worker.on('exit', () => {
    options.signal?.removeEventListener('abort', onAbort);
    end(failed('its thread ended'));
  });

  function expect(id: number, { counts = false, timeoutMs }: Partial<Waiting> = {}): Promise<unknown> {
    if (gone) return Promise.reject(gone);
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject, counts, timeoutMs }));
    if (waiting.size === 1) watch();
    return answer;
  }

  function call(body: RequestBody, timeoutMs?: number): Promise<unknown> {
    const request: Request = { id: ++lastId, ...body };
    const answer = expect(request.id, { counts: body.kind === 'script', timeoutMs });
    if (!gone) worker.postMessage(request);
    return answer;
  }

  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort);
  options.onStarting?.();
  await expect(0);
  return {
    async query(sql, parameters, opening): Promise<WireResult> {
      const statements = [...(opening === undefined ? [] : openingStatements(opening)), { sql, parameters }];
      const answer = (await call({ kind: 'query', statements, keep: opening !== undefined }, limitMs)) as QueryAnswer;
      return { fields: answer.fields, rows: answer.rows, ...readTag(answer.tag) };
    },
    async script(sql) {
      await call({ kind: 'script', sql, raises: listeners.size > 0 }, limitMs);
    },
    async each(statements, savepoint, whole = false) {
      const failed = (await call({ kind: 'each', statements, savepoint, whole }, limitMs)) as EachAnswer;
      const errors = new Map(failed);
      return statements.map((_, index) => {
        const report = errors.get(index);
        return report === undefined ? undefined : toDatabaseError(report);
      });
    },
    onRaise(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    raw: (messages) => call({ kind: 'raw', messages }, limitMs) as Promise<Uint8Array>,
    onNotification: (listener) => void notified.push(listener),
    isOpen: () => gone === undefined,
    limitCalls(ms) {
      limitMs = ms;
    },
    dump: () => call({ kind: 'dump' }) as Promise<Uint8Array>,
    async close() {
      if (!gone) await call({ kind: 'close' }).catch(() => undefined);
      end(closed());
      await worker.terminate();
    },
    async terminate() {
      end(closed());
      await worker.terminate();
    },
  };
}

/** `INSERT 0 5` → `{ command: 'INSERT', affected: 5 }`. */
function readTag(tag: string): { command: string; affected: number } {
  const words = tag.split(' ');
  const count = Number(words.at(-1));
  const command = words.filter((word) => !/^\d+$/.test(word)).join(' ');
  return { command, affected: tag !== '' && Number.isInteger(count) ? count : 0 };
}

const failed = (why: string): MuseError =>
  new MuseError({
    code: 'embedded-failed',
    message: 'The embedded database stopped.',
    detail: why,
    suggestion: 'Run the command again; if it stops at the same place, the statement it was at is the one to look at.',
  });

/** PostgreSQL's code for it, https://www.postgresql.org/docs/17/errcodes-appendix.html */
const diskFull = '53100';

const tooDeep = (detail: string | undefined): MuseError =>
  new MuseError({
    code: 'embedded-failed',
    message: 'A statement went too deep for the embedded database, and stopped it.',
    ...(detail === undefined ? {} : { detail }),
    suggestion: 'Look for a function, trigger or policy that calls itself without an end.',
  });

/** A full disk or a read-only directory is reported like everywhere else. Anything else is a failure of the engine. */
function fileFailure({ code, path = 'The embedded database', message }: SystemError): MuseError {
  const told = fileError(Object.assign(new Error(message), { code, path }), path);
  return told instanceof MuseError ? told : failed(message);
}

const closed = (): MuseError =>
  new MuseError({
    code: 'database-closed',
    message: 'The embedded database is closed.',
    suggestion: 'Open it again.',
  });

const timedOut = (timeoutMs: number): MuseError =>
  new MuseError({
    code: 'statement-timeout',
    message: `A statement took longer than ${timeoutMs / 1000} s on the embedded database and was stopped with it.`,
    suggestion: 'Look for a loop that never ends, or allow it more time: --statement-timeout <seconds>.',
  });
