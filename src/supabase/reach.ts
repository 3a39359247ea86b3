import { connect as connectSocket } from 'node:net';
import { DatabaseError } from '../database/database.ts';
import { connectionCode } from './failure.ts';

/**
 * What a failed connection means. `absent`: no such name; `closed`: no way there from this network; `early`: the service
 * is not up yet; `password`: it refuses the password, which also happens for minutes on a new project; `other`.
 */
export type Trouble = 'absent' | 'closed' | 'early' | 'password' | 'other';

const byCode: Record<string, Trouble> = {
  ENOTFOUND: 'absent', EAI_AGAIN: 'absent', ENODATA: 'absent',
  ECONNREFUSED: 'closed', ENETUNREACH: 'closed', EHOSTUNREACH: 'closed', ETIMEDOUT: 'closed', EADDRNOTAVAIL: 'closed',
  ECONNRESET: 'early', EPIPE: 'early',
  '28P01': 'password', '28000': 'password',
  '57P03': 'early', '57P01': 'early', '53300': 'early', '08006': 'early', '08001': 'early',
};

/** Sorts the error of a failed connection, by SQLSTATE, Node's code, or the pooler's own words. */
export function troubleOf(error: unknown): Trouble {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth += 1) {
    if (/tenant(?:\/| or )user\b.*not found/i.test(current.message)) return 'early';
    const code = current instanceof DatabaseError ? current.code : connectionCode(current);
    const known = code === undefined ? undefined : byCode[code];
    if (known) return known;
    if (/timeout expired/i.test(current.message)) return 'closed';
    if (/connection terminated|server closed|ended unexpectedly/i.test(current.message)) return 'early';
  }
  return 'other';
}

/**
 * Says whether a TCP connection can be made, and sends nothing over it.
 * @param timeoutMs a firewall that drops packets looks like this
 */
export async function answers(host: string, port: number, timeoutMs = 4000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
