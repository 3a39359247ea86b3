import type { Broadcast } from './protocol.ts';
import { type PresenceDiff, PresenceState } from './presence.ts';

/** Somebody in a channel. */
export interface Member {
  /** Gets what others sent, if it may read it. */
  receive(broadcast: Broadcast): void;
  /** Hears who came and left, if it may. */
  presenceChanged(diff: PresenceDiff): void;
}

/** Everyone in one channel. */
export interface Topic {
  members: Set<Member>;
  presence: PresenceState<Member>;
}

/** Which channel: a private one has nothing to do with a public one of the same name. */
export interface TopicName {
  /** Without `realtime:`. */
  name: string;
  isPrivate: boolean;
}

/** The channels that somebody is in. */
export class Topics {
  readonly #topics = new Map<string, Topic>();

  #key({ name, isPrivate }: TopicName): string {
    return `${isPrivate ? 'private' : 'public'}:${name}`;
  }

  get size(): number {
    return this.#topics.size;
  }

  enter(name: TopicName, member: Member): Topic {
    const key = this.#key(name);
    const topic = this.#topics.get(key) ?? { members: new Set(), presence: new PresenceState<Member>() };
    this.#topics.set(key, topic);
    topic.members.add(member);
    return topic;
  }

  leave(name: TopicName, member: Member): void {
    const topic = this.#topics.get(this.#key(name));
    if (topic === undefined) return;
    topic.members.delete(member);
    this.tellPresence(topic, topic.presence.untrack(member));
    if (topic.members.size === 0) this.#topics.delete(this.#key(name));
  }

  /** @param except who sent it, and does not want to hear it */
  send(name: TopicName, broadcast: Broadcast, except?: Member): void {
    for (const member of this.#topics.get(this.#key(name))?.members ?? []) {
      if (member !== except) member.receive(broadcast);
    }
  }

  tellPresence(topic: Topic, diff: PresenceDiff | undefined): void {
    if (diff === undefined) return;
    for (const member of topic.members) member.presenceChanged(diff);
  }
}
