import { explainCopy, wantsInput } from '../migrations/transactions.ts';
import { editable } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { copiedRows, dumpBrackets, explainPsql, psqlCommand } from './engine/psql.ts';
import type { Rule } from './engine/rule.ts';

/** Deletes the lines that pg_dump writes around a dump. */
function apply(situation: Situation): FixResult {
  const edits = editable(situation, 'psql-command').flatMap(({ source, offset }): Edit[] => {
    const { file, sql } = source.migration;
    const lineEnd = sql.indexOf('\n', offset);
    const end = lineEnd === -1 ? sql.length : lineEnd + 1;
    const [word = ''] = sql.slice(offset, end).split(/\s/);
    return dumpBrackets.includes(word) ? [{ file, start: offset, end, text: '' }] : [];
  });
  return { edits };
}

export const rule: Rule = {
  name: 'psql-command',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: '\\restrict, \\connect, \\i or the rows of a COPY … FROM stdin: commands and data of psql, not SQL',
  doc: {
    why:
      'A dump is written for psql, which runs the backslash commands itself and sends the rows of a COPY ' +
      'separately. Other tools send only SQL, and PostgreSQL refuses the file. pg_dump writes \\restrict and ' +
      '\\unrestrict since 17.6.',
    bad: '-- Notes.\n\\restrict k3y\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\n\\unrestrict k3y\n',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\n',
  },
  check: {
    statement(statement, source, report) {
      if (wantsInput(statement)) {
        report({ source, offset: statement.start, ...explainCopy });
        return;
      }
      // The rows of a COPY are reported with it.
      const command = copiedRows(source.parsed.statements).has(statement)
        ? undefined
        : psqlCommand(statement, source.migration.sql);
      if (command !== undefined) report({ source, offset: command.offset, ...explainPsql(command.word) });
    },
  },
  fix: { does: 'deletes \\restrict and \\unrestrict', stage: 'syntax', apply },
};
