/** `/admin/users`: what the service role does with users. */
import { ok, type AuthCall, type Reply } from './call.ts';
import { AuthError, emailTaken, invalid, orDatabaseError } from './errors.ts';
import { namedFactor, removeFactor } from './factors.ts';
import { hashPassword, isBcrypt, unknownPassword } from './passwords.ts';
import {
  audience,
  changePassword,
  confirmEmail,
  confirmPhone,
  factorJson,
  findByAnyEmail,
  findUserById,
  findUserByPhone,
  findUsers,
  insertIdentity,
  insertUser,
  mergeMetadata,
  saveIdentity,
  softDelete,
  updateUser,
  userJson,
  type User,
} from './users.ts';
import { banDuration, checkPassword, isUuid, readFields, validEmail, validPhone } from './values.ts';

const adminFields = {
  id: 'text',
  role: 'text',
  email: 'text',
  phone: 'text',
  password: 'text?',
  password_hash: 'text',
  email_confirm: 'yes',
  phone_confirm: 'yes',
  user_metadata: 'object?',
  app_metadata: 'object?',
  ban_duration: 'text',
} as const;

/** The user whom the path names. */
export async function namedUser({ sql, params }: AuthCall): Promise<User> {
  const id = params['user_id'] ?? '';
  if (!isUuid(id)) throw new AuthError(404, 'validation_failed', 'user_id must be an UUID');
  const user = await findUserById(sql, id);
  if (!user) throw new AuthError(404, 'user_not_found', 'User not found');
  return user;
}

function bannedUntil(text: string): { banned_until?: string | null } {
  if (text === '') return {};
  const duration = banDuration(text);
  return { banned_until: duration === 0 ? null : new Date(Date.now() + duration).toISOString() };
}

export async function createUser(call: AuthCall): Promise<Reply> {
  const { sql } = call;
  const fields = readFields(call.body(), adminFields);
  if (fields.email === '' && fields.phone === '') {
    throw invalid('Cannot create a user without either an email or phone');
  }
  const email = fields.email === '' ? undefined : validEmail(fields.email);
  if (email !== undefined && (await findByAnyEmail(sql, email))) throw emailTaken;
  const phone = fields.phone === '' ? undefined : validPhone(fields.phone);
  if (phone !== undefined && (await findUserByPhone(sql, phone))) {
    throw new AuthError(422, 'phone_exists', 'Phone number already registered by another user');
  }
  if (fields.password !== undefined && fields.password_hash !== '') {
    throw invalid('Only a password or a password hash should be provided');
  }
  if (fields.id !== '' && !isUuid(fields.id)) throw invalid('ID must conform to the uuid v4 format');
  if (fields.id === '00000000-0000-0000-0000-000000000000') throw invalid('ID cannot be a nil uuid');
  const ban = bannedUntil(fields.ban_duration);
  const providers = [...(email === undefined ? [] : ['email']), ...(phone === undefined ? [] : ['phone'])];

  const failure = 'Database error creating new user';
  const user = await insertUser(
    sql,
    {
      id: fields.id === '' ? undefined : fields.id,
      email,
      phone,
      passwordHash: await passwordHash(call, fields.password, fields.password_hash),
      userMetadata: fields.user_metadata,
      appMetadata: { provider: providers[0], providers },
      role: fields.role === '' ? undefined : fields.role,
    },
    failure,
  );
  if (email !== undefined) await insertIdentity(sql, user, 'email', { email });
  if (phone !== undefined) await insertIdentity(sql, user, 'phone', { phone });
  if (fields.app_metadata !== undefined) {
    await updateUser(sql, user, { raw_app_meta_data: mergeMetadata(user.raw_app_meta_data, fields.app_metadata) });
  }
  if (fields.email_confirm) await confirmEmail(sql, user);
  if (fields.phone_confirm) await confirmPhone(sql, user);
  if (fields.ban_duration !== '') await updateUser(sql, user, ban);
  return ok(userJson(user));
}

async function passwordHash(call: AuthCall, password: string | undefined, hash: string): Promise<string> {
  if (hash !== '') {
    if (!isBcrypt(hash)) {
      throw new AuthError(
        501,
        'feature_disabled',
        'A password_hash has to be bcrypt here: pgcrypto reads neither Argon2 nor Firebase scrypt.',
      );
    }
    return hash;
  }
  const known = password ?? '';
  if (Buffer.byteLength(known) > 72) throw invalid('bcrypt: password length exceeds 72 bytes');
  return hashPassword(call.sql, known === '' ? unknownPassword() : known);
}

