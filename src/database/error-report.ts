import { DatabaseError } from './database.ts';
import type { ServerReport } from './wire.ts';

/**
 * PostgreSQL's report as the one error type, whichever driver brought it.
 * @param report the fields of an ErrorResponse message, as pg and PGlite name them; `position` is a decimal number
 * @param done how many statements of a script were done before
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
