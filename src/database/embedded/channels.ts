import { quoteIdentifier } from '../../shared/quote.ts';
import type { Session } from '../database.ts';
import type { Notification } from './protocol.ts';

type Listener = (notification: Notification) => void;

/**
 * LISTEN for the users of one session: each has channels of its own, and hears what any other sends, though the session
 * may be another's then.
 */
export interface Channels {
  /** Calls back with each notification of a channel. Returns what ends it. */
  listen(channel: string, listener: Listener): () => void;
  /** Tells the listeners of its channel. */
  publish(notification: Notification): void;
  /** Makes a session receive what any of them listens to. */
  subscribe(session: Pick<Session, 'script'>): Promise<void>;
}

export function createChannels(): Channels {
  const channels = new Map<string, Set<Listener>>();
  return {
    listen(channel, listener) {
      const listeners = channels.get(channel) ?? new Set();
      channels.set(channel, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && channels.get(channel) === listeners) channels.delete(channel);
      };
    },
    publish(notification) {
      for (const listener of channels.get(notification.channel) ?? []) listener(notification);
    },
    async subscribe(session) {
      if (channels.size === 0) return;
      await session.script([...channels.keys()].map((name) => `LISTEN ${quoteIdentifier(name)}`).join('; '));
    },
  };
}
