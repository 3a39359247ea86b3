/** What was not tried of functions. */
import { asksCaller } from '../catalog/asks-caller.ts';
import { type Callable, isAnswer } from '../catalog/functions.ts';
import { tablesJoined } from '../catalog/reached-tables.ts';
import { namingArguments } from '../catalog/dynamic-sql.ts';
import { type Effects, effectsOf } from '../catalog/effects.ts';
import type { Actor } from '../probes/actors.ts';
import type { NamedProbe } from '../probes/probes.ts';
import type { Proof } from '../probes/prove.ts';
import type { Gap, TableReport } from './report.ts';
import { type Found, type LeakFinder, readFound } from './leaks.ts';
import { cellsOf } from './reports.ts';

/** Errors that mean that the function did not accept a value, so the call does not count as tried. */
const useless = /^(22|42883|42804|42846|42P18|21000)/;

/** A procedure that commits or rolls back, which only a call of its own may do. */
const ownTransaction = '2D000';

/** What was not tried of a function: it was not called, no value was of use to it, or it runs SQL that its caller writes. */
export function functionGap(callable: Callable, report: TableReport, proof: Proof, leaks: LeakFinder): Gap | undefined {
  const { name, routine, skipped, injectable, stored } = callable;
  const cells = cellsOf(name, proof);
  const errors = cells.map(({ cell }) => ('code' in cell ? cell : undefined));
  const failed =
    cells.length > 0 && errors.every((error) => error !== undefined && useless.test(error.code))
      ? errors[0]
      : undefined;
  const isApart = errors.some((error) => error?.code === ownTransaction);
  const isOpen =
    injectable.length > 0 && !report.checks.some(({ expected, outcome }) => expected === 'no' && outcome === 'allowed');
  if (isOpen) {
    return {
      object: name,
      isDefiner: true,
      reason:
        `it runs SQL with its owner's rights that includes the argument ${injectable.join(', ')} unquoted, so any ` +
        'caller can run any query',
      suggestion: "Pass values to EXECUTE with USING, names with format('%I'), and compare keywords with a list.",
    };
  }
  if (stored.length > 0) {
    return {
      object: name,
      isDefiner: true,
      reason:
        `it runs SQL with its owner's rights that includes ${stored.join(', ')} unquoted, which users write, ` +
        'so any of them can run any query',
      suggestion:
        "Pass values to EXECUTE with USING, names with format('%I'), and keep conditions as data instead of SQL.",
    };
  }
  const named = namedBy(callable, report, proof);
  if (named !== undefined) return named;
  const reason =
    skipped ??
    (isApart ? 'it commits or rolls back itself, and nothing that it does could be rolled back' : undefined) ??
    (failed === undefined ? undefined : `no value was found that it takes: ${failed.message} (${failed.code})`);
  if (reason === undefined) return silentGap(callable, report, proof) ?? pairingGap(callable, report, proof, leaks);
  return {
    object: name,
    isDefiner: routine.definer,
    reason:
      skipped === undefined
        ? reason
        : `the ${routine.kind === 'p' ? 'procedure' : 'function'} was not called: ${reason}`,
    suggestion: routine.definer
      ? 'Check by hand whose rows it reads and changes. Or revoke EXECUTE from anon and authenticated, and call it as service_role.'
      : 'Check by hand what it does. Or revoke EXECUTE from anon and authenticated.',
  };
}

/**
 * It gave nothing to anyone, whatever it was called with: whose rows it gives was not seen. A number, or a yes or no, may rightly be
 * nothing; and who is asked for may not be there.
 */
function silentGap(
  callable: Callable,
  report: TableReport,
  { model, silent, supposed, differences, probes }: Proof,
): Gap | undefined {
  const { name, routine, runsAsOwner } = callable;
  const isFound =
    report.checks.some(({ expected, outcome }) => expected === 'no' && outcome === 'allowed') ||
    differences.some(({ probe }) => probes[probe]!.subject === name);
  // What it gives where it refuses nobody was seen.
  const isSupposed = supposed.some(
    ({ object, cells }) =>
      object === name && cells.some((cell) => 'answer' in cell && readFound(cell.answer).isSomething),
  );
  if (isFound || isSupposed || !silent.has(callable)) return undefined;
  return {
    object: name,
    isDefiner: runsAsOwner && !isAnswer(routine) && !asksCaller(routine, model),
    reason: 'it gave nothing to anyone with the arguments that were tried',
    suggestion: 'Call it by hand, as another user, with arguments for which it gives rows of someone else.',
  };
}

/**
 * What a stranger gets for a key of another's is each by itself in rows that everyone may read. That it belongs to the key may be in a
 * row that the stranger may not read, as who is whose patient.
 */
function pairingGap(
  { name, routine, runsAsOwner, calls, tables, bySecret }: Callable,
  report: TableReport,
  proof: Proof,
  leaks: LeakFinder,
): Gap | undefined {
  const { model, actors } = proof;
  const isJudged = report.checks.some(({ expected }) => expected === 'no' || expected === 'doubtful');
  if (isJudged || !runsAsOwner || bySecret || isAnswer(routine) || asksCaller(routine, model)) return undefined;
  const cells = cellsOf(name, proof);
  const foundBy = (actor: Actor, probe: NamedProbe): Found | undefined => {
    const cell = cells.find((one) => one.actor === actor && one.probe === probe)?.cell;
    return cell !== undefined && 'answer' in cell ? readFound(cell.answer) : undefined;
  };
  const hidden = [...tablesJoined(routine, model)].filter((table) =>
    actors.some(
      (actor) =>
        actor.relation === 'none' &&
        leaks.isHidden(table, actor, tables) &&
        calls.some(({ probe, baseline }) => {
          if (baseline === undefined) return false;
          const [found, nobody] = [foundBy(actor, probe), foundBy(actor, baseline)];
          return found !== undefined && nobody !== undefined && found.isSomething && found.hash !== nobody.hash;
        }),
    ),
  );
  if (hidden.length === 0) return undefined;
  return {
    object: name,
    isDefiner: false,
    reason:
      `it reads ${hidden.join(', ')} with its owner's rights, does not ask who calls, and gives something for a key of another's: ` +
      'each value may be read elsewhere, but not that they belong together',
    suggestion: 'Let it ask whether auth.uid() may read those rows. Or revoke EXECUTE from anon and authenticated.',
  };
}

/**
 * It runs SQL with its owner's rights in which the caller chooses the table or the column, and which does not ask who that is: only
 * some of those were tried.
 */
function namedBy(
  { name, routine, runsAsOwner, skipped }: Callable,
  report: TableReport,
  { model }: Proof,
): Gap | undefined {
  const isFound = report.checks.some(({ expected, outcome }) => expected === 'no' && outcome === 'allowed');
  const names =
    runsAsOwner && skipped === undefined && !isFound ? namingArguments(routine, model.sources.body(routine)) : [];
  if (names.length === 0) return undefined;
  const reached = model.sources.reached(routine);
  const asksWho = ({ calls }: Effects): boolean =>
    calls.some(({ schema, name: called }) => schema === 'auth' || called === 'current_setting');
  // The SQL itself asks for what is the caller's, whatever the table is.
  if (reached.some((one) => asksWho(effectsOf({ trees: [], executed: model.sources.body(one).executed }))))
    return undefined;
  return {
    object: name,
    isDefiner: !reached.some((one) => asksWho(model.sources.effects(one))),
    reason: `it runs SQL with its owner's rights on what its caller names in ${names.join(', ')}, and not all of that was tried`,
    suggestion: 'Compare the names with a list, and let the SQL ask for rows of auth.uid().',
  };
}
