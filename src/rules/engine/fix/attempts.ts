/** Repairs that are tried: applied, compared with what was before, and kept or rolled back. */
import type { Catalog } from '../../../sql/catalog/model.ts';
import { tableOfObject } from '../check.ts';
import type { Examined } from '../check.ts';
import { examineFiles } from '../lint.ts';
import type { Rule } from '../rule.ts';
import { statementAt } from '../statements.ts';
import { compareAccess, statedAccess } from './access.ts';
import type { Access, AccessChange, BareChange, Measured } from './access.ts';
import { fixStages } from './fix.ts';
import type { Fix, Left, Situation } from './fix.ts';
import {
  aboutAccess,
  absentLeft,
  batchesOf,
  brokenLeft,
  byTable,
  endless,
  fileOf,
  judge,
  revealing,
  unmeasured,
  uselessLeft,
} from './guard.ts';
import type { Judgement } from './guard.ts';
import { leaveOut, watchFiles } from './leave-out.ts';
import { record } from './record.ts';
import type { Repair } from './record.ts';
import type { Run } from './run.ts';
import { renamedSince, restore, save, type Saved } from './state.ts';
import { countOf, noteAdded } from './worth.ts';

/** A fix with the name of its rule. */
interface Fixable {
  rule: string;
  fix: Fix;
}

/**
 * The rules that have a fix, in the order of their stages; before them those that work on the places of the last rehearsal, which
 * hold until the first edit.
 */
export function fixable(rules: readonly Rule[]): Fixable[] {
  const all = fixStages.flatMap((stage) =>
    rules.flatMap(({ name, fix }) => (fix?.stage === stage ? [{ rule: name, fix }] : [])),
  );
  return [...all.filter(({ fix }) => fix.fromRehearsal), ...all.filter(({ fix }) => !fix.fromRehearsal)];
}

/**
 * Runs the files as they are now on a shadow database, until one runs worse than it did.
 * @param whole also rehearse them, if that is good
 * @param isGood judges who can do what afterwards where none does; undefined where the files crash the database
 * @param toTheEnd also run the files after one that runs worse
 * @returns whether it is good, and the files that run worse
 */
async function look(
  run: Run,
  saved: Repair,
  whole: boolean,
  isGood: (after: Measured | undefined) => Promise<boolean>,
  toTheEnd = false,
): Promise<{ isKept: boolean; worse: readonly string[] }> {
  const { input, result } = run;
  const { goesOn, worse } = watchFiles(run, saved, toTheEnd);
  let good: boolean | undefined;
  if (!whole || input.rehearse === undefined) {
    const after = await input.measure!(result.migrations, goesOn);
    good = worse.length === 0 && (await isGood(after));
  } else {
    const judge = async (measured: Measured): Promise<boolean> =>
      (good = worse.length === 0 && (await isGood(measured)));
    const rehearsed = await input.rehearse(result.migrations, result.rollbacks, judge, goesOn);
    good ??= worse.length === 0 && (await isGood(rehearsed?.measured));
    if (good) run.latest = rehearsed;
  }
  return { isKept: good, worse };
}

/** One round over all rules. Returns whether anything changed. */
export async function fixOnce(run: Run): Promise<boolean> {
  const foreseen = await fixForeseen(run, fixable(run.rules));
  if (foreseen !== undefined) return foreseen;
  let changed = false;
  for (const batch of batchesOf(fixable(run.rules))) changed = (await fixBatch(run, batch)) || changed;
  return changed;
}

/**
 * A round that predicts from the files how each class changes access, and confirms that with a single run on a shadow
 * database afterwards, because each run takes as long as the migrations do.
 * @param accepted changes of access that the classes made when they were measured one by one
 * @returns undefined, and nothing is changed, if the run shows something else
 */
