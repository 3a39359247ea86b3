/** Users whom a row holds back, as a block or a ban does, and who take it off themselves. */
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { findDenials } from '../catalog/denials.ts';
import { findLapsedSeats } from '../catalog/lapsed-seats.ts';
import type { Model } from '../catalog/model.ts';
import { policiesFor } from '../catalog/scope.ts';
import { actingUser } from '../fixtures/belongings.ts';
import type { Chain } from '../fixtures/script.ts';
import { againstA, cleared, lapsedStates, liftsOf, ownWays, put, seatOf, sessionOf, statesOf } from './held-sql.ts';
import { rowsOfA } from './labels.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Opened } from './run-script.ts';
import { type Subject, userColumnsOf } from './subject.ts';

/** How many tables whose policies ask for such a row are looked at. */
const mostAskers = 4;

/** A row that held a user back, and that the user took off or made ineffective. */
export interface Lift {
  /** The table of the row, and what the user could do again. */
  subject: Subject;
  asker: Subject;
  probes: { lift: number; again: number };
  actor: number;
  /** The column that names who is held back. */
  column: string;
  /** The user may make such a row, or bring its own into that state: whether it is there to hold users back is not known. */
  isChosen: boolean;
  /** The row is a seat that no longer lets its user in. */
  isSeat: boolean;
}

/** The chains, the probes that they need, and what is tried in each. */
export interface Holds {
  probes: NamedProbe[];
  chains: Chain[];
  attempts: Attempt[];
}

/** One row that may hold the acting user back, by the numbers of its chains. */
interface Attempt {
  subject: Subject;
  column: string;
  /** It names a session: its user may come with another one. */
  isOfSession: boolean;
  /** It is a seat that no longer lets its user in. */
  isSeat: boolean;
  actor: number;
  /** Without the row, and with it. */
  free: number;
  held: number;
  lifts: { chain: number; probe: number }[];
  /** The user makes such a row, or brings its own into that state. */
  own: { chain: number; witness: number }[];
  /** What is tried in each chain. */
  again: { probe: number; asker: Subject }[];
}

/**
 * Chains in which a stranger is held back by a row that the server has made, and then changes, deletes or outdoes that row.
 * @param start the number of the first probe that is added
 */
export function holdsOf(first: FirstRound, start: number): Holds {
  const { model, actors, subjects } = first;
  const holds: Holds = { probes: [], chains: [], attempts: [] };
  const by = actors.findLastIndex((one) => one.relation === 'none' && !one.isAnonymous && one.only === undefined);
  const actor = actors[by];
  if (actor === undefined) return holds;
  const tables = new Map(subjects.flatMap((one) => (one.kind === 'table' ? [[qualifiedName(one.table), one]] : [])));
  const add = (probe: NamedProbe): number => start + holds.probes.push(probe) - 1;
  const chainOf = (lead: readonly number[], afterwards: readonly number[]): number =>
    holds.chains.push({
      lead: lead.map((probe): [number, number] => [probe, by]),
      afterwards: afterwards.map((probe): [number, number] => [probe, by]),
      states: [],
    }) - 1;
  for (const denial of [...findDenials(model), ...findLapsedSeats(model)]) {
    const isSeat = denial.isSeat === true;
    const subject = tables.get(qualifiedName(denial.table));
    if (subject === undefined || subject.isLarge) continue;
    const askers = denial.askers.flatMap((table) => tables.get(qualifiedName(table)) ?? []).slice(0, mostAskers);
    const again = askers.flatMap((asker) => [
      ...(isSeat ? [] : againstA(asker, actor, model)).map((sql) => ({
        asker,
        probe: add(writes(asker, 'insert', sql)),
      })),
      ...first.probes.flatMap(({ subject: name, verb, actors: who }, number) =>
        name === asker.name && verb === 'select' && who.includes(by) ? [{ asker, probe: number }] : [],
      ),
    ]);
    if (again.length === 0) continue;
    const witness = add(reads(subject, undefined));
    const tried = again.map(({ probe }) => probe);
    for (const column of denial.holding) {
      const session = userColumnsOf(subject, model).includes(column) ? undefined : sessionOf(subject, column, model);
      const me = session === undefined ? `'${actingUser}'` : session.value;
      const states = isSeat ? lapsedStates(subject, denial) : statesOf(subject, denial, model);
      const [usual = []] = states;
      const before = isSeat
        ? put(subject, column, me, seatOf(subject), model)
        : cleared(subject, column, me, usual, model);
      const plain = [session?.sql, before].filter(Boolean).join('; ');
      const free = chainOf([add(reads(subject, plain))], tried);
      const lifts = liftsOf(subject, denial, column, me, actor, model)
        .filter((sql) => !isSeat || verbOf(sql) === 'update')
        .map((sql) => add(writes(subject, verbOf(sql), sql)));
      for (const set of states) {
        const held = add(reads(subject, [plain, put(subject, column, me, set, model)].join('; ')));
        const own = (isSeat ? [] : ownWays(subject, column, me, set, actor, model)).map((sql) => ({
          chain: chainOf([add(reads(subject, plain)), add(writes(subject, verbOf(sql), sql))], [witness, ...tried]),
          witness,
        }));
        holds.attempts.push({
          subject,
          column,
          isOfSession: session !== undefined,
          isSeat,
          actor: by,
          free,
          held: chainOf([held], tried),
          lifts: lifts.map((probe) => ({ chain: chainOf([held, probe], tried), probe })),
          own,
          again,
        });
      }
    }
  }
  return holds;
}

