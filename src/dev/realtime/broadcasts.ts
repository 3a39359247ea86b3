import { readBody } from '../body.ts';
import { ApiError } from '../errors.ts';
import type { DevAnswer, DevPart, DevRequest, Identity } from '../service.ts';
import type { ChannelPolicies } from './policies.ts';
import { asRecord, type Broadcast } from './protocol.ts';
import type { Topics } from './topics.ts';

/** How long a broadcast may be, in bytes, as on Supabase. */
export const longestBroadcast = 3 * 1024 * 1024;

const accepted: DevAnswer = { status: 202 };

/**
 * Broadcasts by HTTP, without a socket: `POST /api/broadcast` with messages, and
 * `POST /api/broadcast/<topic>/events/<event>` with one payload, JSON or bytes.
 * https://supabase.com/docs/guides/realtime/broadcast
 */
export function createBroadcasts(topics: Topics, policies: ChannelPolicies): DevPart {
  const maySend = async (identity: Identity, topic: string, isPrivate: boolean): Promise<boolean> =>
    !isPrivate || policies.mayWrite(identity, topic, 'broadcast');

  async function sendMany(request: DevRequest): Promise<DevAnswer> {
    const { messages } = asRecord(parse((await readBody(request.body, longestBroadcast)).toString()));
    if (!Array.isArray(messages)) throw unprocessable({ messages: ["can't be blank"] });
    const read = messages.map(readMessage);
    const errors = read.map((each) => ('errors' in each ? each.errors : {}));
    if (errors.some((each) => Object.keys(each).length > 0)) throw unprocessable({ messages: errors });
    for (const each of read) {
      // What the caller may not send is left out without a word, as the real one does it.
      if ('errors' in each || !(await maySend(request.identity, each.topic, each.isPrivate))) continue;
      topics.send({ name: each.topic, isPrivate: each.isPrivate }, each.broadcast);
    }
    return accepted;
  }

  async function sendOne(request: DevRequest, topic: string, event: string): Promise<DevAnswer> {
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/json' && type !== 'application/octet-stream') {
      throw new ApiError(415, { message: `Unsupported media type: ${type ?? 'none'}` });
    }
    const body = await readBody(request.body, longestBroadcast);
    if (type === 'application/json') parse(body.toString());
    const isPrivate = request.query.get('private') === 'true';
    if (!(await maySend(request.identity, topic, isPrivate))) throw new ApiError(401, { message: 'Unauthorized' });
    const payload = type === 'application/json' ? { json: body.toString() } : { bytes: body };
    topics.send({ name: topic, isPrivate }, { event, payload });
    return accepted;
  }

  return {
    async handle(request) {
      const parts = request.path.split('/').slice(1);
      const [api, broadcast, topic, events, event] = parts;
      const found = api === 'api' && broadcast === 'broadcast';
      if (found && request.method === 'POST') {
        if (parts.length === 2) return sendMany(request);
        if (parts.length === 5 && events === 'events') return sendOne(request, decode(topic!), decode(event!));
      }
      if (api === 'websocket') throw new ApiError(426, { message: 'This URL is for WebSockets' });
      throw new ApiError(404, { message: `Not found: ${request.method} ${request.path}` });
    },
  };
}

type ReadMessage =
  { topic: string; isPrivate: boolean; broadcast: Broadcast } | { errors: Readonly<Record<string, readonly string[]>> };

function readMessage(message: unknown): ReadMessage {
  const { topic, event, payload, private: isPrivate } = asRecord(message);
  if (typeof topic !== 'string' || typeof event !== 'string' || typeof payload !== 'object' || payload === null) {
    const blank = Object.entries({ topic, event, payload }).filter(
      ([name, value]) => typeof value !== (name === 'payload' ? 'object' : 'string') || value === null,
    );
    return { errors: Object.fromEntries(blank.map(([name]) => [name, ["can't be blank"]])) };
  }
  return { topic, isPrivate: isPrivate === true, broadcast: { event, payload: { json: JSON.stringify(payload) } } };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, { message: 'The body is not valid JSON' });
  }
}

function unprocessable(errors: unknown): ApiError {
  return new ApiError(422, { errors, message: 'The messages are not as expected' });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, { message: `The path is not properly encoded: ${text}` });
  }
}
