import { policyIfNotExists } from '../sql/recover.ts';
import { here } from './engine/check.ts';
import { dialectOf } from './engine/dialects.ts';
import { copiedRows, psqlCommand } from './engine/psql.ts';
import type { Rule } from './engine/rule.ts';
import { templateSign } from './engine/templates.ts';

function hintFor(sql: string, message: string): string {
  if (message.startsWith('unterminated'))
    return 'Close what is opened here; everything after it is read as part of it.';
  if (/if not exists/i.test(sql) && message.includes('"not"'))
    return 'Remove IF NOT EXISTS: this statement does not have it.';
  if (message.includes('at end of input'))
    return 'The statement ends too early: check for a missing parenthesis or word before its end.';
  return 'Check the marked word and what comes right before it: a comma, a parenthesis or a semicolon may be missing or superfluous.';
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
      report({
        source,
        offset: error.offset,
        message: `PostgreSQL cannot read this: ${error.message}.`,
        suggestion: hintFor(sql, error.message),
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
