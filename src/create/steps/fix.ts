import { inside, writeWhole } from '../../shared/files.ts';
import { addAll, commitIndex, initRepository } from '../../kit/git.ts';
import { commitPaths } from '../../kit/git-work.ts';
import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import type { Decision } from '../../rules/engine/fix/fix.ts';
import type { Configured } from '../context.ts';
import { findMending, type Mending } from '../../muse/repair/repair.ts';
import { commitMessage, pathsOf, writeChange } from '../../muse/repair/write.ts';
import type { Step } from '../step.ts';

/** What `--fix` adds: the repairs, and the kit's files as repaired. */
export interface Fixed {
  repairs?: Mending;
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
  async run({ answers, environment, journal, museFile, onProgress, signal, stage }, output) {
    const git = { environment, signal };
    if (answers.git) {
      await initRepository(stage, git);
      await addAll(stage, journal.data.ignored ?? [], git);
      await commitIndex(stage, `Take ${museFile.kit.source} as it is\n\nKit commit: ${museFile.kit.commit}`, git);
    }
    const files = await readMigrations(stage, museFile.migrations);
    const repairs = await findMending(stage, museFile, files, { signal, ...(onProgress === undefined ? {} : { onProgress }) });
    for (const change of repairs.changes) {
      await writeChange(stage, change);
      if (answers.git) await commitPaths(stage, pathsOf(change), commitMessage(change), git);
    }
    const kitFiles = await readMigrations(stage, museFile.migrations);
    const decisions = repairs.changes.flatMap((change) => change.decisions);
    journal.data.repairs = { classes: repairs.changes.map(({ rule, after }) => ({ rule, files: [...after.keys()] })), decisions };
    output.notes.push(...repairs.notes);
    if (decisions.length > 0) {
      await writeWhole(await inside(stage, 'docs/REPAIRS.md'), describeDecisions(decisions));
      output.notes.push(`${decisions.length} repairs change who may do what: docs/REPAIRS.md lists each, before and after.`);
    }
    const count = new Set(repairs.changes.flatMap(({ after }) => [...after.keys()])).size;
    output.summary = `${count} files, ${new Set(repairs.changes.map(({ rule }) => rule)).size} classes`;
    return { repairs, kitFiles };
  },
};

function describeDecisions(decisions: readonly Decision[]): string {
  const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replace(/\s+/g, ' ');
  const rows = decisions.map(({ file, object, before, after, reason }) => `| ${[file, object, before, after, reason].map(cell).join(' | ')} |`);
  return [
    '# Repairs that change who may do what',
    '',
    'Each was decided by a name, a comment or columns. Review them before you rely on them.',
    '',
    '| file | what | before | after | why |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
