/**
 * Phoenix's channel protocol in the two forms that Supabase's clients speak.
 * https://supabase.com/docs/guides/realtime/protocol
 */

/** `1.0.0` has JSON objects, `2.0.0` JSON arrays, and binary frames for broadcasts. */
export type Version = '1.0.0' | '2.0.0';

/** What a client sends to everyone in a channel. */
export interface Broadcast {
  event: string;
  /** Its JSON as it was sent, or bytes. */
  payload: { json: string } | { bytes: Buffer };
}

export interface Message {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  /** For a broadcast in a binary frame, see {@link Message.broadcast}. */
  payload: Readonly<Record<string, unknown>>;
  broadcast?: Broadcast;
}

/** Where a message goes, without what it says. */
export type Address = Pick<Message, 'joinRef' | 'ref' | 'topic' | 'event'>;

/** The kinds of binary frames. */
const kinds = { pushedByClient: 3, sentByServer: 4 } as const;

/** How a binary frame carries its payload. */
const encodings = { bytes: 0, json: 1 } as const;

/** @throws Error for what is not a message */
export function decodeMessage(version: Version, data: Buffer, binary: boolean): Message {
  if (binary) return decodeFrame(data);
  const value: unknown = JSON.parse(data.toString());
  const fields =
    version === '2.0.0' && Array.isArray(value)
      ? { join_ref: value[0], ref: value[1], topic: value[2], event: value[3], payload: value[4] }
      : asRecord(value);
  const { topic, event } = fields;
  if (typeof topic !== 'string' || typeof event !== 'string') throw new Error('A message has a topic and an event');
  return { joinRef: asRef(fields.join_ref), ref: asRef(fields.ref), topic, event, payload: asRecord(fields.payload) };
}

/** A message as text; its payload is JSON already. */
export function encodeMessage(version: Version, { joinRef, ref, topic, event }: Address, payload: string): string {
  if (version === '2.0.0') return `${JSON.stringify([joinRef, ref, topic, event]).slice(0, -1)},${payload}]`;
  return `${JSON.stringify({ topic, event, ref, join_ref: joinRef }).slice(0, -1)},"payload":${payload}}`;
}

/** A broadcast as a client receives it; undefined where its version cannot carry bytes. */
export function encodeBroadcast(
  version: Version,
  topic: string,
  { event, payload }: Broadcast,
): string | Buffer | undefined {
  if ('json' in payload) {
    const text = `{"type":"broadcast","event":${JSON.stringify(event)},"payload":${payload.json}}`;
    return encodeMessage(version, { joinRef: null, ref: null, topic, event: 'broadcast' }, text);
  }
  const [topicBytes, eventBytes] = [Buffer.from(topic), Buffer.from(event)];
  if (version !== '2.0.0' || topicBytes.length > 255 || eventBytes.length > 255) return undefined;
  const head = [kinds.sentByServer, topicBytes.length, eventBytes.length, 0, encodings.bytes];
  return Buffer.concat([Buffer.from(head), topicBytes, eventBytes, payload.bytes]);
}

/** Kind, five lengths, the encoding, then the texts and the payload. */
function decodeFrame(data: Buffer): Message {
  const [kind, joinRefSize = 0, refSize = 0, topicSize = 0, eventSize = 0, metadataSize = 0, encoding] = data;
  if (kind !== kinds.pushedByClient) throw new Error(`Unknown kind of frame: ${kind}`);
  let at = 7;
  const take = (size: number): string => {
    if (at + size > data.length) throw new Error('The frame is shorter than it says');
    return data.toString('utf8', at, (at += size));
  };
  const [joinRef, ref, topic, event] = [take(joinRefSize), take(refSize), take(topicSize), take(eventSize)];
  take(metadataSize);
  const rest = data.subarray(at);
  if (encoding === encodings.json) JSON.parse(rest.toString());
  const payload = encoding === encodings.json ? { json: rest.toString() } : { bytes: Buffer.from(rest) };
  const address = { joinRef: joinRef || null, ref: ref || null, topic, event: 'broadcast' };
  return { ...address, payload: {}, broadcast: { event, payload } };
}

/** An object of JSON; anything else is an empty one. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function asRef(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
