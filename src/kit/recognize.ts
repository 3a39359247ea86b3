/** Finds the layout of a kit. Only reads. */
import { posix } from 'node:path';
import { forms } from '../migrations/forms.ts';
import { numberOf } from '../migrations/order.ts';
import { migrationsAmong } from '../migrations/read.ts';
import { sectionToolOf, type SectionTool } from '../migrations/sections.ts';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf } from '../shared/files.ts';
import type { Isolation, MigrationFolders } from '../shared/muse-file.ts';
import { databaseNamed, type Foreign, foreignOf } from './dialect.ts';
import { isolationMarks, type LayoutRule, layoutRules } from './layouts.ts';
import { leftOut } from './left-out.ts';
import { isSql, readSqlTree, type SqlTree } from './sql-tree.ts';
import { formattedMark, mustBeWhole, unknownLayout, withoutMigrations } from './unknown-layout.ts';

/** Where a kit keeps its migrations. The known layouts are data in `layouts.ts`. */
export interface Layout {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people: `migrations/core and migrations/extensions`. */
  title: string;
  folders: MigrationFolders;
  isolation: Isolation;
  /** Other layouts that also fit the kit; their files are not run. */
  others?: OtherLayout[];
  /** What else changes the kit's database and is not run, a sentence each. */
  notes?: string[];
}

/** A layout that fits a kit and is not used. */
export interface OtherLayout {
  id: string;
  folders: string[];
  /** How many migrations there are. */
  files: number;
  /** What they are, if not SQL for PostgreSQL: `for SQLite`. */
  foreign?: string;
}

/** Folders that the user names (`--core`, `--extensions`); relative to the kit. */
export interface LayoutByHand {
  core?: readonly string[] | undefined;
  extensions?: readonly string[] | undefined;
}

/** A layout that a question offers. */
export interface Offered {
  title: string;
  core: readonly string[];
  files: number;
}

/** A rule that fits folders of the kit. */
interface Candidate {
  rule: LayoutRule;
  core: string[];
  /** Paths in the kit of the migrations, those of extensions included. */
  files: string[];
  foreign?: Foreign;
}

/**
 * The layout of the kit in `directory`: of those that fit, the one with the most files whose name does not say that it no
 * longer counts, the more specific one where that is equal; the others are in `others`.
 * @param choose asks which of several to take; resolves to its index
 * @throws MuseError `layout-unknown` with what was looked for and what there is; `bad-layout` if a folder that the user
 * named does not exist or has no migrations; `path-outside` if it leads out of the kit
 */
