import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import { counted } from '../../shared/printable.ts';
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { Configured } from '../context.ts';
import { planFixes, type FixPlan } from '../../muse/repair/repair.ts';
import { accessNotes, wideningQuestion } from '../../muse/repair/access-text.ts';
import type { Step } from '../step.ts';
import { offeredBy } from '../target.ts';

/** What `--fix` adds: the repairs, and the kit's files as repaired. */
export interface Fixed {
  repairs?: FixPlan;
  kitFiles?: MigrationFiles;
}

/**
 * Finds out how the kit can be repaired, its own extensions included. The repairs are written when the kit is taken,
 * after those extensions were archived.
 */
export const fixStep: Step<Configured, Fixed> = {
  id: 'fix',
  title: 'Fix the kit',
  applies: ({ fix }) => fix,
  async run(context, output) {
    const { agree, answers, museFile, onProgress, shadow, signal, stage } = context;
    const files = await readMigrations(stage, museFile.migrations);
    const allowed =
      answers.allowWidening === true
        ? (): boolean => true
        : agree === undefined
          ? undefined
          : (changes: readonly AccessChange[]): Promise<boolean> => agree(wideningQuestion(changes));
    const repairs = await planFixes(stage, museFile, files, {
      signal,
      shadow,
      ...offeredBy(context),
      ...(allowed === undefined ? {} : { mayWiden: allowed }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    output.notes.push(
      ...repairs.notes,
      ...accessNotes(repairs.access, `Add --allow-widening, or later: muse lint --fix --allow-widening`),
    );
    const count = new Set(repairs.changes.flatMap(({ after }) => [...after.keys()])).size;
    const classes = new Set(repairs.changes.map(({ rule }) => rule)).size;
    output.summary = `${counted(count, 'file')}, ${counted(classes, 'class', 'classes')}`;
    return { repairs, kitFiles: repairs.files };
  },
};