export async function listUsers(call: AuthCall): Promise<Reply> {
  const { query } = call.request;
  const page = Math.max(pageNumber(query.get('page'), 1), 1);
  const perPage = pageNumber(query.get('per_page'), 50) || 50;
  const filter = query.get('filter') ?? '';
  const condition = `u.aud = '${audience}' AND ($1 = '' OR u.email LIKE '%' || $1 || '%'
    OR u.raw_user_meta_data ->> 'full_name' ILIKE '%' || $1 || '%')`;
  const order = sortOrder(query.getAll('sort'));
  const users = await findUsers(
    call.sql,
    `${condition} ORDER BY u.created_at ${order}, u.id LIMIT $2::bigint OFFSET $3::bigint`,
    [filter, perPage, perPage * (page - 1)],
  );
  const { rows } = await call.sql.query<{ count: string }>(
    `SELECT count(*) AS count FROM auth.users u WHERE ${condition}`,
    [filter],
  );
  const total = Number(rows[0]?.count ?? 0);
  const last = Math.ceil(total / perPage);
  const link = (to: number, relation: string): string => {
    const parameters = new URLSearchParams(query);
    parameters.set('page', String(to));
    parameters.sort();
    return `</admin/users?${parameters.toString()}>; rel="${relation}"`;
  };
  const links = [...(last > page ? [link(page + 1, 'next')] : []), link(last, 'last')];
  return {
    status: 200,
    headers: { link: links.join(', '), 'x-total-count': String(total) },
    body: { users: users.map(userJson), aud: audience },
  };
}

function pageNumber(text: string | null, otherwise: number): number {
  if (text === null || text === '') return otherwise;
  const given = JSON.stringify(text);
  if (!/^\d+$/.test(text)) {
    throw invalid(`Bad Pagination Parameters: strconv.ParseUint: parsing ${given}: invalid syntax`);
  }
  const number = Number(text);
  if (number > 1_000_000_000) {
    throw invalid(`Bad Pagination Parameters: strconv.ParseUint: parsing ${given}: value out of range`);
  }
  return number;
}

/** `sort=created_at asc`; nothing else can be sorted by. */
function sortOrder(values: readonly string[]): 'ASC' | 'DESC' {
  const [order] = values.map((value) => {
    const [field = '', direction = 'desc'] = value.split(/ (.*)/s);
    if (field !== 'created_at') throw invalid(`Bad Sort Parameters: bad field for sort '${field}'`);
    const upper = direction.toUpperCase();
    if (upper !== 'ASC' && upper !== 'DESC') {
      throw invalid(`Bad Sort Parameters: bad direction for sort '${direction}', only 'asc' and 'desc' allowed`);
    }
    return upper;
  });
  return order ?? 'DESC';
}

export async function getNamedUser(call: AuthCall): Promise<Reply> {
  return ok(userJson(await namedUser(call)));
}

export async function updateNamedUser(call: AuthCall): Promise<Reply> {
  const user = await namedUser(call);
  const fields = readFields(call.body(), adminFields);
  const email = fields.email === '' ? '' : validEmail(fields.email);
  const phone = fields.phone === '' ? '' : validPhone(fields.phone);
  const ban = bannedUntil(fields.ban_duration);
  if (fields.password !== undefined) checkPassword(fields.password, call.auth.settings.password);
  await orDatabaseError('Error updating user', applyUpdate(call, user, { ...fields, email, phone }, ban));
  return ok(userJson(user));
}

type AdminUpdate = ReturnType<typeof readFields<typeof adminFields>>;

async function applyUpdate(
  { sql }: AuthCall,
  user: User,
  fields: AdminUpdate,
  ban: { banned_until?: string | null },
): Promise<void> {
  if (fields.role !== '') await updateUser(sql, user, { role: fields.role.trim() });
  if (fields.email_confirm) await confirmEmail(sql, user);
  if (fields.phone_confirm) await confirmPhone(sql, user);
  if (fields.password !== undefined) await changePassword(sql, user, await hashPassword(sql, fields.password));
  const { email, phone } = fields;
  if (email !== '') {
    await saveIdentity(sql, user, 'email', { email, email_verified: fields.email_confirm });
    await updateUser(sql, user, { email, ...(fields.email_confirm && { is_anonymous: false }) });
  }
  if (phone !== '') {
    await saveIdentity(sql, user, 'phone', { phone, phone_verified: fields.phone_confirm });
    await updateUser(sql, user, { phone, ...(fields.phone_confirm && { is_anonymous: false }) });
  }
  if (fields.app_metadata !== undefined) {
    await updateUser(sql, user, { raw_app_meta_data: mergeMetadata(user.raw_app_meta_data, fields.app_metadata) });
  }
  if (fields.user_metadata !== undefined) {
    await updateUser(sql, user, { raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, fields.user_metadata) });
  }
  if ('banned_until' in ban) await updateUser(sql, user, ban);
}

export async function deleteNamedUser(call: AuthCall): Promise<Reply> {
  const user = await namedUser(call);
  const soft = call.text !== '' && readFields(call.body(), { should_soft_delete: 'yes' }).should_soft_delete;
  if (!soft) {
    const gone = call.sql.query('DELETE FROM auth.users WHERE id = $1', [user.id]);
    await orDatabaseError('Database error deleting user', gone);
  } else if (user.deleted_at === null) {
    await orDatabaseError('Error soft deleting user', softDelete(call.sql, user));
  }
  return ok({});
}

export async function listFactors(call: AuthCall): Promise<Reply> {
  return ok((await namedUser(call)).factors.map(factorJson));
}

export async function deleteFactor(call: AuthCall): Promise<Reply> {
  const factor = namedFactor(call, await namedUser(call));
  await removeFactor(call.sql, factor);
  return ok(factorJson(factor));
}
