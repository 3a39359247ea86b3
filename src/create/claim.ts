import { mkdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { fileError, hasCode, kindOf, listNames } from '../shared/files.ts';
import { type Journal, readJournal } from './journal.ts';

/** A directory that is ready for a new muse. */
export interface Claim {
  /** The topmost directory that was made for it; undefined if it existed before. */
  made: string | undefined;
}

/**
 * Makes the directory, or takes an empty one.
 * @throws MuseError `bad-directory` for a file, a directory that is not empty, or a finished muse; `run-unfinished`
 * where an earlier run stopped
 */
export async function claimDirectory(directory: string): Promise<Claim> {
  const kind = await kindOf(directory);
  if (kind === 'directory' || kind === 'link') {
    const names = await listNames(directory);
    // A run that was killed before it wrote a journal left only its lock.
    const onlyLock =
      names.length === 1 &&
      names[0] === '.muse' &&
      (await listNames(join(directory, '.muse'))).every((name) => name.startsWith('lock'));
    if (names.length > 0 && !onlyLock) throw await notEmpty(directory, names);
    return { made: undefined };
  }
  if (kind !== undefined) {
    throw new MuseError({
      code: 'bad-directory',
      message: `${directory} is a file.`,
      suggestion: 'Choose another name, or another directory: --dir <path>.',
    });
  }
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
  if (journal !== undefined && journal.finished !== true) return unfinishedRun(directory, journal);
  if (names.includes('muse.json')) {
    return new MuseError({
      code: 'bad-directory',
      message: `${directory} is already a muse.`,
      suggestion: `Work in it: cd ${directory}, then muse status. Or choose another name.`,
    });
  }
  return new MuseError({
    code: 'bad-directory',
    message: `${directory} is not empty (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}), and nothing in it was touched.`,
    suggestion: `Choose another directory: --dir ${join(dirname(directory), `${basename(directory)}-2`)}`,
  });
}

/** The command that resumes a run. */
export function resumeCommand(name: string, directory: string): string {
  return `create-muse ${name} --dir ${directory.includes(' ') ? JSON.stringify(directory) : directory} --resume`;
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
