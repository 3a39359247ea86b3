import type { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import { open } from '../sql/nodes.ts';
import type { Node } from '../sql/nodes.ts';
import type { RunText } from '../migrations/run-file.ts';
import { lineText } from '../shared/text.ts';
import type { World } from './world.ts';

/** Kinds of statement that can run for ever: a loop in a body, a query without an end. */
const mayLoop = new Set(['DoStmt', 'CallStmt', 'SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'CreateTableAsStmt']);

/** The finding for a file that the database ran into its time limit with, or stopped at: at the statement that may be the one. */
export function stuckFinding(text: RunText, error: MuseError, world: World): Finding {
  const { statements } = world.parsed(text);
  const kindOf = (tree: Node | undefined): string => (tree === undefined ? '' : open(tree)[0]);
  const suspects = statements.filter(({ tree }) => mayLoop.has(kindOf(tree)));
  const first = suspects.find(({ tree }) => kindOf(tree) === 'DoStmt') ?? suspects[0];
  const place = first === undefined ? {} : { line: first.line, column: first.column, snippet: lineText(text.sql, first.line) };
  const others = suspects.length < 2 ? '' : ` It may also be the one at line ${suspects.filter((each) => each !== first).map(({ line }) => line).join(', ')}.`;
  return {
    rule: 'statement-failed',
    severity: 'error',
    file: text.file,
    ...place,
    message: `${error.message}${others} Nothing behind it was rehearsed.`,
    suggestion: error.code === 'statement-timeout' ? 'Make it end: look for a loop without an exit, or a recursion without a last step.' : error.suggestion,
  };
}
