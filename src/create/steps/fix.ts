import { inside, writeWhole } from '../../shared/files.ts';
import { addAll, commitIndex, initRepository } from '../../kit/git.ts';
import { commitPaths } from '../../kit/git-work.ts';
import { readMigrations } from '../../migrations/read.ts';
import type { Decision } from '../../rules/engine/fix/fix.ts';
import { type CreateContext, needed } from '../context.ts';
import { findMending } from '../../muse/repair/repair.ts';
import { commitMessage, pathsOf, writeChange } from '../../muse/repair/write.ts';
import type { Step } from '../step.ts';

/**
 * Mends the kit in the clone: first the kit as it came is committed, then each class of repair on its own, so that its
 * owner can read them and send them upstream.
 */
export const fixStep: Step<Pick<CreateContext, 'answers' | 'environment' | 'journal' | 'kitFiles' | 'museFile' | 'notes' | 'onProgress' | 'signal' | 'stage' | 'mending'>> = {
  id: 'fix',
  title: 'Mend the kit',
  applies: ({ answers }) => answers.fix,
  async run(context) {
    const { answers, environment, journal, notes, onProgress, signal, stage } = context;
    const museFile = needed(context.museFile, 'muse.json');
    const git = { environment, signal };
    if (answers.git) {
      await initRepository(stage, git);
      await addAll(stage, journal.data.ignored ?? [], git);
      await commitIndex(stage, `Take ${museFile.kit.source} as it is\n\nKit commit: ${museFile.kit.commit}`, git);
    }
    const files = await readMigrations(stage, museFile.migrations);
    const mending = await findMending(stage, museFile, files, { signal, ...(onProgress === undefined ? {} : { onProgress }) });
    context.mending = mending;
    for (const change of mending.changes) {
      await writeChange(stage, change);
      if (answers.git) await commitPaths(stage, pathsOf(change), commitMessage(change), git);
    }
    context.kitFiles = await readMigrations(stage, museFile.migrations);
    const decisions = mending.changes.flatMap((change) => change.decisions);
    journal.data.repairs = { classes: mending.changes.map(({ rule, after }) => ({ rule, files: [...after.keys()] })), decisions };
    notes.push(...mending.notes);
    if (decisions.length > 0) {
      await writeWhole(await inside(stage, 'docs/REPAIRS.md'), describeDecisions(decisions));
      notes.push(`${decisions.length} repairs change who may do what: docs/REPAIRS.md lists each, before and after.`);
    }
    const count = new Set(mending.changes.flatMap(({ after }) => [...after.keys()])).size;
    return `${count} files, ${new Set(mending.changes.map(({ rule }) => rule)).size} classes`;
  },
};

function describeDecisions(decisions: readonly Decision[]): string {
  const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replace(/\s+/g, ' ');
  const rows = decisions.map(({ file, object, before, after, reason }) => `| ${[file, object, before, after, reason].map(cell).join(' | ')} |`);
  return [
    '# Repairs that change who may do what',
    '',
    'Each was decided by the name, the comment or the columns of what it is about. Read them before you trust them.',
    '',
    '| file | what | before | after | why |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
