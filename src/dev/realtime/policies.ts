import { DatabaseError, type Session } from '../../database/database.ts';
import type { DevDatabase, Identity } from '../service.ts';

export type Extension = 'broadcast' | 'presence';

/** What the policies of `realtime.messages` let somebody do in a private channel. */
export interface ChannelPolicies {
  /**
   * What somebody may receive there.
   * @throws DatabaseError where a policy fails
   */
  mayRead(identity: Identity, topic: string): Promise<Readonly<Record<Extension, boolean>>>;
  /**
   * Whether somebody may send there.
   * @throws DatabaseError where a policy fails
   */
  mayWrite(identity: Identity, topic: string, extension: Extension): Promise<boolean>;
}

/**
 * Asks as the real Realtime does: a message is written and read, or tried to be written, in a transaction that is rolled
 * back.
 * https://supabase.com/docs/guides/realtime/authorization
 */
export function createPolicies(database: DevDatabase): ChannelPolicies {
  const ask = <T>(identity: Identity, topic: string, work: (session: Session) => Promise<T>): Promise<T> =>
    database.actAs(
      identity,
      async (session) => {
        await session.query(`SELECT set_config('realtime.topic', $1, true)`, [topic]);
        return work(session);
      },
      { rollback: true },
    );

  return {
    mayRead: (identity, topic) =>
      ask(identity, topic, async (session) => {
        // Written as the server, for the listener may not be allowed to write.
        await session.query(`SELECT set_config('role', 'none', true)`);
        const written = await session.query<{ id: string }>(
          `INSERT INTO realtime.messages (topic, extension) VALUES ($1, 'broadcast'), ($1, 'presence') RETURNING id`,
          [topic],
        );
        await session.query(`SELECT set_config('role', $1, true)`, [identity.role]);
        const { rows } = await session.query<{ extension: string }>(
          'SELECT extension FROM realtime.messages WHERE id = ANY ($1)',
          [written.rows.map(({ id }) => id)],
        );
        const may = (extension: Extension): boolean => rows.some((row) => row.extension === extension);
        return { broadcast: may('broadcast'), presence: may('presence') };
      }),
    async mayWrite(identity, topic, extension) {
      try {
        await ask(identity, topic, (session) =>
          session.query('INSERT INTO realtime.messages (topic, extension) VALUES ($1, $2)', [topic, extension]),
        );
        return true;
      } catch (error) {
        if (error instanceof DatabaseError && error.code === '42501') return false;
        throw error;
      }
    },
  };
}
