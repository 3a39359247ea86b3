import { isPlaceholder, secretForm } from '../shared/secret-forms.ts';
import { allOf, type DefElem, stringOf } from '../sql/nodes.ts';
import type { Piece } from '../sql/piece.ts';
import { here } from './engine/check.ts';
import { literalsOf } from './engine/literals.ts';
import type { Literal } from './engine/literals.ts';
import type { Rule } from './engine/rule.ts';

/** So many letters a password has at least. */
const shortest = 6;

/** The passwords that a statement gives a role. */
function passwordsOf(piece: Piece): DefElem[] {
  if (piece.type !== 'CreateRoleStmt' && piece.type !== 'AlterRoleStmt') return [];
  return allOf(piece.node.options, 'DefElem').filter(({ defname }) => defname === 'password');
}

/** A literal in a column that holds passwords or keys. */
function secretByColumn({ text, column }: Literal): boolean {
  return (
    column !== undefined &&
    /(?:^|_)(?:password|passwd|secret|api_key|access_token|refresh_token|private_key)$/i.test(column) &&
    text.length >= shortest &&
    !isPlaceholder(text)
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
      for (const { arg, location } of passwordsOf(piece)) {
        const text = stringOf(arg);
        if (text.length < shortest || isPlaceholder(text)) continue;
        report({
          ...here(piece, location),
          message: 'This is the password of a role; everyone with access to the repository can read it.',
          suggestion:
            'Create the role without one, and set it by hand where the role has to sign in: \\password <role> in psql.',
        });
      }
      for (const literal of literalsOf(piece)) {
        const form = secretForm(literal.text);
        if (form === undefined && !secretByColumn(literal)) continue;
        report({
          ...here(piece, literal.location),
          message:
            `This looks like ${form ?? `a secret for column ${literal.column}`}; everyone with access to ` +
            'the repository can read it.',
          suggestion:
            'Remove it, create a new one, and keep that in .env.local or in Supabase Vault: SELECT vault.create_secret(…);',
        });
      }
    },
  },
};