export async function recognizeLayout(
  directory: string,
  byHand: LayoutByHand = {},
  choose?: (offered: readonly Offered[]) => Promise<number>,
): Promise<Layout> {
  if ((byHand.core ?? []).length > 0) return custom(directory, byHand);
  const tree = await readSqlTree(directory);
  const fitting = await candidates(tree);
  const own = fitting.filter(({ foreign }) => foreign === undefined);
  const taken = own.length > 0 ? own : fitting.filter(({ foreign }) => foreign?.certain === false);
  const index =
    taken.length > 1 && choose !== undefined
      ? await choose(taken.map(({ rule, core, files }) => ({ title: rule.title, core, files: files.length })))
      : 0;
  const first = taken[index];
  if (first === undefined) throw await unknownLayout(tree, fitting);
  const named = byHand.extensions ?? [];
  for (const folder of named) await mustBePlace(directory, folder, false);
  const folders = foldersOf(first.rule, first.core);
  if (first.rule.named !== undefined) folders.rollback = revertOf(tree, first.core);
  if (named.length > 0) folders.extensions = named.map(plain);
  const others = fitting
    .filter((other) => other !== first)
    .map(({ rule, core, files, foreign }): OtherLayout => ({
      id: rule.id,
      folders: core,
      files: files.length,
      ...(foreign === undefined ? {} : { foreign: foreign.what }),
    }));
  if (first.rule.order === 'number' && first.rule.last === true) await mustBeWhole(tree, first.core);
  const notes = await leftOut(
    tree,
    folders,
    fitting.flatMap(({ files }) => files),
  );
  return {
    id: first.rule.id,
    title: first.rule.title,
    folders,
    isolation: await isolationOf(tree, first.files),
    ...(others.length === 0 ? {} : { others }),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/**
 * The rules that fit, each with its folders: the one with the most files first, those whose name says that they no longer
 * count last. A folder is that of the first rule.
 */
async function candidates(tree: SqlTree): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const taken = new Set<string>();
  const tools = new Map<string, Promise<SectionTool | undefined>>();
  for (const rule of layoutRules) {
    if (rule.last === true && found.some(({ foreign }) => foreign === undefined)) continue;
    if (rule.beside !== undefined && !tree.folders.includes(rule.beside)) continue;
    const folders: string[] = [];
    const places = rule.named === undefined ? rule.core.flatMap((pattern) => tree.matching(pattern)) : plannedIn(tree);
    for (const folder of places) {
      const covered = [...taken, ...folders].some((other) => folder === other || isDeepIn(rule, folder, other));
      if (isUncommitted(tree, folder)) continue;
      if (!covered && !folders.includes(folder) && (await fits(tree, folder, rule, tools))) folders.push(folder);
    }
    // One folder that is not like the others would be left out.
    if (rule.carried === true && (await count(tree, places, { ...rule, carried: false }, tools)) > folders.length)
      continue;
    const groups =
      rule.joined === true && folders.length > 0
        ? [folders]
        : rule.order === 'flyway'
          ? versionsTogether(tree, folders)
          : folders.map((folder) => [folder]);
    for (const core of groups) {
      const more = (rule.alsoCore ?? []).filter((folder) => tree.below(folder).some((path) => rule.file.test(path)));
      const all = [...core, ...more];
      const { extensions, order } = foldersOf(rule, all);
      const files = [...new Set([...all, ...extensions])].flatMap((place) => migrationsIn(tree, place, order));
      for (const folder of [...all, ...extensions]) taken.add(folder);
      // A folder with nothing but what undoes migrations has none.
      if (files.length === 0 || (await isFormatted(tree, files))) continue;
      const { dialect } = tree.drizzle.find(({ folder }) => folder === core[0]) ?? {};
      const foreign = rule.isPostgres === true ? undefined : await foreignOf(tree, core[0]!, files, dialect);
      found.push({ rule, core: all, files, ...(foreign === undefined ? {} : { foreign }) });
    }
  }
  // The same migrations for several databases: a folder for another one than that is told by its name where none of its files tells.
  if (found.some(({ foreign }) => foreign?.certain !== true) && tree.files.some(isForPostgres))
    for (const candidate of found) {
      const database = databaseNamed(candidate.core[0]!) ?? 'PostgreSQL';
      if (database !== 'PostgreSQL' && candidate.foreign?.certain !== true)
        candidate.foreign = { what: `for ${database}`, certain: true };
    }
  const named = found.filter(({ rule, core }) => rule.config !== undefined && isNamed(tree, core[0]!));
  const isLast = ({ rule, core }: Candidate): boolean =>
    isPutAside(core) ||
    (rule.order === 'flyway' && core.some((place) => isOfProfile.test(place))) ||
    (rule.config !== undefined && named.length > 0 && !isNamed(tree, core[0]!));
  return found.sort((a, b) => Number(isLast(a)) - Number(isLast(b)) || b.files.length - a.files.length);
}

/** Folders below a location of Flyway that its profiles choose from. */
const chosen = /(?:^|\/)(?:demo|dev(?:elopment)?|local|prod(?:uction)?|samples?|staging)$/i;

/** Folders of Flyway with what is run in addition while a product is developed or tested, such as `db/dev` or `src/test/resources`. */
const isOfProfile = /(?:^|\/)(?:demo|dev(?:elopment)?|local|samples?|seeds?|tests?|testdata)(?:\/|$)/i;

/**
 * Flyway reads all that is below a location: folders below one are one, where they are for PostgreSQL and no version is
 * there twice.
 */
function versionsTogether(tree: SqlTree, folders: readonly string[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const folder of folders) {
    const above = /^(?:.*\/)?migrations?(?=\/)/i.exec(folder)?.[0];
    const isApart = chosen.test(folder) || !['PostgreSQL', undefined].includes(databaseNamed(posix.basename(folder)));
    const place = above === undefined || isApart ? folder : above;
    groups.set(place, [...(groups.get(place) ?? []), folder]);
  }
  return [...groups].flatMap(([place, group]) => {
    if (group.length === 1) return [group];
    const versions = group.flatMap((folder) =>
      migrationsIn(tree, folder, 'flyway').flatMap((path) => numberOf(posix.basename(path), 'flyway') ?? []),
    );
    if (new Set(versions).size < versions.length) return group.map((folder) => [folder]);
    const isAll = folders.every((folder) => group.includes(folder) || !folder.startsWith(`${place}/`));
    return [isAll ? [place] : group];
  });
}

/** How many of the places fit a rule. */
async function count(
  tree: SqlTree,
  places: readonly string[],
  rule: LayoutRule,
  tools: Map<string, Promise<SectionTool | undefined>>,
): Promise<number> {
  const fitting = await Promise.all([...new Set(places)].map((place) => fits(tree, place, rule, tools)));
  return fitting.filter(Boolean).length;
}

/** The folders of deploy scripts whose plan Sqitch's configuration names too. */
const plannedIn = ({ sqitch, files }: SqlTree): string[] =>
  sqitch.filter(({ plan }) => files.includes(plan)).map(({ deploy }) => deploy);

/** Whether a folder is what Graphile Migrate has not committed yet. */
const isUncommitted = (tree: SqlTree, folder: string): boolean =>
  posix.basename(folder) === 'current' && above(tree, folder).some((path) => /\/\.gmrc(?:\.\w+)?$/.test(path));

/** Whether a file is in a folder that is called after PostgreSQL. */
const isForPostgres = (path: string): boolean => databaseNamed(posix.dirname(path)) === 'PostgreSQL';

/** Whether a configuration of Drizzle names the folder. */
const isNamed = ({ drizzle }: SqlTree, place: string): boolean => drizzle.some(({ folder }) => folder === place);

/** Words by which folders that no longer count are called, e.g. `migrations_old`. */
const aside = /(?:^|[\s._-])(?:archived?|bak|backups?|deprecated|legacy|obsolete|old|unused)(?:$|[\s._-])/i;

const isPutAside = (core: readonly string[]): boolean =>
  core.some((place) => place.split('/').some((name) => aside.test(name)));

/** Whether a folder is in another one whose files the rule's form has at any depth. */
function isDeepIn({ order }: LayoutRule, folder: string, other: string): boolean {
  return forms[order].below === 'any' && folder.startsWith(`${other}/`);
}

/** Paths in the kit of the migrations in a folder, or of the one file. */
function migrationsIn(tree: SqlTree, place: string, order: MigrationFolders['order']): string[] {
  if (tree.isFile(place)) return [place];
  return migrationsAmong(tree.below(place), order).map((path) => posix.join(place, path));
}

async function fits(
  tree: SqlTree,
  place: string,
  { folder, file, carried, requires, config, sections }: LayoutRule,
  tools: Map<string, Promise<SectionTool | undefined>>,
): Promise<boolean> {
  if (tree.isFile(place)) return file.test(posix.basename(place));
  if (config === 'needed' && !isNamed(tree, place)) return false;
  if (folder?.test(posix.basename(place)) === false) return false;
  const below = tree.below(place);
  if (!below.some((path) => file.test(path))) return false;
  if (carried === true && !isCarried(tree, place)) return false;
  if (requires !== undefined) {
    if (![...below, ...above(tree, place)].some((path) => requires.test(path))) return false;
  }
  if (sections === undefined) return true;
  const known =
    tools.get(place) ??
    toolOf(
      tree,
      below.filter((path) => file.test(path) && !path.includes('/')),
      place,
    );
  tools.set(place, known);
  return (await known) === sections;
}

/** Whether the files are changelogs of Liquibase: what each change set is for, and when it runs, is in comments that it alone reads. */
async function isFormatted(tree: SqlTree, files: readonly string[]): Promise<boolean> {
  const sample = files.slice(0, sampled);
  const texts = await Promise.all(sample.map((path) => tree.text(path)));
  return texts.every((text) => formattedMark.test(text));
}

/** Whether most of the numbered files of a folder have the folder's number in their names, behind their own. */
function isCarried(tree: SqlTree, place: string): boolean {
  const number = /^\d+/.exec(posix.basename(place))?.[0] ?? '';
  const files = tree.right(place).filter((name) => isSql(name) && /^\d/.test(name));
  const carrying = files.filter((name) => name.replace(/^\d+/, '').split(/\D+/).includes(number));
  return carrying.length * 2 > files.length;
}

/** The files in the folders that a place is in, as paths from it: `../name`, `../../name`. */
function above(tree: SqlTree, place: string): string[] {
  const found: string[] = [];
  for (let [at, up] = [place, '']; at !== '.';) {
    [at, up] = [posix.dirname(at), `../${up}`];
    for (const name of tree.right(at)) found.push(`${up}${name}`);
  }
  return found;
}

/** At most this many files are read to see which tool wrote them. */
const sampled = 20;

/** The tool whose sections at least half of the files have. */
async function toolOf(tree: SqlTree, names: readonly string[], folder: string): Promise<SectionTool | undefined> {
  const sample = names.slice(0, sampled);
  const seen = new Map<SectionTool, number>();
  for (const name of sample) {
    const tool = sectionToolOf(await tree.text(posix.join(folder, name)));
    if (tool !== undefined) seen.set(tool, (seen.get(tool) ?? 0) + 1);
  }
  const [most] = [...seen].sort((a, b) => b[1] - a[1]);
  return most !== undefined && most[1] * 2 >= sample.length ? most[0] : undefined;
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

/** The folder of the scripts that revert those of a folder, as Sqitch's configuration names it. */
const revertOf = ({ sqitch }: SqlTree, [core]: readonly string[]): string =>
  sqitch.find(({ deploy }) => deploy === core)!.revert;

/** A folder as in `muse.json`: with `/`, without `./` and a `/` at the end. */
function plain(folder: string): string {
  return posix.normalize(folder.replaceAll('\\', '/')).replace(/\/$/, '');
}

async function mustBePlace(directory: string, place: string, there = true): Promise<void> {
  const kind = await kindOf(await inside(directory, place));
  if (kind === 'directory' || (kind === 'file' && isSql(place)) || (kind === undefined && !there)) return;
  throw new MuseError({
    code: 'bad-layout',
    message: `The kit has no folder "${place}".`,
    suggestion: 'Name a folder by its path in the kit, e.g. --core db/migrations.',
  });
}

/** The layout of folders that the user names, in the form that their files have. */
async function custom(directory: string, byHand: LayoutByHand): Promise<Layout> {
  const core = (byHand.core ?? []).map(plain);
  for (const folder of core) await mustBePlace(directory, folder);
  const extensions = (byHand.extensions ?? []).map(plain);
  for (const folder of extensions) await mustBePlace(directory, folder, false);
  const tree = await readSqlTree(directory);
  const rule = await ruleFor(tree, core);
  const form = rule ?? {
    extensions: 'migrations/extensions',
    rollback: 'migrations/rollback',
    order: 'schema' as const,
  };
  const place = (pattern: string): string => posix.normalize(pattern.replace('<core>', core[0]!));
  const folders: MigrationFolders = {
    core,
    extensions:
      extensions.length > 0 ? extensions : [form.extensions === '<core>' ? place('<core>') : 'migrations/extensions'],
    rollback:
      rule?.named !== undefined
        ? revertOf(tree, core)
        : form.rollback.startsWith('<core>/../')
          ? place(form.rollback)
          : 'migrations/rollback',
    archive: 'migrations/archive',
    order: form.order,
  };
  for (const folder of core) {
    if (migrationsIn(tree, folder, folders.order).length > 0) continue;
    throw withoutMigrations(tree, folder, forms[folders.order].wanted);
  }
  const files = [...core, ...folders.extensions].flatMap((folder) => migrationsIn(tree, folder, folders.order));
  return {
    id: 'custom',
    title: `${core.join(', ')} (named by --core)`,
    folders,
    isolation: await isolationOf(tree, files),
  };
}

/** The first rule for folders anywhere that fits a folder. */
async function ruleFor(tree: SqlTree, folders: readonly string[]): Promise<LayoutRule | undefined> {
  const tools = new Map<string, Promise<SectionTool | undefined>>();
  for (const rule of layoutRules) {
    if (rule.named === undefined && !rule.core.some((pattern) => pattern.startsWith('**'))) continue;
    if (rule.named !== undefined && !folders.every((folder) => plannedIn(tree).includes(folder))) continue;
    for (const folder of folders) if (!tree.isFile(folder) && (await fits(tree, folder, rule, tools))) return rule;
  }
  return undefined;
}

async function isolationOf(tree: SqlTree, files: readonly string[]): Promise<Isolation> {
  const counts = new Map<Isolation, number>();
  for (const file of files) {
    const text = await tree.text(file);
    for (const { isolation, mark } of isolationMarks)
      counts.set(isolation, (counts.get(isolation) ?? 0) + (text.match(mark)?.length ?? 0));
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most !== undefined && most[1] > 0 ? most[0] : 'auth-uid';
}
