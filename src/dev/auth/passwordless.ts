/** Mails that a visitor asks for: `POST /otp`, `/magiclink`, `/recover` and `/resend`. */
import { ok, type AuthCall, type Reply } from './call.ts';
import { sendConfirmation, sendEmailChange, sendPhoneCode, sendRecovery } from './codes.ts';
import { AuthError, invalid } from './errors.ts';
import { unknownPassword } from './passwords.ts';
import { challengeFields, startFlow, usesPkce, type Challenge } from './pkce.ts';
import { register } from './sign-up.ts';
import { findUserByEmail, findUserByPhone } from './users.ts';
import { checkChannel, readFields, validEmail, validPhone, type JsonObject } from './values.ts';

/** The answer that tells nothing about who is registered. */
const sent = ok({});

interface Wanted extends Challenge {
  data?: JsonObject | undefined;
}

export async function otp(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), {
    email: 'text',
    phone: 'text',
    create_user: 'yes?',
    data: 'object?',
    channel: 'text',
    ...challengeFields,
  });
  const mayCreate = fields.create_user ?? true;
  if (fields.email !== '' && fields.phone !== '') {
    throw invalid('Only an email address or phone number should be provided');
  }
  if (fields.email !== '' && fields.channel !== '') throw invalid('Channel should only be specified with Phone OTP');
  usesPkce(fields);
  if (!mayCreate) {
    const isUnknown =
      (fields.email !== '' && !(await findUserByEmail(call.sql, validEmail(fields.email)))) ||
      (fields.phone !== '' && !(await findUserByPhone(call.sql, validPhone(fields.phone))));
    if (isUnknown) throw new AuthError(422, 'otp_disabled', 'Signups not allowed for otp');
  }
  if (fields.email !== '') return sendMagicLink(call, fields.email, fields);
  if (fields.phone !== '') return sendSms(call, fields.phone, fields.channel, fields.data ?? {});
  throw invalid('One of email or phone must be set');
}

export async function magicLink(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), { email: 'text', data: 'object?', ...challengeFields });
  if (fields.email === '') throw new AuthError(422, 'validation_failed', 'Password recovery requires an email');
  return sendMagicLink(call, fields.email, fields);
}

async function sendMagicLink(call: AuthCall, given: string, wanted: Wanted): Promise<Reply> {
  const { settings } = call.auth;
  if (!settings.email.enabled) {
    throw new AuthError(422, 'email_provider_disabled', 'Email logins are disabled');
  }
  const email = validEmail(given);
  const pkce = usesPkce(wanted);
  const known = await findUserByEmail(call.sql, email);
  let user = known;
  if (!user || user.email_confirmed_at === null) {
    const newcomer = { ...wanted, email, phone: '', password: unknownPassword(), data: wanted.data ?? {} };
    ({ user } = await register(call, newcomer));
    // The mail that confirms the address signs in as well.
    if (!settings.email.autoconfirm) return sent;
  }
  if (pkce) await startFlow(call.sql, user, wanted, 'magiclink');
  await sendRecovery(call, user, 'magiclink', pkce);
  return sent;
}

async function sendSms(call: AuthCall, given: string, channel: string, data: JsonObject): Promise<Reply> {
  const { settings } = call.auth;
  if (!settings.phone.enabled) throw new AuthError(400, 'phone_provider_disabled', 'Unsupported phone provider');
  const phone = validPhone(given);
  checkChannel(channel);
  let user = await findUserByPhone(call.sql, phone);
  if (!user || user.phone_confirmed_at === null) {
    const challenge = { code_challenge: '', code_challenge_method: '' };
    ({ user } = await register(call, { ...challenge, email: '', phone, password: unknownPassword(), data }));
    if (!settings.phone.autoconfirm) return sent;
  }
  await sendPhoneCode(call, user, phone, 'confirmation_token');
  return sent;
}

export async function recover(call: AuthCall): Promise<Reply> {
  if (!call.auth.settings.email.enabled) {
    throw new AuthError(400, 'email_provider_disabled', 'Email logins are disabled');
  }
  const fields = readFields(call.body(), { email: 'text', ...challengeFields });
  if (fields.email === '') throw invalid('Password recovery requires an email');
  const email = validEmail(fields.email);
  const pkce = usesPkce(fields);
  const user = await findUserByEmail(call.sql, email);
  if (!user) return sent;
  if (pkce) await startFlow(call.sql, user, fields, 'recovery');
  await sendRecovery(call, user, 'recovery', pkce);
  return sent;
}

export async function resend(call: AuthCall): Promise<Reply> {
  const { settings } = call.auth;
  const fields = readFields(call.body(), { type: 'text', email: 'text', phone: 'text', ...challengeFields });
  const { type } = fields;
  if (!['signup', 'email_change', 'sms', 'phone_change'].includes(type)) {
    throw invalid('Missing one of these types: signup, email_change, sms, phone_change');
  }
  const byMail = type === 'signup' || type === 'email_change';
  const pkce = byMail && usesPkce(fields);
  if (type === 'signup' && fields.email === '') throw invalid('Type provided requires an email address');
  if (type === 'sms' && fields.phone === '') throw invalid('Type provided requires a phone number');
  if (fields.email !== '' && fields.phone !== '') {
    throw invalid('Only an email address or phone number should be provided.');
  }
  if (fields.email === '' && fields.phone === '') throw invalid('Missing email address or phone number');
  if (fields.email !== '' && !settings.email.enabled) {
    throw new AuthError(400, 'email_provider_disabled', 'Email logins are disabled');
  }
  if (fields.phone !== '' && !settings.phone.enabled) {
    throw new AuthError(400, 'phone_provider_disabled', 'Phone logins are disabled');
  }
  const user =
    fields.email === ''
      ? await findUserByPhone(call.sql, validPhone(fields.phone))
      : await findUserByEmail(call.sql, validEmail(fields.email));
  if (!user) return sent;
  if (type === 'signup' && user.email_confirmed_at === null) {
    if (pkce) await startFlow(call.sql, user, fields, 'email/signup');
    await sendConfirmation(call, user, pkce);
  } else if (type === 'email_change' && user.email_change) {
    if (pkce) await startFlow(call.sql, user, fields, 'email_change');
    await sendEmailChange(call, user, user.email_change, pkce);
  } else if (type === 'sms' && user.phone_confirmed_at === null) {
    await sendPhoneCode(call, user, user.phone ?? '', 'confirmation_token');
  } else if (type === 'phone_change' && user.phone_change) {
    await sendPhoneCode(call, user, user.phone_change, 'phone_change_token');
  }
  return sent;
}
