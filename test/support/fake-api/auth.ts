/** GoTrue's calls as supabase-js uses them here: admin users, invitation, sign-in by password, the signed-in user. */
import { randomUUID, scryptSync } from 'node:crypto';
import type { Client } from 'pg';
import type { Caller } from './gateway.ts';
import type { FakeAnswer, FakeRequest } from './http.ts';
import { signToken } from './jwt.ts';
import type { FakeProject } from './state.ts';

interface UserRow {
  id: string;
  email: string;
  encrypted_password: string | null;
  created_at: Date;
  raw_user_meta_data: object | null;
  email_confirmed_at: Date | null;
}

const refusal = (status: number, code: string, msg: string): FakeAnswer => ({
  status,
  body: { code: status, error_code: code, msg },
});
const hash = (password: string, id: string): string => scryptSync(password, id, 32, { N: 1024 }).toString('hex');

/**
 * @param path after `/auth/v1`
 * @param database as a superuser of the project's database
 */
export async function authenticate(
  project: FakeProject,
  caller: Caller,
  request: FakeRequest,
  path: string,
  database: Client,
): Promise<FakeAnswer> {
  const body = (request.body ?? {}) as Record<string, unknown>;
  if (path === '/token' && request.url.searchParams.get('grant_type') === 'password')
    return signIn(project, body, database);
  if (path === '/user' && request.method === 'GET') {
    const [user] = await find(database, 'id = $1', [caller.claims['sub']]);
    return user ? { status: 200, body: show(user) } : refusal(403, 'bad_jwt', 'invalid claim: missing sub claim');
  }
  if (path === '/logout') return { status: 204 };
  if (!/^\/(?:admin\/|invite$)/.test(path)) return refusal(404, 'not_found', 'Not found');
  if (caller.role !== 'service_role') return refusal(403, 'not_admin', 'User not allowed');
  if (path === '/invite') return add(database, { email: body['email'], invited: true });
  if (path === '/admin/users' && request.method === 'POST') return add(database, { ...body, invited: false });
  if (path === '/admin/users') return list(database, request.url.searchParams);
  return one(database, request.method, path.slice('/admin/users/'.length), body);
}

async function signIn(project: FakeProject, body: Record<string, unknown>, database: Client): Promise<FakeAnswer> {
  const [user] = await find(database, 'lower(email) = lower($1)', [body['email']]);
  if (!user || !(await isPassword(database, user, String(body['password']))))
    return refusal(400, 'invalid_credentials', 'Invalid login credentials');
  if (!user.email_confirmed_at) return refusal(400, 'email_not_confirmed', 'Email not confirmed');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: user.id,
    role: 'authenticated',
    aud: 'authenticated',
    email: user.email,
    iat: now,
    exp: now + 3600,
    session_id: randomUUID(),
    aal: 'aal1',
  };
  return {
    status: 200,
    body: {
      access_token: signToken(claims, project.keys.jwtSecret),
      token_type: 'bearer',
      expires_in: 3600,
      expires_at: now + 3600,
      refresh_token: randomUUID(),
      user: show(user),
    },
  };
}

/** Checks the hash of this fake API, or the bcrypt hash that GoTrue reads, for a user inserted by SQL. */
async function isPassword(
  database: Client,
  { id, encrypted_password: known }: UserRow,
  password: string,
): Promise<boolean> {
  if (!known?.startsWith('$2')) return known === hash(password, id);
  return (
    (await database.query<{ same: boolean }>('select extensions.crypt($1, $2) = $2 as same', [password, known])).rows[0]
      ?.same === true
  );
}

async function add(database: Client, body: Record<string, unknown>): Promise<FakeAnswer> {
  const email = String(body['email'] ?? '').toLowerCase();
  if (!/^[^@\s]+@[^@\s]+$/.test(email))
    return refusal(400, 'validation_failed', 'Unable to validate email address: invalid format');
  if ((await find(database, 'lower(email) = $1', [email])).length > 0) {
    return refusal(422, 'email_exists', 'A user with this email address has already been registered');
  }
  const id = randomUUID();
  const confirmed = body['email_confirm'] === true;
  await database.query(
    `insert into auth.users (id, email, encrypted_password, aud, role, raw_app_meta_data, raw_user_meta_data, created_at, updated_at, email_confirmed_at)
     values ($1, $2, $3, 'authenticated', 'authenticated', '{"provider":"email"}', $4, now(), now(), case when $5 then now() end)`,
    [
      id,
      email,
      typeof body['password'] === 'string' ? hash(body['password'], id) : null,
      JSON.stringify(body['user_metadata'] ?? {}),
      confirmed,
    ],
  );
  const [user] = await find(database, 'id = $1', [id]);
  return { status: 200, body: user ? show(user) : {} };
}

async function list(database: Client, query: URLSearchParams): Promise<FakeAnswer> {
  const perPage = Number(query.get('per_page') || 50);
  const page = Math.max(1, Number(query.get('page') || 1));
  const users = await find(database, 'true', []);
  return {
    status: 200,
    body: { users: users.slice((page - 1) * perPage, page * perPage).map(show), aud: 'authenticated' },
  };
}

async function one(database: Client, method: string, id: string, body: Record<string, unknown>): Promise<FakeAnswer> {
  const [user] = await find(database, 'id::text = $1', [id]);
  if (!user) return refusal(404, 'user_not_found', 'User not found');
  if (method === 'DELETE') await database.query('delete from auth.users where id = $1', [id]);
  if (method === 'PUT') {
    if (typeof body['password'] === 'string')
      await database.query('update auth.users set encrypted_password = $2 where id = $1', [
        id,
        hash(body['password'], id),
      ]);
    if (body['email_confirm'] === true)
      await database.query(
        'update auth.users set email_confirmed_at = coalesce(email_confirmed_at, now()) where id = $1',
        [id],
      );
  }
  return { status: 200, body: method === 'DELETE' ? {} : show(user) };
}

async function find(database: Client, where: string, values: unknown[]): Promise<UserRow[]> {
  const columns = 'id, email, encrypted_password, created_at, raw_user_meta_data, email_confirmed_at';
  return (
    await database.query<UserRow>(`select ${columns} from auth.users where ${where} order by created_at, id`, values)
  ).rows;
}

function show(user: UserRow): Record<string, unknown> {
  const { id, email, created_at, raw_user_meta_data, email_confirmed_at } = user;
  return {
    id,
    email,
    aud: 'authenticated',
    role: 'authenticated',
    created_at,
    email_confirmed_at,
    app_metadata: { provider: 'email' },
    user_metadata: raw_user_meta_data ?? {},
  };
}
