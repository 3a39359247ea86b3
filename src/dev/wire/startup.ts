/** How a connection begins: https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-START-UP */
import type { Socket } from 'node:net';
import { authentication, fieldsOf, type Reader, type Report, report, text } from './messages.ts';
import { beginScram, type ScramSecret } from './scram.ts';

/** The one user and database. */
export const user = 'postgres';
export const database = 'postgres';

const protocolVersion = 3;
const cancelCode = 80877102;
const sslCode = 80877103;
const gssCode = 80877104;
const mechanism = 'SCRAM-SHA-256';

export interface CancelRequest {
  id: number;
  secret: number;
}

/** What a connection turned out to be: a client that has logged in, with its settings, or a request to cancel. */
export type Started =
  { settings: ReadonlyMap<string, string>; cancel?: undefined } | { cancel: CancelRequest; settings?: undefined };

/** Refuses a client. */
class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Logs a client in. Undefined where it left, or was refused and told so. */
export async function startUp(socket: Socket, reader: Reader, secret: ScramSecret): Promise<Started | undefined> {
  try {
    for (;;) {
      const packet = await reader.startup();
      if (packet === undefined) return undefined;
      const fields = fieldsOf(packet, 4);
      const code = fields.int32();
      if (code === cancelCode) return { cancel: { id: fields.int32(), secret: fields.int32() } };
      if (code === sslCode || code === gssCode) {
        // Loopback needs no encryption.
        socket.write('N');
        continue;
      }
      if (code >>> 16 !== protocolVersion) throw new Refused('0A000', `unsupported frontend protocol ${code >>> 16}`);
      const parameters = new Map<string, string>();
      for (let name = fields.text(); name !== ''; name = fields.text()) parameters.set(name, fields.text());
      negotiate(socket, code & 0xffff, parameters);
      if (!(await authenticate(socket, reader, secret))) return undefined;
      return { settings: settingsOf(parameters) };
    }
  } catch (error) {
    const refusal: Report =
      error instanceof Refused
        ? { severity: 'FATAL', code: error.code, message: error.message }
        : { severity: 'FATAL', code: '08P01', message: 'invalid message at the start of the connection' };
    socket.end(report(refusal));
    return undefined;
  }
}

/** Tells a client of a later protocol what this is: 3.0, without the options it asked for. */
function negotiate(socket: Socket, minor: number, parameters: ReadonlyMap<string, string>): void {
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  if (minor === 0 && options.length === 0) return;
  const body = Buffer.alloc(8);
  body.writeInt32BE(options.length, 4);
  const head = Buffer.alloc(5, 'v');
  const rest = Buffer.concat([body, ...options.map(text)]);
  head.writeInt32BE(rest.length + 4, 1);
  socket.write(Buffer.concat([head, rest]));
}

async function authenticate(socket: Socket, reader: Reader, secret: ScramSecret): Promise<boolean> {
  const failed = new Refused('28P01', `password authentication failed for user "${user}"`);
  socket.write(authentication(10, text(mechanism), Buffer.alloc(1)));
  const initial = await reader.next();
  if (initial === undefined) return false;
  const fields = fieldsOf(initial.bytes);
  if (initial.type !== 'p' || fields.text() !== mechanism) throw failed;
  const exchange = beginScram(secret, fields.bytes(fields.int32()).toString());
  if (exchange === undefined) throw failed;
  socket.write(authentication(11, Buffer.from(exchange.first)));
  const final = await reader.next();
  if (final === undefined) return false;
  const answer = final.type === 'p' ? exchange.finish(final.bytes.toString('utf8', 5)) : undefined;
  if (answer === undefined) throw failed;
  socket.write(Buffer.concat([authentication(12, Buffer.from(answer)), authentication(0)]));
  return true;
}

/** The settings among a client's parameters, checked for what this server has. */
function settingsOf(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const { user: name, database: wanted = name, replication, options, ...rest } = Object.fromEntries(parameters);
  if (name !== user) throw new Refused('28000', `the only user is "${user}"`);
  if (wanted !== database) throw new Refused('3D000', `the only database is "${database}"`);
  if (replication !== undefined && !['false', 'off', 'no', '0'].includes(replication)) {
    throw new Refused('0A000', 'replication is not supported');
  }
  const settings = new Map(Object.entries(rest).filter(([key]) => !key.startsWith('_pq_.')));
  for (const [key, value] of optionSettings(options ?? '')) settings.set(key, value);
  return settings;
}

/** `-c search_path=app --statement_timeout=5s`; a backslash escapes a space. */
function optionSettings(options: string): [string, string][] {
  const words = [...options.matchAll(/(?:\\.|[^\s\\])+/gs)].map(([word]) => word.replaceAll(/\\(.)/gs, '$1'));
  const settings: [string, string][] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const assignment = word === '-c' ? words[++at] : /^(?:-c|--)(.+)$/s.exec(word)?.[1];
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment ?? '') ?? [];
    if (name === undefined || value === undefined) throw new Refused('22023', `invalid option "${word}"`);
    settings.push([name.replaceAll('-', '_'), value]);
  }
  return settings;
}
