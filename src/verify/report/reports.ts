import { type Actor, sqlAs } from '../probes/actors.ts';
import { isAgainst } from '../probes/judge.ts';
import { rowsOfA, without } from '../probes/labels.ts';
import { type Result, resultOf, stoppedAt } from '../probes/outcome.ts';
import { otherSide } from '../probes/insert-sql.ts';
import { byHand, type NamedProbe } from '../probes/probes.ts';
import type { Proof } from '../probes/prove.ts';
import type { Check, TableReport } from './report.ts';
import type { Cell } from '../probes/run-script.ts';
import { countChanged, heldBy, labelledRows, type Subject } from '../probes/subject.ts';
import { expectLink } from '../probes/expected.ts';
import { type Verb, verbs } from '../probes/verbs.ts';
import { namesOneOf, policiesFor } from '../catalog/scope.ts';
import { findSeats } from '../catalog/seats.ts';

/** The checks of a table, a view that is tested like one, or a bucket. */
export function subjectReport(subject: Subject, proof: Proof): TableReport {
  const checks = new Map<string, Check>();
  const tried = new Map<Check, string>();
  const cells = cellsOf(subject.name, proof);
  const excused = excusesOf(cells);
  for (const { cell, actor, verb, probe } of cells) {
    // What is read whole is compared with later, not judged.
    if (verbs[verb].excuses !== undefined || probe.mode === 'rows') continue;
    const stopped = stoppedAt(cell, subject);
    const isCorrected = verb === 'insert-forged' && isOwnerCorrected(cell, subject, actor);
    const result: Result = isCorrected
      ? { outcome: 'filtered' }
      : isMisnamed(cell, verb, subject)
        ? { outcome: 'refused' }
        : stopped !== undefined && verbs[verb].withoutWhere === true
          ? stopped
          : resultOf(
              cell,
              verb,
              cell.before[subject.state] ?? '',
              subject.table,
              actor.isAnonymous,
              subject.kind === 'table',
              probe.isAlone,
              subject.kind === 'view' && !subject.isLarge && subject.grants.triggers.length > 0,
            );
    const key = `${actor.name} ${verb}`;
    const before = checks.get(key);
    if (before?.times !== undefined && result.outcome === 'allowed') before.times += 1;
    // Of several attempts at one verb, the most successful counts: without WHERE, one that meets rows of A.
    const isMore = verbs[verb].withoutWhere === true && meetsNone(before) && !meetsNone(result);
    if ((before?.outcome === 'allowed' && !isMore) || (before !== undefined && result.outcome !== 'allowed')) continue;
    const expected = verbs[verb].expects(subject, actor, proof.model);
    const spared = `${excused.get(key) ?? ''}${heldBy(actor.user, subject)}`;
    const check: Check = {
      actor: actor.name,
      verb,
      expected,
      ...result,
      ...(expected === 'may' ? {} : excuse(result.rows ?? '', spared)),
      ...(verbs[verb].counted === true && result.outcome === 'allowed' ? { times: 1 } : {}),
    };
    checks.set(key, check);
    tried.set(check, sqlAs(byHand(probe), actor));
  }
  holdMultiOrg(checks, proof.actors);
  holdDeletes(checks, subject, proof);
  for (const check of checks.values())
    if (check.outcome === 'error' || (isAgainst(check) && check.outcome === 'allowed')) check.probe = tried.get(check)!;
  return {
    table: subject.name,
    kind: subject.kind,
    scope: subject.scope.text,
    checks: [...checks.values()],
    ...(subject.kind === 'bucket' ? {} : { privileges: privilegesOf(subject, proof.actors) }),
  };
}

/** In another bucket, an object has a name that is none there, so what policies take from it may be no ID. */
function isMisnamed(cell: Cell, verb: Verb, { kind }: Subject): boolean {
  return kind === 'bucket' && verbs[verb].expects === expectLink && 'code' in cell && cell.code.startsWith('22');
}

/** It was allowed, and met no row of A's. */
function meetsNone(one: Pick<Check, 'outcome' | 'rows'> | undefined): boolean {
  return one?.outcome === 'allowed' && one.rows !== undefined && one.rows !== '?' && rowsOfA(one.rows) === '';
}

/**
 * Who is in both organizations, with more in the other one, reaches no more of A's than a member with the same role: what it
 * made itself aside, it must not be let do it.
 */
function holdMultiOrg(checks: ReadonlyMap<string, Check>, actors: readonly Actor[]): void {
  for (const actor of actors.filter(({ hasMoreElsewhere }) => hasMoreElsewhere)) {
    const like = actors.find(
      (one) => !one.isMultiOrg && one.relation === 'co-member' && one.memberRole === actor.memberRole,
    );
    for (const check of checks.values()) {
      const { multiOrg, heldTo } = verbs[check.verb];
      const same = (heldTo ?? [check.verb]).flatMap((verb) => checks.get(`${like?.name} ${verb}`) ?? []);
      const allowed = same.filter(({ outcome }) => outcome === 'allowed');
      const isHeld =
        check.actor === actor.name &&
        check.outcome === 'allowed' &&
        (multiOrg === 'by-role' || (heldTo !== undefined && check.rows !== undefined));
      if (!isHeld || same.length === 0) continue;
      const more = without(rowsOfA(check.rows ?? ''), `kl${allowed.map(({ rows = '' }) => rows).join('')}`);
      // Where a row in a state may go, but not stay as it is, is not about who does it.
      if (heldTo !== undefined && !more.includes('a')) continue;
      if (check.rows === undefined ? allowed.length > 0 : more === '') continue;
      check.expected = 'no';
      if (check.rows !== undefined) check.rows = more;
    }
  }
}