/** Reads which rows held the stranger back, and which of its writes helped. */
export function readHolds(opened: readonly Opened[], { attempts }: Holds, first: FirstRound): Lift[] {
  const { model } = first;
  const found: Lift[] = [];
  for (const attempt of attempts) {
    const { subject, column, actor } = attempt;
    const met = (chain: number, probe: number): string | undefined => metBy(opened, chain, probe);
    for (const { probe, asker } of attempt.again) {
      const isMore = (chain: number, other: number): boolean => isMoreMet(met(chain, probe), met(other, probe));
      if (!attempt.isSeat && !isMore(attempt.free, attempt.held)) continue;
      const lift = attempt.lifts.find(({ chain }) => isMore(chain, attempt.held));
      if (lift === undefined) continue;
      const chosen = attempt.own.filter(
        ({ chain, witness }) => met(chain, witness) !== undefined && isMore(attempt.free, chain),
      );
      const isOwn =
        (chosen.length > 0 || isMadeByCalls(subject, model)) &&
        !attempt.isOfSession &&
        !attempt.isSeat &&
        !isMadeByOthers(subject, column, model);
      // Who may put such a row there as well hides something from itself.
      if (isOwn && first.probes[probe]?.verb === 'select') continue;
      found.push({
        subject,
        asker,
        probes: { lift: lift.probe, again: probe },
        actor,
        column,
        isChosen: isOwn,
        isSeat: attempt.isSeat,
      });
    }
  }
  return found;
}

/** What came of a probe at the end of a chain: the rows that it showed or met; undefined where it was refused, or met none. */
function metBy(opened: readonly Opened[], chain: number, probe: number): string | undefined {
  const one = opened.find((other) => other.chain === chain && 'probe' in other && other.probe === probe);
  return one === undefined || !('answer' in one) ? undefined : one.answer;
}

function isMoreMet(more: string | undefined, less: string | undefined): boolean {
  if (more === undefined || less === undefined) return more !== undefined;
  return [...rowsOfA(more)].some((letter) => !less.includes(letter));
}

/** Others than the one whom it names may make such a row by a policy: the moderators, or who blocks. */
function isMadeByOthers({ table }: Subject, column: string, model: Model): boolean {
  return (
    policiesFor(table, 'I', model).length > 0 &&
    model
      .policyFacts(table)
      .some(
        ({ policy, userColumns }) =>
          policy.permissive && 'a*'.includes(policy.command) && !userColumns.includes(column),
      )
  );
}

function isMadeByCalls(subject: Subject, { catalog, dependencies, userRole }: Model): boolean {
  return catalog.functions.some(
    (routine) =>
      routine.kind !== 't' &&
      routine.execute.includes(userRole) &&
      dependencies.isReadable(routine) &&
      dependencies.writtenBy(routine).has(qualifiedName(subject.table)),
  );
}

function writes({ name, state }: Subject, verb: NamedProbe['verb'], sql: string): NamedProbe {
  return { subject: name, verb, mode: 'write', state, sql, actors: [] };
}

/** It always finds something, so that the chain continues with what the server has prepared. */
function reads({ name }: Subject, prepare: string | undefined): NamedProbe {
  return {
    subject: name,
    verb: 'select',
    mode: 'read',
    state: '',
    sql: "select 'a'",
    actors: [],
    ...(prepare === undefined ? {} : { prepare }),
  };
}

function verbOf(sql: string): 'insert' | 'update' | 'delete' {
  return sql.startsWith('delete') ? 'delete' : sql.startsWith('update') ? 'update' : 'insert';
}
