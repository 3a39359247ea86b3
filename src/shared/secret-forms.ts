/** What secrets look like, and what only looks like one. */

/** Patterns that only secrets match; of one with a group, the secret is the group. */
const secretForms: readonly { pattern: RegExp; title: string }[] = [
  { pattern: /\bsk_(?:live|test)_[A-Za-z0-9]{10,}/, title: 'a Stripe secret key' },
  { pattern: /\brk_(?:live|test)_[A-Za-z0-9]{10,}/, title: 'a Stripe restricted key' },
  { pattern: /\bwhsec_[A-Za-z0-9]{16,}/, title: 'a Stripe webhook secret' },
  { pattern: /\bsbp_[0-9a-f]{40}\b/, title: 'a Supabase access token' },
  { pattern: /\bsb_secret_[A-Za-z0-9_-]{16,}/, title: 'a Supabase secret key' },
  { pattern: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/, title: 'a signed token (JWT)' },
  { pattern: /\bAKIA(?![0-9A-Z]{9}EXAMPLE)[0-9A-Z]{16}\b/, title: 'an AWS access key' },
  { pattern: /\bgh[pousr]_[A-Za-z0-9]{36,}\b/, title: 'a GitHub token' },
  { pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,}/, title: 'a Slack token' },
  { pattern: /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/, title: 'a SendGrid key' },
  { pattern: /\bre_[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}/, title: 'a Resend key' },
  { pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}/, title: 'an API key' },
  { pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, title: 'a private key' },
  // A database on this machine, or in a container of it, has a password that protects nothing.
  {
    pattern:
      /\bpostgres(?:ql)?:\/\/[^\s:/@]+:(?!\[|<|\$|\*)([^\s@]{4,})@(?!(?:localhost|db|database|postgres|127\.\d+\.\d+\.\d+|\[::1\]|host\.docker\.internal)(?::\d+)?(?:[/?\s]|$))/,
    title: 'a database URL with its password',
  },
  { pattern: /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/, title: 'a password hash' },
];

/** What a text shows that it holds, e.g. `a Stripe secret key`; undefined if nothing, or only what everyone may know. */
export function secretForm(text: string): string | undefined {
  return secretForms.find(({ pattern }) => {
    const [found, secret = found] = pattern.exec(text) ?? [];
    return secret !== undefined && !isPublicToken(secret) && !isPlaceholder(secret);
  })?.title;
}

/** Whether a token is known to everyone: Supabase's key for browsers, and the keys of its local demo. */
export function isPublicToken(token: string): boolean {
  const [, payload = ''] = token.split('.');
  try {
    const { iss, role } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
    return role === 'anon' || iss === 'supabase-demo';
  } catch {
    return false;
  }
}

/** Words that say that a secret belongs there. */
const placeholders = new Set(
  'your change changeme changethis replace replaceme insert placeholder example sample dummy fake todo tbd fixme redacted masked'.split(
    ' ',
  ),
);
/** Words that may stand beside them. */
const fillers = new Set(
  [
    'a an the this it my me our here in for with and of to',
    'secret key password pass passwd token api access private public service role value string database db production dev test',
  ].flatMap((words) => words.split(' ')),
);

/** Whether a text is a placeholder for a secret: it consists of words that say so, or is a variable of a template. */
export function isPlaceholder(text: string): boolean {
  if (/^(?:<.*>|\[[\w .-]+\]|\{\{?[\w .-]+\}\}?|\$\{\w+\}|\$[A-Z][A-Z0-9_]*|%[\w .-]+%)$/.test(text)) return true;
  if (/^(?:[a-z]+[-_])*(.)\1{2,}$/i.test(text)) return true;
  if (!/^[a-z\W_]*\d{0,3}$/i.test(text)) return false;
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  return (
    words.some((word) => placeholders.has(word)) && words.every((word) => placeholders.has(word) || fillers.has(word))
  );
}
