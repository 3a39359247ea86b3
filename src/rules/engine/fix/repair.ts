import type { Finding } from '../../../shared/finding.ts';
import { foldBy } from '../fold.ts';
import { findingsOf } from '../lint.ts';
import { mergeFindings } from '../merge.ts';
import type { Rule } from '../rule.ts';
import { examinedNow, fixable, fixBatch, fixForeseen, fixOnce } from './attempts.ts';
import { opening, worseLeft } from './guard.ts';
import { copyOf } from './record.ts';
import type { Repair } from './record.ts';
import type { RepairInput, Run } from './run.ts';
import { restore } from './state.ts';
import { dropUseless, leaveAdding } from './worth.ts';

/** Rounds of fixing: each fix can make further problems visible. */
const ROUNDS = 8;

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
    latest: await input.rehearse?.(result.migrations, result.rollbacks),
    before: new Set(
      [...input.migrations, ...input.rollbacks.values(), ...result.journals.values()].map(({ file }) => file),
    ),
    measured: undefined,
    held: new Map(),
    withheld: [],
    dropped: new Map(),
    added: new Map(),
    spared: new Map(),
    leftOut: new Map(),
    isCautious: false,
    waiting: new Map(),
    answers: new Map(),
    examined: undefined,
  };
  if (input.measure !== undefined)
    run.measured = run.latest === undefined ? await input.measure(result.migrations) : run.latest.measured;
  let last = await checkpoint(run);
  run.rehearsed = last.rehearsed;
  let best = last;
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = await fixOnce(run);
    if (!changed && round > 0) break;
    const start = last;
    last = await checkpoint(run);
    if (isToRepeat(run, start, last)) {
      goBack(run, (last = start));
      continue;
    }
    if (isWorse(last, best) && input.rehearse !== undefined)
      last = (await withoutWorst(run, best, last)) ?? (await oneByOne(run, best));
    run.rehearsed = last.rehearsed;
    if (!isWorse(last, best)) best = last;
  }
  const lost = best === last ? [] : result.classes.slice(best.result.classes.length);
  Object.assign(result, best.result);
  result.remaining = best.findings;
  result.silenced = best.silenced;
  result.left.push(...run.dropped.values());
  result.left.push(...run.spared.values());
  for (const left of run.waiting.values()) result.left.push(...left);
  for (const [rule, files] of run.leftOut) if (!run.dropped.has(rule)) result.left.push(...files.values());
  result.access.withheld = run.withheld;
  for (const { rule, files } of lost) result.left.push(worseLeft(rule, files));
  return result;
}

/** Says whether a round is to be made again, without what did not help or added an error. */
function isToRepeat(run: Run, start: Checkpoint, end: Checkpoint): boolean {
  const made = end.result.classes.slice(start.result.classes.length);
  const isUseless = dropUseless(run, made, start.rehearsed, end.rehearsed);
  const [before, after] = [start.examined, end.examined];
  const isAdding = before !== undefined && after !== undefined && leaveAdding(run, before, after);
  return isUseless || isAdding;
}

/** How many classes are looked for that left more errors, before each is tried alone. */
const mostWorse = 3;

/**
 * Repairs again from a state after which all classes together left more errors, without the one with which they do: the last that lets
 * statements run which failed, or else found by halving their list, since each run takes as long as the migrations do. It is rolled back
 * and not tried again.
 * @returns undefined, and the state is that of the start, if the classes do not repeat together what they did one by one, or several
 *   leave more
 */
