/** Passwords as bcrypt by pgcrypto, so that the rows move to Supabase as they are. */
import { randomBytes } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import type { UserRow } from './users.ts';

/** The rounds that pgcrypto takes by itself. GoTrue reads any; its own 10 would hold up the one session 16 times longer. */
const rounds = 6;

export async function hashPassword(sql: Session, password: string): Promise<string> {
  const { rows } = await sql.query<{ hash: string }>(
    `SELECT extensions.crypt($1, extensions.gen_salt('bf', ${rounds})) AS hash`,
    [password],
  );
  return rows[0]?.hash ?? '';
}

export async function isPassword(sql: Session, user: UserRow, password: string): Promise<boolean> {
  const hash = user.encrypted_password ?? '';
  // Supabase also keeps Argon2 and Firebase's scrypt, which pgcrypto does not read.
  if (!isBcrypt(hash)) return false;
  // Go writes $2a$. Others write $2b$ or $2y$ for the same, which pgcrypto does not know.
  const { rows } = await sql.query<{ same: boolean }>('SELECT extensions.crypt($1, $2) = $2 AS same', [
    password,
    hash.replace(/^\$2[by]\$/, '$2a$$'),
  ]);
  return rows[0]?.same === true;
}

export function isBcrypt(hash: string): boolean {
  return /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash);
}

/** A password that nobody knows, for users who sign in another way. */
export function unknownPassword(): string {
  return randomBytes(33).toString('base64url');
}