/**
 * Who may delete a row may change it, where others of its kind may, with a higher role or a seat that gives more: that the policies
 * ask for more to change it than to delete it is not meant.
 */
function holdDeletes(checks: ReadonlyMap<string, Check>, subject: Subject, { actors, model }: Proof): void {
  const outcomes = ({ name }: Actor, verbs: readonly Check['verb'][]): Check[] =>
    verbs.flatMap((verb) => checks.get(`${name} ${verb}`) ?? []);
  const mayChange = (actor: Actor): boolean =>
    outcomes(actor, ['update', 'update-all']).some(
      ({ outcome, rows }) => outcome === 'allowed' && rowsOfA(rows ?? '').includes('a'),
    );
  const seats = findSeats(model).map(({ table }) => table);
  const changing = policiesFor(subject.table, 'U', model);
  const isForGuests = changing.some(({ using }) => namesOneOf(using, seats, model));
  for (const actor of actors) {
    const isMember = actor.relation === 'co-member' && !actor.isMultiOrg;
    if (subject.kind !== 'table' || !(isMember || (actor.relation === 'guest' && isForGuests))) continue;
    const tried = outcomes(actor, ['update', 'update-all']);
    const isKept = tried.length > 0 && tried.every(({ outcome }) => outcome === 'filtered');
    const isForOthers = actors.some(
      (other) => other.relation === actor.relation && !other.isMultiOrg && mayChange(other),
    );
    if (!isKept || (isMember && !isForOthers)) continue;
    for (const check of outcomes(actor, ['delete', 'delete-all']))
      if (check.outcome === 'allowed' && rowsOfA(check.rows ?? '').includes('a')) check.expected = 'no';
  }
}

/** By actor and verb: letters of the rows that are not held against the actor. */
function excusesOf(cells: ReturnType<typeof cellsOf>): ReadonlyMap<string, string> {
  return new Map(
    cells.flatMap(({ cell, actor, verb }): [string, string][] => {
      const { excuses } = verbs[verb];
      return excuses === undefined || 'code' in cell ? [] : [[`${actor.name} ${excuses}`, cell.answer]];
    }),
  );
}

/** What is left to say of the rows that an actor met. */
function excuse(rows: string, excused: string): Partial<Pick<Check, 'rows' | 'expected'>> {
  const left = without(rows, excused);
  if (left === rows) return {};
  return rowsOfA(left) === '' ? { expected: 'may' } : { rows: left };
}

function privilegesOf({ grants }: Subject, actors: readonly Actor[]): Record<string, string> {
  return Object.fromEntries(
    [...new Set(actors.map((actor) => actor.role))].map((role) => {
      const byColumn = Object.entries(grants.columnGrants[role] ?? {}).map(
        ([letter, columns]) => `${letter}(${columns.join(',')})`,
      );
      return [role, [...(grants.grants[role] ?? ''), ...byColumn].join('')];
    }),
  );
}

/** A trigger may correct the owner. Then the count of A's rows shows that the forged row is not among them. */
function isOwnerCorrected(cell: Cell, subject: Subject, actor: Actor): boolean {
  if ('code' in cell || subject.isLarge || subject.isTenants || subject.kind === 'bucket' || cell.touched === 0)
    return false;
  const isAmongHers = countChanged(cell.before[subject.state] ?? '', cell.state);
  return (otherSide(subject, actor) === 'a') !== isAmongHers;
}

/** The cells of each proof by the name of what they are about. */
const grouped = new WeakMap<Proof, ReadonlyMap<string, readonly Cell[]>>();

function groupCells({ answer, probes }: Proof): ReadonlyMap<string, readonly Cell[]> {
  const bySubject = new Map<string, Cell[]>();
  for (const cell of answer.cells) {
    const { subject } = probes[cell.probe]!;
    const known = bySubject.get(subject);
    if (known === undefined) bySubject.set(subject, [cell]);
    else known.push(cell);
  }
  return bySubject;
}

/** The outcomes of the probes of one subject. */
export function cellsOf(
  name: string,
  proof: Proof,
): { cell: Cell; actor: Actor; verb: Check['verb']; probe: NamedProbe }[] {
  const bySubject = grouped.get(proof) ?? groupCells(proof);
  grouped.set(proof, bySubject);
  return (bySubject.get(name) ?? []).map((cell) => {
    const probe = proof.probes[cell.probe]!;
    return { cell, actor: proof.actors[cell.actor]!, verb: probe.verb, probe };
  });
}

/** The values that each actor of a proof sees in rows. */
const seen = new WeakMap<Proof, Map<Actor, ReadonlySet<string>>>();

/** The texts in those of the known rows that an actor reads in their tables, and may read there. */
export function valuesSeen(actor: Actor, proof: Proof): ReadonlySet<string> {
  const byActor = seen.get(proof) ?? new Map<Actor, ReadonlySet<string>>();
  seen.set(proof, byActor);
  const known = byActor.get(actor);
  if (known !== undefined) return known;
  const values = new Set<string>();
  for (const subject of proof.subjects.filter(({ kind }) => kind === 'table')) {
    const answers = cellsOf(subject.name, proof).map(({ cell, actor: by, verb }) =>
      by === actor && verb === 'select' && 'answer' in cell ? cell.answer : '',
    );
    const all = answers.join('');
    const letters = verbs.select.expects(subject, actor, proof.model) === 'no' ? without(all, rowsOfA(all)) : all;
    const rows = labelledRows(subject).filter(([label]) => letters.includes(label));
    for (const sql of rows.flatMap(([, row]) => [...row.values.values()]))
      if (/^'[^'\\]*'$/.test(sql)) values.add(sql.slice(1, -1));
  }
  byActor.set(actor, values);
  return values;
}
