/** Finds the layout of a kit. Only reads. */
import { join, posix } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf, listNames, readText } from '../shared/files.ts';
import type { Isolation, MigrationFolders } from '../shared/muse-file.ts';
import { isolationMarks, type LayoutRule, layoutRules } from './layouts.ts';
import { matchFolders, walk } from './walk.ts';

/** Where a kit keeps its migrations. The known layouts are data in `layouts.ts`. */
export interface Layout {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people: `migrations/core and migrations/extensions`. */
  title: string;
  folders: MigrationFolders;
  isolation: Isolation;
  /** Less specific layouts that also match the kit; their files are not run. */
  others?: { id: string; folders: string[] }[];
}

/** Folders that the user names (`--core`, `--extensions`); relative to the kit. */
export interface LayoutByHand {
  core?: readonly string[] | undefined;
  extensions?: readonly string[] | undefined;
}

/**
 * The layout of the kit in `directory`: the most specific one that matches; the other matches are in `others`.
 * @throws MuseError `layout-unknown` with what was looked for and which SQL files exist; `bad-layout` if a folder that
 * the user named does not exist; `path-outside` if it leads out of the kit
 */
export async function recognizeLayout(directory: string, byHand: LayoutByHand = {}): Promise<Layout> {
  if ((byHand.core ?? []).length > 0) return custom(directory, byHand);
  const fitting: { rule: LayoutRule; core: string[] }[] = [];
  for (const rule of layoutRules) {
    const core = await coreFolders(directory, rule);
    if (core.length > 0) fitting.push({ rule, core });
  }
  const [first, ...rest] = fitting;
  if (first === undefined) throw await unknown(directory);
  const named = byHand.extensions ?? [];
  for (const folder of named) await mustBeFolder(directory, folder, false);
  const folders = foldersOf(first.rule, first.core);
  if (named.length > 0) folders.extensions = named.map(plain);
  const others = rest
    .map(({ rule, core }) => ({ id: rule.id, folders: core.filter((folder) => !folders.core.includes(folder)) }))
    .filter((other) => other.folders.length > 0);
  return {
    id: first.rule.id,
    title: first.rule.title,
    folders,
    isolation: await isolationOf(directory, [...folders.core, ...folders.extensions]),
    ...(others.length === 0 ? {} : { others }),
  };
}

/** The folders of core by a rule, empty if it does not match. */
async function coreFolders(directory: string, rule: LayoutRule): Promise<string[]> {
  if (rule.beside !== undefined && (await matchFolders(directory, rule.beside)).length === 0) return [];
  for (const pattern of rule.core) {
    const found: string[] = [];
    for (const folder of await matchFolders(directory, pattern)) {
      if (await fits(directory, folder, rule)) found.push(folder);
    }
    if (found.length === 0) continue;
    for (const folder of rule.alsoCore ?? []) {
      if ((await listNames(join(directory, folder))).some((name) => rule.file.test(name))) found.push(folder);
    }
    return found;
  }
  return [];
}

async function fits(directory: string, folder: string, rule: LayoutRule): Promise<boolean> {
  const names = await listNames(join(directory, folder));
  if (!names.some((name) => rule.file.test(name))) return false;
  if (rule.requires === undefined) return true;
  const meta = (await listNames(join(directory, folder, 'meta'))).map((name) => `meta/${name}`);
  return [...names, ...meta].some((name) => rule.requires!.test(name));
}

function foldersOf(rule: LayoutRule, core: string[]): MigrationFolders {
  const place = (pattern: string) => posix.normalize(pattern.replace('<core>', core[0]!));
  return {
    core,
    extensions: [place(rule.extensions)],
    rollback: place(rule.rollback),
    archive: place(rule.archive),
    order: rule.order,
  };
}

/** A folder as in `muse.json`: with `/`, without `./` and a `/` at the end. */
function plain(folder: string): string {
  return posix.normalize(folder.replaceAll('\\', '/')).replace(/\/$/, '');
}

async function mustBeFolder(directory: string, folder: string, there = true): Promise<void> {
  const kind = await kindOf(await inside(directory, folder));
  if (kind === 'directory' || (kind === undefined && !there)) return;
  throw new MuseError({
    code: 'bad-layout',
    message: `The kit has no folder "${folder}".`,
    suggestion: 'Name a folder by its path in the kit, e.g. --core db/migrations.',
  });
}

async function custom(directory: string, byHand: LayoutByHand): Promise<Layout> {
  const core = (byHand.core ?? []).map(plain);
  for (const folder of core) await mustBeFolder(directory, folder);
  const extensions = (byHand.extensions ?? []).map(plain);
  for (const folder of extensions) await mustBeFolder(directory, folder, false);
  const names = (await Promise.all(core.map((folder) => listNames(join(directory, folder))))).flat();
  const journal = (
    await Promise.all(core.map((folder) => kindOf(join(directory, folder, 'meta', '_journal.json'))))
  ).includes('file');
  const stamped = names.some((name) => /^\d{14}_.*\.sql$/i.test(name));
  return {
    id: 'custom',
    title: `${core.join(', ')} (named by --core)`,
    folders: {
      core,
      extensions: extensions.length > 0 ? extensions : ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: journal ? 'journal' : stamped ? 'timestamp' : 'number',
    },
    isolation: await isolationOf(directory, [...core, ...extensions]),
  };
}

async function isolationOf(directory: string, folders: readonly string[]): Promise<Isolation> {
  const counts = new Map<Isolation, number>();
  for (const folder of folders) {
    for (const name of await listNames(join(directory, folder))) {
      if (!/\.(sql|pgsql)$/i.test(name) || (await kindOf(join(directory, folder, name))) !== 'file') continue;
      const text = (await readText(join(directory, folder, name))) ?? '';
      for (const { isolation, mark } of isolationMarks) {
        counts.set(isolation, (counts.get(isolation) ?? 0) + (text.match(mark)?.length ?? 0));
      }
    }
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most !== undefined && most[1] > 0 ? most[0] : 'auth-uid';
}

/** At most this many folders with SQL are listed. */
const listed = 12;

async function unknown(directory: string): Promise<MuseError> {
  const seen = new Map<string, number>();
  for await (const entry of walk(directory, ({ name }) => name !== 'node_modules')) {
    if (entry.kind !== 'file' || !/\.(sql|pgsql)$/i.test(entry.name)) continue;
    const folder = posix.dirname(entry.path);
    seen.set(folder, (seen.get(folder) ?? 0) + 1);
  }
  const lines = [...seen]
    .slice(0, listed)
    .map(([folder, count]) => `  ${folder}/  ${count} SQL file${count === 1 ? '' : 's'}`);
  const more = seen.size > listed ? [`  … and ${seen.size - listed} more folders`] : [];
  const looked = layoutRules.map((rule) => `  ${rule.title}`);
  return new MuseError({
    code: 'layout-unknown',
    message: 'create-muse does not know how this kit stores its migrations.',
    detail: [
      'Looked for:',
      ...looked,
      seen.size === 0 ? 'It has no SQL files.' : 'SQL files are in:',
      ...lines,
      ...more,
    ].join('\n'),
    suggestion:
      seen.size === 0
        ? 'Use a kit with SQL migrations, or --kit builtin.'
        : `Name the folders: --core ${[...seen.keys()][0]} (and --extensions <folder>).`,
  });
}
