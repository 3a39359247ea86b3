import type { Actor } from '../probes/actors.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isDeclared } from '../../rules/engine/live/expectations.ts';
import type { Callable } from '../catalog/functions.ts';
import { authUsers, type Mark } from '../fixtures/marks.ts';
import { type Result, resultOf } from '../probes/outcome.ts';
import { otherSide } from '../probes/insert-sql.ts';
import type { Proof } from '../probes/prove.ts';
import type { Check, TableReport } from './report.ts';
import type { Cell } from '../probes/run-script.ts';
import { changedRows, countChanged, type Subject } from '../probes/subject.ts';
import { verbs } from '../probes/verbs.ts';

/** The checks of a table, a view that stands for one, or a bucket. */
export function subjectReport(subject: Subject, proof: Proof): TableReport {
  const checks = new Map<string, Check>();
  for (const { cell, actor, verb } of cellsOf(subject.name, proof)) {
    const stopped = stoppedAt(cell, subject);
    const mended = verb === 'insert-forged' && isMended(cell, subject, actor);
    const result: Result = mended ? { outcome: 'filtered' } : stopped !== undefined && verbs[verb].withoutWhere === true ? stopped : resultOf(cell, verb, cell.before[subject.state] ?? '', subject.table, actor.isAnonymous, subject.kind === 'table');
    const expected = verbs[verb].expects(subject, actor, proof.model);
    const key = `${actor.name} ${verb}`;
    const before = checks.get(key);
    // Of several tries of one verb the most successful counts.
    if (before?.outcome === 'allowed' || (before !== undefined && result.outcome !== 'allowed')) continue;
    checks.set(key, { actor: actor.name, verb, expected, ...result });
  }
  const notes = proof.quiet.notes.get(qualifiedName(subject.table)) ?? [];
  const large = subject.isLarge ? ['too large for changes without WHERE: those were left out'] : [];
  return {
    table: subject.name, kind: subject.kind, scope: subject.scope.text, checks: [...checks.values()],
    ...(subject.kind === 'bucket' ? {} : { privileges: privilegesOf(subject, proof.actors) }),
    ...(notes.length + large.length > 0 ? { notes: [...notes, ...large] } : {}),
  };
}

function privilegesOf({ grants }: Subject, actors: readonly Actor[]): Record<string, string> {
  return Object.fromEntries([...new Set(actors.map((actor) => actor.role))].map((role) => {
    const byColumn = Object.entries(grants.columnGrants[role] ?? {}).map(([letter, columns]) => `${letter}(${columns.join(',')})`);
    return [role, [...(grants.grants[role] ?? ''), ...byColumn].join('')];
  }));
}

/** The checks of a view in which rows are looked for by their marks. */
export function viewReport(view: RelationRow, behind: readonly RelationRow[], proof: Proof): TableReport {
  const name = qualifiedName(view);
  const isPublic = isDeclared(proof.model.declarations, name, 'public-read');
  const checks = cellsOf(name, proof).map(({ cell, actor }): Check => {
    if ('code' in cell) return { actor: actor.name, verb: 'select', expected: 'may', ...resultOf(cell, 'select', '', view, actor.isAnonymous, false) };
    const reached = namesIn(cell.answer, proof, (mark) => behind.includes(mark.table));
    const leaks = isPublic ? [] : reached.filter((table) => isForbidden(table, actor, 'select', proof));
    return readCheck('select', actor, leaks, reached, cell.answer === '' ? 'filtered' : 'allowed', 'shows');
  });
  const scope = isPublic ? 'public-read' : `view of ${behind.map(qualifiedName).join(', ')}`;
  return { table: name, kind: 'view', scope, checks, ...(checks.length > 0 ? {} : { notes: ['not looked through: a table behind it is too large'] }) };
}

/** The checks of a function that users can call. */
export function functionReport(callable: Callable, proof: Proof): TableReport {
  // An address that stands in other tables too is theirs to show.
  const speaksOfUsers = proof.model.sources.reachable(callable.routine).includes(authUsers);
  const checks = cellsOf(callable.name, proof).flatMap(({ cell, actor, sql, verb }): Check[] => {
    if ('code' in cell) return [stoppedCall(cell, actor, verb, proof)];
    const reached = namesIn(cell.answer, proof, (mark) => !sql.includes(mark.text) && (qualifiedName(mark.table) !== authUsers || speaksOfUsers));
    const read = readCheck(verb, actor, reached.filter((table) => isForbidden(table, actor, 'select', proof)), reached, 'allowed', 'returns');
    if (cell.state === '') return [read];
    const changed = changedSubjects(cell, actor, proof);
    const forbidden = changed.filter((one) => one.isForbidden).map((one) => one.table);
    const names = changed.map((one) => one.table);
    return changed.length === 0 ? [read] : [read, readCheck('call-changes', actor, forbidden, names, 'allowed', 'changes')];
  });
  // Of several calls the one that breaks a rule counts, then the one that was let through.
  const weight = (check: Check): number => (check.expected === 'no' ? 2 : 0) + (check.outcome === 'allowed' ? 1 : 0);
  const distinct = new Map(checks.toSorted((x, y) => weight(x) - weight(y)).map((check) => [`${check.actor} ${check.verb}`, check]));
  return {
    table: callable.name, kind: 'function', scope: `callable by ${callable.routine.execute.filter((role) => role !== 'service_role').join(', ')}`,
    checks: [...distinct.values()], ...(callable.skipped === undefined ? {} : { notes: [callable.skipped] }),
  };
}

