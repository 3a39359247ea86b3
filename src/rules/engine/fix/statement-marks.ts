import { sectionToolOf, type StatementMarks, statementMarks } from '../../../migrations/sections.ts';
import { parseSql } from '../../../sql/split.ts';
import type { Comment, ParsedSql } from '../../../sql/statement.ts';

/** A semicolon at the end of a line, where a tool that reads by line takes the statement to end. */
const endsLine = /;[^\S\n]*(?:--[^\n]*)?\n/;

/**
 * Keeps the lines of goose and sql-migrate around statements with a semicolon inside, as functions and DO blocks have: both
 * tools send a file up to each line that ends in a semicolon, unless these lines hold a statement together. Those that a repair has
 * written get them, and where it has moved one of a pair away, all are written anew.
 * @param before the text that `after` was made from
 */
export function withStatementMarks(before: string, after: string): string {
  if (before === after) return after;
  const tool = sectionToolOf(before);
  const marks = tool === undefined ? undefined : statementMarks(tool);
  if (marks === undefined) return after;
  const old = parseSql(before);
  const now = parseSql(after);
  if (heldIn(now, marks) === undefined && heldIn(old, marks) !== undefined)
    return marked(withoutMarks(after, now, marks), marks, new Set());
  return marked(after, marks, new Set(old.statements.map(({ sql }) => sql)));
}

/** The text with the lines around each statement that needs them and has none. */
function marked(text: string, marks: StatementMarks, known: ReadonlySet<string>): string {
  const parsed = parseSql(text);
  const held = heldIn(parsed, marks);
  let result = text;
  for (const statement of parsed.statements.toReversed()) {
    const { sql, start, end } = statement;
    if (known.has(sql) || !endsLine.test(`${sql}\n`) || held?.has(start) === true) continue;
    const stop = end + (/^\s*;/.exec(result.slice(end))?.[0].length ?? 0);
    const [above, rest] = [result.slice(0, start), result.slice(stop)];
    const isFirst = above.slice(above.lastIndexOf('\n') + 1).trim() === '';
    result =
      `${above}${isFirst ? '' : '\n'}${marks.start}\n${result.slice(start, stop)}\n${marks.end}` +
      `${/^\s*\n/.test(rest) || rest === '' ? '' : '\n'}${rest}`;
  }
  return result;
}

const allComments = ({ statements, trailing }: ParsedSql): Comment[] => [
  ...statements.flatMap(({ comments }) => comments),
  ...trailing,
];

/** Where the statements start that are between these lines; undefined where the lines are not in pairs. */
function heldIn(parsed: ParsedSql, { start, end }: StatementMarks): Set<number> | undefined {
  const held = new Set<number>();
  const lines = allComments(parsed).filter(({ text }) => [start, end].includes(text.trim()));
  const places = [...lines, ...parsed.statements].sort((a, b) => a.start - b.start);
  let isOpen = false;
  for (const place of places) {
    if (!('text' in place)) {
      if (isOpen) held.add(place.start);
    } else if ((place.text.trim() === start) === isOpen) return undefined;
    else isOpen = !isOpen;
  }
  return isOpen ? undefined : held;
}

function withoutMarks(text: string, parsed: ParsedSql, { start, end }: StatementMarks): string {
  let result = text;
  for (const comment of allComments(parsed).toReversed())
    if ([start, end].includes(comment.text.trim()))
      result =
        result.slice(0, comment.start) + result.slice(comment.start + comment.text.length).replace(/^[^\S\n]*\n/, '');
  return result;
}