export async function fixForeseen(
  run: Run,
  classes: readonly Fixable[],
  accepted: readonly AccessChange[] = [],
): Promise<boolean | undefined> {
  const { input, result } = run;
  if (input.measure !== undefined && run.measured === undefined) return undefined;
  const { catalog } = await examinedNow(run);
  const saved = save(run);
  const first = classes.findIndex(({ fix }) => fix.stage === 'details');
  const [before, details] = first < 0 ? [classes, []] : [classes.slice(0, first), classes.slice(first)];
  const foreseen: AccessChange[] = [];
  const fixAll = async (some: readonly Fixable[]): Promise<boolean> => {
    let changed = false;
    for (const each of some) {
      const changes = await fixStated(run, each);
      changed ||= changes !== undefined;
      foreseen.push(...(changes ?? []));
    }
    return changed;
  };
  const changedBefore = await fixAll(before);
  const beforeDetails = { ...save(run), examined: undefined };
  const changed = (await fixAll(details)) || changedBefore;
  if (!changed || input.measure === undefined) return changed;
  const isGood = async (after: Measured | undefined): Promise<boolean> => {
    const known = new Map(
      [...accepted, ...foreseen].map((change) => [`${change.actor} ${change.verb} ${change.table}`, change]),
    );
    const { broken, widened, narrowed } =
      after === undefined ? endless(result.migrations) : judgeAttempt(run, saved.result, catalog, '', after);
    const [wider = [], narrower = []] = [widened, narrowed].map((changes) =>
      changes.flatMap((change) => {
        const of = known.get(`${change.actor} ${change.verb} ${change.table}`);
        return of === undefined ? [] : [{ ...change, rule: of.rule, file: of.file }];
      }),
    );
    if (
      broken.length > 0 ||
      wider.length + narrower.length < widened.length + narrowed.length ||
      (await withoutYes(run, wider)).length > 0
    )
      return false;
    run.measured = after;
    result.access.widened.push(...wider);
    result.access.narrowed.push(...narrower);
    return true;
  };
  let { isKept: isForeseen, worse } = await look(run, saved.result, true, isGood);
  if (worse.length > 0 && becomeCautious(run, details)) {
    restore(run, beforeDetails);
    if ((await fixAll(details)) || changedBefore)
      ({ isKept: isForeseen, worse } = await look(run, saved.result, true, isGood));
  }
  if (isForeseen) return true;
  restore(run, saved);
  return undefined;
}

/**
 * Fixes one rule, except for tables where that would widen access without consent as far as the files tell. Returns the
 * changes; undefined if there are none.
 */
async function fixStated(run: Run, each: Fixable): Promise<AccessChange[] | undefined> {
  const { input, result } = run;
  const { catalog } = await examinedNow(run);
  const saved = save(run);
  if (!(await applyFix(run, each))) return undefined;
  if (input.measure === undefined) return [];
  const { widened, narrowed } = compareAccess(statedOf(catalog), statedOf((await examinedNow(run)).catalog));
  const decisions = result.decisions.slice(saved.result.decisions.length);
  const located = (change: BareChange): AccessChange => ({
    ...change,
    rule: each.rule,
    file: fileOf(change.table, decisions) ?? [...(result.classes.at(-1)?.files.keys() ?? [])][0] ?? '',
  });
  const refused = await withoutYes(run, widened.map(located));
  if (refused.length === 0) return [...widened, ...narrowed].map(located);
  restore(run, saved);
  return hold(run, each.rule, refused) ? fixStated(run, each) : undefined;
}

/** Access to all tables as far as the files tell. */
function statedOf(catalog: Catalog): Access {
  return { cells: statedAccess(catalog, () => true), objects: new Set(catalog.tables.keys()) };
}

/** Excludes tables from the repair of a rule from now on. Returns whether any of them is newly excluded. */
function hold(run: Run, rule: string, refused: readonly AccessChange[]): boolean {
  const held = run.held.get(rule) ?? new Set<string>();
  const added = refused.filter(({ table }) => !held.has(table));
  run.withheld.push(...added);
  run.held.set(rule, new Set([...held, ...added.map(({ table }) => table)]));
  return added.length > 0;
}

/**
 * Fixes rules together, or one by one if together they change access or break a file.
 * @param whole the files are rehearsed afterwards, too
 */