/** A trigger may put the owner right: then the forged row is not where it was meant to go, by the count of A's rows. */
function isMended(cell: Cell, subject: Subject, actor: Actor): boolean {
  if ('code' in cell || subject.isLarge || subject.isTenants || subject.kind === 'bucket' || cell.touched === 0) return false;
  const isAmongHers = countChanged(cell.before[subject.state] ?? '', cell.state);
  return (otherSide(subject, actor) === 'a') !== isAmongHers;
}

/** A foreign key or unique key that stopped a statement says which row it was: past all policies, it was this one's. */
function stoppedAt(cell: Cell, subject: Subject): Pick<Check, 'outcome' | 'rows'> | undefined {
  if (!('code' in cell) || !/^235|^23503/.test(cell.code)) return undefined;
  const keys = subject.rows.a.key.map(([, value]) => value.replace(/^'|'$/g, ''));
  const isHers = keys.length > 0 && keys.every((key) => cell.message.includes(key));
  return isHers ? { outcome: 'allowed', rows: 'a' } : undefined;
}

function stoppedCall(cell: Cell & { code: string; message: string }, actor: Actor, verb: Check['verb'], proof: Proof): Check {
  const refused: Check = { actor: actor.name, verb, expected: 'may', outcome: 'refused', code: cell.code, message: cell.message };
  if (cell.code !== '23503' || !cell.message.startsWith('update or delete')) return refused;
  const hit = proof.subjects.find((subject) => subject.kind === 'table' && stoppedAt(cell, subject) !== undefined);
  if (hit === undefined || verbs.update.expects(hit, actor, proof.model) !== 'no') return refused;
  return { actor: actor.name, verb: 'call-changes', expected: 'no', outcome: 'allowed', rows: 'a', message: `changes rows of ${hit.name}` };
}

function cellsOf(name: string, proof: Proof): { cell: Cell; actor: Actor; verb: Check['verb']; sql: string }[] {
  return proof.answer.cells.flatMap((cell) => {
    const probe = proof.probes[cell.probe]!;
    return probe.subject === name ? [{ cell, actor: proof.actors[cell.actor]!, verb: probe.verb, sql: probe.sql }] : [];
  });
}

function readCheck(verb: Check['verb'], actor: Actor, leaks: string[], reached: string[], outcome: Check['outcome'], word: string): Check {
  const seen = reached.length === 0 ? {} : { reached };
  return leaks.length === 0
    ? { actor: actor.name, verb, expected: 'may', outcome, ...seen }
    : { actor: actor.name, verb, expected: 'no', outcome: 'allowed', rows: 'a', ...seen, message: `${word} rows of ${leaks.join(', ')}` };
}

/** Tables whose marked rows stand in the answer. */
function namesIn(answer: string, proof: Proof, counts: (mark: Mark) => boolean): string[] {
  const found = answer.split(' ').filter((part) => part !== '').map((part) => proof.marks[Number(part)]!);
  return [...new Set(found.filter(counts).map((mark) => qualifiedName(mark.table)))];
}

function isForbidden(table: string, actor: Actor, verb: Check['verb'], proof: Proof): boolean {
  if (table === authUsers) return actor.relation === 'none';
  const subject = proof.subjects.find((one) => one.name === table);
  return subject !== undefined && verbs[verb].expects(subject, actor, proof.model) === 'no';
}

/** Tables of which the call changed A's rows, or how many there are, and whether the actor may. */
function changedSubjects(cell: Cell & { state: string }, actor: Actor, proof: Proof): { table: string; isForbidden: boolean }[] {
  const before = JSON.parse(cell.before[proof.probes[cell.probe]!.state] || '{}') as Record<string, string>;
  const after = JSON.parse(cell.state) as Record<string, string>;
  return proof.subjects.filter(({ kind }) => kind === 'table').flatMap((subject) => {
    const [then, now] = [before[subject.state] ?? '', after[subject.state] ?? ''];
    const touched = changedRows(then, now).includes('a');
    const added = countChanged(then, now) && subject.belongs.length > 0;
    const forbidden = (touched && isForbidden(subject.name, actor, 'update', proof))
      || (added && actor.relation === 'none' && isForbidden(subject.name, actor, 'insert-forged', proof));
    return touched || added ? [{ table: subject.name, isForbidden: forbidden }] : [];
  });
}
