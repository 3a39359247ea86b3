/** Tenants, kept apart by variables that each transaction sets for itself: `withTenant` and `asSuperadmin` over `pg`. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** As in muse.json. */
const names: { role: string; superadminRole: string; organization: string; user: string; superadmin?: string } = {
  role: 'app_user',
  superadminRole: 'app_superadmin',
  organization: 'app.current_org_id',
  user: 'app.current_user_id',
};

/** The current user and organization; null states explicitly that there is none. */
export interface TenantContext {
  organizationId: string | null;
  userId: string | null;
}

/** What is logged about a use of the superadmin role. */
export interface SuperadminUse {
  /** Default: the user of the `withTenant` around it. */
  userId?: string | null;
  /** Why it is used. */
  reason?: string;
}

/** A transaction; it ends with the callback that receives it. */
export interface Transaction {
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** The part of `pg.Pool` that is used. */
export interface ConnectionPool {
  connect(): Promise<Connection>;
}

interface Connection {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null; command: string }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

type Settings = Readonly<Record<string, string>>;

/** A use of the superadmin role, kept so that it can be logged again when its transaction is rolled back. */
interface Use {
  settings: Settings;
  reason: string;
}

/** One running callback; a nested one is a savepoint of the same transaction. */
interface Frame {
  settings: Settings;
  parent: Frame | undefined;
  uses: Use[];
  /** Sends a statement after those before it are answered: a connection runs one at a time. */
  send: Connection['query'];
  /** Nested callbacks that run or wait; this callback's own statements wait for them. */
  nested: number;
  lastNested: Promise<unknown>;
  over: boolean;
}

let savepoints = 0;

/**
 * `withTenant` and `asSuperadmin` for a pool. The pool's role must be a member of both roles of muse.json:
 * `GRANT app_user, app_superadmin TO <role>`. Each call takes one connection, nested calls none, so that a pool smaller
 * than the number of calls is enough. Settings end with the transaction: a pooler in transaction mode is fine.
 */
export function createTenancy(pool: ConnectionPool) {
  const current = new AsyncLocalStorage<Frame>();

  /** The innermost running frame around a call. */
  function around(): Frame | undefined {
    let frame = current.getStore();
    while (frame?.over === true) frame = frame.parent;
    return frame;
  }

  function transactionOf(frame: Frame): Transaction {
    return {
      async query<Row>(text: string, values: readonly unknown[] = []) {
        mustBeOpen(frame);
        if (frame.nested > 0 && isInside(current.getStore(), frame)) {
          throw new Error('This transaction waits for the call inside it: use the transaction that was handed to that call.');
        }
        while (frame.nested > 0) await frame.lastNested;
        mustBeOpen(frame);
        const { rows, rowCount } = await frame.send(text, [...values]);
        return { rows: rows as Row[], rowCount };
      },
    };
  }

  /** Runs the callback to its end, including nested calls that it did not wait for. */
  async function perform<T>(frame: Frame, work: (tx: Transaction) => Promise<T>, use: Use | undefined): Promise<T> {
    await frame.send(applySql, applied(frame.settings));
    if (use !== undefined) {
      frame.uses.push(use);
      const { rows } = await frame.send(auditSql, [use.reason, false]);
      // A nested call restores these settings when it ends, and that has to open the rows again.
      frame.settings = { ...frame.settings, 'app.superadmin_use': (rows[0] as { id: string }).id };
    }
    try {
      return await current.run(frame, () => work(transactionOf(frame)));
    } finally {
      frame.over = true;
      while (frame.nested > 0) await frame.lastNested;
    }
  }

  async function outermost<T>(settings: Settings, work: (tx: Transaction) => Promise<T>, use: Use | undefined): Promise<T> {
    const connection = await pool.connect();
    // Without a listener, a connection that is lost between two statements would end the process.
    const ignore = (): void => undefined;
    connection.on('error', ignore);
    const frame = newFrame(settings, undefined, inTurn(connection));
    let isBroken = false;
    try {
      await frame.send('begin');
      const result = await perform(frame, work, use);
      const { command } = await frame.send('commit');
      if (command !== 'COMMIT') throw new Error('A statement of the transaction had failed, so all of it was rolled back.');
      return result;
    } catch (error) {
      try {
        await frame.send('rollback');
        if (frame.uses.length > 0) {
          await frame.send('begin');
          await writeDownAgain(frame, frame.uses);
          await frame.send('commit');
        }
      } catch (second) {
        isBroken = true;
        if (frame.uses.length > 0) throw new AggregateError([error, second], `${messageOf(error)}; and the use of the superadmin's role could not be written down`, { cause: error });
      }
      throw error;
    } finally {
      connection.removeListener('error', ignore);
      connection.release(isBroken);
    }
  }

  async function nestedIn<T>(parent: Frame, settings: Settings, work: (tx: Transaction) => Promise<T>, use: Use | undefined): Promise<T> {
    // One at a time: two concurrent savepoints on one connection would nest.
    const before = parent.lastNested;
    let done = (): void => undefined;
    parent.nested += 1;
    parent.lastNested = new Promise<void>((resolve) => (done = resolve));
    const savepoint = `muse_${(savepoints += 1)}`;
    await before;
    const frame = newFrame(settings, parent, parent.send);
    try {
      mustBeOpen(parent);
      await frame.send(`savepoint ${savepoint}`);
      try {
        const result = await perform(frame, work, use);
        await frame.send(`release savepoint ${savepoint}`);
        await frame.send(applySql, applied(parent.settings));
        return result;
      } catch (error) {
        // Rolling back to the savepoint also restores the settings of the outer call.
        await frame.send(`rollback to savepoint ${savepoint}`);
        await frame.send(`release savepoint ${savepoint}`);
        if (frame.uses.length > 0) {
          await writeDownAgain(frame, frame.uses);
          await frame.send(applySql, applied(parent.settings));
        }
        throw error;
      } finally {
        parent.uses.push(...frame.uses);
      }
    } finally {
      frame.over = true;
      parent.nested -= 1;
      done();
    }
  }

  function run<T>(settings: Settings, work: (tx: Transaction) => Promise<T>, use?: Use): Promise<T> {
    const parent = around();
    return parent === undefined ? outermost(settings, work, use) : nestedIn(parent, settings, work, use);
  }

  return {
    /**
     * Runs `work` in one transaction as the app's role, with the organization and user set for that transaction only:
     * committed when it resolves, rolled back when it rejects. Inside another call it is a savepoint of that call's
     * transaction, and what was set before is set again after it.
     * @throws TypeError if an id is missing or empty; what PostgreSQL and `work` throw
     */
    async withTenant<T>(context: TenantContext, work: (tx: Transaction) => Promise<T>): Promise<T> {
      return run(
        {
          role: names.role,
          [names.organization]: idOf(context.organizationId, 'organizationId'),
          [names.user]: idOf(context.userId, 'userId'),
          ...(names.superadmin === undefined ? {} : { [names.superadmin]: 'false' }),
          'app.superadmin_use': '',
        },
        work,
      );
    },

    /**
     * Runs `work` in one transaction as the superadmin role, across all organizations. The use is logged before anything is
     * done, and logged again, marked as rolled back, if the transaction fails.
     * @throws what PostgreSQL and `work` throw
     */
    async asSuperadmin<T>(work: (tx: Transaction) => Promise<T>, { userId, reason = 'not said' }: SuperadminUse = {}): Promise<T> {
      const settings = {
        role: names.superadminRole,
        [names.organization]: '',
        [names.user]: userId === undefined ? (around()?.settings[names.user] ?? '') : idOf(userId, 'userId'),
        ...(names.superadmin === undefined ? {} : { [names.superadmin]: 'true' }),
        'app.superadmin_use': '',
      };
      return run(settings, work, { settings, reason });
    },
  };
}

const applySql = 'select set_config(setting.name, setting.value, true) from unnest($1::text[], $2::text[]) as setting (name, value)';
const auditSql = 'select private.begin_superadmin_use($1, $2) as id';

function applied(settings: Settings): unknown[] {
  return [Object.keys(settings), Object.values(settings)];
}

async function writeDownAgain({ send }: Frame, uses: readonly Use[]): Promise<void> {
  for (const { settings, reason } of uses) {
    await send(applySql, applied(settings));
    await send(auditSql, [reason, true]);
  }
}

function newFrame(settings: Settings, parent: Frame | undefined, send: Connection['query']): Frame {
  return { settings, parent, uses: [], send, nested: 0, lastNested: Promise.resolve(), over: false };
}

/** Sends one statement at a time, in the order of the calls. */
function inTurn(connection: Connection): Connection['query'] {
  let last: Promise<unknown> = Promise.resolve();
  return (text, values) => {
    const answer = last.then(() => connection.query(text, values));
    last = answer.catch(() => undefined);
    return answer;
  };
}

function mustBeOpen({ over }: Frame): void {
  if (over) throw new Error('This transaction is over: wait for everything inside the callback that it was handed to.');
}

function isInside(inner: Frame | undefined, outer: Frame): boolean {
  for (let frame = inner?.parent; frame !== undefined; frame = frame.parent) if (frame === outer) return inner?.over === false;
  return false;
}

/** An empty or missing id is a mistake of the caller: queries would silently find no rows. */
function idOf(id: unknown, name: string): string {
  if (id === null) return '';
  if (typeof id === 'string' && id !== '') return id;
  throw new TypeError(`${name} must be an id, or null where there is none; it is ${JSON.stringify(id) ?? 'undefined'}.`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