export async function fixBatch(run: Run, batch: readonly Fixable[], whole = false): Promise<boolean> {
  const { input, result } = run;
  if (
    input.measure !== undefined &&
    run.measured === undefined &&
    batch.some(({ fix }) => aboutAccess.has(fix.stage))
  ) {
    for (const { rule } of batch)
      if ((await examinedNow(run)).problems.some((problem) => problem.rule === rule))
        run.dropped.set(rule, unmeasured(rule));
    return false;
  }
  const { catalog } = await examinedNow(run);
  const saved = save(run);
  let changed = false;
  for (const each of batch) changed = (await applyFix(run, each)) || changed;
  if (!changed || input.measure === undefined || batch.every(({ fix }) => fix.stage === 'rollbacks')) return changed;
  let judgement = endless(result.migrations);
  let refused: AccessChange[] = [];
  const isGood = async (after: Measured | undefined): Promise<boolean> => {
    if (after !== undefined)
      judgement = judgeAttempt(run, saved.result, catalog, batch.length === 1 ? batch[0]!.rule : '', after);
    const { broken, widened, narrowed } = judgement;
    refused = await withoutYes(run, widened);
    if (broken.length + refused.length > 0 || (batch.length > 1 && widened.length + narrowed.length > 0)) return false;
    run.measured = after;
    result.access.widened.push(...widened);
    result.access.narrowed.push(...narrowed);
    return true;
  };
  const [{ rule } = { rule: '' }] = batch;
  // Whatever else it is about is asked for at once: each run takes as long as the migrations do.
  const { isKept, worse } = await look(run, saved.result, whole, isGood, batch.length === 1 && run.leftOut.has(rule));
  if (isKept) return true;
  if (worse.length > 0) judgement = { broken: [...worse], widened: [], narrowed: [] };
  const isAgain =
    (judgement.broken.length > 0 && becomeCautious(run, batch)) ||
    (batch.length === 1 && leaveOut(run, rule, saved.result, judgement.broken));
  restore(run, saved);
  if (isAgain) return fixBatch(run, batch, whole);
  if (batch.length > 1) {
    changed = false;
    for (const each of batch) changed = (await fixBatch(run, [each], whole)) || changed;
    return changed;
  }
  const { broken } = judgement;
  if (broken.length === 0 && hold(run, rule, refused)) return fixBatch(run, batch, whole);
  const file = broken[0] ?? refused[0]?.file ?? '';
  run.dropped.set(
    rule,
    broken.length > 0
      ? brokenLeft(rule, broken, file)
      : { rule, file, why: 'its repair was left out as a whole, because it would widen access.' },
  );
  return false;
}

/** The access that a batch changed, by measurements on a shadow database before and after it. */
function judgeAttempt(
  { measured, result }: Run,
  saved: Repair,
  catalog: Catalog,
  rule: string,
  after: Measured,
): Judgement {
  const files = result.migrations
    .filter(({ file, sql }) => saved.migrations.find((old) => old.file === file)?.sql !== sql)
    .map(({ file }) => file);
  return judge({
    rule,
    before: measured ?? after,
    after,
    catalog,
    renamed: renamedSince(saved, result),
    files,
    decisions: result.decisions.slice(saved.decisions.length),
  });
}

/** The changes without consent, which is asked for once per rule and table. */
async function withoutYes({ input, answers }: Run, widened: readonly AccessChange[]): Promise<AccessChange[]> {
  const refused: AccessChange[] = [];
  for (const [table, changes] of byTable(widened.filter(({ rule }) => rule !== ''))) {
    const key = `${changes[0]!.rule} ${table}`;
    const yes = answers.get(key) ?? (await input.mayWiden?.(changes)) === true;
    answers.set(key, yes);
    if (!yes) refused.push(...changes);
  }
  return refused;
}

/** The files, parsed and checked as they are now. */
export async function examinedNow(run: Run): Promise<Examined> {
  return (run.examined ??= await examineFiles(run.rules, { ...run.result, order: run.input.folders.order }));
}

