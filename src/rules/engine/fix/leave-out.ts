/** Leaves the files out of a class of repair that would no longer run with it, so that the others keep it. */
import { withoutHash } from '../../../migrations/graphile-hash.ts';
import type { GoesOn } from './access.ts';
import { brokenLeft } from './guard.ts';
import type { Repair } from './record.ts';
import type { Run } from './run.ts';
import { renamedSince } from './state.ts';

/** So many files are left out of a class before it is rolled back as a whole. */
const mostFiles = 8;

/** Which files run worse than before. */
interface Watched {
  /** Told of each file that was run, in order. */
  goesOn: GoesOn;
  worse: readonly string[];
}

/**
 * Watches a run of files.
 * @param saved what they were before
 * @param toTheEnd the run continues after the first that runs worse
 */
export function watchFiles({ measured: before, result }: Run, saved: Repair, toTheEnd: boolean): Watched {
  const renamed = renamedSince(saved, result);
  const worse: string[] = [];
  return {
    goesOn(file, failed) {
      const isWorse = before !== undefined && failed > (before.failed.get(renamed.get(file) ?? file) ?? 0);
      // What is known of an earlier run of the same files is told before they run again.
      if (isWorse && !worse.includes(file)) worse.push(file);
      return toTheEnd || worse.length === 0;
    },
    worse,
  };
}

/**
 * Leaves files out of the repair of a rule from now on.
 * @param saved what they were before it
 * @param worse those that run worse with it
 * @returns whether the rule is worth another try: it edited at least one of them, and would not lose too many
 */
export function leaveOut(run: Run, rule: string, saved: Repair, worse: readonly string[]): boolean {
  const files = run.leftOut.get(rule) ?? new Map<string, ReturnType<typeof brokenLeft>>();
  const renamed = renamedSince(saved, run.result);
  const textOf = ({ migrations }: Repair, name: string): string =>
    withoutHash(migrations.find(({ file }) => file === name)?.sql ?? '');
  const added = worse.filter((file) => {
    const name = renamed.get(file) ?? file;
    const before = textOf(saved, name);
    // A file that the repair made has nothing to leave out, and one that it did not edit fails because of another.
    return !files.has(name) && before !== '' && before !== textOf(run.result, file);
  });
  if (added.length === 0 || files.size + added.length > mostFiles) return false;
  for (const file of added) files.set(renamed.get(file) ?? file, brokenLeft(rule, [file], file));
  run.leftOut.set(rule, files);
  return true;
}
