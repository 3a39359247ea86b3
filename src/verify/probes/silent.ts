/** Functions over rows of users and organizations that gave nothing to anyone: what they give to whom was not seen. */
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { effectsOf } from '../catalog/effects.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import { type Callable, isAnswer } from '../catalog/functions.ts';
import type { Model } from '../catalog/model.ts';
import { mayChange, tablesNamed } from '../catalog/reached-tables.ts';
import type { Chain } from '../fixtures/script.ts';
import type { Node } from '../../sql/nodes.ts';
import { readFound } from '../report/leaks.ts';
import type { FirstRound } from './paths.ts';
import type { Cell, Opened } from './run-script.ts';
import type { Subject } from './subject.ts';

/**
 * The calls of functions that gave nothing so far by those whose rows they read, who tried but one of them: a chain without a write,
 * or none.
 */
export function callsOfOwners(first: FirstRound): Chain[] {
  const { actors, probes } = first;
  const owners = actors.flatMap(({ relation }, number) => (relation === 'self' ? [number] : []));
  const asked = new Set(unheard(first, first.cells).map(({ name }) => name));
  const afterwards = probes.flatMap(({ subject, actors: tried }, probe): Chain['afterwards'] =>
    asked.has(subject)
      ? owners.filter((owner) => !tried.includes(owner)).map((owner): [number, number] => [probe, owner])
      : [],
  );
  return afterwards.length === 0 ? [] : [{ lead: [], afterwards, states: [] }];
}

/**
 * The functions that gave nothing to anyone.
 * @param opened what came of {@link callsOfOwners}
 */
export function silentOnes(first: FirstRound, opened: readonly Opened[]): ReadonlySet<Callable> {
  return new Set(unheard(first, [...first.cells, ...opened.filter((one) => 'probe' in one)]));
}

/** The functions that might give what is someone's, and did not in any of those results. */
function unheard(
  { callables, subjects, model, probes }: FirstRound,
  results: readonly (Cell | Extract<Opened, { probe: number }>)[],
): Callable[] {
  const heard = new Set<string>();
  const tried = new Set<string>();
  const names = new Set(callables.map(({ name }) => name));
  for (const result of results) {
    const { subject } = probes[result.probe]!;
    if (!names.has(subject)) continue;
    if ('answer' in result && readFound(result.answer).isSomething) heard.add(subject);
    // Who lacks the privilege gets nothing from anything.
    if (!('code' in result) || result.code !== '42501') tried.add(subject);
  }
  const asked = askedByPolicies(model);
  const ofSomeone = new Set(subjects.filter(isOfSomeone).map(({ name }) => name));
  return callables.filter(
    (callable) =>
      callable.skipped === undefined &&
      tried.has(callable.name) &&
      !heard.has(callable.name) &&
      [...tablesNamed(callable.routine, model)].some((table) => ofSomeone.has(qualifiedName(table))) &&
      !mayChange(callable.routine, model) &&
      // What a policy asks is tried by who reaches the rows.
      !(isAnswer(callable.routine) && asked.has(callable.routine)) &&
      isToGive(callable, model),
  );
}

/** The functions that policies call. */
function askedByPolicies({ catalog, parse, sources }: Model): ReadonlySet<FunctionRow> {
  const trees = catalog.relations
    .flatMap(({ policies }) => policies.flatMap(({ using, check }) => [using, check]))
    .flatMap((sql) => (sql === null ? [] : [parse(sql)]));
  return new Set(sources.called(effectsOf({ trees: trees as Node[] })));
}

/** Its rows are a user's or an organization's, and not for everybody. */
function isOfSomeone({ kind, scope }: Subject): boolean {
  return kind === 'table' && scope.owner !== undefined && scope.kind !== 'public-read';
}

/**
 * It returns something that its caller may not see otherwise, and not only to those who know what nobody guesses. Where who calls is all
 * that it asks, there may be nothing for any of them.
 */
function isToGive({ routine, runsAsOwner, bySecret }: Callable, model: Model): boolean {
  const isAsked = routine.inputs.length > 0 || (runsAsOwner && !asksCaller(routine, model));
  return (
    routine.kind === 'f' && routine.returns !== 'void' && (runsAsOwner || routine.returnsSet) && !bySecret && isAsked
  );
}
