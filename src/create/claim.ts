import { constants } from 'node:fs';
import { access, mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { whoWorksIn } from '../muse/lock.ts';
import { fileError, hasCode, kindOf, listNames } from '../shared/files.ts';
import { shellPath } from '../shared/shell.ts';
import { type Journal, readJournal } from './journal.ts';

/** A directory that is ready for a new muse. */
export interface Claim {
  /** The topmost directory that was made for it; undefined if it existed before. */
  made: string | undefined;
}

/**
 * Checks that a muse can be made in the directory, which does not exist, is empty, or holds only a repository without
 * files. Changes nothing.
 * @throws MuseError `bad-directory` for a file or a directory that is not empty; `run-unfinished` where an earlier run
 * stopped, `directory-in-use` where it still works; `no-permission` and `read-only` where nothing can be written
 */
export async function checkDirectory(directory: string): Promise<void> {
  // As for the system, a link is what it leads to.
  const kind = await stat(directory).then(
    (found) => (found.isDirectory() ? 'directory' : 'file'),
    (error: unknown) => {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw fileError(error, directory);
    },
  );
  if (kind === 'file') {
    throw new MuseError({
      code: 'bad-directory',
      message: `${directory} is a file.`,
      suggestion: 'Choose another name, or another directory: --dir <path>.',
    });
  }
  if (kind === 'directory') {
    const names = (await listNames(directory)).filter((name) => name !== '.git');
    // A run that was killed before it wrote a journal left only its lock.
    const onlyLock =
      names.length === 1 &&
      names[0] === '.muse' &&
      (await listNames(join(directory, '.muse'))).every((name) => name.startsWith('lock'));
    if (names.length > 0 && !onlyLock) throw await notEmpty(directory, names);
  }
  await mustBeWritable(directory);
}

/** @throws MuseError where the directory, or the nearest one above it that exists, cannot be written */
async function mustBeWritable(directory: string): Promise<void> {
  for (let current = directory; ; current = dirname(current)) {
    try {
      if (!(await stat(current)).isDirectory()) throw notInFile(directory, current);
      return await access(current, constants.W_OK | constants.X_OK);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR') || current === dirname(current)) throw fileError(error, current);
    }
  }
}

function notInFile(directory: string, file: string): MuseError {
  return new MuseError({
    code: 'bad-directory',
    message: `${directory} cannot be made: ${file} is a file.`,
    suggestion: 'Choose another directory: --dir <path>.',
  });
}

/**
 * Makes the directory, or takes one that {@link checkDirectory} accepts.
 * @throws MuseError as {@link checkDirectory} does
 */
export async function claimDirectory(directory: string): Promise<Claim> {
  await checkDirectory(directory);
  if ((await kindOf(directory)) !== undefined) return { made: undefined };
  // Node reports a read-only parent as missing when it makes several levels at once: the last one is made alone.
  const above = await mkdir(dirname(directory), { recursive: true });
  try {
    await mkdir(directory);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw fileError(error, directory);
  }
  return { made: above ?? directory };
}

async function notEmpty(directory: string, names: string[]): Promise<MuseError> {
  const journal = await readJournal(directory).catch(() => undefined);
  if (journal !== undefined && journal.finished !== true) {
    const other = await whoWorksIn(directory);
    return other === undefined ? unfinishedRun(directory, journal) : beingMade(directory, other);
  }
  if (names.includes('muse.json')) {
    return new MuseError({
      code: 'bad-directory',
      message: `${directory} is already a muse.`,
      suggestion: `Work in it: cd ${shellPath(directory)}, then muse status. Or choose another name.`,
    });
  }
  const shown = [...names.slice(0, 3), ...(names.length > 3 ? ['…'] : [])].join(', ');
  return new MuseError({
    code: 'bad-directory',
    message: `${directory} is not empty (${shown}), and nothing in it was touched.`,
    suggestion: `Choose another directory: --dir ${shellPath(join(dirname(directory), `${basename(directory)}-2`))}`,
  });
}

function beingMade(directory: string, by: string): MuseError {
  return new MuseError({
    code: 'directory-in-use',
    message: `${directory} is being made by ${by}.`,
    suggestion: 'Wait until that is done, or choose another name.',
  });
}

/** The command that resumes a run. */
export function resumeCommand(name: string, directory: string): string {
  return `create-muse ${name} --dir ${shellPath(directory)} --resume`;
}

/** The error for a directory where a run stopped, with the command that resumes it. */
export function unfinishedRun(directory: string, journal: Journal): MuseError {
  const last = journal.steps.findLast((step) => step.status === 'started')?.id;
  return new MuseError({
    code: 'run-unfinished',
    message: `${directory} has an unfinished run${last === undefined ? '' : ` (it stopped at "${last}")`}.`,
    suggestion: `Continue it: ${resumeCommand(journal.answers.name, directory)}`,
  });
}

/**
 * Leaves the directory as it was before the run: removes what the run put there, all of which is in `.muse`, and the
 * directories that it made, if they are empty.
 */
export async function releaseDirectory(directory: string, made: string | undefined): Promise<void> {
  await rm(join(directory, '.muse'), { recursive: true, force: true });
  if (made === undefined) return;
  for (let current = directory; ; current = dirname(current)) {
    try {
      await rmdir(current);
    } catch (error) {
      // A directory that got someone else's file in the meantime stays.
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return;
      throw error;
    }
    if (current === made) return;
  }
}
