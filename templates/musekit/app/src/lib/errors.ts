/** What is said to a user for what the database or Auth refuses, by SQLSTATE or code. */
const texts: Readonly<Record<string, string>> = {
  '42501': 'You do not have permission to do that. Ask an owner or an admin of your organization.',
  '23505': 'There is already an entry with these values.',
  '23503': 'Something else still refers to this entry, or what it refers to is gone.',
  '23502': 'A required value is missing.',
  '23514': 'One of the values is not allowed.',
  '22001': 'One of the texts is too long.',
  '22003': 'One of the numbers is too large.',
  '22P02': 'One of the values has the wrong form.',
  PGRST116: 'This entry does not exist, or you may not see it.',
  invalid_credentials: 'The email address or the password is wrong.',
  email_not_confirmed: 'Confirm your email address first: we sent you a link.',
  user_already_exists: 'There is already an account with this email address.',
  over_email_send_rate_limit: 'Too many emails were requested. Try again in a few minutes.',
  otp_expired: 'This link is no longer valid. Request a new one.',
};

/** A refusal that the database words itself, e.g. by RAISE in a function, is meant for people. */
const own = /^[A-Z].{10,}\.$/;

/** An error in words for the person who sees it. */
export function errorText(error: unknown): string {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : '';
  if (own.test(text)) return text;
  if (typeof code === 'string' && texts[code] !== undefined) return texts[code];
  if (/fetch|network/i.test(text)) return 'The server cannot be reached. Check your connection and try again.';
  return text || 'Something went wrong. Try again.';
}
