/** What the process that has a database open and one that borrows it say to each other over a local socket. */
import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { MuseError, type MuseErrorFields, unexpected } from '../../shared/error.ts';
import { DatabaseError, type DatabaseErrorFields } from '../database.ts';
import type { Opening, WireResult } from '../wire.ts';

/** Incremented with each change of the messages: two versions of this package do not talk to each other. */
export const socketVersion = 2;

/** The content of `server.json` in the database's directory, which only its owner can read. */
export interface ServerFile {
  version: number;
  /** Path of the Unix socket, or name of the pipe on Windows. */
  socket: string;
  /** Proves that a client could read this file. */
  token: string;
}

/** A query with the transaction that it starts. */
interface Query {
  kind: 'query';
  sql: string;
  parameters: (string | null)[];
  opening?: Opening | undefined;
}

/** What a client says. The first message is `open`, and is answered when its turn has come. */
export type Said =
  | { kind: 'open'; token: string }
  /** Deletes the database, after this turn. */
  | { kind: 'drop'; id: number }
  | ({ id: number } & Query)
  | { kind: 'script'; id: number; sql: string }
  | { kind: 'limit'; ms: number | undefined };

/** The answer to a message; the first has the ID 0. */
export interface Told {
  id: number;
  value?: WireResult | undefined;
  error?: PackedError | undefined;
}

/** An error that another process can throw again. */
export type PackedError = { server: DatabaseErrorFields } | { muse: MuseErrorFields };

export function packError(error: unknown): PackedError {
  if (error instanceof DatabaseError) {
    const { code, message, detail, hint, position, where, schema, table, column, constraint, done } = error;
    return { server: { code, message, detail, hint, position, where, schema, table, column, constraint, done } };
  }
  const { code, message, detail, suggestion } = error instanceof MuseError ? error : unexpected(error);
  return { muse: { code, message, suggestion, ...(detail === undefined ? {} : { detail }) } };
}

export function unpackError(packed: PackedError): DatabaseError | MuseError {
  return 'server' in packed ? new DatabaseError(packed.server) : new MuseError(packed.muse);
}

/** A frame is its length in four bytes, and a structured clone. */
export function send(socket: Socket, message: Said | Told): void {
  const body = serialize(message);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}

/** Calls back with each whole frame that a socket receives. */
export function onFrames<Message extends Said | Told>(socket: Socket, listener: (message: Message) => void): void {
  let chunks: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    for (;;) {
      if (size < 4) return;
      if ((chunks[0] as Buffer).length < 4) chunks = [Buffer.concat(chunks)];
      const end = 4 + (chunks[0] as Buffer).readUInt32BE(0);
      if (size < end) return;
      const all = Buffer.concat(chunks);
      chunks = [all.subarray(end)];
      size -= end;
      listener(deserialize(all.subarray(4, end)) as Message);
    }
  });
}
