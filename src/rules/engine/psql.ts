import { wantsInput } from '../../migrations/transactions.ts';
import type { Statement } from '../../sql/statement.ts';

/** What pg_dump writes around a dump since 17.6: it protects psql and has no meaning elsewhere. */
export const dumpBrackets: readonly string[] = ['\\restrict', '\\unrestrict'];

/** By the statements of a file: those that are really rows of a preceding COPY … FROM stdin. */
const known = new WeakMap<readonly Statement[], ReadonlySet<Statement>>();

/** The statements of a file that are not SQL, but rows of a preceding COPY … FROM stdin. */
export function copiedRows(statements: readonly Statement[]): ReadonlySet<Statement> {
  const before = known.get(statements);
  if (before !== undefined) return before;
  const rows = new Set<Statement>();
  let copying = false;
  for (const statement of statements) {
    if (statement.error === undefined) {
      copying = wantsInput(statement);
      continue;
    }
    if (copying) rows.add(statement);
    // Rows end with a line of their own that holds a backslash and a period.
    if (/^\\\.\s*$/m.test(statement.sql)) copying = false;
  }
  known.set(statements, rows);
  return rows;
}

/**
 * The psql command, such as `\\restrict`, that makes a statement fail to parse: a backslash at the beginning of a line.
 * Undefined for other mistakes.
 * @param sql the whole file
 */
export function psqlCommand({ error }: Statement, sql: string): { word: string; offset: number } | undefined {
  if (error === undefined) return undefined;
  const lineStart = sql.lastIndexOf('\n', error.offset - 1) + 1;
  const word = /^\\[A-Za-z!?]+/.exec(sql.slice(error.offset, error.offset + 40))?.[0];
  return word === undefined || sql.slice(lineStart, error.offset).trim() !== ''
    ? undefined
    : { word, offset: error.offset };
}

/** The message for a psql command. */
export function explainPsql(word: string): { message: string; suggestion: string } {
  return {
    message: `${word} is a command of psql, not SQL: PostgreSQL refuses it.`,
    suggestion: dumpBrackets.includes(word)
      ? 'Delete the line: pg_dump writes it for psql only; muse lint --fix does it.'
      : word === '\\set'
        ? "Delete the line, and write the value where the file names the variable (:name or :'name')."
        : 'Delete the line, and write what it does as SQL or as a migration of its own.',
  };
}
