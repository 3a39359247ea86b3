import type { Done } from '../shared/hooks.ts';

/** How far a command has got: what is told of it where it fails, or is stopped on the way. */
export class SoFar {
  /** What it is doing, for people. */
  now: string | undefined;
  /** Keys of the JSON object that do not depend on how it ends. */
  about: Record<string, unknown> = {};
  readonly #done: Done[] = [];

  /** Adds something that is done and stays done. */
  add(done: Done): void {
    this.#done.push(done);
  }

  /** The keys of `--json`, as far as they are known. */
  json(): Record<string, unknown> {
    const lists: Record<string, unknown[]> = {};
    for (const { list, entry } of this.#done) (lists[list] ??= []).push(entry);
    const { applied, backups, ...others } = lists;
    return {
      ...this.about,
      ...(applied === undefined ? {} : { migrations: { applied, skipped: [] } }),
      ...(backups === undefined ? {} : { backup: backups.at(-1) }),
      ...others,
    };
  }

  /** What was being done, and what had been done before. */
  lines(): string[] {
    const done = this.#done.map(({ text }) => text);
    // A long list ends in a count: each file was shown when it was done.
    const shown = done.length > 6 ? [...done.slice(0, 5), `and ${done.length - 5} more`] : done;
    return [
      ...(this.now === undefined ? [] : [`It was at: ${this.now}.`]),
      `Done before: ${shown.length === 0 ? 'nothing' : shown.join(', ')}.`,
    ];
  }
}
