/** The git edge, unified diffs of texts that are in no repository. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inside } from '../shared/files.ts';
import { gitError } from './git-error.ts';
import { runGit } from './git-run.ts';
import type { GitOptions } from './git-run.ts';

/** Nothing of the user's settings changes what a diff looks like, and line ends stay what they are. */
const plain = ['core.autocrlf=false', `core.attributesFile=${devNull}`, 'diff.algorithm=histogram'].flatMap((setting) => ['-c', setting]);

/**
 * The unified diff from some texts to others, as `git apply` takes it; empty where they are the same.
 * @param before texts by path, with `/`; a path that only one side has is new, or gone
 * @throws MuseError `git-missing` and the like, `path-outside` for a path that is none
 */
export async function diffTexts(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, options: GitOptions = {}): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'create-muse-diff-'));
  try {
    for (const [side, texts] of [['a', before], ['b', after]] as const) {
      await mkdir(join(place, side));
      for (const [path, text] of texts) {
        const file = await inside(join(place, side), path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    }
    const args = ['diff', '--no-index', '--no-color', '--no-ext-diff', '--no-textconv', '--text', '--no-prefix', '--find-renames', '--unified=3', '--', 'a', 'b'];
    const result = await runGit([...plain, ...args], { ...options, directory: place });
    // It ends with 1 where there are differences.
    if (!result.ok && result.stdout === '') throw gitError('the texts before and after', 'diff', result.stderr);
    // The names of the two trees stand for the prefixes of a patch: these lines have none, and a new or old file has both.
    return result.stdout
      .replace(/^(rename|copy) (from|to) (")?[ab]\//gm, '$1 $2 $3')
      .replace(/^diff --git ("?)[ab]\/(.*) ("?)([ab])\/\2$/gm, 'diff --git $1a/$2 $3b/$2');
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
