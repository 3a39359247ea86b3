/** Holds each class of repair against what it may do: widen nobody's access without a yes, and break no file that ran. */
import type { Catalog } from '../../../sql/catalog/model.ts';
import { tableOfObject } from '../check.ts';
import { type AccessChange, type BareChange, compareAccess, type Measured, statedAccess } from './access.ts';
import type { Decision, fixStages, Left } from './fix.ts';

/** What repairs changed of who may do what, and what they left out because nobody said yes. */
export interface AccessReport {
  widened: AccessChange[];
  narrowed: AccessChange[];
  /** Would have given somebody something: left out. */
  withheld: AccessChange[];
}

/** Stages whose repairs are about who may do what: each class of them is measured on its own. */
export const aboutAccess: ReadonlySet<(typeof fixStages)[number]> = new Set([
  'row-security',
  'policies',
  'recursion',
  'privileges',
]);

/** Rules that are fixed and measured together: several that have nothing to do with access, or one that has. */
export function batchesOf<Each extends { fix: { stage: (typeof fixStages)[number] } }>(all: readonly Each[]): Each[][] {
  const batches: Each[][] = [];
  let open = false;
  for (const each of all) {
    const alone = aboutAccess.has(each.fix.stage);
    if (!alone && open) batches.at(-1)!.push(each);
    else batches.push([each]);
    open = !alone;
  }
  return batches;
}

/** One class of repair that was tried, for a judgement on it. */
export interface Attempt {
  rule: string;
  before: Measured;
  after: Measured;
  /** The files as they were read before it. */
  catalog: Catalog;
  /** Names of files that it changed, old by new. */
  renamed: ReadonlyMap<string, string>;
  /** The files that it wrote, and what it decided. */
  files: readonly string[];
  decisions: readonly Decision[];
}

/** What a class of repair changes. */
export interface Judgement {
  /** Files that ran before it and do not any more, or in which more statements fail. */
  broken: string[];
  widened: AccessChange[];
  narrowed: AccessChange[];
}

/** Compares what two runs on a shadow database showed. */
export function judge({ rule, before, after, catalog, renamed, files, decisions }: Attempt): Judgement {
  const broken = [...after.failed]
    .filter(([file, count]) => count > (before.failed.get(renamed.get(file) ?? file) ?? 0))
    .map(([file]) => file);
  // Where a statement could not run, its author's word stands for what the database would have had.
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

/** Changes of access, those of one table together: one question each. */
export function byTable(changes: readonly AccessChange[]): Map<string, AccessChange[]> {
  const tables = new Map<string, AccessChange[]>();
  for (const change of changes) tables.set(change.table, [...(tables.get(change.table) ?? []), change]);
  return tables;
}

/** Why a class of repair was taken back because of files. */
export function brokenLeft(rule: string, broken: readonly string[], file: string): Left {
  return { rule, file, why: `its repair was taken back, because ${broken.join(', ')} would no longer run.` };
}
