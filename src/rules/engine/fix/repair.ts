import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import type { Migration } from '../../../sql/migration.ts';
import type { Catalog } from '../../../sql/catalog/model.ts';
import { tableOfObject } from '../check.ts';
import type { Examined } from '../check.ts';
import { examineFiles, lintWith } from '../lint.ts';
import type { LintInput } from '../lint.ts';
import type { Rule } from '../rule.ts';
import { compareAccess, statedAccess } from './access.ts';
import type { Access, AccessChange, BareChange, Measured } from './access.ts';
import { fixStages } from './fix.ts';
import type { Fix, Left, Situation } from './fix.ts';
import { aboutAccess, batchesOf, brokenLeft, byTable, endless, fileOf, judge, unmeasured, worseLeft } from './guard.ts';
import type { Judgement } from './guard.ts';
import { record } from './record.ts';
import type { Repair, RollbackText } from './record.ts';

export interface RepairInput {
  migrations: readonly Migration[];
  /** By the `file` of the migration. */
  rollbacks: ReadonlyMap<string, RollbackText>;
  folders: Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;
  /** Name of the kit, for `000_<kit>_base.sql`. */
  kit: string;
  /** The migrations of the built-in core, in order. */
  builtin: readonly { file: string; sql: string }[];
  /** Files that a known database already has. They are never edited. */
  applied?: ReadonlySet<string>;
  /** Drizzle's journals by folder. */
  journals?: ReadonlyMap<string, JournalFile>;
  severities?: LintInput['severities'];
  /**
   * Runs the files once on a shadow database and returns who can do what afterwards. Without it, repairs are not
   * compared.
   */
  measure?(migrations: readonly Migration[]): Promise<Measured | undefined>;
  /** Asks whether a repair may widen access, given the changes of one rule to one table. Absent: never. */
  mayWiden?(changes: readonly AccessChange[]): boolean | Promise<boolean>;
  /** Runs the files on a shadow database and returns the findings. */
  rehearse?(
    migrations: readonly Migration[],
    rollbacks: ReadonlyMap<string, RollbackText>,
  ): Promise<readonly Finding[]>;
}

/** Rounds of fixing: each fix can make further problems visible. */
const ROUNDS = 8;

/** A fix with the name of its rule. */
interface Fixable {
  rule: string;
  fix: Fix;
}

/** One run of the repair: its input and its state. */
interface Run {
  rules: readonly Rule[];
  input: RepairInput;
  result: Repair;
  /** Findings of the last rehearsal. Their places are valid until the first edit. */
  rehearsed: readonly Finding[];
  /** Paths of the files that existed at the beginning. */
  before: ReadonlySet<string>;
  /** The measurement of the current files on a shadow database, if they can be measured. */
  measured: Measured | undefined;
  /** By rule, the tables that are left alone because their repair would widen access without consent. */
  held: Map<string, Set<string>>;
  /** The access that those repairs would have given. */
  withheld: AccessChange[];
  /** Rules whose repair was rolled back, with the reason. */
  dropped: Map<string, Left>;
  /** Answers given so far, by rule and table. */
  answers: Map<string, boolean>;
  /** The files, parsed and checked as they are now. */
  examined: Examined | undefined;
}

/**
 * Fixes what can be fixed, rule by rule, then lints and rehearses again until nothing changes. Access is measured
 * before and after each class of repair: a repair that would widen access without consent, or break a file that ran, is
 * left out. The round that ends with the fewest errors is kept. Pure: returns the texts of the files and writes
 * nothing.
 */
export async function repairWith(rules: readonly Rule[], input: RepairInput): Promise<Repair> {
  const result: Repair = {
    classes: [],
    edits: new Map(),
    newFiles: new Map(),
    removed: [],
    decisions: [],
    left: [],
    remaining: [],
    silenced: 0,
    migrations: [...input.migrations],
    rollbacks: new Map(input.rollbacks),
    journals: new Map(input.journals),
    access: { widened: [], narrowed: [], withheld: [] },
  };
  const run: Run = {
    rules,
    input,
    result,
    rehearsed: [],
    before: new Set(
      [...input.migrations, ...input.rollbacks.values(), ...result.journals.values()].map(({ file }) => file),
    ),
    measured: await input.measure?.(input.migrations),
    held: new Map(),
    withheld: [],
    dropped: new Map(),
    answers: new Map(),
    examined: undefined,
  };
  let last = await checkpoint(run, (await input.rehearse?.(result.migrations, result.rollbacks)) ?? []);
  let best = last;
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = await fixOnce(run);
    if (!changed && round > 0) break;
    if (changed) run.rehearsed = (await input.rehearse?.(result.migrations, result.rollbacks)) ?? [];
    else run.rehearsed = last.rehearsed;
    last = await checkpoint(run, run.rehearsed);
    if (last.errors > best.errors && input.rehearse !== undefined) last = await oneByOne(run, best, input.rehearse);
    if (last.errors <= best.errors) best = last;
  }
  const lost = best === last ? [] : result.classes.slice(best.result.classes.length);
  Object.assign(result, best.result);
  result.remaining = [...best.findings, ...best.rehearsed];
  result.silenced = best.silenced;
  result.left.push(...run.dropped.values());
  result.access.withheld = run.withheld;
  for (const { rule, files } of lost) result.left.push(worseLeft(rule, files));
  return result;
}

