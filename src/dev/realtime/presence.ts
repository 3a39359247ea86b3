import { randomUUID } from 'node:crypto';

/** What a member says of itself, with the reference that its client tells versions of it apart by. */
type Meta = Readonly<Record<string, unknown>> & { phx_ref: string };

/** Who is present, by key; several members may share a key, e.g. the tabs of one user. */
export type Presences = Record<string, { metas: Meta[] }>;

/** Who came and who left. */
export interface PresenceDiff {
  joins: Presences;
  leaves: Presences;
}

/** Who is present in one channel. */
export class PresenceState<Member> {
  readonly #members = new Map<Member, { key: string; meta: Meta }>();

  /** Notes what a member says of itself; undefined where it says the same as before. */
  track(member: Member, key: string, payload: Readonly<Record<string, unknown>>): PresenceDiff | undefined {
    const before = this.#members.get(member);
    const phx_ref = randomUUID();
    if (before === undefined) {
      const meta = { ...payload, phx_ref };
      this.#members.set(member, { key, meta });
      return { joins: { [key]: { metas: [meta] } }, leaves: {} };
    }
    const { phx_ref: previous, phx_ref_prev: _, ...said } = before.meta;
    if (JSON.stringify(said) === JSON.stringify(payload)) return undefined;
    const meta = { ...payload, phx_ref, phx_ref_prev: previous };
    this.#members.set(member, { key: before.key, meta });
    return { joins: { [before.key]: { metas: [meta] } }, leaves: { [before.key]: { metas: [before.meta] } } };
  }

  /** Undefined where the member was not there. */
  untrack(member: Member): PresenceDiff | undefined {
    const before = this.#members.get(member);
    if (before === undefined) return undefined;
    this.#members.delete(member);
    return { joins: {}, leaves: { [before.key]: { metas: [before.meta] } } };
  }

  list(): Presences {
    const presences: Presences = {};
    for (const { key, meta } of this.#members.values()) (presences[key] ??= { metas: [] }).metas.push(meta);
    return presences;
  }
}