/** Whether a rule finds something, and nothing else than before. */
function isSameStill(rule: string, before: Examined, after: Examined): boolean {
  const asked = askedBy(rule, after);
  return asked !== '' && asked === askedBy(rule, before);
}

/** What a rule finds, with the statements that it is about. */
function askedBy(rule: string, { problems }: Examined): string {
  return problems
    .flatMap((problem) =>
      problem.rule === rule
        ? [`${problem.source.migration.file}\n${problem.message}\n${statementAt(problem.source, problem.offset)?.sql}`]
        : [],
    )
    .sort()
    .join('\n');
}

/**
 * Has what is added to a table wait until that table is there, if that was not so already: otherwise more fails where the table's own
 * statements do. Most tables that were not there are after the same round.
 */
function becomeCautious(run: Run, classes: readonly Fixable[]): boolean {
  if (run.isCautious || run.measured === undefined || !classes.some(({ fix }) => fix.stage === 'details')) return false;
  return (run.isCautious = true);
}

/**
 * Applies the fix of one rule, and rolls it back where the rule finds as much as before: what does not help only changes files.
 * @returns whether anything changed
 */
async function applyFix(run: Run, each: Fixable): Promise<boolean> {
  const { rule, fix } = each;
  if (run.dropped.has(rule)) return false;
  const start = { ...save(run), examined: await examinedNow(run) };
  if (!(await applyRepeatedly(run, each))) return false;
  // What only a rehearsal finds is counted after the next one; names of files are no matter of their SQL.
  const before = countOf(rule, start.examined);
  const after = await examinedNow(run);
  if (fix.fromRehearsal !== undefined || before === 0 || countOf(rule, after) < before) {
    if (!revealing.has(fix.stage)) noteAdded(run, rule, start.examined, after);
    return true;
  }
  run.dropped.set(
    rule,
    uselessLeft(rule, run.result.classes.findLast((made) => made.rule === rule)?.files ?? new Map()),
  );
  restore(run, start);
  return false;
}

/** Applies the fix of one rule until it changes nothing: a move or a new table can make the next one necessary. */
async function applyRepeatedly(run: Run, { rule, fix }: Fixable): Promise<boolean> {
  const { input, result, rehearsed, before } = run;
  input.onProgress?.(`repairing ${rule}`);
  const held = run.held.get(rule);
  const leftOut = run.leftOut.get(rule);
  let changed = false;
  let last: (Saved & { examined: Examined }) | undefined;
  for (let pass = 0; pass < 10; pass += 1) {
    const examined = await examinedNow(run);
    // A check that finds the same in the same statements does not see what the fix wrote: again would not help either.
    if (last !== undefined && isSameStill(rule, last.examined, examined)) {
      if (pass > 1) restore(run, last);
      return true;
    }
    last = { ...save(run), examined };
    const waits = run.isCautious && fix.stage === 'details' ? run.measured : undefined;
    const isThere = (table: string): boolean =>
      waits === undefined ||
      !examined.catalog.tables.has(table) ||
      (waits.access.objects.has(table) && !waits.doubtful.has(table));
    const waiting: Left[] = [];
    const problems = examined.problems.filter((problem) => {
      if (problem.rule !== rule) return true;
      const table = tableOfObject(problem.object ?? '');
      const { file } = problem.source.migration;
      if (!isThere(table)) waiting.push(absentLeft(rule, table, file));
      return isThere(table) && held?.has(table) !== true && leftOut?.has(file) !== true;
    });
    run.waiting.set(rule, waiting);
    const situation: Situation = {
      ...input,
      applied: input.applied ?? new Set(),
      examined: { ...examined, problems },
      catalog: examined.catalog,
      migrations: result.migrations,
      rollbacks: result.rollbacks,
      journals: result.journals,
      rehearsed: rehearsed.filter(({ file }) => file === undefined || !leftOut?.has(file)),
    };
    if (!record(rule, fix.apply(situation), result, before)) break;
    changed = true;
    Object.assign(run, { examined: undefined, latest: undefined });
    input.prepare?.();
    if (fix.fromRehearsal !== undefined) break;
  }
  return changed;
}
