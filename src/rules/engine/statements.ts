import { fieldsOf } from '../../sql/nodes.ts';
import type { Source } from '../../sql/piece.ts';
import type { Comment, Statement } from '../../sql/statement.ts';

/** The statement that contains an offset, or the last one before it. */
export function statementAt({ parsed }: Source, offset: number): Statement | undefined {
  let low = 0;
  let high = parsed.statements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parsed.statements[middle]!.start <= offset) low = middle + 1;
    else high = middle;
  }
  return parsed.statements[Math.max(0, low - 1)];
}

/** The comments on a statement, including those above the DROP before it. */
export function commentsBeside({ parsed }: Source, statement: Statement): Comment[] {
  const before = parsed.statements[parsed.statements.indexOf(statement) - 1];
  const drops = before?.tree !== undefined && fieldsOf(before.tree, 'DropStmt') !== undefined;
  return drops ? [...before.comments, ...statement.comments] : statement.comments;
}

/**
 * The comments on the lines right below a statement, without a blank line between: they may be about it or about the
 * next one.
 */
export function commentsBelow({ migration, parsed }: Source, statement: Statement): Comment[] {
  const next = parsed.statements[parsed.statements.indexOf(statement) + 1];
  const below: Comment[] = [];
  let { line } = parsed.position(statement.end);
  for (const comment of next?.comments ?? parsed.trailing) {
    if (comment.line > line + 1 || (next !== undefined && comment.start > next.start)) break;
    const lineStart = migration.sql.lastIndexOf('\n', comment.start - 1) + 1;
    if (comment.line > line && migration.sql.slice(lineStart, comment.start).trim() !== '') break;
    below.push(comment);
    line = parsed.position(comment.start + comment.text.length).line;
  }
  return below;
}
