import { DatabaseError } from '../../database/database.ts';
import type { SharedEmbedded } from '../../database/embedded/shared.ts';
import { MuseError } from '../../shared/error.ts';
import type { Connections } from './database.ts';

/**
 * Transactions on the one session of an embedded database: they take turns with each other and with everybody else who
 * uses it. PGlite cannot stop a statement, so one that takes too long ends the engine, and the next turn starts another.
 */
export function embeddedConnections({ database, close }: SharedEmbedded): Connections {
  return {
    transaction: (work, start) => stopped(() => database.transaction(work, start)),
    alone: (statement, start) => stopped(() => database.alone(statement, start)),
    close,
  };
}

/** @throws DatabaseError `57014` for a statement that took too long, as PostgreSQL says where it can stop one itself */
async function stopped<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MuseError && error.code === 'statement-timeout')) throw error;
    throw new DatabaseError({ code: '57014', message: 'canceling statement due to statement timeout', cause: error });
  }
}
