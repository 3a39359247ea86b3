import { MuseError } from '../shared/error.ts';
import { tableProblems } from './check-table.ts';
import { TableReader } from './table-reader.ts';
import type { TableSpecification } from './table.ts';

/**
 * Reads a `--table` specification, as
 * `mls_listings: address text!, price numeric(12,2), status text(active|sold) = 'active', agent -> profiles, owner
 * user`.
 *
 * An item is `name type`, with `!` for required, `unique`, `= default`; `name -> table` for a foreign key, with
 * `cascade`, `restrict` or `set null`; `name user` or `organization` for whose the rows are; `public-read`,
 * `service-only`; `unique(a, b)` or `index(a, b)`. Names fold to lower case unless in double quotes, as in PostgreSQL.
 * @throws MuseError `bad-table` with a caret under the place, what was expected, and the nearest correct form
 */
export function parseTable(text: string): TableSpecification {
  const reader = new TableReader(text, (at, message, suggestion) => badTable(text, at, message, suggestion));
  const table = reader.read();
  const [problem] = tableProblems(table);
  if (problem !== undefined) throw badTable(text, reader.positionOf(problem.path), problem.message, problem.suggestion);
  return table;
}

const before = 40;
const width = 76;

function badTable(text: string, at: number, message: string, suggestion: string): MuseError {
  // Each character becomes one column, so that the caret is at the right place.
  const shown = (part: string): string => part.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  const from = at <= width - before ? 0 : at - before;
  const line = `${from > 0 ? '…' : ''}${shown(text.slice(from, from + width))}${from + width < text.length ? '…' : ''}`;
  const caret = `${' '.repeat(Array.from(text.slice(from, at)).length + (from > 0 ? 1 : 0))}^`;
  return new MuseError({
    code: 'bad-table',
    message: `The table specification cannot be read: ${message}.`,
    detail: `${line}\n${caret}`,
    suggestion,
  });
}
