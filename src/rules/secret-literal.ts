import { here } from './engine/check.ts';
import { literalsOf } from './engine/literals.ts';
import type { Literal } from './engine/literals.ts';
import type { Rule } from './engine/rule.ts';

/** Patterns that only secrets match. */
export const secretForms: readonly { pattern: RegExp; title: string }[] = [
  { pattern: /\bsk_(?:live|test)_[A-Za-z0-9]{10,}/, title: 'a Stripe secret key' },
  { pattern: /\brk_(?:live|test)_[A-Za-z0-9]{10,}/, title: 'a Stripe restricted key' },
  { pattern: /\bwhsec_[A-Za-z0-9]{16,}/, title: 'a Stripe webhook secret' },
  { pattern: /\bsbp_[0-9a-f]{40}\b/, title: 'a Supabase access token' },
  { pattern: /\bsb_secret_[A-Za-z0-9_-]{16,}/, title: 'a Supabase secret key' },
  { pattern: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/, title: 'a signed token (JWT)' },
  { pattern: /\bAKIA[0-9A-Z]{16}\b/, title: 'an AWS access key' },
  { pattern: /\bgh[pousr]_[A-Za-z0-9]{36,}\b/, title: 'a GitHub token' },
  { pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,}/, title: 'a Slack token' },
  { pattern: /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/, title: 'a SendGrid key' },
  { pattern: /\bre_[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}/, title: 'a Resend key' },
  { pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}/, title: 'an API key' },
  { pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, title: 'a private key' },
  { pattern: /\bpostgres(?:ql)?:\/\/[^\s:/@]+:(?!\[|<|\$|\*)[^\s@]{4,}@/, title: 'a database URL with its password' },
  { pattern: /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/, title: 'a password hash' },
];

/** A literal in a column that holds passwords or keys. */
function secretByColumn({ text, column }: Literal): boolean {
  return (
    column !== undefined &&
    /(?:^|_)(?:password|passwd|secret|api_key|access_token|refresh_token|private_key)$/i.test(column) &&
    text.length >= 6 &&
    !/^(?:change[_-]?me|placeholder|your[_-].*|<.*>|x+|\*+)$/i.test(text)
  );
}

export const rule: Rule = {
  name: 'secret-literal',
  severity: 'error',
  found: ['static'],
  means: 'a key, token or password in SQL',
  doc: {
    why:
      'A migration is committed, cloned and sent upstream. Everyone with access to the repository knows a key in ' +
      'it, and removing it later does not remove it from the history.',
    bad:
      '-- Settings.\n' +
      'CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text);\n' +
      "INSERT INTO settings (name, value) VALUES ('webhook', 'whsec_Zm9vYmFyYmF6cXV4MTIzNDU2') ON CONFLICT DO " +
      'NOTHING;',
    good: '-- Settings.\nCREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, vault_id uuid);',
  },
  check: {
    piece(piece, _, report) {
      for (const literal of literalsOf(piece)) {
        const form = secretForms.find(({ pattern }) => pattern.test(literal.text));
        if (form === undefined && !secretByColumn(literal)) continue;
        report({
          ...here(piece, literal.location),
          message:
            `This looks like ${form?.title ?? `a secret for column ${literal.column}`}; everyone with access to ` +
            'the repository can read it.',
          suggestion:
            'Remove it, create a new one, and keep that in .env.local or in Supabase Vault: SELECT vault.create_secret(…);',
        });
      }
    },
  },
};
