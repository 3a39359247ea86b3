import { isGivenIn } from '../fixtures/known-rows.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { queryExpression } from '../../rules/engine/live/expression.ts';
import { isDeclared } from '../../rules/engine/live/expectations.ts';
import { handsIn } from '../catalog/handed-in.ts';
import { isHelperApart } from '../catalog/policy-helpers.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import { type Callable, type FunctionCall, isAnswer, isCallable } from '../catalog/functions.ts';
import { bucketsAsked, objectsTable } from '../catalog/storage-asked.ts';
import {
  isAsMany,
  ownerlessAfter,
  stateOfJoined,
  stateOfPairs,
  stateOfUser,
  statesAround,
  takesFromSums,
} from '../catalog/call-states.ts';
import type { RowKey } from '../catalog/row-keys.ts';
import { type Actor, sqlAs } from '../probes/actors.ts';
import { verbs } from '../probes/verbs.ts';
import { namesPerson } from '../probes/judge.ts';
import { resultOf, stoppedAt } from '../probes/outcome.ts';
import { byHand, type NamedProbe } from '../probes/probes.ts';
import type { Proof } from '../probes/prove.ts';
import type { Cell } from '../probes/run-script.ts';
import { rowsOfA, without } from '../probes/labels.ts';
import { changedRows, countChanged, heldBy, labelledRows, type Subject } from '../probes/subject.ts';
import { type LeakFinder, namesOf, readFound } from './leaks.ts';
import type { Check, TableReport } from './report.ts';
import { cellsOf, valuesSeen } from './reports.ts';

/**
 * The checks of a view that is searched for known values.
 * @param isApart whether only what nobody may read in the tables is searched for, since the rows are tried like those of a table
 */
export function viewReport(
  { view, behind, isApart }: Proof['looked'][number],
  proof: Proof,
  leaks: LeakFinder,
): TableReport {
  const name = qualifiedName(view);
  const names = namesOf(behind);
  if (names.has(objectsTable)) {
    const trees = view.query === null ? [] : [proof.model.parse(queryExpression(view.query))];
    for (const bucket of bucketsAsked(proof.subjects, trees)) names.add(bucket.name);
  }
  const isPublic = isDeclared(proof.model.declarations, name, 'public-read');
  const cells = cellsOf(name, proof).filter(({ probe }) => probe.mode === 'rows');
  const checks = cells.map(({ cell, actor, probe }): Check => {
    if ('code' in cell)
      return {
        actor: actor.name,
        verb: 'select',
        expected: 'may',
        ...resultOf(cell, 'select', '', view, actor.isAnonymous, false),
      };
    const { values } = readFound(cell.answer);
    const given = leaks.given(values, names);
    const reached = [...new Set(given.flatMap(({ holders }) => holders))];
    // That everyone may read it may have been said without a thought of what nobody may read in the table.
    const apart = given.filter(({ value, holders }) => holders.every((table) => leaks.isWithheld(value, table)));
    const leaked = hidden(isPublic || isApart === true ? apart : given, actor, names, leaks);
    const outcome = reached.length === 0 ? 'filtered' : 'allowed';
    const check = readCheck(probe, 'select', actor, leaked, reached, outcome, 'shows');
    return isPublic && check.expected === 'no' ? { ...check, expected: 'doubtful' } : check;
  });
  const scope = isPublic ? 'public-read' : `view of ${behind.map(qualifiedName).join(', ')}`;
  return { table: name, kind: 'view', scope, checks };
}