/**
 * Repairs class by class from a state after which all of them together left more errors: each that does is rolled back and not
 * tried again, so that one bad repair does not cost the others.
 */
async function oneByOne(
  run: Run,
  start: Checkpoint,
  rehearse: NonNullable<RepairInput['rehearse']>,
): Promise<Checkpoint> {
  const { input, result } = run;
  let best = start;
  const restore = async (): Promise<void> => {
    Object.assign(result, structuredClone(best.result));
    run.rehearsed = best.rehearsed;
    run.examined = undefined;
    run.measured = await input.measure?.(result.migrations);
  };
  await restore();
  for (const each of fixable(run.rules)) {
    if (!(await fixBatch(run, [each]))) continue;
    const after = await checkpoint(run, await rehearse(result.migrations, result.rollbacks));
    if (after.errors <= best.errors) {
      best = after;
      run.rehearsed = after.rehearsed;
      continue;
    }
    run.dropped.set(each.rule, worseLeft(each.rule, result.classes.at(-1)?.files ?? new Map()));
    await restore();
  }
  return best;
}

/** A state of the files that the repair can return to. */
interface Checkpoint {
  result: Repair;
  findings: Finding[];
  rehearsed: readonly Finding[];
  silenced: number;
  errors: number;
}

async function checkpoint({ rules, input, result }: Run, rehearsed: readonly Finding[]): Promise<Checkpoint> {
  const { findings, silenced } = await lintWith(rules, {
    migrations: result.migrations,
    rollbacks: result.rollbacks,
    severities: input.severities ?? {},
  });
  const errors = [...findings, ...rehearsed].filter(({ severity }) => severity === 'error').length;
  return { result: structuredClone(result), findings, rehearsed, silenced, errors };
}

/** The rules that have a fix, in the order of their stages. */
function fixable(rules: readonly Rule[]): Fixable[] {
  return fixStages.flatMap((stage) =>
    rules.flatMap(({ name, fix }) => (fix?.stage === stage ? [{ rule: name, fix }] : [])),
  );
}

/** One round over all rules. Returns whether anything changed. */
async function fixOnce(run: Run): Promise<boolean> {
  const foreseen = await fixForeseen(run);
  if (foreseen !== undefined) return foreseen;
  let changed = false;
  for (const batch of batchesOf(fixable(run.rules))) changed = (await fixBatch(run, batch)) || changed;
  return changed;
}

/**
 * A round that predicts from the files how each class changes access, and confirms that with a single run on a shadow
 * database afterwards, because each run takes as long as the migrations do.
 * @returns undefined, and nothing is changed, if the run shows something else
 */
async function fixForeseen(run: Run): Promise<boolean | undefined> {
  const { input, result } = run;
  if (input.measure !== undefined && run.measured === undefined) return undefined;
  const saved = structuredClone(result);
  const { catalog } = await examinedNow(run);
  const foreseen: AccessChange[] = [];
  let changed = false;
  for (const each of fixable(run.rules)) {
    const changes = await fixStated(run, each);
    changed ||= changes !== undefined;
    foreseen.push(...(changes ?? []));
  }
  if (!changed || input.measure === undefined) return changed;
  const after = await input.measure(result.migrations);
  const { broken, widened, narrowed } =
    after === undefined ? endless(result.migrations) : judgeAttempt(run, saved, catalog, '', after);
  const known = new Map(foreseen.map((change) => [`${change.actor} ${change.verb} ${change.table}`, change]));
  const named = [widened, narrowed].map((changes) =>
    changes.flatMap((change) => {
      const of = known.get(`${change.actor} ${change.verb} ${change.table}`);
      return of === undefined ? [] : [{ ...change, rule: of.rule, file: of.file }];
    }),
  );
  if (
    broken.length > 0 ||
    named.flat().length < widened.length + narrowed.length ||
    (await withoutYes(run, named[0]!)).length > 0
  ) {
    Object.assign(result, saved);
    run.examined = undefined;
    return undefined;
  }
  run.measured = after;
  result.access.widened.push(...named[0]!);
  result.access.narrowed.push(...named[1]!);
  return true;
}

