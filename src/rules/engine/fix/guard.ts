/** Checks each class of repair: it must not widen access without consent, and not break a file that ran. */
import type { Catalog } from '../../../sql/catalog/model.ts';
import { tableOfObject } from '../check.ts';
import { type AccessChange, type BareChange, compareAccess, type Measured, statedAccess } from './access.ts';
import type { Decision, fixStages, Left } from './fix.ts';

/** How repairs changed who can do what, and what was left out for lack of consent. */
export interface AccessReport {
  widened: AccessChange[];
  narrowed: AccessChange[];
  /** Left out, because it would have widened access. */
  withheld: AccessChange[];
}

/** Stages whose repairs change access: each class of repair in them is measured on its own. */
export const aboutAccess: ReadonlySet<(typeof fixStages)[number]> = new Set([
  'row-security',
  'policies',
  'recursion',
  'privileges',
]);

/** Stages whose repairs let statements run that failed: what those grant, and what then fails, is theirs alone. */
export const opening: ReadonlySet<(typeof fixStages)[number]> = new Set(['order', 'relations']);

/** Stages whose repairs let more of the files be read or run: what is found there was there before. */
export const revealing: ReadonlySet<(typeof fixStages)[number]> = new Set(['syntax', 'files', 'columns', ...opening]);

/** Rules that are fixed and measured together: several that do not affect access, or one that may. */
export function batchesOf<Each extends { fix: { stage: (typeof fixStages)[number] } }>(all: readonly Each[]): Each[][] {
  const batches: Each[][] = [];
  let open = false;
  for (const each of all) {
    const alone = aboutAccess.has(each.fix.stage) || opening.has(each.fix.stage);
    if (!alone && open) batches.at(-1)!.push(each);
    else batches.push([each]);
    open = !alone;
  }
  return batches;
}

/** One class of repair that was tried and is to be judged. */
export interface Attempt {
  rule: string;
  before: Measured;
  after: Measured;
  /** The files before the repair. */
  catalog: Catalog;
  /** Renamed files: the old name by the new one. */
  renamed: ReadonlyMap<string, string>;
  /** The files that the repair wrote, and its decisions. */
  files: readonly string[];
  decisions: readonly Decision[];
}

/** What a class of repair changes. */
export interface Judgement {
  /** Files that ran before the repair and no longer do, or in which more statements fail. */
  broken: string[];
  widened: AccessChange[];
  narrowed: AccessChange[];
}

/** Compares the results of two runs on a shadow database. */
export function judge({ rule, before, after, catalog, renamed, files, decisions }: Attempt): Judgement {
  const broken = [...after.failed]
    .filter(([file, count]) => count > (before.failed.get(renamed.get(file) ?? file) ?? 0))
    .map(([file]) => file);
  // If a statement could not run, assume the access that its text describes.
  const stated = statedAccess(catalog, (table) => before.doubtful.has(table) || !before.access.objects.has(table));
  const located = (change: BareChange): AccessChange => ({
    ...change,
    file: fileOf(change.table, decisions) ?? files[0] ?? '',
    rule,
  });
  const { widened, narrowed } = compareAccess(before.access, after.access, stated);
  return { broken, widened: widened.map(located), narrowed: narrowed.map(located) };
}

/** The file of the decision about a table. */
export function fileOf(table: string, decisions: readonly Decision[]): string | undefined {
  return decisions.find(({ object }) => tableOfObject(object) === table)?.file;
}

/** Changes of access grouped by table: one question each. */
export function byTable(changes: readonly AccessChange[]): Map<string, AccessChange[]> {
  const tables = new Map<string, AccessChange[]>();
  for (const change of changes) tables.set(change.table, [...(tables.get(change.table) ?? []), change]);
  return tables;
}

/** Why a class of repair was rolled back because of files. */
export function brokenLeft(rule: string, broken: readonly string[], file: string): Left {
  return { rule, file, why: `its repair was rolled back, because ${broken.join(', ')} would no longer run.` };
}

/** A repair that was rolled back because of what it led to. */
export function worseLeft(rule: string, files: ReadonlyMap<string, string>): Left {
  return {
    rule,
    file: [...files.keys()][0] ?? '',
    why: 'its repair was rolled back, because more errors were left after it than before.',
  };
}

/** A repair that was rolled back because its rule finds as much after it as before. */
export function uselessLeft(rule: string, files: ReadonlyMap<string, string>): Left {
  return {
    rule,
    file: [...files.keys()][0] ?? '',
    why: 'its repair was rolled back, because it left as many findings as there were before.',
  };
}

/** A repair that is about a table which is not there after the files have run. */
export function absentLeft(rule: string, table: string, file: string): Left {
  return { rule, file, why: `${table} is not there, or incomplete, since a statement that makes it fails.` };
}

/** A repair whose effect on access cannot be measured. */
export function unmeasured(rule: string): Left {
  return {
    rule,
    file: '',
    why: 'the files crash the shadow database, so it cannot be measured whether a repair would widen access.',
  };
}

/** The reason for files that crash the shadow database. */
export function endless(migrations: readonly { file: string }[]): Judgement {
  return { broken: migrations.slice(-1).map(({ file }) => file), widened: [], narrowed: [] };
}
