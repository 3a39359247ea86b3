/**
 * What a client has prepared, and what it is told. Others may have had the session since a statement was
 * prepared, so it is prepared again when it is used.
 */
import type { Notification } from '../../database/embedded/protocol.ts';
import { eachMessage, fieldsOf, type Message, type TransactionState } from './messages.ts';
import { type Uses, usesOf } from './uses.ts';

interface Prepared {
  /** The Parse message. */
  parse: Buffer;
  uses: Uses;
}

/** What PostgreSQL answered. */
export interface Outcome {
  /** What the client is to see. */
  bytes: Buffer;
  /** Of the last ReadyForQuery; undefined where there is none. */
  state: TransactionState | undefined;
  /** Command tags without their numbers. */
  tags: string[];
  failed: boolean;
  /** What the client was notified of. */
  notifications: Notification[];
}

/** One client's side of the extended protocol. */
export interface Exchange {
  /** The session is new to this client: nothing is prepared in it. */
  forget(): void;
  /** Whether what an Execute message runs reads from the client. */
  copiesOf(execute: Message): Uses['copies'];
  /** The messages to send for one of the client's. Each of the list is answered by itself. */
  units(message: Message): Uint8Array[];
  /** Reads the answer to all units since the last one. */
  read(answer: Uint8Array): Outcome;
  /** What the client uses of the session, collected since it connected. */
  settings: ReadonlySet<string>;
  /** What it listens to, without what its open transaction changes. */
  channels: ReadonlySet<string>;
}

export function createExchange(): Exchange {
  const prepared = new Map<string, Prepared>();
  /** Names of what is prepared in the session as it is now. */
  const known = new Set<string>();
  const portals = new Map<string, Uses>();
  const settings = new Set<string>();
  const channels = new Set<string>();
  /** One for each ParseComplete to come; without a name for one that the client did not ask for. */
  let parsing: { name?: string; statement: Prepared }[] = [];
  let uncommitted: Uses['channels'] = [];
  /** What runs if nothing fails. */
  let running: Uses[] = [];

  function prepareAgain(name: string): Uint8Array[] {
    const statement = prepared.get(name);
    if (statement === undefined || known.has(name)) return [];
    known.add(name);
    parsing.push({ statement });
    return [statement.parse];
  }

  const usesOfStatement = (name: string): Uses | undefined =>
    parsing.findLast((one) => one.name === name)?.statement.uses ?? prepared.get(name)?.uses;

  function drop(name: string): void {
    prepared.delete(name);
    known.delete(name);
  }

  /** LISTEN and UNLISTEN take effect when their transaction is committed. */
  function commitChannels(): void {
    for (const { listen, name } of uncommitted) {
      if (listen) channels.add(name);
      else if (name === '*') channels.clear();
      else channels.delete(name);
    }
  }

  return {
    settings,
    channels,
    forget() {
      known.clear();
      portals.clear();
    },
    copiesOf: ({ bytes }) => portals.get(fieldsOf(bytes).text())?.copies ?? [],
    units({ type, bytes }) {
      const fields = fieldsOf(bytes);
      switch (type) {
        case 'Q':
          drop('');
          running.push(usesOf(fields.text()));
          return [bytes];
        case 'P': {
          const name = fields.text();
          parsing.push({ name, statement: { parse: Buffer.from(bytes), uses: usesOf(fields.text()) } });
          return [bytes];
        }
        case 'B': {
          const portal = fields.text();
          const name = fields.text();
          const uses = usesOfStatement(name);
          if (uses !== undefined) portals.set(portal, uses);
          return parsing.some((one) => one.name === name) ? [bytes] : [...prepareAgain(name), bytes];
        }
        case 'D':
        case 'C': {
          const isStatement = fields.bytes(1).toString() === 'S';
          const name = fields.text();
          if (type === 'D')
            return [...(isStatement && !parsing.some((one) => one.name === name) ? prepareAgain(name) : []), bytes];
          if (isStatement) drop(name);
          return [bytes];
        }
        case 'E': {
          const uses = portals.get(fields.text());
          if (uses !== undefined) running.push(uses);
          return [bytes];
        }
        default:
          return [bytes];
      }
    },
    read(answer) {
      const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
      const shown: Buffer[] = [];
      const outcome = {
        state: undefined as TransactionState | undefined,
        tags: [] as string[],
        failed: false,
        notifications: [] as Notification[],
      };
      let from = 0;
      const hide = (start: number, end: number): void => {
        shown.push(bytes.subarray(from, start));
        from = end;
      };
      eachMessage(bytes, (type, start, end) => {
        if (type === '1') {
          const { name, statement } = parsing.shift() ?? {};
          if (name === undefined) hide(start, end);
          else if (statement !== undefined) {
            prepared.set(name, statement);
            known.add(name);
          }
        } else if (type === 'G') hide(start, end);
        else if (type === 'A') {
          hide(start, end);
          const fields = fieldsOf(bytes, start + 9);
          outcome.notifications.push({ channel: fields.text(), payload: fields.text() });
        } else if (type === 'C') outcome.tags.push(tagOf(bytes.toString('utf8', start + 5, end - 1)));
        else if (type === 'E') outcome.failed = true;
        else if (type === 'Z') outcome.state = String.fromCharCode(bytes[start + 5] as number) as TransactionState;
      });
      hide(bytes.length, bytes.length);
      if (!outcome.failed) {
        for (const uses of running) {
          for (const name of uses.settings) settings.add(name);
          uncommitted.push(...uses.channels);
        }
      }
      if (outcome.state === 'I') {
        if (!outcome.failed && !outcome.tags.includes('ROLLBACK')) commitChannels();
        uncommitted = [];
      }
      if (outcome.tags.includes('DISCARD ALL')) channels.clear();
      if (outcome.failed) for (const { name } of parsing) if (name !== undefined) known.delete(name);
      if (outcome.tags.includes('DISCARD ALL') || outcome.tags.includes('DEALLOCATE ALL')) {
        prepared.clear();
        known.clear();
      }
      running = [];
      parsing = [];
      return { ...outcome, bytes: shown.length === 1 ? (shown[0] as Buffer) : Buffer.concat(shown) };
    },
  };
}

/** `INSERT 0 5` → `INSERT`. */
const tagOf = (tag: string): string =>
  tag
    .split(' ')
    .filter((word) => Number.isNaN(Number(word)))
    .join(' ');