async function withoutWorst(run: Run, start: Checkpoint, worse: Checkpoint): Promise<Checkpoint | undefined> {
  const made = worse.result.classes.slice(start.result.classes.length);
  const { widened, narrowed } = worse.result.access;
  const together = async (rules: readonly string[]): Promise<Checkpoint | undefined> => {
    goBack(run, start);
    const classes = fixable(run.rules).filter(({ rule }) => rules.includes(rule));
    const isSame = (await fixForeseen(run, classes, [...widened, ...narrowed])) !== undefined;
    return isSame ? checkpoint(run) : undefined;
  };
  let rules = [...new Set(made.map(({ rule }) => rule))];
  const drop = (rule: string): void => {
    run.dropped.set(rule, worseLeft(rule, made.findLast((each) => each.rule === rule)?.files ?? new Map()));
    rules = rules.filter((each) => each !== rule);
  };
  const suspect = fixable(run.rules).findLast(({ rule, fix }) => opening.has(fix.stage) && rules.includes(rule));
  if (suspect !== undefined) {
    const all = rules;
    drop(suspect.rule);
    const after = await together(rules);
    if (after !== undefined && !isWorse(after, start)) return after;
    run.dropped.delete(suspect.rule);
    rules = all;
  }
  const dropped: string[] = [];
  while (dropped.length < mostWorse) {
    let [good, bad] = [0, rules.length];
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      const after = await together(rules.slice(0, middle));
      if (after === undefined) break;
      if (!isWorse(after, start)) good = middle;
      else bad = middle;
    }
    const rule = rules[bad - 1];
    if (rule === undefined || bad - good > 1) break;
    dropped.push(rule);
    drop(rule);
    const after = await together(rules);
    if (after === undefined) break;
    if (!isWorse(after, start)) return after;
  }
  for (const rule of dropped) run.dropped.delete(rule);
  goBack(run, start);
  return undefined;
}

function goBack(run: Run, to: Checkpoint): void {
  restore(run, to);
  run.rehearsed = to.rehearsed;
  run.measured = to.measured;
}

/**
 * Repairs class by class from a state after which all of them together left more errors: each that does is rolled back and not
 * tried again, so that one bad repair does not cost the others.
 */
async function oneByOne(run: Run, start: Checkpoint): Promise<Checkpoint> {
  let best = start;
  goBack(run, best);
  for (const each of fixable(run.rules)) {
    if (!(await fixBatch(run, [each], true))) continue;
    const after = await checkpoint(run);
    if (!isWorse(after, best)) {
      best = after;
      run.rehearsed = after.rehearsed;
      continue;
    }
    run.dropped.set(each.rule, worseLeft(each.rule, run.result.classes.at(-1)?.files ?? new Map()));
    goBack(run, best);
  }
  return best;
}

/** A state of the files that the repair can return to. */
interface Checkpoint extends Pick<Run, 'result' | 'examined' | 'rehearsed' | 'latest' | 'measured'> {
  /** Of lint and of the rehearsal; what both have found is in it once. */
  findings: Finding[];
  silenced: number;
  /** As a report counts them: what follows from another error is none of its own. */
  errors: number;
  /** With the files that have nothing else, which do not run either. */
  stopped: number;
}

/** Whether a state has more errors than another, or more that does not run. */
function isWorse(after: Checkpoint, before: Checkpoint): boolean {
  return after.errors > before.errors || after.stopped > before.stopped;
}

/** Lints and rehearses the files as they are now, as far as that was not done already. */
async function checkpoint(run: Run): Promise<Checkpoint> {
  const { rules, input, result, measured } = run;
  const examined = await examinedNow(run);
  run.latest ??= await input.rehearse?.(result.migrations, result.rollbacks);
  const rehearsed = run.latest?.findings ?? [];
  const findings = mergeFindings([findingsOf(rules, examined, input.severities ?? {}), rehearsed]);
  const stopping = new Set(rules.flatMap(({ name, stops }) => (stops === undefined ? [] : [name])));
  const causes = foldBy((rule) => stopping.has(rule), findings).filter(({ severity }) => severity === 'error');
  const named = new Set(causes.map(({ file }) => file));
  const following = new Set(causes.flatMap(({ consequences = [] }) => consequences.map(({ file }) => file)));
  const errors = causes.length;
  const stopped = errors + [...following].filter((file) => !named.has(file)).length;
  const { silenced } = examined;
  return {
    result: copyOf(result),
    examined,
    findings,
    rehearsed,
    latest: run.latest,
    measured,
    silenced,
    errors,
    stopped,
  };
}
