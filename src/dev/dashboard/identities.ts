import type { DevDatabase, Identity } from '../service.ts';

export interface User {
  id: string;
  email: string | null;
  created_at: string;
  last_sign_in_at: string | null;
}

/** The newest users. */
export async function readUsers(database: DevDatabase): Promise<User[]> {
  return database.asServer(async (session) => {
    const { rows } = await session.query<User>(
      `SELECT id, coalesce(email, phone) AS email, created_at, last_sign_in_at FROM auth.users
       ORDER BY created_at DESC LIMIT 500`,
    );
    return rows;
  });
}

/** Who sees everything. */
export const service: Identity = { role: 'service_role', claims: { role: 'service_role' } };

/**
 * Whom the page asks to see as, with the claims that a sign-in gives.
 * @param who `service`, `anon` or the id of a user
 */
export async function identityOf(database: DevDatabase, who: string): Promise<Identity> {
  if (who === 'service') return service;
  if (who === 'anon') return { role: 'anon', claims: { role: 'anon' } };
  const { rows } = await database.asServer((session) =>
    session.query<{ email: string | null; app: unknown; own: unknown }>(
      `SELECT email, raw_app_meta_data AS app, raw_user_meta_data AS own FROM auth.users WHERE id::text = $1`,
      [who],
    ),
  );
  const [user] = rows;
  const claims = {
    sub: who,
    role: 'authenticated',
    aud: 'authenticated',
    ...(user === undefined ? {} : { email: user.email, app_metadata: user.app ?? {}, user_metadata: user.own ?? {} }),
  };
  return { role: 'authenticated', claims };
}
