import { openEmbedded } from '../database/embedded/embedded.ts';
import { MuseError } from '../shared/error.ts';
import { lazy } from '../shared/lazy.ts';
import type { Hooks } from '../shared/hooks.ts';
import type { Finding } from '../shared/finding.ts';
import { inRepository, pathCommitter, uncommitted, underWay } from '../kit/git-work.ts';
import { readMigrations } from '../migrations/read.ts';
import type { AccessChange } from '../rules/engine/fix/access.ts';
import type { Decision } from '../rules/engine/fix/fix.ts';
import type { AccessReport } from '../rules/engine/fix/guard.ts';
import { followers, keepBefore, type KeptFile } from './repair/before-fix.ts';
import { type Change, planFixes } from './repair/repair.ts';
import { counted } from '../shared/printable.ts';
import { shellWord } from '../shared/shell.ts';
import { listMessage, type MadeChange, repairsFile, writeRepairs } from './repair/report.ts';
import { checkUntouched, commitMessage, diffOf, pathsOf, touched, writeChange } from './repair/write.ts';
import { appliedFiles } from './applied.ts';
import type { Muse } from '../shared/muse-file.ts';

/** One class of repair, done or shown. */
export interface MuseChange {
  rule: string;
  /** New, changed and removed files, relative to the muse, with `/`. */
  files: string[];
  /** 40 hex, where it was committed; files that were not committed before are not part of it. */
  commit?: string;
  /** Of a dry run: the unified diff. */
  diff?: string;
}

/** The result of fixing a muse. */
export interface FixResult {
  changes: MuseChange[];
  /** The parts of it that change who may do what. */
  decisions: Decision[];
  /** The measured changes of access, and the repairs left out because they would widen access. */
  access: AccessReport;
  /** The findings that remain. */
  findings: Finding[];
  silenced: number;
  /** Files that no commit has as they were before, and where their earlier content is; relative to the muse, with `/`. */
  kept: KeptFile[];
  notes: string[];
}

/** How a muse is fixed. */
export interface FixOptions extends Hooks {
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Shows the diffs and changes nothing. */
  dryRun: boolean;
  /** Says whether a repair may widen access; absent: never. */
  mayWiden?(changes: readonly AccessChange[]): boolean | Promise<boolean>;
  onProgress?(text: string): void;
}

/**
 * Fixes the migrations of a muse, one commit for each class of repair. Applied files are left as they are,
 * and fixed with a new migration. A file that is not committed yet is fixed in place and stays uncommitted, as every file
 * does without a repository; its earlier content is kept.
 * @throws MuseError `uncommitted-changes` where a committed file to be edited has uncommitted changes, `git-busy` in the middle of a
 *   merge or the like, both before anything is changed; `database-in-use`; what writing and git throw
 */
export async function fixMuse(
  muse: Muse,
  { environment, dryRun, mayWiden, onProgress, ...hooks }: FixOptions,
): Promise<FixResult> {
  const { directory, museFile } = muse;
  const { signal } = hooks;
  const git = { environment, signal };
  const files = await readMigrations(directory, museFile.migrations);
  onProgress?.('reading the migration history of each environment');
  const applied = await appliedFiles(muse, files.migrations, environment, hooks);
  const shadow = lazy(() => openEmbedded({ signal }));
  const { changes, findings, silenced, access, notes } = await planFixes(directory, museFile, files, {
    signal,
    shadow,
    applied: applied.files,
    ...(mayWiden === undefined ? {} : { mayWiden }),
    ...(onProgress === undefined ? {} : { onProgress }),
  }).finally(shadow.close);
  const result: FixResult = {
    changes: [],
    decisions: changes.flatMap(({ decisions }) => decisions),
    access,
    findings,
    silenced,
    kept: [],
    notes: [...applied.notes, ...notes],
  };
  if (dryRun) {
    for (const change of changes)
      result.changes.push({ rule: change.rule, files: pathsOf(change), diff: await diffOf(change, git) });
    return result;
  }
  if (changes.length === 0) return result;
  const before = touched(changes);
  const commits = await inRepository(directory, 'muse.json', git);
  if (!commits)
    result.notes.push('This muse is not in a git repository: the files were edited, and nothing was committed.');
  const fresh = new Set(
    commits ? await refuseUnfinished(directory, [...before.keys(), repairsFile], git) : before.keys(),
  );
  await checkUntouched(directory, changes);
  result.kept = await keepBefore(directory, fresh);
  const made: MadeChange[] = [];
  const commitPaths = commits ? await pathCommitter(directory, [...before.keys(), repairsFile], git) : undefined;
  for (const change of changes) {
    signal.throwIfAborted();
    await writeChange(directory, change);
    for (const path of followers(change, fresh)) fresh.add(path);
    const settled = pathsOf(change).filter((path) => !fresh.has(path));
    const commit = await commitPaths?.(settled, commitMessage(change)).catch((error: unknown) =>
      undone(directory, change, error),
    );
    made.push({ ...change, commit });
    const done = { rule: change.rule, files: pathsOf(change), ...(commit === undefined ? {} : { commit }) };
    result.changes.push(done);
    hooks.onDone?.({ list: 'changes', text: `fixed ${change.rule}`, entry: done });
  }
  const listed = await writeRepairs(directory, made, access);
  if (listed !== undefined && !fresh.has(listed)) await commitPaths?.([listed], listMessage);
  return result;
}

/**
 * Puts the files of a class back that git did not commit, so that a further run does not take them for changes of the user's own.
 * @throws the error, which says what to do where they could not be put back
 */
async function undone(directory: string, change: Change, error: unknown): Promise<never> {
  const back = { ...change, before: change.after, after: change.before };
  const isBack = await writeChange(directory, back).then(
    () => true,
    () => false,
  );
  if (isBack || !(error instanceof MuseError)) throw error;
  const { code, message, detail, suggestion, cause } = error;
  const paths = pathsOf(change);
  const [are, them] = paths.length === 1 ? ['is', 'it'] : ['are', 'them'];
  const old = [...change.before.keys()].map((path) => shellWord(path));
  throw new MuseError({
    code,
    message: `${message} Of the repair of ${change.rule}, ${counted(paths.length, 'file')} ${are} written and not committed.`,
    ...(detail === undefined ? {} : { detail }),
    suggestion: `${suggestion} First put ${them} back: git restore ${old.join(' ')}`,
    cause,
  });
}

/**
 * Keeps the user's own changes from being committed along or lost.
 * @returns those of the paths that no commit has yet
 */
async function refuseUnfinished(
  directory: string,
  paths: readonly string[],
  git: { environment: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string[]> {
  const begun = await underWay(directory, git);
  if (begun !== undefined) {
    throw new MuseError({
      code: 'git-busy',
      message: `A ${begun} is in progress in ${directory}. Nothing was changed.`,
      suggestion: `Finish or abort it first: git ${begun} --continue, or git ${begun} --abort; then run this again.`,
    });
  }
  const found = await uncommitted(directory, paths, git);
  const dirty = found.filter(({ isNew }) => !isNew).map(({ path }) => path);
  if (dirty.length === 0) return found.map(({ path }) => path);
  throw new MuseError({
    code: 'uncommitted-changes',
    message:
      `${dirty.length === 1 ? 'A file that would be fixed has' : `${dirty.length} files that would be fixed have`} ` +
      'uncommitted changes. Nothing was changed.',
    detail: dirty.join('\n'),
    suggestion:
      'Commit them first (git add <file>, git commit), or stash them (git stash --include-untracked); then run ' +
      'this again. --fix --dry-run shows what would change.',
  });
}