/** The checks of a function that users can call. */
export function functionReport(callable: Callable, proof: Proof, leaks: LeakFinder): TableReport {
  const cells = new Map<NamedProbe | undefined, Map<Actor, Cell>>();
  for (const { cell, actor, probe } of cellsOf(callable.name, proof))
    cells.set(probe, (cells.get(probe) ?? new Map<Actor, Cell>()).set(actor, cell));
  const payments = new Map<Check, string>();
  const checks = proof.actors.flatMap((actor) => {
    const gave = new Set<string>();
    return callable.calls.flatMap((call): Check[] => {
      const cell = cells.get(call.probe)?.get(actor);
      if (cell === undefined) return [];
      const { ofOwnSecret } = call;
      if (ofOwnSecret !== undefined) {
        // A row in a state that is not wanted for it to give something may be one that the server alone makes, as an administrator's.
        if (gave.has(ofOwnSecret)) return [];
        if (!('code' in cell) && didAnything(cell, ofOwnSecret, proof)) gave.add(ofOwnSecret);
      }
      const told = toldOf(call, cell, actor, callable, proof);
      if ('code' in cell) return [told ?? stoppedCall(cell, actor, call.probe, callable, proof, leaks)];
      const result = readResult(call, cell, cells.get(call.baseline)?.get(actor), actor, callable, proof, leaks);
      const changes = changesOf(cell, actor, call, callable, proof, leaks);
      for (const change of changes) if (change.expected === 'doubtful') payments.set(change, call.ownAt);
      return [
        result.expected === 'no' ? result : (told ?? result),
        ...changes,
        ...actsAs(cell, actor, callable, proof),
      ];
    });
  });
  // What also takes from the other's account is no payment.
  for (const actor of proof.actors) {
    const paid = [...payments].filter(([check]) => check.actor === actor.name);
    if (new Set(paid.map(([, from]) => from)).size > 1) for (const [check] of paid) check.expected = 'no';
  }
  if (isHelperApart(callable.routine, proof.model))
    for (const check of checks) if (check.verb === 'call' && check.expected === 'no') check.expected = 'doubtful';
  // Of several calls, one that breaks a rule counts, or else one that was allowed.
  const weight = (check: Check): number =>
    ({ yes: 0, may: 0, doubtful: 2, no: 4 })[check.expected] + (check.outcome === 'allowed' ? 1 : 0);
  const distinct = new Map(
    checks.toSorted((x, y) => weight(x) - weight(y)).map((check) => [`${check.actor} ${check.verb}`, check]),
  );
  return {
    table: callable.name,
    kind: 'function',
    scope:
      'callable by ' +
      `${callable.routine.execute.filter((role) => role !== 'service_role' && isCallable(callable.routine, role, proof.model)).join(', ')}`,
    checks: [...distinct.values()],
  };
}

/** The call gave something, or changed something in another table than that of the secret, whose row was changed before. */
function didAnything(cell: Cell & { answer: string; state: string }, table: string, proof: Proof): boolean {
  const [before, after] = statesAround(cell, proof.probes[cell.probe]!);
  return (
    readFound(cell.answer).values.length > 0 ||
    Object.keys(after).some((name) => !name.endsWith(table) && before[name] !== after[name])
  );
}

/**
 * A call whose result changes with the texts of rows that the actor may not read: it gives what it makes of them, or
 * says whether they hold a part that its caller chooses.
 */
function toldOf(
  call: FunctionCall,
  cell: Cell,
  actor: Actor,
  { tables }: Callable,
  { differences, differing, subjects }: Proof,
): Check | undefined {
  const found = differences.find((one) => one.actor === cell.actor && one.probe === cell.probe);
  if (found === undefined) return undefined;
  const hidden = [...tables].filter((name) => differing.has(name));
  // A number or a time made of all rows may be for everybody. One made of a row that the caller names, or of the rows of a user or an
  // organization, is not.
  const isNamed = (value: string): boolean => value !== 'NULL' && call.probe.sql.includes(value);
  // A short number may stand for something else.
  const isKey = ([, value]: readonly [string, string]): boolean => value.length > 4 && isNamed(value);
  const isOfOne =
    found.isCounted &&
    subjects.some(
      ({ name, belongs, rows }) =>
        hidden.includes(name) && (belongs.some(({ a }) => isNamed(a)) || rows.a.key.some(isKey)),
    );
  if (!found.isTold && !isOfOne && call.searches.length === 0) return undefined;
  return readCheck(call.probe, call.probe.verb, actor, hidden, hidden, 'allowed', 'tells what is in');
}

/** What a call revealed: values of A's row that were not in the arguments, and not in the baseline's result. */
function readResult(
  call: FunctionCall,
  cell: Cell & { answer: string },
  baseline: Cell | undefined,
  actor: Actor,
  { tables, gives, routine, rowKeys, runsAsOwner }: Callable,
  proof: Proof,
  leaks: LeakFinder,
): Check {
  const sql = sqlAs(withStored(call.probe.sql, rowKeys, leaks), actor);
  const found = readFound(cell.answer);
  const nobody = baseline !== undefined && 'answer' in baseline ? readFound(baseline.answer) : undefined;
  // With the caller's own rights, what the caller reads in a table anyway is none of the function's doing: the row of one's own
  // under another's parent holds the keys of both.
  const isSeen = runsAsOwner ? () => false : (value: string) => valuesSeen(actor, proof).has(value);
  const values = found.values.filter((value) => !isGivenIn(sql, value, found.parts.has(value)) && !isSeen(value));
  const given = leaks.given(values, tables);
  const leaked = new Set(hidden(given, actor, tables, leaks));
  const reached = new Set(given.flatMap(({ holders }) => holders));
  if (nobody !== undefined && nobody.hash !== found.hash) {
    const more = values.filter((value) => !nobody.values.includes(value));
    for (const table of hidden(leaks.common(more, tables, gives), actor, tables, leaks)) leaked.add(table);
    // A boolean or number that depends on a part of a text reveals the text letter by letter.
    if (isAnswer(routine))
      for (const table of call.searches.filter((one) => leaks.isHidden(one, actor, tables))) leaked.add(table);
  }
  return readCheck(
    { ...call.probe, byHand: withStored(byHand(call.probe), rowKeys, leaks) },
    call.probe.verb,
    actor,
    [...leaked],
    [...new Set([...reached, ...leaked])],
    'allowed',
    'returns',
  );
}

