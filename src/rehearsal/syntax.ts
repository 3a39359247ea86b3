/** The findings for statements that PostgreSQL cannot parse: their dialect, or what was meant. */
import { dialectOf, isForeignType } from '../rules/engine/dialects.ts';
import { namesIn } from '../sql/message-names.ts';
import type { Verdict } from './missing.ts';
import { policyIfNotExists, wordsOf } from '../sql/recover.ts';

/** The verdict on a column type that only another system has, by the message of a 42704; undefined for other types. */
export function foreignTypeVerdict(sql: string, message: string): Verdict | undefined {
  // The same code says so of indexes, roles and others.
  const type = message.startsWith('type ') ? namesIn(message)[0]?.at(-1) : undefined;
  if (type === undefined) return undefined;
  const inlineIndex = /\b(?:index|key)\s*$/i.test(sql.slice(0, Math.max(0, sql.indexOf(type))));
  if (!inlineIndex && !isForeignType(type)) return undefined;
  return {
    rule: 'foreign-dialect',
    message: inlineIndex
      ? `${message}: an INDEX inside CREATE TABLE is MySQL; PostgreSQL reads it as a column of that type.`
      : `${message}: the type belongs to another database system.`,
    suggestion: inlineIndex
      ? `After the table: CREATE INDEX IF NOT EXISTS ${type} ON … (…);`
      : 'Use text, timestamptz, uuid, boolean or bytea, whichever is meant.',
  };
}

/** The verdict on a statement that does not parse. */
export function syntaxVerdict(sql: string, message: string): Verdict {
  const mistake = policyIfNotExists(sql);
  if (mistake !== undefined) return policyVerdict(sql, mistake.end);
  const sign = dialectOf(sql);
  if (sign !== undefined) {
    return {
      rule: 'foreign-dialect',
      message: `This is ${sign.dialect} (${sign.word}), not PostgreSQL: ${message}.`,
      suggestion: `Write it for PostgreSQL; for ${sign.word}: ${sign.instead}.`,
    };
  }
  return {
    rule: 'syntax-error',
    message: `PostgreSQL cannot parse the statement: ${message}.`,
    suggestion: 'Correct it at the caret, as PostgreSQL 17 requires.',
  };
}

/** @param end where the words `IF NOT EXISTS` end */
function policyVerdict(sql: string, end: number): Verdict {
  const rest = sql.slice(end).trimStart();
  const words = wordsOf(rest, 6);
  const on = words.findIndex(({ text }) => text === 'on');
  const last = words[words[on + 2]?.text === '.' ? on + 3 : on + 1];
  const nameAndTable = on === -1 || last === undefined ? '…' : rest.slice(0, last.end).replaceAll(/\s+/g, ' ');
  return {
    rule: 'policy-if-not-exists',
    object: `policy ${nameAndTable}`,
    message:
      'PostgreSQL has no CREATE POLICY IF NOT EXISTS: the policy is not created, and the table does not have it.',
    suggestion: `DROP POLICY IF EXISTS ${nameAndTable};\nCREATE POLICY ${rest};`,
  };
}
