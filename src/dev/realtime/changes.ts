import { DatabaseError } from '../../database/database.ts';
import type { ApiRole, DevDatabase, Identity } from '../service.ts';
import type { ChangeRequest, ReadRequest } from './filters.ts';
import { type Change, type ChangeQueue, createChangeQueue, type TableName } from './queue.ts';
import { readTable, type WatchedTable } from './tables.ts';
import { isTooLarge, passing, visibleChanges, type VisibleChange } from './visible.ts';

/** A client that listens to changes of tables. */
export interface Listener {
  /** Whose rights decide. */
  readonly identity: Identity;
  /** Tells of a change: which of the listener's requests it answers, and its JSON. */
  tell(ids: readonly number[], data: string): void;
}

/** One request of a listener, under the number that its client knows. */
export interface Request {
  id: number;
  request: ReadRequest;
}

export interface Changes {
  /**
   * Adds what a listener wants to hear; none of it for one that only keeps the channel's queue open.
   * @returns what is wrong with the requests, if anything
   */
  add(listener: Listener, requests: readonly Request[]): Promise<string | undefined>;
  remove(listener: Listener): void;
  close(): Promise<void>;
}

/** A message that SQL sent by `realtime.send()`, as the row of `realtime.messages` has it. */
export interface SentMessage {
  id: string;
  topic: string;
  event: string | null;
  payload: unknown;
  private: boolean;
  extension: string;
}

interface Subscription {
  id: number;
  listener: Listener;
  request: ChangeRequest;
}

/** How often to look for what was committed without a word, e.g. by another server's client, in ms. */
const lookMs = 1000;

/** How long the triggers stay after the last listener has gone, in ms: a page that reloads is back soon. */
const lingerMs = 2000;

const service: Identity = { role: 'service_role', claims: {} };

/**
 * Tells listeners of committed changes in the tables of the publication `supabase_realtime`, each only of rows that its
 * role may see.
 * @param onMessage hears what SQL sends to channels
 */
