/** Files that their tool runs as they are, so that they bring the BEGIN and COMMIT that make them one transaction. */
import type { Migration } from '../sql/migration.ts';
import { fieldsOf } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { blank } from './sections.ts';

/** The last word of such a file; without it nothing is parsed. */
const worthParsing = /\b(?:commit|end)\b/i;

const kindOf = ({ tree }: Statement): string | undefined => fieldsOf(tree, 'TransactionStmt')?.kind;

/**
 * The text without the BEGIN that it starts with and the COMMIT that it ends with, in the places it had; undefined for a
 * file without them, or with other transactions.
 */
export async function withoutOwnTransaction(text: string): Promise<Pick<Migration, 'sql' | 'around'> | undefined> {
  if (!worthParsing.test(text)) return undefined;
  const [{ loadParser }, { parseSql }] = await Promise.all([import('../sql/parser.ts'), import('../sql/split.ts')]);
  await loadParser();
  const { statements } = parseSql(text);
  const controls = statements.filter((statement) => kindOf(statement) !== undefined);
  const [first, last] = [statements[0], statements.at(-1)];
  if (controls.length !== 2 || first !== controls[0] || last !== controls[1]) return undefined;
  if (!/BEGIN|START/.test(kindOf(first!)!) || kindOf(last!) !== 'TRANS_STMT_COMMIT') return undefined;
  const end = first!.end + (/^\s*;/.exec(text.slice(first!.end))?.[0].length ?? 0);
  const shown = text.slice(0, first!.start) + blank(text.slice(first!.start, end));
  return {
    sql: shown + text.slice(end, last!.start),
    around: { before: text.slice(0, end), shown, after: text.slice(last!.start) },
  };
}
