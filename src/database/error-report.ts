import { DatabaseError } from './database.ts';
import type { ServerReport } from './wire.ts';

/**
 * Converts PostgreSQL's report into the one error type, whichever driver it comes from.
 * @param report the fields of an ErrorResponse message, as pg and PGlite name them; `position` is a decimal number
 * @param done how many statements of a script succeeded before it
 */
export function toDatabaseError(report: ServerReport, done?: number): DatabaseError {
  const { code, message, position, ...rest } = report;
  return new DatabaseError({
    code: code ?? 'XX000',
    message: message ?? 'PostgreSQL reported an error without a message',
    detail: rest.detail,
    hint: rest.hint,
    position: position ? Number(position) : undefined,
    where: rest.where,
    schema: rest.schema,
    table: rest.table,
    column: rest.column,
    constraint: rest.constraint,
    done,
  });
}
