/** Errors of queries and of connections in use. */
import { DatabaseError } from '../database.ts';
import { MuseError } from '../../shared/error.ts';
import { toDatabaseError } from '../error-report.ts';
import type { ServerReport } from '../wire.ts';

/** An error of pg that PostgreSQL itself reported. Unlike a network error, it has a severity. */
export function serverReport(error: unknown): (ServerReport & { severity: string }) | undefined {
  return error instanceof Error && 'severity' in error && typeof error.severity === 'string'
    ? (error as unknown as ServerReport & { severity: string })
    : undefined;
}

/** SQLSTATEs by which a server says that it ends the connection. */
const endings = ['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'];

/** Those of them that are a time limit of the server. */
const limits = ['57P05', '25P03', '25P04'];

/** Turns the error of a query into a DatabaseError, or into `connection-lost` if the connection ended too. */
export function queryError(error: unknown, where: string, done?: number): DatabaseError | MuseError {
  if (error instanceof MuseError) return error;
  const report = serverReport(error);
  if (report && !endings.includes(report.code ?? '')) return toDatabaseError(report, done);
  return connectionLost(error, where);
}

/** The error for a connection that ended during use. */
export function connectionLost(error: unknown, where: string): MuseError {
  const report = serverReport(error);
  if (report && limits.includes(report.code ?? '')) return toDatabaseError(report).told();
  const text = error instanceof Error ? error.message : String(error);
  return new MuseError({
    code: 'connection-lost',
    message: `The connection to ${where} was lost.`,
    detail: text,
    suggestion: 'Run the command again: what had not been committed was rolled back, the rest is kept.',
    cause: error,
  });
}
