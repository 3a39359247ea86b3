/** The part of PostgreSQL's wire protocol that a proxy needs: framing, the startup message, refusals. */

/** Splits a stream into messages: a type letter, and the body after the length. */
export function makeFramer(onMessage: (type: string, message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5) {
      const length = 1 + rest.readInt32BE(1);
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      onMessage(String.fromCharCode(message[0] ?? 0), message);
    }
  };
}

/** The parameters of a start-up message, or undefined for another request (TLS, cancel). */
export function readStartup(packet: Buffer): Record<string, string> | undefined {
  if (packet.readInt32BE(4) !== 196_608) return undefined;
  const words = packet.subarray(8).toString('utf8').split('\0');
  const parameters: Record<string, string> = {};
  for (let at = 0; at + 1 < words.length && words[at]; at += 2) parameters[words[at] ?? ''] = words[at + 1] ?? '';
  return parameters;
}

export function writeStartup(parameters: Record<string, string>): Buffer {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

export function writeMessage(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body as string);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(4 + bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A FATAL error, as the server or the pooler sends it before it closes the connection. */
export function writeRefusal(code: string, message: string): Buffer {
  return writeMessage('E', `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
}

/** Requests the password in clear text (loopback only, like the rest of the fake API). */
export const askPassword = writeMessage('R', Buffer.from([0, 0, 0, 3]));

/** The first message of a SCRAM exchange. */
export function writeSasl(first: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(first.length, 0);
  return writeMessage('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, Buffer.from(first)]));
}
