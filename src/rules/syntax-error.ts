import { reservedKeywords } from '../shared/keywords.ts';
import { oddCharacterOf, type OddCharacter } from '../sql/odd-characters.ts';
import { parseTree, tooDeep } from '../sql/parser.ts';
import { policyIfNotExists, wordsOf } from '../sql/recover.ts';
import type { Statement } from '../sql/statement.ts';
import { here } from './engine/check.ts';
import { dialectOf } from './engine/dialects.ts';
import { copiedRows, psqlCommand } from './engine/psql.ts';
import type { Rule } from './engine/rule.ts';
import { templateSign } from './engine/templates.ts';

/**
 * The keyword at the place of the error, or right before it, that would be read further as a name: in quotes, PostgreSQL
 * gets beyond it.
 */
function keywordAsName({ sql, start, error }: Statement): string | undefined {
  const at = error!.offset - start;
  const words = wordsOf(sql);
  const index = words.findIndex((word) => word.start === at);
  if (index === -1) return undefined;
  return [words[index], words[index - 1]].find((word) => {
    if (word === undefined || !reservedKeywords.has(word.text)) return false;
    const raw = parseTree(`${sql.slice(0, word.start)}"${word.text}"${sql.slice(word.end)}`);
    // Positions count characters, and two quotes are more of them.
    return Array.isArray(raw) || raw.position > Array.from(sql.slice(0, at)).length + 2;
  })?.text;
}

/** Whether the error is directly after the end of a text: its author meant the quote to be part of it. */
function isBehindText({ sql, start, error }: Statement): boolean {
  const at = error!.offset - start;
  return sql[at - 1] === "'" && /[\p{L}\p{N}]/u.test(sql[at] ?? '');
}

function hintFor(statement: Statement, message: string, odd: OddCharacter | undefined): string {
  const { sql } = statement;
  if (odd !== undefined)
    return `There is ${odd.what} here (${odd.code}), which PostgreSQL reads as a letter: write ${odd.instead} in its place.`;
  if (message.startsWith('unterminated'))
    return 'Close what is opened here; everything after it is read as part of it.';
  if (message.startsWith('memory exhausted') || message.includes(tooDeep))
    return 'Write it as several statements, or nest less in each other.';
  if (isBehindText(statement))
    return "The quote before it ends the text: write a quote that is in a text twice, as in 'it''s'.";
  if (/if not exists/i.test(sql) && message.includes('"not"'))
    return 'Remove IF NOT EXISTS: this statement does not have it.';
  if (message.includes('at end of input'))
    return 'The statement ends too early: check for a missing parenthesis or word before its end.';
  const check =
    'heck the marked word and what comes right before it: a comma, a parenthesis or a semicolon may be missing or superfluous.';
  const keyword = keywordAsName(statement);
  return keyword === undefined
    ? `C${check}`
    : `${keyword} is a keyword of PostgreSQL 17: if it is meant as a name, write "${keyword}" in quotes wherever it stands. Else c${check}`;
}

export const rule: Rule = {
  name: 'syntax-error',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'not PostgreSQL; with line, column and a caret',
  doc: {
    why: 'PostgreSQL refuses the statement, and with it the whole file.',
    bad: 'CREATE TABEL notes (id uuid);',
    good: 'CREATE TABLE notes (id uuid);',
  },
  check: {
    statement(statement, source, report) {
      const { sql, error } = statement;
      if (error === undefined || policyIfNotExists(sql) !== undefined || dialectOf(sql) !== undefined) return;
      if (templateSign(statement) !== undefined) return;
      if (
        psqlCommand(statement, source.migration.sql) !== undefined ||
        copiedRows(source.parsed.statements).has(statement)
      )
        return;
      const odd = oddCharacterOf(sql);
      report({
        source,
        offset: odd === undefined ? error.offset : statement.start + odd.offset,
        message: `PostgreSQL cannot read this: ${error.message}.`,
        suggestion: hintFor(statement, error.message, odd),
      });
    },
    body(piece, { message, offset }, report) {
      const { source } = here(piece);
      report({
        source,
        offset,
        message: `PostgreSQL cannot read the body of this: ${message}.`,
        suggestion: 'Correct the statement at this place.',
      });
    },
  },
};