/** The call with the values that were looked up for it. */
function withStored(sql: string, rowKeys: readonly RowKey[], leaks: LeakFinder): string {
  return rowKeys.reduce(
    (text, { prepare, sql: lookup, table, column }) =>
      prepare === undefined ? text : text.replaceAll(lookup, quoteLiteral(leaks.stored(table, column.name) ?? '')),
    sql,
  );
}

/** Tables that the actor may not read, for values that are in no table that it may read, each with the state of its rows. */
function hidden(
  given: readonly { value: string; holders: string[]; state?: string | undefined }[],
  actor: Actor,
  tables: ReadonlySet<string>,
  leaks: LeakFinder,
): string[] {
  // Members know the key of their own organization, also where a row of another user has it.
  const found = given.filter(
    ({ value, holders }) =>
      !(actor.relation === 'co-member' && value === actor.organization) &&
      holders.every((table) => leaks.isHidden(table, actor, tables, value)),
  );
  const ordinary = new Set(found.flatMap(({ holders, state }) => (state === undefined ? holders : [])));
  const inStates = found.flatMap(({ holders, state }) =>
    state === undefined
      ? []
      : holders.filter((table) => !ordinary.has(table)).map((table) => `${table} where ${state}`),
  );
  return [...new Set([...ordinary, ...inStates])];
}

function readCheck(
  probe: NamedProbe,
  verb: Check['verb'],
  actor: Actor,
  leaked: string[],
  reached: string[],
  outcome: Check['outcome'],
  word: string,
): Check {
  const seen = reached.length === 0 ? {} : { reached };
  return leaked.length === 0
    ? { actor: actor.name, verb, expected: 'may', outcome, ...seen }
    : {
        actor: actor.name,
        verb,
        expected: 'no',
        outcome: 'allowed',
        rows: 'a',
        ...seen,
        message: `${word} rows of ${leaked.join(', ')}`,
        probe: sqlAs(byHand(probe), actor),
      };
}

function stoppedCall(
  cell: Cell & { code: string; message: string },
  actor: Actor,
  probe: NamedProbe,
  { tables, rowKeys }: Callable,
  proof: Proof,
  leaks: LeakFinder,
): Check {
  const sql = withStored(probe.sql, rowKeys, leaks);
  // The row in the detail of a constraint's error is one that the call changes, which is judged by that.
  const message = cell.code.startsWith('23') ? '' : cell.message;
  const values = leaks.within(message, tables).filter((value) => !isGivenIn(sql, value, true));
  const leaked = hidden(leaks.given(values, tables), actor, tables, leaks);
  if (leaked.length > 0)
    return readCheck(probe, probe.verb, actor, leaked, leaked, 'allowed', 'puts into an error what is in');
  const refused: Check = {
    actor: actor.name,
    verb: probe.verb,
    expected: 'may',
    outcome: 'refused',
    code: cell.code,
    message: cell.message,
  };
  if (cell.code !== '23503' || !cell.message.startsWith('update or delete')) return refused;
  const hit = proof.subjects.find((subject) => subject.kind === 'table' && stoppedAt(cell, subject) !== undefined);
  if (hit === undefined || verbs.update.expects(hit, actor, proof.model) !== 'no') return refused;
  return {
    actor: actor.name,
    verb: 'call-changes',
    expected: 'no',
    outcome: 'allowed',
    rows: 'a',
    message: `changes rows of ${hit.name}`,
    probe: sqlAs(byHand(probe), actor),
  };
}

/**
 * Tables in which the call changed A's rows or their number, and whether the actor may. A payment from one's own account to another's is
 * meant, and adds to a number there; so is to give what is one's own.
 */
