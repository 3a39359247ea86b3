import { typeText } from '../sql/catalog/types.ts';
import { allOf } from '../sql/nodes.ts';
import { here } from './engine/check.ts';
import type { Rule } from './engine/rule.ts';

/** Names of columns that hold a secret someone could use. */
const secretName =
  /(?:^|_)(?:access_token|refresh_token|id_token|auth_token|api_key|api_secret|secret|secret_key|client_secret|webhook_secret|signing_secret|private_key|password|tax_id|ssn|bank_account|card_number|cvv|mfa_secret|totp_secret)$/i;
const notClear = /(?:_hash|_hashed|_encrypted|_enc|_prefix|_last4|_id|_digest)$/i;

export const rule: Rule = {
  name: 'secret-column',
  severity: 'warning',
  found: ['static'],
  means: 'a column whose name suggests a secret holds clear text',
  doc: {
    why: 'Anyone who reads the row can use a token in clear text: through too wide a policy, a backup, or a log.',
    bad: '-- Hooks.\nCREATE TABLE IF NOT EXISTS hooks (id uuid PRIMARY KEY, secret text NOT NULL);',
    good: '-- Hooks.\nCREATE TABLE IF NOT EXISTS hooks (id uuid PRIMARY KEY, secret_hash text NOT NULL);',
  },
  check: {
    piece(piece, _, report) {
      if (piece.inside === 'routine' || (piece.type !== 'CreateStmt' && piece.type !== 'AlterTableStmt')) return;
      const elements =
        piece.type === 'CreateStmt'
          ? piece.node.tableElts
          : allOf(piece.node.cmds, 'AlterTableCmd').map(({ def }) => def);
      for (const { colname, typeName, location } of allOf(elements, 'ColumnDef')) {
        if (
          colname === undefined ||
          typeName === undefined ||
          !secretName.test(colname) ||
          (notClear.test(colname) && !/tax_id$/i.test(colname))
        )
          continue;
        if (!/^(?:text|character varying|character)/.test(typeText(typeName))) continue;
        report({
          ...here(piece, location),
          message: `Column ${colname} has the name of a secret and holds clear text.`,
          suggestion: `${colname}_hash text -- or ${colname}_encrypted bytea, or the id of a secret in Supabase Vault`,
        });
      }
    },
  },
};
