import { addAll, commitIndex, initRepository } from '../../kit/git.ts';
import { commitPaths } from '../../kit/git-work.ts';
import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { Configured } from '../context.ts';
import { planFixes, type FixPlan } from '../../muse/repair/repair.ts';
import { accessNotes, wideningQuestion } from '../../muse/repair/access-text.ts';
import { listMessage, type MadeChange, writeRepairs } from '../../muse/repair/report.ts';
import { commitMessage, pathsOf, writeChange } from '../../muse/repair/write.ts';
import type { Step } from '../step.ts';

/** What `--fix` adds: the repairs, and the kit's files as repaired. */
export interface Fixed {
  repairs?: FixPlan;
  kitFiles?: MigrationFiles;
}

/**
 * Repairs the kit in the clone. The kit as it came is committed first, then each class of repair on its own, so that
 * the owner can read them and send them upstream.
 */
export const fixStep: Step<Configured, Fixed> = {
  id: 'fix',
  title: 'Fix the kit',
  applies: ({ fix }) => fix,
  async run({ agree, answers, environment, journal, museFile, onProgress, signal, stage }, output) {
    const git = { environment, signal };
    if (answers.git) {
      await initRepository(stage, git);
      await addAll(stage, journal.data.ignored ?? [], git);
      await commitIndex(stage, `Import ${museFile.kit.source} unchanged\n\nKit commit: ${museFile.kit.commit}`, git);
    }
    const files = await readMigrations(stage, museFile.migrations);
    const allowed =
      answers.allowWidening === true
        ? (): boolean => true
        : agree === undefined
          ? undefined
          : (changes: readonly AccessChange[]): Promise<boolean> => agree(wideningQuestion(changes));
    const repairs = await planFixes(stage, museFile, files, {
      signal,
      ...(allowed === undefined ? {} : { mayWiden: allowed }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { access } = repairs;
    const made: MadeChange[] = [];
    for (const change of repairs.changes) {
      await writeChange(stage, change);
      made.push({
        ...change,
        commit: answers.git ? await commitPaths(stage, pathsOf(change), commitMessage(change), git) : undefined,
      });
    }
    const kitFiles = await readMigrations(stage, museFile.migrations);
    const decisions = repairs.changes.flatMap((change) => change.decisions);
    journal.data.repairs = {
      classes: repairs.changes.map(({ rule, after }) => ({ rule, files: [...after.keys()] })),
      decisions,
      access,
    };
    output.notes.push(
      ...repairs.notes,
      ...accessNotes(access, `Add --allow-widening, or later: muse lint --fix --allow-widening`),
    );
    const listed = await writeRepairs(stage, made, access);
    if (listed !== undefined && answers.git) await commitPaths(stage, [listed], listMessage, git);
    if (listed !== undefined)
      output.notes.push(
        `${listed} lists each repair that changes who may do what: before, after, and the command that undoes it.`,
      );
    const count = new Set(repairs.changes.flatMap(({ after }) => [...after.keys()])).size;
    output.summary = `${count} files, ${new Set(repairs.changes.map(({ rule }) => rule)).size} classes`;
    return { repairs, kitFiles };
  },
};
