/** Removes from a kit what a product made from it does not need. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { type Entry, walk } from './walk.ts';

/** What was removed. */
export interface Pruned {
  /** The topmost paths, with `/`, sorted. */
  paths: string[];
  /** Files in all of them. */
  files: number;
  /** Their size, in bytes. */
  bytes: number;
}

/**
 * Removes what the built-in list and `further` patterns (those of `prune` in `muse.json`) name. A link is removed as a
 * link; what it points at stays.
 * @throws MuseError `bad-prune` for a pattern that is empty, holds `..` or would remove the whole kit
 */
export async function prune(directory: string, further: readonly string[] = []): Promise<Pruned> {
  const fits = [...pruneList, ...further].map(compile);
  const found: Entry[] = [];
  const named = (entry: Entry): boolean => fits.some((fit) => fit(entry));
  for await (const entry of walk(directory, (entry) => !named(entry))) {
    if (named(entry)) found.push(entry);
  }
  let [files, bytes] = [0, 0];
  for (const entry of found) {
    const size = await sizeOf(directory, entry);
    files += size.files;
    bytes += size.bytes;
    await rm(join(directory, entry.path), { recursive: true, force: true });
  }
  return { paths: found.map(({ path }) => path).sort(), files, bytes };
}

function compile(pattern: string): (entry: Entry) => boolean {
  const path = pattern.replaceAll('\\', '/').replace(/\/+$/, '').replace(/^\.\//, '/');
  const parts = path.replace(/^\//, '').split('/');
  if (parts.some((part) => part === '' || part === '..' || part === '.') || /^[*/]+$/.test(path)) {
    throw new MuseError({
      code: 'bad-prune',
      message: `"${pattern}" in the prune list is not a path in the kit.`,
      suggestion:
        'Write a name (matches anywhere) or a path from the top, e.g. "/docs/old"; * matches any characters except /.',
    });
  }
  const source = parts.map((part) => part.split('*').map(escape).join('[^/]*')).join('/');
  const expression = new RegExp(`^${source}$`);
  return path.includes('/') ? (entry) => expression.test(entry.path) : (entry) => expression.test(entry.name);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

async function sizeOf(directory: string, entry: Entry): Promise<{ files: number; bytes: number }> {
  if (entry.kind === 'link' || entry.kind === 'other') return { files: 1, bytes: 0 };
  if (entry.kind === 'file') return { files: 1, bytes: (await stat(join(directory, entry.path))).size };
  let [files, bytes] = [0, 0];
  for await (const below of walk(join(directory, entry.path))) {
    if (below.kind === 'directory') continue;
    files += 1;
    if (below.kind === 'file') bytes += (await stat(join(directory, entry.path, below.path))).size;
  }
  return { files, bytes };
}

/**
 * What kits contain that a product made from them does not need.
 * A pattern without `/` matches a file or folder of that name anywhere; one with `/` matches that path from the top
 * (`/logs` for the top only). `*` matches any characters except `/`.
 */
const pruneList: readonly string[] = [
  // Replit's uploads, agents and settings
  '/attached_assets',
  '/.agents',
  '/.local/state',
  '/.upm',
  '/.replit',
  '/replit.nix',
  '/replit.md',
  '/skills-lock.json',
  // Reports and results of test runs
  'test-results',
  'playwright-report',
  'blob-report',
  '.nyc_output',
  '/coverage',
  '/packages/*/coverage',
  '/apps/*/coverage',
  'junit.xml',
  // What tools build again
  'node_modules',
  '.next',
  '.turbo',
  '.vercel',
  '.eslintcache',
  '*.tsbuildinfo',
  '/supabase/.temp',
  '/supabase/.branches',
  '/apps/*/supabase/.temp',
  '/apps/*/supabase/.branches',
  // What systems and tools leave behind
  '.DS_Store',
  '._*',
  'Thumbs.db',
  'desktop.ini',
  'npm-debug.log*',
  'yarn-error.log*',
  'pnpm-debug.log*',
  '*.swp',
];