function changesOf(
  cell: Cell & { state: string },
  actor: Actor,
  call: FunctionCall,
  { rowKeys, counted, isAmountTried, routine }: Callable,
  proof: Proof,
  leaks: LeakFinder,
): Check[] {
  if (cell.state === '') return [];
  const [before, after] = statesAround(cell, proof.probes[cell.probe]!);
  const changed = proof.subjects
    .filter(({ kind }) => kind !== 'view')
    .flatMap((subject) => {
      const [then, now] = [before[subject.state] ?? '', after[subject.state] ?? ''];
      const rows = changedRows(then, now);
      // In a state, a row may be meant for others of its side.
      const touched =
        rows.includes('a') || (actor.relation === 'none' && rowsOfA(without(rows, heldBy(actor.user, subject))) !== '');
      const pairs = stateOfPairs(subject);
      // A chat of both is the caller's as well.
      const isShared =
        before[pairs] !== undefined && numberOf(now) - numberOf(then) === Number(after[pairs]) - Number(before[pairs]);
      const isAddedBelow = Number(after[stateOfJoined(subject)]) > Number(before[stateOfJoined(subject)]);
      // One's own row, which is another's now and nobody else's before.
      const isGiven =
        subject.scope.owner === 'user' &&
        !touched &&
        rows === 'b' &&
        actor.side === 'b' &&
        isAsMany(before, after, subject);
      const added = (countChanged(then, now) && subject.belongs.length > 0 && !isShared && !isGiven) || isAddedBelow;
      const isForbidden =
        (touched && leaks.isForbidden(subject.name, actor, 'update')) ||
        (added && actor.relation === 'none' && leaks.isForbidden(subject.name, actor, 'insert-forged'));
      const takes = takesFromSums(before, after, subject);
      const isOwnToo = isAmountTried && takes === false && actor.side === 'b' && !actor.isNobody && rows.includes('b');
      const isPayment = (call.ownAt !== '' || isOwnToo) && !added && takes !== true && counted.has(subject.table.name);
      const left = !added && isOfNobody(rows, subject, proof) ? ownerlessAfter(before, after, subject) : undefined;
      const isTaken = left !== undefined && left.taken >= rows.length;
      const isHandedIn = added && !touched && handsIn(routine, subject.table, subject.scope, proof.model);
      return (touched && left?.isSame !== true) || added
        ? [{ table: subject.name, isForbidden, isPayment, isTaken, isHandedIn }]
        : [];
    });
  const names = changed.map(({ table }) => table);
  const probe = proof.probes[cell.probe]!;
  if (names.length === 0) return [];
  const forbidden = changed.filter((one) => one.isForbidden);
  const check = readCheck(
    { ...probe, byHand: withStored(byHand(probe), rowKeys, leaks) },
    'call-changes',
    actor,
    forbidden.map(({ table }) => table),
    names,
    'allowed',
    forbidden.every((one) => one.isTaken) ? 'gives its caller ownerless' : 'changes',
  );
  const isDoubtful =
    check.expected === 'no' && forbidden.every((one) => one.isPayment || one.isTaken || one.isHandedIn);
  return [isDoubtful ? { ...check, expected: 'doubtful' } : check];
}

/** None of the rows of those letters says whose it is. */
function isOfNobody(letters: string, subject: Subject, { model }: Proof): boolean {
  const rows = labelledRows(subject).filter(([label]) => letters.includes(label));
  return rows.length > 0 && rows.every(([, row]) => row.isOwnerless === true && !namesPerson(row, subject, model));
}

/** How many rows of A's there are in a state. */
function numberOf(state: string): number {
  return Number(state.split('#')[1]);
}

/**
 * Tables in which rows appeared that name A, because a stranger gave A's ID to a function that never asks who calls. An
 * invitation asks whether the caller may invite.
 */
function actsAs(cell: Cell & { state: string }, actor: Actor, { routine }: Callable, proof: Proof): Check[] {
  const probe = proof.probes[cell.probe]!;
  if (actor.relation !== 'none' || !routine.definer || cell.state === '' || asksCaller(routine, proof.model)) return [];
  const [before, after] = statesAround(cell, proof.probes[cell.probe]!);
  const added = proof.subjects
    .filter((subject) => {
      const [then, now] = [before[stateOfUser(subject)], after[stateOfUser(subject)]];
      return subject.kind === 'table' && probe.sql.includes(subject.users.a) && Number(now) > Number(then);
    })
    .map(({ name }) => name);
  return added.length === 0 ? [] : [readCheck(probe, 'call-as', actor, added, added, 'allowed', 'adds')];
}
