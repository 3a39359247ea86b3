/** Passwords as bcrypt by pgcrypto, so that the rows move to Supabase as they are. */
import { randomBytes } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { hasPassword, type UserRow } from './users.ts';

/** The rounds that pgcrypto takes by itself. GoTrue reads any; its own 10 would hold up the one session 16 times longer. */
const rounds = 6;

/** Runs as Auth's own role, whose search path Supabase has set: what triggers on its tables see. */
export async function becomeAuthAdmin(sql: Session): Promise<void> {
  await sql.query(
    `SELECT pg_catalog.set_config('role', 'supabase_auth_admin', true),
      pg_catalog.set_config('search_path', 'auth', true)`,
  );
}

/** pgcrypto is not Auth's to call, so it is called as the server. */
async function asServer<T>(sql: Session, work: () => Promise<T>): Promise<T> {
  await sql.query(`SELECT pg_catalog.set_config('role', 'none', true)`);
  const value = await work();
  await becomeAuthAdmin(sql);
  return value;
}

export async function hashPassword(sql: Session, password: string): Promise<string> {
  const { rows } = await asServer(sql, () =>
    sql.query<{ hash: string }>(`SELECT extensions.crypt($1, extensions.gen_salt('bf', ${rounds})) AS hash`, [
      password,
    ]),
  );
  return rows[0]?.hash ?? '';
}

export async function isPassword(sql: Session, user: UserRow, password: string): Promise<boolean> {
  if (!hasPassword(user)) return false;
  const hash = user.encrypted_password ?? '';
  // Supabase also keeps Argon2 and Firebase's scrypt, which pgcrypto does not read.
  if (!isBcrypt(hash)) return false;
  const { rows } = await asServer(sql, () =>
    // Go writes $2a$; others write $2b$ or $2y$ for the same, which pgcrypto does not know.
    sql.query<{ same: boolean }>('SELECT extensions.crypt($1, $2) = $2 AS same', [
      password,
      hash.replace(/^\$2[by]\$/, '$2a$'),
    ]),
  );
  return rows[0]?.same === true;
}

export function isBcrypt(hash: string): boolean {
  return /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash);
}

/** A password that nobody knows, for users who sign in another way. */
export function unknownPassword(): string {
  return randomBytes(33).toString('base64url');
}
