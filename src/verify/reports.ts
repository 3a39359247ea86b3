import type { Actor } from './actors.ts';
import { qualifiedName, type RelationRow } from './catalog.ts';
import { isDeclared } from './expectations.ts';
import { expectedOf } from './expected.ts';
import { type Callable, everything } from './functions.ts';
import type { Mark } from './marks.ts';
import { resultOf } from './outcome.ts';
import type { Proof } from './prove.ts';
import type { Check, TableReport } from './report.ts';
import type { Cell } from './run-script.ts';
import { changedRows, countChanged, type Subject } from './subject.ts';

/** The checks of a table, a view that stands for one, or a bucket. */
export function subjectReport(subject: Subject, proof: Proof): TableReport {
  const checks = new Map<string, Check>();
  for (const { cell, actor, verb } of cellsOf(subject.name, proof)) {
    const stopped = stoppedAt(cell, subject);
    const result = stopped !== undefined && verb.endsWith('-all') ? stopped : resultOf(cell, verb, cell.before[subject.state] ?? '', subject.table.name, actor.isAnonymous, subject.kind === 'table');
    const expected = expectedOf(subject, actor, verb, proof.model);
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
    ...(notes.length + large.length > 0 ? { notes: [...notes, ...large] } : {}),
  };
}

/** The checks of a view in which rows are looked for by their marks. */
export function viewReport(view: RelationRow, behind: readonly RelationRow[], proof: Proof): TableReport {
  const name = qualifiedName(view);
  const isPublic = isDeclared(proof.model.declarations, name, 'public-read');
  const checks = cellsOf(name, proof).map(({ cell, actor }): Check => {
    if ('code' in cell) return { actor: actor.name, verb: 'select', expected: 'may', ...resultOf(cell, 'select', '', view.name, actor.isAnonymous, false) };
    const leaks = isPublic ? [] : leaksIn(cell.answer, actor, proof, (mark) => behind.includes(mark.subject.table));
    return leaks.length === 0
      ? { actor: actor.name, verb: 'select', expected: 'may', outcome: cell.answer === '' ? 'filtered' : 'allowed' }
      : { actor: actor.name, verb: 'select', expected: 'no', outcome: 'allowed', rows: 'a', message: `shows rows of ${leaks.join(', ')}` };
  });
  return { table: name, kind: 'view', scope: isPublic ? 'public-read' : `view of ${behind.map(qualifiedName).join(', ')}`, checks };
}

/** The checks of a function that users can call. */
export function functionReport(callable: Callable, proof: Proof): TableReport {
  const checks = cellsOf(callable.name, proof).flatMap(({ cell, actor, sql }): Check[] => {
    if ('code' in cell) return [stoppedCall(cell, actor, proof)];
    const leaks = leaksIn(cell.answer, actor, proof, (mark) => !sql.includes(mark.text));
    const read: Check = leaks.length === 0
      ? { actor: actor.name, verb: 'call', expected: 'may', outcome: 'allowed' }
      : { actor: actor.name, verb: 'call', expected: 'no', outcome: 'allowed', rows: 'a', message: `returns rows of ${leaks.join(', ')}` };
    const changed = cell.state === '' ? [] : changedSubjects(cell, actor, proof);
    const write: Check[] = changed.length === 0 ? []
      : [{ actor: actor.name, verb: 'call-changes', expected: 'no', outcome: 'allowed', rows: 'a', message: `changes rows of ${changed.join(', ')}` }];
    return [read, ...write];
  });
  const distinct = new Map(checks.toSorted((x, y) => Number(x.expected === 'no') - Number(y.expected === 'no')).map((check) => [`${check.actor} ${check.verb}`, check]));
  return {
    table: callable.name, kind: 'function', scope: `callable by ${callable.routine.execute.filter((role) => role !== 'service_role').join(', ')}`,
    checks: [...distinct.values()], ...(callable.skipped === undefined ? {} : { notes: [callable.skipped] }),
  };
}

/** A foreign key or unique key that stopped a statement says which row it was: past all policies, it was this one's. */
function stoppedAt(cell: Cell, subject: Subject): Pick<Check, 'outcome' | 'rows'> | undefined {
  if (!('code' in cell) || !/^235|^23503/.test(cell.code)) return undefined;
  const keys = subject.rows.a.key.map(([, value]) => value.replace(/^'|'$/g, ''));
  const isHers = keys.length > 0 && keys.every((key) => cell.message.includes(key));
  return isHers ? { outcome: 'allowed', rows: 'a' } : undefined;
}

function stoppedCall(cell: Cell & { code: string; message: string }, actor: Actor, proof: Proof): Check {
  const refused: Check = { actor: actor.name, verb: 'call', expected: 'may', outcome: 'refused', code: cell.code, message: cell.message };
  if (cell.code !== '23503' || !cell.message.startsWith('update or delete')) return refused;
  const hit = proof.subjects.find((subject) => subject.kind === 'table' && stoppedAt(cell, subject) !== undefined);
  if (hit === undefined || expectedOf(hit, actor, 'update', proof.model) !== 'no') return refused;
  return { actor: actor.name, verb: 'call-changes', expected: 'no', outcome: 'allowed', rows: 'a', message: `changes rows of ${hit.name}` };
}

function cellsOf(name: string, proof: Proof): { cell: Cell; actor: Actor; verb: Check['verb']; sql: string }[] {
  return proof.answer.cells.flatMap((cell) => {
    const probe = proof.probes[cell.probe]!;
    return probe.subject === name ? [{ cell, actor: proof.actors[cell.actor]!, verb: probe.verb, sql: probe.sql }] : [];
  });
}

/** Tables whose marked rows stand in the answer although the actor may not read them. */
function leaksIn(answer: string, actor: Actor, proof: Proof, counts: (mark: Mark) => boolean): string[] {
  const found = answer.split(' ').filter((part) => part !== '').map((part) => proof.marks[Number(part)]!);
  const leaked = found.filter((mark) => counts(mark) && expectedOf(mark.subject, actor, 'select', proof.model) === 'no');
  return [...new Set(leaked.map((mark) => mark.subject.name))];
}

/** Tables of which the call changed rows that the actor may not change. */
function changedSubjects(cell: Cell & { state: string }, actor: Actor, proof: Proof): string[] {
  const before = JSON.parse(cell.before[everything] || '{}') as Record<string, string>;
  const after = JSON.parse(cell.state) as Record<string, string>;
  return proof.subjects.filter((subject) => {
    if (subject.kind !== 'table') return false;
    const [then, now] = [before[subject.state] ?? '', after[subject.state] ?? ''];
    const touched = changedRows(then, now).includes('a') && expectedOf(subject, actor, 'update', proof.model) === 'no';
    const added = countChanged(then, now) && actor.relation === 'none' && expectedOf(subject, actor, 'insert-forged', proof.model) === 'no' && subject.belongs.length > 0;
    return touched || added;
  }).map((subject) => subject.name);
}
