/** The files of a repair at one moment, to which it can return. */
import { copyOf, type Repair } from './record.ts';
import type { Run } from './run.ts';

/** The files as they are at one moment, with what is known of them. */
export type Saved = Pick<Run, 'result' | 'examined' | 'latest'>;

/** Returns the files as they are now. Later repairs do not change it. */
export function save({ result, examined, latest }: Run): Saved {
  return { result: copyOf(result), examined, latest };
}

/** Returns to the files of an earlier moment. */
export function restore(run: Run, { result, examined, latest }: Saved): void {
  Object.assign(run.result, copyOf(result));
  Object.assign(run, { examined, latest });
}

/** Returns the names that files had before what was renamed since, by their names now. */
export function renamedSince(saved: Repair, result: Repair): Map<string, string> {
  const renamed = new Map<string, string>();
  // The last class may have been there already, with renames of its own.
  for (const [index, each] of result.classes.entries())
    for (const [from, to] of each.renamed.slice(saved.classes[index]?.renamed.length ?? 0))
      renamed.set(to, renamed.get(from) ?? from);
  return renamed;
}
