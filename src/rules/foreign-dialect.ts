import { baseType } from '../sql/catalog/types.ts';
import { allOf, fieldsOf } from '../sql/nodes.ts';
import { pieceOf } from '../sql/piece.ts';
import { wordsOf } from '../sql/recover.ts';
import type { Statement } from '../sql/statement.ts';
import { here } from './engine/check.ts';
import { dialectOf, dialectOfType, inlineIndexes } from './engine/dialects.ts';
import { psqlCommand } from './engine/psql.ts';
import { editable, statementOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import type { Rule } from './engine/rule.ts';

/**
 * Where an element of a CREATE TABLE ends in the statement, and the comma to remove with it: the one before it, or else
 * the one after.
 */
function extentOf({ sql }: Statement, start: number): { end: number; comma: number | undefined } {
  const words = wordsOf(sql);
  const first = words.findIndex((word) => word.start === start);
  let depth = 0;
  let last = first;
  while (last < words.length) {
    const { text } = words[last]!;
    if (depth === 0 && (text === ',' || text === ')')) break;
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    last += 1;
  }
  const before = words[first - 1];
  const after = words[last];
  const comma = before?.text === ',' ? before : after?.text === ',' ? after : undefined;
  return { end: words[last - 1]?.end ?? start, comma: comma?.start };
}

/** Moves each `INDEX name (column)` out of its CREATE TABLE into a statement of its own. */
function apply(situation: Situation): FixResult {
  const seen = new Set<Statement>();
  const edits = editable(situation, 'foreign-dialect').flatMap((problem): Edit[] => {
    const statement = statementOf(problem);
    if (statement?.tree === undefined || fieldsOf(statement.tree, 'CreateStmt') === undefined || seen.has(statement))
      return [];
    seen.add(statement);
    const { file, sql } = problem.source.migration;
    const piece = pieceOf(problem.source, statement, 0, statement.tree);
    const indexes = inlineIndexes(piece);
    const taken = new Set<number>();
    const cuts = indexes.flatMap(({ location }): Edit[] => {
      const start = piece.at(location);
      const { end, comma } = extentOf(statement, start - statement.start);
      // Remove the whole line if nothing else is on it.
      const indent = /(?:\r?\n[ \t]*)?$/.exec(sql.slice(0, start))![0].length;
      const cut = { file, start: start - indent, end: statement.start + end, text: '' };
      if (comma === undefined || taken.has(comma)) return [cut];
      taken.add(comma);
      return [cut, { file, start: statement.start + comma, end: statement.start + comma + 1, text: '' }];
    });
    const made = indexes.map(({ sql: text }) => text.replace(/;$/, '')).join(';\n');
    return cuts.length === 0 ? [] : [...cuts, { file, start: statement.end, end: statement.end, text: `;\n\n${made}` }];
  });
  return { edits };
}

export const rule: Rule = {
  name: 'foreign-dialect',
  severity: 'error',
  found: ['static'],
  stops: 'all',
  means: 'SQL of another database, such as T-SQL or MySQL; the finding says which one, and what shows it',
  doc: {
    why:
      'SQL written for SQL Server or MySQL does not run on PostgreSQL. Some of it even parses: `INDEX name ' +
      '(column)` inside CREATE TABLE is read as a column called "index".',
    bad: 'CREATE TABLE notes (id uuid PRIMARY KEY, title text, INDEX idx_notes_title (title));',
    good:
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);\n' +
      'CREATE INDEX IF NOT EXISTS idx_notes_title ON notes (title);',
  },
  check: {
    statement(statement, source, report) {
      const { sql, error, start } = statement;
      // What a command of psql says to it is not SQL of any database, such as the shell command of a \\set.
      const isSql = error !== undefined && psqlCommand(statement, source.migration.sql) === undefined;
      const sign = isSql ? dialectOf(sql) : undefined;
      if (sign === undefined) return;
      report({
        source,
        offset: start + sign.start,
        message: `This is ${sign.dialect} (${sign.word}), not PostgreSQL: the statement fails.`,
        suggestion: `Write it for PostgreSQL; for ${sign.word}: ${sign.instead}.`,
      });
    },
    piece(piece, catalog, report) {
      if (piece.type !== 'CreateStmt' && piece.type !== 'AlterTableStmt') return;
      const elements =
        piece.type === 'CreateStmt'
          ? piece.node.tableElts
          : allOf(piece.node.cmds, 'AlterTableCmd').map(({ def }) => def);
      for (const { location, column, name, sql } of inlineIndexes(piece)) {
        report({
          ...here(piece, location),
          message: `An INDEX inside CREATE TABLE is MySQL; PostgreSQL reads a column "${column}" of type ${name}, which does not exist.`,
          suggestion: sql,
        });
      }
      for (const { colname, typeName, location } of allOf(elements, 'ColumnDef')) {
        if (typeName === undefined) continue;
        const { name } = baseType(typeName);
        const sign = dialectOfType(name);
        // The files may have a type of that name.
        if (sign === undefined || [...catalog.types.keys()].some((own) => own.endsWith(`.${name}`))) continue;
        report({
          ...here(piece, location),
          message: `Type ${name} is a type of ${sign.dialect}; PostgreSQL does not have it.`,
          suggestion: `${colname} ${sign.instead}`,
        });
      }
    },
  },
  fix: {
    does: 'moves an INDEX out of its CREATE TABLE into a statement of its own; the rest needs a manual fix',
    stage: 'syntax',
    apply,
  },
};