export function createChanges(database: DevDatabase, onMessage: (message: SentMessage) => void): Changes {
  const queue: ChangeQueue = createChangeQueue(database);
  const listeners = new Map<Listener, Subscription[]>();
  let tables = new Map<string, Promise<WatchedTable | undefined>>();
  let lingering: NodeJS.Timeout | undefined;
  let installed = false;
  let stale = false;
  let working: Promise<void> | undefined;
  let watching: Promise<unknown> = Promise.resolve();
  let again = false;

  const subscriptions = (): Subscription[] => [...listeners.values()].flat();
  const wanted = (table: TableName): boolean => subscriptions().some(({ request }) => concerns(request, table));

  function describe(table: TableName, role: ApiRole): Promise<WatchedTable | undefined> {
    const key = JSON.stringify([table.schema, table.table, role]);
    const known = tables.get(key);
    if (known !== undefined) return known;
    const read = database.actAs(service, (session) => readTable(session, table, role), { readOnly: true });
    tables.set(key, read);
    read.catch(() => tables.delete(key));
    return read;
  }

  /** One after another: each looks for what is missing, and makes it. */
  function watch(): Promise<TableName[]> {
    const mine = watching.then(async () => {
      const published = await queue.watch(wanted);
      installed = true;
      return published;
    });
    watching = mine.catch(() => undefined);
    return mine;
  }

  /** One change after another; a commit meanwhile means another look at the end. */
  function work(): void {
    if (working !== undefined) {
      again = true;
      return;
    }
    again = false;
    working = deliver()
      // A database that is closing, or being reset, has nothing to tell; the next commit brings another look.
      .catch(() => undefined)
      .finally(() => {
        working = undefined;
        if (again) work();
      });
  }

  /** Forgets what is known of tables, where the schema may have changed. */
  async function renew(): Promise<void> {
    if (!stale) return;
    stale = false;
    tables = new Map();
    if (listeners.size > 0) await watch();
  }

  async function deliver(): Promise<void> {
    await renew();
    if (!installed) return;
    const changes = await takeOrInstall();
    // The schema may have changed meanwhile, before what was taken.
    await renew();
    for (const run of runsOf(changes)) {
      const [first] = run;
      if (first?.type === 'MESSAGE') for (const { record } of run) onMessage(JSON.parse(record!) as SentMessage);
      else if (first !== undefined) await deliverOf(first, run);
    }
  }

  /** The queue is gone where the database was made anew. */
  async function takeOrInstall(): Promise<Change[]> {
    try {
      return await queue.take();
    } catch (error) {
      if (!(error instanceof DatabaseError) || !['3F000', '42P01'].includes(error.code)) throw error;
      if (listeners.size > 0) await watch();
      return [];
    }
  }

  /** Tells of changes in one table; listeners of one identity are asked for once. */
  async function deliverOf(table: TableName, changes: readonly Change[]): Promise<void> {
    const groups = new Map<string, Subscription[]>();
    for (const each of subscriptions().filter(({ request }) => concerns(request, table))) {
      const key = JSON.stringify(each.listener.identity);
      groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    for (const group of groups.values()) {
      const { identity } = group[0]!.listener;
      const description = await describe(table, identity.role);
      if (description === undefined) continue;
      const wantedBy = new Map<Subscription, ReadonlySet<number>>();
      for (const each of group) {
        try {
          wantedBy.set(each, await wantedOf(each, description, changes));
        } catch (error) {
          // What one asks for must not cost the others theirs, e.g. a pattern that is no regular expression.
          if (!(error instanceof DatabaseError)) throw error;
          tellAll([each], refusedJson(changes[0]!, badRequest(error)));
        }
      }
      const concerned = changes.filter((_, index) => [...wantedBy.values()].some((wants) => wants.has(index)));
      if (concerned.length === 0) continue;
      for (const told of await look(identity, description, concerned)) {
        const index = changes.indexOf(told.change);
        tellAll(
          group.filter((each) => wantedBy.get(each)?.has(index)),
          told.data,
        );
      }
    }
  }

  async function wantedOf(
    { request }: Subscription,
    table: WatchedTable,
    changes: readonly Change[],
  ): Promise<ReadonlySet<number>> {
    const byType = changes.flatMap(({ type }, index) =>
      request.event === '*' || request.event === type ? [index] : [],
    );
    if (request.filters.length === 0 || byType.length === 0) return new Set(byType);
    const passed = await database.actAs(service, (session) => passing(session, table, request.filters, changes), {
      readOnly: true,
    });
    return new Set(byType.filter((index) => passed.has(index)));
  }

  /** What an identity may hear of changes: the change, or that it is refused. */
  async function look(
    identity: Identity,
    table: WatchedTable,
    changes: readonly Change[],
  ): Promise<{ change: Change; data: string }[]> {
    const refuse = (error: string) =>
      changes.flatMap((change) => (change.type === 'DELETE' ? [] : [{ change, data: refusedJson(change, error) }]));
    const tell = (visible: VisibleChange[]) =>
      visible.map((each) => ({ change: each.change, data: changeJson(table, each) }));
    const deleted = changes.filter(({ type }) => type === 'DELETE');
    const refusal = refusalOf(table);
    if (refusal !== undefined) {
      const visible = await database.actAs(service, (session) => visibleChanges(session, table, deleted), {
        readOnly: true,
      });
      return [...refuse(refusal), ...tell(visible)];
    }
    try {
      return tell(
        await database.actAs(identity, (session) => visibleChanges(session, table, changes), { readOnly: true }),
      );
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return refuse(error.code === '42501' ? unauthorized : badRequest(error));
    }
  }

  const looking = setInterval(() => {
    if (installed && listeners.size > 0) work();
  }, lookMs).unref();
  const stop = database.onCommit(({ schemaMayDiffer }) => {
    stale ||= schemaMayDiffer;
    if (installed || (stale && listeners.size > 0)) work();
  });

  return {
    async add(listener, requests) {
      clearTimeout(lingering);
      const broken = requests.flatMap(({ request }) => ('problem' in request ? [request.problem] : []));
      const mine = requests.flatMap(({ id, request }) => ('problem' in request ? [] : [{ id, listener, request }]));
      const isFirst = listeners.size === 0;
      listeners.set(listener, mine);
      if (!installed || isFirst || mine.length > 0) {
        try {
          const published = await watch();
          for (const { request } of mine) {
            const problem = await problemOf(request, published);
            if (problem !== undefined) broken.push(problem);
          }
        } catch (error) {
          broken.push(error instanceof Error ? error.message : String(error));
        }
      }
      if (broken.length > 0) listeners.set(listener, []);
      return broken[0];
    },
    remove(listener) {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearTimeout(lingering);
      lingering = setTimeout(() => void removeQueue(), lingerMs).unref();
    },
    async close() {
      stop();
      clearInterval(looking);
      clearTimeout(lingering);
      listeners.clear();
      await working;
      await removeQueue();
    },
  };

  async function problemOf(request: ChangeRequest, published: readonly TableName[]): Promise<string | undefined> {
    const found = published.filter((table) => concerns(request, table));
    if (found.length === 0) {
      const name = `${request.schema}.${request.table}`;
      return (
        `Unable to subscribe to changes of ${name}: it is not in the publication supabase_realtime. ` +
        `Add it: ALTER PUBLICATION supabase_realtime ADD TABLE ${name};`
      );
    }
    for (const table of request.filters.length === 0 ? [] : found) {
      const description = await describe(table, 'service_role');
      try {
        if (description === undefined) continue;
        await database.actAs(service, (session) => passing(session, description, request.filters, []), {
          readOnly: true,
        });
      } catch (error) {
        return `Unable to subscribe to changes of ${table.schema}.${table.table}: ${(error as Error).message}`;
      }
    }
    return undefined;
  }

  /** In the same row as {@link watch}, so that a listener who comes meanwhile finds what it needs. */
  function removeQueue(): Promise<void> {
    const remove = async (): Promise<void> => {
      if (!installed || listeners.size > 0) return;
      installed = false;
      // A database that is closed, or broken, keeps it; the next open of the database removes it.
      await queue.remove().catch(() => undefined);
    };
    const mine = watching.then(remove);
    watching = mine;
    return mine;
  }
}

const unauthorized = 'Error 401: Unauthorized';
const badRequest = ({ message }: DatabaseError): string => `Error 400: Bad Request, ${message}`;

/** Why nothing of a table's rows can be told, as the real one says it. */
function refusalOf({ primaryKey, columns }: WatchedTable): string | undefined {
  if (primaryKey.length === 0) return 'Error 400: Bad Request, no primary key';
  const readable = columns.filter(({ selectable }) => selectable).map(({ name }) => name);
  return primaryKey.every((name) => readable.includes(name)) ? undefined : unauthorized;
}

function concerns(request: ChangeRequest, { schema, table }: TableName): boolean {
  return (request.schema === '*' || request.schema === schema) && (request.table === '*' || request.table === table);
}

/** Splits changes where the table changes, so that the order is kept. */
function runsOf(changes: readonly Change[]): Change[][] {
  const runs: Change[][] = [];
  for (const change of changes) {
    const last = runs.at(-1)?.[0];
    if (last?.schema === change.schema && last.table === change.table && last.type !== 'MESSAGE') {
      runs.at(-1)!.push(change);
    } else runs.push([change]);
  }
  return runs;
}

/** One message for each listener, with the numbers of all its requests that the change answers. */
function tellAll(answered: readonly Subscription[], data: string): void {
  const byListener = new Map<Listener, number[]>();
  for (const { id, listener } of answered) byListener.set(listener, [...(byListener.get(listener) ?? []), id]);
  for (const [listener, ids] of byListener) listener.tell(ids, data);
}

function changeJson(table: WatchedTable, { change, record, old }: VisibleChange): string {
  const columns = table.columns.flatMap(({ name, type, selectable }) => (selectable ? [{ name, type }] : []));
  const head = JSON.stringify({
    schema: change.schema,
    table: change.table,
    commit_timestamp: new Date().toISOString(),
    type: change.type,
    columns,
    errors: isTooLarge(change) ? ['Error 413: Payload Too Large'] : null,
  });
  // The rows are JSON already, with numbers that must not be rounded.
  const rows = `${record === null ? '' : `,"record":${record}`}${old === null ? '' : `,"old_record":${old}`}`;
  return `${head.slice(0, -1)}${rows}}`;
}

function refusedJson({ schema, table, type }: Change, error: string): string {
  return JSON.stringify({ schema, table, type, commit_timestamp: new Date().toISOString(), errors: [error] });
}
