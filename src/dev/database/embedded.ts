import { DatabaseError, type Session } from '../../database/database.ts';
import type { SharedEmbedded } from '../../database/embedded/shared.ts';
import { cancelled, MuseError } from '../../shared/error.ts';
import type { Connections, TransactionOptions } from './database.ts';

/**
 * Transactions on the one session of an embedded database: they take turns with each other and with everybody else who
 * uses it. PGlite cannot stop a statement, so one that takes too long ends the engine, and the next turn starts another.
 */
export function embeddedConnections({ database, close }: SharedEmbedded): Connections {
  return {
    async transaction<T>(
      begin: string,
      work: (session: Session) => Promise<T>,
      { limitMs, signal, one }: TransactionOptions,
    ) {
      const inTurn = (session: Session): Promise<T> => {
        if (signal?.aborted) throw cancelled(signal.reason);
        database.limitStatements(limitMs);
        return work(session);
      };
      try {
        return await database.transaction(inTurn, { begin, one });
      } catch (error) {
        if (!(error instanceof MuseError && error.code === 'statement-timeout')) throw error;
        // What PostgreSQL says where it can stop a statement itself.
        throw new DatabaseError({
          code: '57014',
          message: 'canceling statement due to statement timeout',
          cause: error,
        });
      }
    },
    close,
  };
}
