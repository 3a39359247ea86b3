/** What is asked of rows that nobody could make: whom it lets through, or what is done then, was not seen. */
import { mostCombined } from '../catalog/combined-calls.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import { isAnswer } from '../catalog/functions.ts';
import { readersOf } from '../catalog/conditions.ts';
import { type OwnGoal, textOf } from '../catalog/own-parts.ts';
import type { SolvedGoal } from '../fixtures/solve-goals.ts';
import { isProbed, type Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/** The longest condition that is written out. */
const longest = 120;

/** A gap for each table, view and function that asks for such a row, by its name. */
export function unsolvedGaps(proof: Proof): Gap[] {
  const asked = new Map<string, { table: RelationRow; texts: Set<string>; by: Asker }>();
  for (const [table, goals] of proof.solved) {
    for (const one of goals.filter(({ values }) => values === undefined)) {
      for (const by of askersOf(one, table, proof)) {
        const known = asked.get(by.object) ?? { table, texts: new Set<string>(), by };
        known.texts.add(shown(one.goal));
        asked.set(by.object, known);
      }
    }
  }
  return [...asked].map(([object, { table, texts, by }]) => ({
    object,
    reason: `${by.what} for rows of ${qualifiedName(table)} where ${[...texts].join('; or where ')}, and no such row could be made`,
    suggestion: `Try by hand who reaches such a row${by.isFunction ? ' by it' : ''}.`,
    ...(by.isDefiner ? { isDefiner: true } : {}),
  }));
}

interface Asker {
  object: string;
  what: string;
  isFunction: boolean;
  isDefiner: boolean;
}

/**
 * A gap for each function that asks of its arguments what none meet that were found, and for each that has more combinations of what it
 * asks for than are tried. A function may ask for what can never be, so it is no error.
 */
export function unsolvedCalls({ callables, argued }: Proof): Gap[] {
  return callables.flatMap(({ name, routine, untried }) => {
    const unsolved = argued.get(routine)?.unsolved ?? [];
    const gaps: Gap[] = [];
    if (unsolved.length > 0)
      gaps.push({
        object: name,
        reason: `no arguments were found with which ${[...new Set(unsolved.map(shown))].join('; or ')}`,
        suggestion: 'Call it by hand, as another user, with such arguments.',
      });
    if (untried > 0)
      gaps.push({
        object: name,
        reason:
          `${untried.toLocaleString('en-US')} calls that join what its arguments decide with keys of the caller's own and states of ` +
          `rows were not made: ${mostCombined.toLocaleString('en-US')} are`,
        suggestion:
          'Split it into functions that do one thing each, or check by hand whose rows each of its branches gives.',
      });
    return gaps;
  });
}

function shown(goal: OwnGoal): string {
  const text = textOf(goal);
  return `\`${text.length > longest ? `${text.slice(0, longest)}…` : text}\``;
}

/** Whatever users meet that asks it: the function, the view, or the table by its policies and triggers. */
function askersOf({ condition }: SolvedGoal, table: RelationRow, { model, callables, unmet }: Proof): Asker[] {
  const ofTable = (row: RelationRow, what: string): Asker[] =>
    isProbed(row) ? [{ object: qualifiedName(row), what, isFunction: false, isDefiner: false }] : [];
  if (condition.isFired) return ofTable(table, 'its triggers ask');
  // Where a whole branch of a policy is met by nothing, that is told.
  if (condition.source === undefined)
    return (unmet.get(qualifiedName(table)) ?? []).length > 0 ? [] : ofTable(table, 'its policies ask');
  const reader = readersOf(table, model).find(({ trees }) => trees === condition.source);
  if (reader?.row !== undefined) return ofTable(reader.row, 'it asks');
  // Nobody calls the function of a trigger.
  if (reader?.routine?.kind === 't')
    return ofTable(table, `the trigger function ${qualifiedName(reader.routine)} asks`);
  return callables
    .filter(
      ({ routine, skipped }) =>
        skipped === undefined &&
        reader?.routine !== undefined &&
        model.sources.reached(routine).includes(reader.routine),
    )
    .map(({ name, routine, runsAsOwner }) => ({
      object: name,
      what: 'it asks',
      isFunction: true,
      isDefiner: runsAsOwner && !isAnswer(routine) && !asksCaller(routine, model),
    }));
}
