import { randomUUID } from 'node:crypto';
import type { Identity } from '../service.ts';
import type { Changes, Listener, Request } from './changes.ts';
import { readChangeRequest } from './filters.ts';
import type { ChannelPolicies, Extension } from './policies.ts';
import type { PresenceDiff } from './presence.ts';
import { asRecord, type Broadcast, type Message } from './protocol.ts';
import type { Bearer, Tokens } from './tokens.ts';
import type { Member, Topic, TopicName, Topics } from './topics.ts';

/** What all channels share. */
export interface ChannelParts {
  topics: Topics;
  changes: Changes;
  policies: ChannelPolicies;
  tokens: Tokens;
  /** A number for a request of postgres_changes, the same for nobody else. */
  nextId(): number;
}

/** What a channel does with its socket. */
export interface ChannelSocket {
  /** The key by which the socket was opened. */
  bearer: Bearer;
  /** @param payload JSON */
  push(event: string, payload: string): void;
  pushBroadcast(broadcast: Broadcast): void;
  /** The channel has ended by itself. */
  closed(): void;
}

/** An error that the client is told as the answer to what it sent. */
export class Refused extends Error {}

/** What a message is answered with; undefined for no answer. */
export type Reply = { status: 'ok' | 'error'; response: Readonly<Record<string, unknown>> } | undefined;

const ok: Reply = { status: 'ok', response: {} };

/** How a client wants a channel. */
interface Config {
  acknowledges: boolean;
  hearsItself: boolean;
  isPrivate: boolean;
  presence: { enabled: boolean; key: string };
  requests: Request[];
}

/** How often a token is looked at again, at least, in ms; a timer cannot wait for years. */
const longestWait = 5 * 60 * 1000;

/** One channel of one socket. */
export class Channel implements Member, Listener {
  readonly #parts: ChannelParts;
  readonly #socket: ChannelSocket;
  readonly #name: TopicName;
  readonly #config: Config;
  #bearer: Bearer;
  #topic: Topic | undefined;
  #reads: Readonly<Record<Extension, boolean>> = { broadcast: true, presence: true };
  #writes = new Map<Extension, boolean>();
  #hearsPresence: boolean;
  #expiry: NodeJS.Timeout | undefined;

  private constructor(parts: ChannelParts, socket: ChannelSocket, name: string, config: Config, bearer: Bearer) {
    this.#parts = parts;
    this.#socket = socket;
    this.#name = { name, isPrivate: config.isPrivate };
    this.#config = config;
    this.#bearer = bearer;
    this.#hearsPresence = config.presence.enabled;
  }

  /**
   * Joins a channel: checks the token and the policies, and starts to listen.
   * @param name without `realtime:`
   * @throws Refused
   */
  static async join(
    parts: ChannelParts,
    socket: ChannelSocket,
    name: string,
    payload: Message['payload'],
  ): Promise<{ channel: Channel; reply: Reply; started: () => void }> {
    const bearer = await bearerOf(parts, socket, payload['access_token'] ?? payload['user_token']);
    const config = readConfig(parts, asRecord(payload['config']));
    const channel = new Channel(parts, socket, name, config, bearer);
    const problem = await channel.#start();
    const requests = config.requests.map(({ id, asked }) => ({ ...asked, id }));
    return {
      channel,
      reply: { status: 'ok', response: { postgres_changes: requests } },
      started: () => {
        channel.#afterJoin(problem);
      },
    };
  }

  get identity(): Identity {
    return this.#bearer.identity;
  }

  async #start(): Promise<string | undefined> {
    // First, for the policies need a place to write to.
    const problem = await this.#parts.changes.add(this, this.#config.requests);
    try {
      this.#reads = await this.#readable();
      if (!this.#reads.broadcast && !this.#reads.presence) throw new Refused(this.#noPermission());
    } catch (error) {
      this.#parts.changes.remove(this);
      throw error;
    }
    this.#topic = this.#parts.topics.enter(this.#name, this);
    this.#watchExpiry();
    return problem;
  }

  /** What the client hears after the answer to its join. */
  #afterJoin(problem: string | undefined): void {
    if (this.#config.requests.length > 0) {
      const [status, message] = problem === undefined ? ['ok', 'Subscribed to PostgreSQL'] : ['error', problem];
      this.#system('postgres_changes', status, message);
    }
    if (this.#hearsPresence && this.#reads.presence) this.#pushPresence();
  }

  async #readable(): Promise<Readonly<Record<Extension, boolean>>> {
    if (!this.#name.isPrivate) return { broadcast: true, presence: true };
    try {
      return await this.#parts.policies.mayRead(this.identity, this.#name.name);
    } catch (error) {
      throw new Refused(`${this.#noPermission()} (${(error as Error).message})`);
    }
  }

