/** SCRAM-SHA-256 (RFC 5802, RFC 7677) as a client, with which the proxy signs in to the backend. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export interface Scram {
  /** The first message. */
  first: string;
  /** The final message for the server's first. */
  final: (serverFirst: string) => string;
}

export function startScram(password: string): Scram {
  const bare = `n=,r=${randomBytes(18).toString('base64')}`;
  return {
    first: `n,,${bare}`,
    final: (serverFirst) => {
      const fields = new Map(serverFirst.split(',').map((part): [string, string] => [part.slice(0, 1), part.slice(2)]));
      const salted = pbkdf2Sync(
        password,
        Buffer.from(fields.get('s') ?? '', 'base64'),
        Number(fields.get('i')),
        32,
        'sha256',
      );
      const clientKey = hmac(salted, 'Client Key');
      const unproven = `c=biws,r=${fields.get('r') ?? ''}`;
      const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${serverFirst},${unproven}`);
      const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
      return `${unproven},p=${proof.toString('base64')}`;
    },
  };
}
