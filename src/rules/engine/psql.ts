import { wantsInput } from '../../migrations/transactions.ts';
import type { Source } from '../../sql/piece.ts';
import type { Statement } from '../../sql/statement.ts';

/** Something in a file that only psql understands. */
export interface PsqlCommand {
  /** Offset in the file. */
  offset: number;
  /** `\\restrict`; undefined for rows of a COPY. */
  word: string | undefined;
}

/** Per file: the statements that are not SQL but rows for a COPY … FROM stdin before them. */
const copiedRows = new WeakMap<Source, ReadonlySet<Statement>>();

function rowsIn(source: Source): ReadonlySet<Statement> {
  const known = copiedRows.get(source);
  if (known !== undefined) return known;
  const rows = new Set<Statement>();
  let copying = false;
  for (const statement of source.parsed.statements) {
    if (statement.error === undefined) {
      copying = wantsInput(statement);
      continue;
    }
    if (copying) rows.add(statement);
    if (/^\\\.\s*$/m.test(statement.sql)) copying = false;
  }
  copiedRows.set(source, rows);
  return rows;
}

/**
 * What of psql's a statement is that PostgreSQL cannot read: it stops at a backslash that begins a line, or it is among the
 * rows of a COPY. Undefined for other mistakes.
 */
export function psqlCommand(statement: Statement, source: Source): PsqlCommand | undefined {
  if (statement.error === undefined) return undefined;
  const { offset } = statement.error;
  if (rowsIn(source).has(statement)) return { offset, word: undefined };
  const { sql } = source.migration;
  const lineStart = sql.lastIndexOf('\n', offset - 1) + 1;
  const word = /^\\[A-Za-z!?]+/.exec(sql.slice(offset, offset + 40))?.[0];
  return word === undefined || sql.slice(lineStart, offset).trim() !== '' ? undefined : { offset, word };
}
