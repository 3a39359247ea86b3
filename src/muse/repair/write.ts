import { rm } from 'node:fs/promises';
import { MuseError } from '../../shared/error.ts';
import { inside, readBytes, readText, writeWhole } from '../../shared/files.ts';
import { diffTexts } from '../../kit/git-work.ts';
import type { GitOptions } from '../../kit/git-run.ts';
import { ruleNamed } from '../../rules/registry.ts';
import type { Change } from './repair.ts';

const mark = '\uFEFF';
const bare = (text: string): string => (text.startsWith(mark) ? text.slice(1) : text);

/** The paths that a change writes or removes. */
export function pathsOf({ before, after }: Change): string[] {
  return [...new Set([...before.keys(), ...after.keys()])];
}

/** The paths that the changes touch, with their texts before the first change; undefined for a new path. */
export function touched(changes: readonly Change[]): Map<string, string | undefined> {
  const first = new Map<string, string | undefined>();
  for (const change of changes)
    for (const path of pathsOf(change)) if (!first.has(path)) first.set(path, change.before.get(path));
  return first;
}

/**
 * Checks that the directory still has what the changes start from.
 * @throws MuseError `changed-meanwhile` where a file is not what was read; `path-taken` where a new file already exists;
 *   `path-outside`
 */
export async function checkUntouched(root: string, changes: readonly Change[]): Promise<void> {
  for (const [path, text] of touched(changes)) {
    const found = await readText(await inside(root, path));
    if (text === undefined && found !== undefined) {
      throw new MuseError({
        code: 'path-taken',
        message: `${path} already exists, but the repair creates a file of that name. Nothing was changed.`,
        suggestion: 'Move or rename the file, then run this again.',
      });
    }
    if (text !== undefined && (found === undefined || bare(found) !== bare(text))) {
      throw new MuseError({
        code: 'changed-meanwhile',
        message: `${path} changed while it was being read. This run changed nothing.`,
        suggestion: 'Run the command again.',
      });
    }
  }
}

/** How many files are written at the same time: each waits for the disk. */
const atOnce = 16;

/** Writes a change, with each file's byte order mark kept; files that it leaves out are removed. */
export async function writeChange(root: string, { before, after }: Change): Promise<void> {
  const write = async ([path, text]: [string, string]): Promise<void> => {
    // A file that is only renamed keeps every byte.
    const old = before.has(path)
      ? path
      : [...before.keys()].find((other) => !after.has(other) && before.get(other) === text);
    const bytes = old === undefined ? undefined : await readBytes(await inside(root, old));
    const marked = bytes !== undefined && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    await writeWhole(await inside(root, path), marked ? mark + bare(text) : text);
  };
  const left = [...after];
  for (let some = left.splice(0, atOnce); some.length > 0; some = left.splice(0, atOnce)) {
    // All of them have ended before a failure is told: nothing is written after it.
    const failed = (await Promise.allSettled(some.map(write))).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  for (const path of before.keys()) if (!after.has(path)) await rm(await inside(root, path), { force: true });
}

/** The message of a change's commit: the rule, what it means, the files, and the parts that change who may do what. */
export function commitMessage({ rule, after, decisions }: Change): string {
  const said = decisions.map(({ object, before, after: now, reason }) => `${object}: ${before} -> ${now} (${reason})`);
  return [
    `Fix ${rule}`,
    `${ruleNamed(rule).means}.`,
    [...after.keys()].join('\n'),
    ...(said.length === 0 ? [] : [`Access:\n${said.join('\n')}`]),
  ].join('\n\n');
}

/** A change as a unified diff that `git apply` accepts. */
export function diffOf({ before, after }: Change, git: GitOptions): Promise<string> {
  return diffTexts(before, after, git);
}