/**
 * Fixes one rule, except for tables where that would widen access without consent as far as the files tell. Returns the
 * changes; undefined if there are none.
 */
async function fixStated(run: Run, each: Fixable): Promise<AccessChange[] | undefined> {
  const { input, result } = run;
  const saved = structuredClone(result);
  const { catalog } = await examinedNow(run);
  if (!(await applyFix(run, each))) return undefined;
  if (input.measure === undefined) return [];
  const { widened, narrowed } = compareAccess(statedOf(catalog), statedOf((await examinedNow(run)).catalog));
  const decisions = result.decisions.slice(saved.decisions.length);
  const located = (change: BareChange): AccessChange => ({
    ...change,
    rule: each.rule,
    file: fileOf(change.table, decisions) ?? [...(result.classes.at(-1)?.files.keys() ?? [])][0] ?? '',
  });
  const refused = await withoutYes(run, widened.map(located));
  if (refused.length === 0) return [...widened, ...narrowed].map(located);
  Object.assign(result, saved);
  run.examined = undefined;
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

/** Fixes rules together, or one by one if together they change access or break a file. */
async function fixBatch(run: Run, batch: readonly Fixable[]): Promise<boolean> {
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
  const saved = structuredClone(result);
  const { catalog } = await examinedNow(run);
  let changed = false;
  for (const each of batch) changed = (await applyFix(run, each)) || changed;
  if (!changed || input.measure === undefined || batch.every(({ fix }) => fix.stage === 'rollbacks')) return changed;
  const after = await input.measure(result.migrations);
  const { broken, widened, narrowed } =
    after === undefined
      ? endless(result.migrations)
      : judgeAttempt(run, saved, catalog, batch.length === 1 ? batch[0]!.rule : '', after);
  const refused = await withoutYes(run, widened);
  if (broken.length === 0 && refused.length === 0 && (batch.length === 1 || widened.length + narrowed.length === 0)) {
    run.measured = after;
    result.access.widened.push(...widened);
    result.access.narrowed.push(...narrowed);
    return true;
  }
  Object.assign(result, saved);
  run.examined = undefined;
  if (batch.length > 1) {
    changed = false;
    for (const each of batch) changed = (await fixBatch(run, [each])) || changed;
    return changed;
  }
  const [{ rule } = { rule: '' }] = batch;
  if (broken.length === 0 && hold(run, rule, refused)) return fixBatch(run, batch);
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
  const added = result.classes.slice(saved.classes.length === 0 ? 0 : saved.classes.length - 1);
  const renamed = new Map(added.flatMap((each) => each.renamed.map(([from, to]): [string, string] => [to, from])));
  const files = result.migrations
    .filter(({ file, sql }) => saved.migrations.find((old) => old.file === file)?.sql !== sql)
    .map(({ file }) => file);
  return judge({
    rule,
    before: measured ?? after,
    after,
    catalog,
    renamed,
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

async function examinedNow(run: Run): Promise<Examined> {
  return (run.examined ??= await examineFiles(run.rules, run.result));
}

/** Applies the fix of one rule until it changes nothing: a move or a new table can make the next one necessary. */
async function applyFix(run: Run, { rule, fix }: Fixable): Promise<boolean> {
  const { input, result, rehearsed, before } = run;
  if (run.dropped.has(rule)) return false;
  const held = run.held.get(rule);
  let changed = false;
  for (let pass = 0; pass < 10; pass += 1) {
    const examined = await examinedNow(run);
    const problems =
      held === undefined
        ? examined.problems
        : examined.problems.filter(
            (problem) => problem.rule !== rule || !held.has(tableOfObject(problem.object ?? '')),
          );
    const situation: Situation = {
      ...input,
      applied: input.applied ?? new Set(),
      examined: { ...examined, problems },
      catalog: examined.catalog,
      migrations: result.migrations,
      rollbacks: result.rollbacks,
      journals: result.journals,
      rehearsed,
    };
    if (!record(rule, fix.apply(situation), result, before)) break;
    changed = true;
    run.examined = undefined;
    if (fix.fromRehearsal === true) break;
  }
  return changed;
}