  #noPermission(): string {
    return `Unauthorized: You do not have permissions to read from this Channel topic: ${this.#name.name}`;
  }

  /** Whether this may send; asked once for each token. */
  async #mayWrite(extension: Extension): Promise<boolean> {
    if (!this.#name.isPrivate) return true;
    const known = this.#writes.get(extension);
    if (known !== undefined) return known;
    const may = await this.#parts.policies.mayWrite(this.identity, this.#name.name, extension).catch(() => false);
    this.#writes.set(extension, may);
    return may;
  }

  /** What a client sends in a channel that it has joined. */
  async handle({ event, payload, broadcast }: Message): Promise<Reply> {
    switch (event) {
      case 'broadcast':
        return this.#broadcast(broadcast ?? broadcastOf(payload));
      case 'presence':
        return this.#presence(payload);
      case 'access_token':
        await this.#refresh(payload['access_token']);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Who may not send is not answered, as the real one does it. */
  async #broadcast(broadcast: Broadcast): Promise<Reply> {
    if (!(await this.#mayWrite('broadcast'))) return undefined;
    this.#parts.topics.send(this.#name, broadcast, this.#config.hearsItself ? undefined : this);
    return this.#config.acknowledges ? ok : undefined;
  }

  async #presence(payload: Message['payload']): Promise<Reply> {
    const topic = this.#topic;
    if (topic === undefined) return undefined;
    const event = String(payload['event']).toLowerCase();
    if (event === 'untrack') {
      this.#parts.topics.tellPresence(topic, topic.presence.untrack(this));
      return ok;
    }
    if (event !== 'track') return { status: 'error', response: {} };
    const said = payload['payload'] ?? {};
    if (typeof said !== 'object' || Array.isArray(said)) {
      return { status: 'error', response: { reason: 'Presence track payload must be a map' } };
    }
    if (!(await this.#mayWrite('presence'))) return { status: 'error', response: {} };
    this.#hearsPresence = true;
    this.#parts.topics.tellPresence(topic, topic.presence.track(this, this.#config.presence.key, asRecord(said)));
    return ok;
  }

  /** Another token of the same user, or of another: what it may read is asked anew. */
  async #refresh(token: unknown): Promise<void> {
    if (typeof token !== 'string' || token.startsWith('sb_')) return;
    try {
      this.#bearer = await this.#parts.tokens.ofUser(token);
      this.#writes = new Map();
      const before = this.#reads;
      this.#reads = await this.#readable();
      const lost = (['broadcast', 'presence'] as const).some((each) => before[each] && !this.#reads[each]);
      if (lost) throw new Refused(`You no longer have permission to read from this Channel topic: ${this.#name.name}`);
      this.#watchExpiry();
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    const left = this.#bearer.expiresAt * 1000 - Date.now();
    if (left <= 0) {
      this.#end('Token has expired');
      return;
    }
    this.#expiry = setTimeout(
      () => {
        this.#watchExpiry();
      },
      Math.min(left, longestWait),
    ).unref();
  }

  /** Ends the channel, and says why. */
  #end(message: string): void {
    this.#system('system', 'error', message);
    this.leave();
    this.#socket.closed();
  }

  /** Leaves the channel: nothing more is heard. */
  leave(): void {
    clearTimeout(this.#expiry);
    this.#topic = undefined;
    this.#parts.topics.leave(this.#name, this);
    this.#parts.changes.remove(this);
  }

  receive(broadcast: Broadcast): void {
    if (this.#reads.broadcast) this.#socket.pushBroadcast(broadcast);
  }

  presenceChanged(diff: PresenceDiff): void {
    if (this.#hearsPresence && this.#reads.presence) this.#socket.push('presence_diff', JSON.stringify(diff));
  }

  tell(ids: readonly number[], data: string): void {
    this.#socket.push('postgres_changes', `{"ids":${JSON.stringify(ids)},"data":${data}}`);
  }

  #pushPresence(): void {
    this.#socket.push('presence_state', JSON.stringify(this.#topic?.presence.list() ?? {}));
  }

  #system(extension: string, status: string, message: string): void {
    this.#socket.push('system', JSON.stringify({ extension, status, message, channel: this.#name.name }));
  }
}

async function bearerOf({ tokens }: ChannelParts, { bearer }: ChannelSocket, token: unknown): Promise<Bearer> {
  // A key is what the socket was opened with.
  if (typeof token !== 'string' || token.startsWith('sb_')) return bearer;
  try {
    return await tokens.ofUser(token);
  } catch (error) {
    throw new Refused(`InvalidJWTToken: ${(error as Error).message}`);
  }
}

function readConfig(
  { nextId }: ChannelParts,
  config: Message['payload'],
): Omit<Config, 'requests'> & {
  requests: (Request & { asked: Message['payload'] })[];
} {
  const [broadcast, presence] = [asRecord(config['broadcast']), asRecord(config['presence'])];
  const changes = Array.isArray(config['postgres_changes']) ? config['postgres_changes'] : [];
  const { key } = presence;
  return {
    acknowledges: broadcast['ack'] === true,
    hearsItself: broadcast['self'] === true,
    isPrivate: config['private'] === true,
    presence: {
      enabled: presence['enabled'] === true,
      key: typeof key === 'string' && key !== '' ? key : randomUUID(),
    },
    requests: changes.map(asRecord).map((asked) => ({ id: nextId(), asked, request: readChangeRequest(asked) })),
  };
}

/** A broadcast that came as text. */
function broadcastOf(payload: Message['payload']): Broadcast {
  const { event, payload: content = {} } = payload;
  return { event: typeof event === 'string' ? event : '', payload: { json: JSON.stringify(content) } };
}
