import { rm } from 'node:fs/promises';
import { MuseError } from '../../shared/error.ts';
import { inside, readBytes, readText, writeWhole } from '../../shared/files.ts';
import { diffTexts } from '../../kit/git-diff.ts';
import type { GitOptions } from '../../kit/git-run.ts';
import { ruleNamed } from '../../rules/registry.ts';
import type { Change } from './repair.ts';

const mark = '\uFEFF';
const bare = (text: string): string => (text.startsWith(mark) ? text.slice(1) : text);

/** The paths that a change writes or takes away. */
export function pathsOf({ before, after }: Change): string[] {
  return [...new Set([...before.keys(), ...after.keys()])];
}

/** The paths that were there before the first of the changes, with their texts; a new path has none. */
export function touched(changes: readonly Change[]): Map<string, string | undefined> {
  const first = new Map<string, string | undefined>();
  for (const change of changes) for (const path of pathsOf(change)) if (!first.has(path)) first.set(path, change.before.get(path));
  return first;
}

/**
 * Holds the directory against what the changes start from.
 * @throws MuseError `changed-meanwhile` where a file is not what was read; `path-taken` where a new one is there already;
 *   `path-outside`
 */
export async function checkUntouched(root: string, changes: readonly Change[]): Promise<void> {
  for (const [path, text] of touched(changes)) {
    const found = await readText(await inside(root, path));
    if (text === undefined && found !== undefined) {
      throw new MuseError({ code: 'path-taken', message: `${path} is in the way: a new file gets that name. Nothing was changed.`, suggestion: 'Move it away, then run this again.' });
    }
    if (text !== undefined && (found === undefined || bare(found) !== bare(text))) {
      throw new MuseError({ code: 'changed-meanwhile', message: `${path} changed while it was being read. This run changed nothing.`, suggestion: 'Run the command again.' });
    }
  }
}

/** Writes a change: each file whole, its byte order mark kept; what it leaves out is removed. */
export async function writeChange(root: string, { before, after }: Change): Promise<void> {
  for (const [path, text] of after) {
    // A file that only has another name is its old self in every byte.
    const old = before.has(path) ? path : [...before.keys()].find((other) => !after.has(other) && before.get(other) === text);
    const bytes = old === undefined ? undefined : await readBytes(await inside(root, old));
    const marked = bytes !== undefined && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    await writeWhole(await inside(root, path), marked ? mark + bare(text) : text);
  }
  for (const path of before.keys()) if (!after.has(path)) await rm(await inside(root, path), { force: true });
}

/** The message of a change's commit: the rule, what it means, the files, and what of it changes who may do what. */
export function commitMessage({ rule, after, decisions }: Change): string {
  const said = decisions.map(({ object, before, after: now, reason }) => `${object}: ${before} -> ${now} (${reason})`);
  return [`Fix ${rule}`, `${ruleNamed(rule).means}.`, [...after.keys()].join('\n'), ...(said.length === 0 ? [] : [`Who may do what:\n${said.join('\n')}`])].join('\n\n');
}

/** A change as a unified diff that `git apply` takes. */
export function diffOf({ before, after }: Change, git: GitOptions): Promise<string> {
  return diffTexts(before, after, git);
}
