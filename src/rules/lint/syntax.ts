import { policyIfNotExists, wordsOf } from '../../sql/recover.ts';
import { here } from './check.ts';
import type { Check } from './check.ts';
import { dialectOf, isTsqlFile } from './dialect.ts';

/** The statement without the words that PostgreSQL does not know, and with a DROP in front, so that it can run again. */
function withoutIfNotExists(sql: string, { start, end }: { start: number; end: number }): string {
  const fixed = `${sql.slice(0, start)}${sql.slice(end).trimStart()}`;
  const words = wordsOf(fixed);
  const on = words.findIndex(({ text }, index) => text === 'on' && index > 2);
  const clause = words.findIndex(({ text }, index) => index > on && ['as', 'for', 'to', 'using', 'with'].includes(text));
  const target = fixed.slice(words[2]?.start ?? 0, words[clause]?.start).trim();
  return `DROP POLICY IF EXISTS ${target.replaceAll(/\s+/g, ' ')};\n${fixed};`;
}

export const policyIfNotExistsCheck: Check = {
  rule: 'policy-if-not-exists',
  doc: {
    why: 'PostgreSQL has no CREATE POLICY IF NOT EXISTS in any version. The statement fails, the table is left with row-level security on and without the policy, and whoever runs the file without stopping at errors does not notice.',
    bad: 'CREATE TABLE notes (id uuid PRIMARY KEY, user_id uuid);\nCREATE POLICY IF NOT EXISTS "own notes" ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
    good: 'CREATE TABLE notes (id uuid PRIMARY KEY, user_id uuid);\nDROP POLICY IF EXISTS "own notes" ON notes;\nCREATE POLICY "own notes" ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
  },
  statement(statement, source, report) {
    const mistake = statement.error === undefined ? undefined : policyIfNotExists(statement.sql);
    if (mistake === undefined) return;
    report({
      source,
      offset: statement.start + mistake.start,
      message: 'PostgreSQL has no CREATE POLICY IF NOT EXISTS: the statement fails and the policy is never there.',
      suggestion: withoutIfNotExists(statement.sql, mistake),
    });
  },
};

export const syntaxError: Check = {
  rule: 'syntax-error',
  doc: {
    why: 'PostgreSQL refuses the statement, and with it the whole file.',
    bad: 'CREATE TABEL notes (id uuid);',
    good: 'CREATE TABLE notes (id uuid);',
  },
  statement({ sql, error }, source, report) {
    if (error === undefined || policyIfNotExists(sql) !== undefined || dialectOf(sql) !== undefined) return;
    report({
      source,
      offset: error.offset,
      message: `PostgreSQL cannot read this: ${error.message}.`,
      suggestion: hintFor(sql, error.message),
    });
  },
  body(piece, { message, offset }, report) {
    const { source } = here(piece);
    report({ source, offset, message: `PostgreSQL cannot read the body of this: ${message}.`, suggestion: 'Correct the statement at this place.' });
  },
};

function hintFor(sql: string, message: string): string {
  if (message.startsWith('unterminated')) return 'Close what is opened here; everything behind it is read as part of it.';
  if (/if not exists/i.test(sql) && message.includes('"not"')) return 'Leave IF NOT EXISTS out: this statement does not have it.';
  if (message.includes('at end of input')) return 'The statement ends too early: look for a missing parenthesis or word before its end.';
  return 'Look at the word that is marked and at what stands right before it: a comma, a parenthesis or a semicolon may be missing or too many.';
}

export const transactionControl: Check = {
  rule: 'transaction-control',
  doc: {
    why: 'Each file runs in one transaction together with its row in the ledger. A COMMIT inside ends that transaction half-way: when a later statement fails, half of the file stays, and nobody knows which half.',
    bad: 'BEGIN;\nCREATE TABLE IF NOT EXISTS notes (id uuid);\nCOMMIT;',
    good: 'CREATE TABLE IF NOT EXISTS notes (id uuid);',
  },
  piece(piece, _, report) {
    if (piece.type !== 'TransactionStmt' || piece.inside !== undefined) return;
    const word = piece.statement.sql.split(/\s/)[0]!.toUpperCase();
    // The end of a T-SQL block, whose beginning is in a statement that does not parse.
    if (word === 'END' && isTsqlFile(piece.source)) return;
    report({
      ...here(piece),
      message: `${word} ends or nests the transaction that the file runs in.`,
      suggestion: 'Take it out: each file runs in one transaction of its own.',
    });
  },
};

export const missingHeader: Check = {
  rule: 'missing-header',
  doc: {
    why: 'Whoever reads the list of migrations in a year wants to know what a file adds without reading its SQL.',
    bad: 'CREATE TABLE IF NOT EXISTS notes (id uuid);',
    good: '-- Notes: what a user writes down.\nCREATE TABLE IF NOT EXISTS notes (id uuid);',
  },
  source(source, report) {
    const said = source.parsed.header.replaceAll(/^(?:--|\/\*)\s*muse:.*$/gm, '').replaceAll(/[-*/\s=#]/g, '');
    if (said !== '' || source.parsed.statements.length === 0) return;
    report({
      source,
      offset: 0,
      message: 'No comment at the top says what this file adds.',
      suggestion: '-- What this file adds, in a sentence.',
    });
  },
};
