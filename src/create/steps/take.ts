import { type Archived, archivedPath } from '../../kit/archive.ts';
import { commitAll, initRepository } from '../../kit/git.ts';
import type { GitOptions } from '../../kit/git-run.ts';
import { pathCommitter } from '../../kit/git-work.ts';
import { emptyRepository, startAfter } from '../../kit/work-tree.ts';
import type { Change, FixPlan } from '../../muse/repair/repair.ts';
import { listMessage, type MadeChange, repairsFile, writeRepairs } from '../../muse/repair/report.ts';
import { commitMessage, pathsOf, writeChange } from '../../muse/repair/write.ts';
import type { MigrationFolders, MuseFile } from '../../shared/muse-file.ts';
import type { Configured } from '../context.ts';
import type { StepOutput } from '../journal.ts';
import { repositoryOf } from '../repository.ts';
import type { Step } from '../step.ts';
import type { Moved } from './kit.ts';
import type { Fixed } from './fix.ts';

/**
 * Begins the history of the muse: "Take the kit" is the kit as it was made the product's own, which later upgrades
 * merge from; then each class of repair is a commit of its own, so that the owner can read them and send them upstream.
 * What the product adds comes after that.
 */
export const takeStep: Step<Configured & Fixed & Moved, Pick<Configured, 'museFile'>> = {
  id: 'take',
  title: 'Take the kit',
  async run({ archived, directory, environment, journal, museFile, repairs, signal, stage }, output) {
    const git = { environment, signal };
    const repository = repositoryOf(journal);
    let base: string | undefined;
    if (repository !== 'none') {
      await initRepository(stage, git);
      const { head } = repository === 'existing' ? await emptyRepository(directory, git) : {};
      if (head !== undefined) await startAfter(stage, directory, head, git);
      base = await commitAll(stage, journal.data.ignored ?? [], takeMessage(museFile), git);
      if (base !== undefined) output.summary = base.slice(0, 12);
    }
    if (repairs !== undefined) {
      const made = await makeRepairs(stage, moved(repairs, museFile.migrations, archived), output, base, git);
      journal.data.repairs = {
        classes: made.map(({ rule, after }) => ({ rule, files: [...after.keys()] })),
        decisions: made.flatMap(({ decisions }) => decisions),
        access: repairs.access,
      };
    }
    return { museFile: base === undefined ? museFile : { ...museFile, kit: { ...museFile.kit, base } } };
  },
};

function takeMessage({ kit: { source, commit, tool } }: MuseFile): string {
  return `Take the kit\n\nKit: ${source}\nCommit: ${commit}\nTaken by: create-muse ${tool}`;
}

/** A plan for the kit's files as they are after its extensions were archived. */
function moved(plan: FixPlan, folders: MigrationFolders, archived: readonly Archived[] | undefined): FixPlan {
  if (archived === undefined) return plan;
  const now = (path: string): string => archivedPath(path, folders, archived);
  const renamed = (texts: ReadonlyMap<string, string>): Map<string, string> =>
    new Map([...texts].map(([path, text]) => [now(path), text]));
  const changes = plan.changes.map(({ rule, before, after, decisions }): Change => ({
    rule,
    before: renamed(before),
    after: renamed(after),
    decisions: decisions.map((decision) => ({ ...decision, file: now(decision.file) })),
  }));
  return { ...plan, changes };
}

/** Writes the repairs and their list; commits them where there is a commit to start from. */
async function makeRepairs(
  stage: string,
  { access, changes }: FixPlan,
  output: StepOutput,
  base: string | undefined,
  git: GitOptions,
): Promise<(Change & MadeChange)[]> {
  const made: (Change & MadeChange)[] = [];
  const paths = [...new Set([...changes.flatMap(pathsOf), repairsFile])];
  const commitPaths = base === undefined ? undefined : await pathCommitter(stage, paths, git);
  for (const change of changes) {
    await writeChange(stage, change);
    made.push({ ...change, commit: await commitPaths?.(pathsOf(change), commitMessage(change)) });
  }
  const listed = await writeRepairs(stage, made, access);
  if (listed === undefined) return made;
  await commitPaths?.([listed], listMessage);
  output.notes.push(
    `${listed} lists each repair that changes who may do what: before, after, and the command that undoes it.`,
  );
  return made;
}
