/**
 * The messages of PostgreSQL's protocol, version 3, as a server reads and writes them.
 * https://www.postgresql.org/docs/17/protocol-message-formats.html
 */

/** A message of a client, with its header. */
export interface Message {
  /** One letter. */
  type: string;
  /** The whole message, as it is forwarded. */
  bytes: Buffer;
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** A string of the protocol: it ends with a zero byte. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** A message with its header. */
function message(type: string, ...body: Uint8Array[]): Buffer {
  const size = body.reduce((sum, part) => sum + part.length, 4);
  return Buffer.concat([Buffer.from(type), int32(size), ...body]);
}

/** What a client asks `AuthenticationX` for: 0 none, 10 SASL, 11 continue, 12 final. */
export const authentication = (kind: number, ...body: Uint8Array[]): Buffer => message('R', int32(kind), ...body);

export const parameterStatus = (name: string, value: string): Buffer => message('S', text(name), text(value));

export const backendKey = (id: number, secret: number): Buffer => message('K', int32(id), int32(secret));

/** Whether a transaction is open, and whether it has failed. */
export type TransactionState = 'I' | 'T' | 'E';

export const readyForQuery = (state: TransactionState): Buffer => message('Z', Buffer.from(state));

/** A Query message. */
export const query = (sql: string): Buffer => message('Q', text(sql));

export const sync = message('S');

/** A report; https://www.postgresql.org/docs/17/protocol-error-fields.html */
export interface Report {
  severity: 'ERROR' | 'FATAL' | 'WARNING';
  /** SQLSTATE. */
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
}

/** ErrorResponse, or NoticeResponse for a warning. */
export function report({ severity, code, message: what, detail, hint }: Report): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${what}`];
  if (detail !== undefined) fields.push(`D${detail}`);
  if (hint !== undefined) fields.push(`H${hint}`);
  return message(severity === 'WARNING' ? 'N' : 'E', ...fields.map(text), Buffer.alloc(1));
}

/** CopyInResponse. The number of columns is not known before the statement runs; clients do not need it. */
export const copyIn = (binary: boolean): Buffer => message('G', Buffer.from([binary ? 1 : 0]), int16(0));

/** @param from the client that sent it; 0 for others */
export const notification = (from: number, channel: string, payload: string): Buffer =>
  message('A', int32(from), text(channel), text(payload));

/** Reads a message's body field by field. */
export interface Fields {
  text(): string;
  int32(): number;
  bytes(length: number): Buffer;
  /** Whether all has been read. */
  atEnd(): boolean;
}

/** @param at where to begin; default: after the header of a message with a type */
export function fieldsOf(bytes: Buffer, at = 5): Fields {
  return {
    text() {
      const end = bytes.indexOf(0, at);
      if (end === -1) throw new RangeError('a string without an end');
      const value = bytes.toString('utf8', at, end);
      at = end + 1;
      return value;
    },
    int32() {
      const value = bytes.readInt32BE(at);
      at += 4;
      return value;
    },
    bytes(length) {
      if (length < 0 || at + length > bytes.length) throw new RangeError('a value beyond the message');
      at += length;
      return bytes.subarray(at - length, at);
    },
    atEnd: () => at >= bytes.length,
  };
}

/** Calls back with each message of what a server sent. */
export function eachMessage(bytes: Buffer, visit: (type: string, from: number, to: number) => void): void {
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    visit(String.fromCharCode(bytes[at] as number), at, end);
    at = end;
  }
}

/** Messages that arrive in pieces. */
export interface Reader {
  /** The next message without a type, which only the first ones are; undefined at the end. */
  startup(): Promise<Buffer | undefined>;
  /** The next message; undefined at the end. */
  next(): Promise<Message | undefined>;
}

/** A client that sent what is not the protocol. */
export class ProtocolError extends Error {}

/**
 * Reads messages from a stream, which is not read faster than its messages are.
 * @param largest of a message after the startup, in bytes
 */
export function createReader(stream: AsyncIterable<Buffer>, largest: () => number): Reader {
  const chunks = stream[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);

  /** Makes so many bytes available; false where the stream ends before. */
  async function fill(size: number): Promise<boolean> {
    const parts = [buffer];
    let length = buffer.length;
    while (length < size) {
      const chunk = await chunks.next().catch(() => undefined);
      if (chunk === undefined || chunk.done === true) return false;
      parts.push(chunk.value);
      length += chunk.value.length;
    }
    if (parts.length > 1) buffer = Buffer.concat(parts);
    return true;
  }

  async function take(lengthAt: number): Promise<Buffer | undefined> {
    if (!(await fill(lengthAt + 4))) return undefined;
    const size = lengthAt + buffer.readInt32BE(lengthAt);
    if (size < lengthAt + 4 || size > largest()) throw new ProtocolError('invalid length of a message');
    if (!(await fill(size))) return undefined;
    const whole = buffer.subarray(0, size);
    buffer = buffer.subarray(size);
    return whole;
  }

  return {
    startup: () => take(0),
    async next() {
      const bytes = await take(1);
      return bytes && { type: String.fromCharCode(bytes[0] as number), bytes };
    },
  };
}
