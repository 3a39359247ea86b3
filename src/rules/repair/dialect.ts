import { fieldsOf } from '../../sql/nodes.ts';
import { inlineIndexes } from '../lint/dialect.ts';
import { pieceOf } from '../../sql/piece.ts';
import { wordsOf } from '../../sql/recover.ts';
import type { Statement } from '../../sql/statement.ts';
import { editable, statementOf } from './plan.ts';
import type { Edit, Mended, Situation } from './plan.ts';

/** Where an element of a CREATE TABLE ends, in the statement; and the comma that goes with it: the one in front, else the one behind. */
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
  const behind = words[last];
  const comma = before?.text === ',' ? before : behind?.text === ',' ? behind : undefined;
  return { end: words[last - 1]?.end ?? start, comma: comma?.start };
}

/** Takes each `INDEX name (column)` out of its CREATE TABLE and makes the index behind it. */
export function mendInlineIndexes(situation: Situation): Mended {
  const seen = new Set<Statement>();
  const edits = editable(situation, 'foreign-dialect').flatMap((problem): Edit[] => {
    const statement = statementOf(problem);
    if (statement?.tree === undefined || fieldsOf(statement.tree, 'CreateStmt') === undefined || seen.has(statement)) return [];
    seen.add(statement);
    const { file, sql } = problem.source.migration;
    const piece = pieceOf(problem.source, statement, 0, statement.tree);
    const indexes = inlineIndexes(piece);
    const taken = new Set<number>();
    const cuts = indexes.flatMap(({ location }): Edit[] => {
      const start = piece.at(location);
      const { end, comma } = extentOf(statement, start - statement.start);
      // The line goes with it where it has one to itself.
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
