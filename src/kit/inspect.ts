/** Inspects a kit after checkout: links that lead out of it, submodules, large files that are stored elsewhere. */
import { readlink, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { kindOf, readText } from '../shared/files.ts';
import { leaveOutSecrets } from './kit-secrets.ts';
import { lfsPointers, listIgnored, listTree } from './git-fetch.ts';
import type { GitOptions } from './git-run.ts';

/** Something about a kit that its owner should know. */
export interface KitNote {
  kind: 'uncommitted' | 'link-left-out' | 'submodule' | 'large-file' | 'same-name' | 'reserved' | 'secrets';
  /** Paths in the kit, with `/`. */
  paths: string[];
  /** One sentence. */
  message: string;
}

/** Where SQL is read from: a link here that leads out of the kit would run someone else's statements. */
const sensitive = /(^|\/)(migrations?|seeds?)(\/|$)|\.(sql|pgsql)$/i;

function note(kind: KitNote['kind'], paths: string[], message: string): KitNote[] {
  return paths.length === 0 ? [] : [{ kind, paths, message }];
}

/** The result of the inspection. */
export interface Inspected {
  notes: KitNote[];
  /** Files of the kit that its own `.gitignore` names: git would leave them out of the muse's first commit. */
  ignored: string[];
}

/**
 * Removes links that lead out of the checkout in `directory`, and reports them.
 * @throws MuseError `kit-unsafe-link` if such a link is among the migrations
 */
export async function inspectCheckout(directory: string, git: GitOptions): Promise<Inspected> {
  const options = { ...git, directory };
  const [tree, named] = await Promise.all([listTree(options), listIgnored(options)]);
  const links: string[] = [];
  for (const { path } of tree.filter(({ mode }) => mode === '120000')) {
    if (await leavesKit(directory, path)) links.push(path);
  }
  const unsafe = links.filter((path) => sensitive.test(path));
  if (unsafe.length > 0) throw unsafeLinks(unsafe);
  for (const path of links) await rm(join(directory, path), { force: true });
  const reserved = tree.filter(({ path }) => /^\.muse(\/|$)/i.test(path)).map(({ path }) => path);
  for (const folder of new Set(reserved.map((path) => path.split('/')[0]!))) {
    await rm(join(directory, folder), { recursive: true, force: true });
  }
  const secrets = await leaveOutSecrets(
    directory,
    tree.map(({ path }) => path),
  );
  const submodules = tree.filter(({ mode }) => mode === '160000').map(({ path }) => path);
  const notes = [
    ...note('link-left-out', links, 'Symbolic links that lead out of the kit were removed.'),
    ...note('submodule', submodules, 'Submodules are not fetched: their folders are empty.'),
    ...note(
      'large-file',
      await largeFiles(
        tree.map(({ path }) => path),
        options,
      ),
      'Large files (Git LFS) are not fetched: there are only pointers to them.',
    ),
    ...note(
      'same-name',
      sameNames(tree.map(({ path }) => path)),
      'Some paths differ only in upper and lower case: not every system can store both.',
    ),
    ...note('reserved', reserved, 'The kit has its own .muse folder, which was removed.'),
    ...note(
      'secrets',
      secrets,
      `Files of the kit for secrets are left out: ${secrets.join(', ')}. Write your own; git ignores .env*.local.`,
    ),
  ];
  const gone = [...links, ...reserved, ...secrets];
  const isGone = (path: string): boolean => gone.some((one) => path === one || path.startsWith(`${one}/`));
  return { notes, ignored: named.filter((path) => !isGone(path)) };
}

/** Pointers of Git LFS; searched only if the kit declares some, because that reads every file. */
async function largeFiles(paths: readonly string[], options: GitOptions & { directory: string }): Promise<string[]> {
  for (const path of paths.filter((name) => /(^|\/)\.gitattributes$/.test(name))) {
    const file = join(options.directory, path);
    if ((await kindOf(file)) === 'file' && /\bfilter=lfs\b/.test((await readText(file)) ?? ''))
      return lfsPointers(options);
  }
  return [];
}

/** Paths that are the same on a case-insensitive file system. */
function sameNames(paths: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const key = path.normalize('NFC').toLowerCase();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [path]);
    else group.push(path);
  }
  return [...groups.values()].filter((group) => group.length > 1).flat();
}

function unsafeLinks(paths: readonly string[]): MuseError {
  return new MuseError({
    code: 'kit-unsafe-link',
    message:
      "The kit's migrations contain " +
      `${paths.length === 1 ? 'a symbolic link that leads' : 'symbolic links that lead'} out of the kit, so it was ` +
      'not used.',
    detail: paths.slice(0, 20).join('\n'),
    suggestion: 'Replace the link with the file in the kit, commit, and run this again.',
  });
}

/** More steps than any real link needs: beyond that it is a loop. */
const mostSteps = 40;

/**
 * Says whether the link at `path` leads out of `root`, step by step as the system would resolve it; a loop counts as
 * leading out. A target that does not exist counts by its path only.
 */
async function leavesKit(root: string, path: string): Promise<boolean> {
  const stack: string[] = [];
  let waiting = path.split('/');
  for (let steps = 0; waiting.length > 0;) {
    const [part, ...rest] = waiting;
    waiting = rest;
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      if (stack.pop() === undefined) return true;
      continue;
    }
    const here = [...stack, part];
    if ((await kindOf(join(root, ...here))) !== 'link') {
      stack.push(part);
      continue;
    }
    steps += 1;
    const target = (await readlink(join(root, ...here))).replaceAll('\\', '/');
    if (steps > mostSteps || posix.isAbsolute(target) || /^[a-z]:/i.test(target)) return true;
    waiting = [...target.split('/'), ...waiting];
  }
  return stack[0] === '.git';
}
