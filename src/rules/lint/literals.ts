import { allOf, fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Piece } from '../../sql/piece.ts';
import { typeText } from '../../sql/catalog/types.ts';
import { here } from './check.ts';
import type { Check } from './check.ts';

/** Forms that only secrets have. */
const secretForms: readonly { pattern: RegExp; title: string }[] = [
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

const email = /^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$/i;
/** Addresses that belong to nobody (RFC 2606), or to a product rather than a person. */
const nobody = /@(?:example\.(?:com|org|net)|.*\.(?:example|test|invalid|localhost)|test\.com|localhost)$|^(?:no-?reply|support|info|hello|contact|billing|sales|team|help|security|privacy|legal)@/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

interface Literal {
  text: string;
  location: number | undefined;
  /** The column it is written to, or compared with, where the statement tells. */
  column?: string | undefined;
}

/** The string literals of a statement. */
function literalsOf(piece: Piece): Literal[] {
  const literals: Literal[] = [];
  if (piece.type === 'CommentStmt') return literals;
  const columns = piece.type === 'InsertStmt' ? allOf(piece.node.cols, 'ResTarget').map(({ name }) => name) : [];
  const values = piece.type === 'InsertStmt' ? fieldsOf(piece.node.selectStmt, 'SelectStmt')?.valuesLists : undefined;
  const known = new Map<unknown, string | undefined>();
  for (const { items = [] } of allOf(values, 'List')) for (const [index, item] of items.entries()) known.set(fieldsOf(item, 'A_Const'), columns[index]);
  walk(piece.node, (type, fields) => {
    if (type === 'A_Expr') {
      const sides = [fields.lexpr, fields.rexpr];
      const column = sides.map((side) => stringsOf(fieldsOf(side, 'ColumnRef')?.fields).at(-1)).find((name) => name !== undefined && name !== '');
      for (const side of sides) known.set(fieldsOf(side, 'A_Const'), column);
    }
    if (type === 'A_Const') {
      const text = fields.sval?.sval;
      if (text !== undefined && text !== '') literals.push({ text, location: fields.location, column: known.get(fields) });
    }
  });
  return literals;
}

/** A literal in a column that holds passwords or keys. */
function secretByColumn({ text, column }: Literal): boolean {
  return column !== undefined && /(?:^|_)(?:password|passwd|secret|api_key|access_token|refresh_token|private_key)$/i.test(column) && text.length >= 6 && !/^(?:change[_-]?me|placeholder|your[_-].*|<.*>|x+|\*+)$/i.test(text);
}

export const secretLiteral: Check = {
  rule: 'secret-literal',
  doc: {
    why: 'A migration is committed, cloned and sent upstream. A key in it is known to everyone who ever has the repository, and taking it out later does not take it out of the history.',
    bad: '-- Settings.\nCREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text);\nINSERT INTO settings (name, value) VALUES (\'webhook\', \'whsec_Zm9vYmFyYmF6cXV4MTIzNDU2\') ON CONFLICT DO NOTHING;',
    good: '-- Settings.\nCREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, vault_id uuid);',
  },
  piece(piece, _, report) {
    for (const literal of literalsOf(piece)) {
      const form = secretForms.find(({ pattern }) => pattern.test(literal.text));
      if (form === undefined && !secretByColumn(literal)) continue;
      report({
        ...here(piece, literal.location),
        message: `This looks like ${form?.title ?? `a secret for column ${literal.column}`}; whoever has the repository has it.`,
        suggestion: 'Take it out, make a new one, and keep that in .env.local or in Supabase Vault: SELECT vault.create_secret(…);',
      });
    }
  },
};

export const personalDataLiteral: Check = {
  rule: 'personal-data-literal',
  doc: {
    why: 'Someone\'s e-mail address or user id in a migration goes to every clone of the kit, and makes a stranger an administrator of it.',
    bad: '-- Admins.\nCREATE TABLE IF NOT EXISTS admins (email text PRIMARY KEY);\nINSERT INTO admins (email) VALUES (\'jane.miller@gmail.com\') ON CONFLICT DO NOTHING;',
    good: '-- Admins.\nCREATE TABLE IF NOT EXISTS admins (email text PRIMARY KEY);\nINSERT INTO admins (email) VALUES (\'admin@example.com\') ON CONFLICT DO NOTHING;',
  },
  piece(piece, _, report) {
    for (const { text, location, column } of literalsOf(piece)) {
      const address = email.test(text) && !nobody.test(text);
      const user = uuid.test(text) && column !== undefined && /^(?:user|owner|profile|created_by|admin)(?:_id)?$/.test(column);
      if (!address && !user) continue;
      report({
        ...here(piece, location),
        message: address ? 'An e-mail address of someone stands in the SQL.' : `The id of one user stands in the SQL, for column ${column}.`,
        suggestion: address ? '\'admin@example.com\', or insert the row when the product is set up.' : 'Look the user up by what is true of them, or insert the row when the product is set up.',
      });
    }
  },
};

/** Names of columns that hold a secret someone could use. */
const secretName = /(?:^|_)(?:access_token|refresh_token|id_token|auth_token|api_key|api_secret|secret|secret_key|client_secret|webhook_secret|signing_secret|private_key|password|tax_id|ssn|bank_account|card_number|cvv|mfa_secret|totp_secret)$/i;
const notClear = /(?:_hash|_hashed|_encrypted|_enc|_prefix|_last4|_id|_digest)$/i;

export const secretColumn: Check = {
  rule: 'secret-column',
  doc: {
    why: 'A token in clear is usable by whoever reads the row: through a policy that is too wide, a backup, or a log.',
    bad: '-- Hooks.\nCREATE TABLE IF NOT EXISTS hooks (id uuid PRIMARY KEY, secret text NOT NULL);',
    good: '-- Hooks.\nCREATE TABLE IF NOT EXISTS hooks (id uuid PRIMARY KEY, secret_hash text NOT NULL);',
  },
  piece(piece, _, report) {
    if (piece.inside === 'routine' || (piece.type !== 'CreateStmt' && piece.type !== 'AlterTableStmt')) return;
    const elements = piece.type === 'CreateStmt' ? piece.node.tableElts : allOf(piece.node.cmds, 'AlterTableCmd').map(({ def }) => def);
    for (const { colname, typeName, location } of allOf(elements, 'ColumnDef')) {
      if (colname === undefined || typeName === undefined || !secretName.test(colname) || (notClear.test(colname) && !/tax_id$/i.test(colname))) continue;
      if (!/^(?:text|character varying|character)/.test(typeText(typeName))) continue;
      report({
        ...here(piece, location),
        message: `Column ${colname} is named as a secret and holds text in clear.`,
        suggestion: `${colname}_hash text -- or ${colname}_encrypted bytea, or the id of a secret in Supabase Vault`,
      });
    }
  },
};

