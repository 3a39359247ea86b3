/** Users whom a row holds back, as a block or a ban does, and who take it off themselves. */
import { quoteIdentifier } from '../../shared/quote.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { type Denial, findDenials } from '../catalog/denials.ts';
import type { Model } from '../catalog/model.ts';
import { policiesFor } from '../catalog/scope.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Chain } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import { insertOf, valuesFor } from './deciding-sql.ts';
import { insertStatement } from './insert-sql.ts';
import { rowsOfA } from './labels.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Opened } from './run-script.ts';
import { putInToken } from './token-keys.ts';
import { grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/** How many states of such a row, askers of a table, and values of a column are tried. */
const most = { states: 3, askers: 4, values: 4 };

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
  for (const denial of findDenials(model)) {
    const subject = tables.get(qualifiedName(denial.table));
    if (subject === undefined || subject.isLarge) continue;
    const askers = denial.askers.flatMap((table) => tables.get(qualifiedName(table)) ?? []).slice(0, most.askers);
    const again = askers.flatMap((asker) => [
      ...againstA(asker, actor, model).map((sql) => ({ asker, probe: add(writes(asker, 'insert', sql)) })),
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
      const [usual = [], ...others] = statesOf(subject, denial, model);
      const plain = [session?.sql, cleared(subject, column, me, usual, model)].filter(Boolean).join('; ');
      const free = chainOf([add(reads(subject, plain))], tried);
      const lifts = liftsOf(subject, denial, column, me, actor, model).map((sql) =>
        add(writes(subject, verbOf(sql), sql)),
      );
      for (const set of [usual, ...others]) {
        const held = add(reads(subject, [plain, put(subject, column, me, set, model)].join('; ')));
        const own = ownWays(subject, column, me, set, actor, model).map((sql) => ({
          chain: chainOf([add(reads(subject, plain)), add(writes(subject, verbOf(sql), sql))], [witness, ...tried]),
          witness,
        }));
        holds.attempts.push({
          subject,
          column,
          isOfSession: session !== undefined,
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
      if (!isMore(attempt.free, attempt.held)) continue;
      const lift = attempt.lifts.find(({ chain }) => isMore(chain, attempt.held));
      if (lift === undefined) continue;
      const chosen = attempt.own.filter(
        ({ chain, witness }) => met(chain, witness) !== undefined && isMore(attempt.free, chain),
      );
      const isOwn =
        (chosen.length > 0 || isMadeByCalls(subject, model)) &&
        !attempt.isOfSession &&
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

/** What the row says in the columns that are asked for, keys aside: as usual, in the states that were found, or else what it is compared with. */
function statesOf(subject: Subject, { asked }: Denial, model: Model): [string, string][][] {
  const { table, columns, fresh, rows } = subject;
  const free = columns.filter(
    (column) =>
      asked.has(column.name) &&
      model.meaningOf(table, column) === undefined &&
      !table.constraints.some(({ type, columns: keys }) => 'fp'.includes(type) && keys.includes(column.name)),
  );
  const setBy = (values: ReadonlyMap<string, string>): [string, string][] =>
    free.map(({ name }): [string, string] => [name, values.get(name) ?? 'default']);
  const known = rows.states.filter((state) => free.some(({ name }) => state.columns?.includes(name) === true));
  const { named } = model.dependencies.decidingColumns(qualifiedName(table));
  const compared = free.flatMap((column) =>
    column.category === 'S' || column.category === 'E'
      ? valuesFor(column, named.get(column.name) ?? [], subject, model).map((value) =>
          setBy(new Map([...fresh.a.values, [column.name, value]])),
        )
      : [],
  );
  return [setBy(fresh.a.values), ...(known.length > 0 ? known.map(({ values }) => setBy(values)) : compared)].slice(
    0,
    most.states,
  );
}

/**
 * SQL after which no row holds who acts back, as far as is known: those that name it are removed. In a table in which each user has one, to
 * which others refer, it has an ordinary one.
 */
function cleared(
  subject: Subject,
  column: string,
  me: string,
  usual: readonly (readonly [string, string])[],
  model: Model,
): string {
  const name = qualifiedName(subject.table);
  const isReferred = [...model.tables.values()].some(({ constraints }) =>
    constraints.some((key) => key.target === name),
  );
  const isUsers = model.tenancy.userTables.has(name);
  return isReferred || isUsers
    ? put(
        subject,
        column,
        me,
        usual.map(([one]): [string, string] => [one, subject.rows.b.values.get(one) ?? 'default']),
        model,
      )
    : `delete from ${subject.into} where ${quoteIdentifier(column)} = ${me}`;
}

/** The key by which a row names what is in the token of who acts, such as its session, and SQL that puts it there. */
function sessionOf({ fresh, table }: Subject, column: string, model: Model): { value: string; sql: string } {
  const value = fresh.a.values.get(column) ?? 'NULL';
  return { value, sql: putInToken(table, column, value, model) };
}

/** SQL by which the server makes a row beside A's that names who acts; where it has one, that is brought into the state. */
function put(subject: Subject, column: string, me: string, set: readonly [string, string][], model: Model): string {
  const values = new Map([...subject.fresh.a.values, ...othersOfA(subject, column, model), ...set, [column, me]]);
  const columns = subject.columns.filter(({ name }) => values.has(name)).map(({ name }) => name);
  const insert = `${insertStatement(subject, columns, values)} on conflict do nothing`;
  return [insert, ...(set.length === 0 ? [] : [updateOf(subject, set, column, me)])].join('; ');
}

function updateOf({ into }: Subject, set: readonly (readonly [string, string])[], column: string, me: string): string {
  const assignments = set.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ');
  return `update ${into} set ${assignments} where ${quoteIdentifier(column)} = ${me}`;
}

/** The other users of such a row: A; of one that names a session, who acts. */
function othersOfA(subject: Subject, column: string, model: Model): [string, string][] {
  const users = userColumnsOf(subject, model);
  return users
    .filter((name) => name !== column)
    .map((name): [string, string] => [name, users.includes(column) ? subject.users.a : `'${actingUser}'`]);
}

/** INSERTs of a stranger's own row: as usual, and where it deals with what is A's. */
function againstA(asker: Subject, actor: Actor, model: Model): string[] {
  if (grantedColumns(asker, actor.role, 'I', model).length === 0) return [];
  const { scope, table } = asker;
  const users = userColumnsOf(asker, model);
  const mine = new Map(users.slice(0, 1).map((name) => [name, `'${actingUser}'`] as const));
  if (scope.owner === 'user' && scope.parent === undefined)
    for (const name of scope.columns) mine.set(name, `'${actingUser}'`);
  const links = table.constraints.flatMap(({ type, columns }) => (type === 'f' ? columns : []));
  const ofA = [...links, ...users].flatMap((name): [string, string][] => {
    const value = users.includes(name) ? asker.users.a : asker.rows.a.values.get(name);
    return mine.has(name) || value === undefined ? [] : [[name, value]];
  });
  // Which of several users has sent it is not known: each of its users is tried as the one who acts.
  const senders = users
    .slice(1)
    .map(
      (me) =>
        new Map([
          ...ofA,
          ...users.map((name): [string, string] => [name, name === me ? `'${actingUser}'` : asker.users.a]),
        ]),
    );
  const rows = [mine, new Map([...ofA, ...mine]), ...senders];
  return [...new Set(rows.map((values) => insertOf(asker, actor, model, values)))];
}

/** What the stranger may try with the row that holds it back, as far as it has the privileges. */
function liftsOf(
  subject: Subject,
  { asked }: Denial,
  column: string,
  me: string,
  actor: Actor,
  model: Model,
): string[] {
  const { grants } = subject.grants;
  const found: string[] = [];
  if (grants[actor.role]?.includes('D') === true)
    found.push(`delete from ${subject.into} where ${quoteIdentifier(column)} = ${me}`);
  const changeable = grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name);
  const others = othersOfA(subject, column, model).map(([name]) => name);
  const values = new Map(
    subject.columns.flatMap((one): [string, string[]][] =>
      asked.has(one.name) && !others.includes(one.name) ? [[one.name, valuesOf(one.name, subject, model)]] : [],
    ),
  );
  if (changeable.includes(column) && me === `'${actingUser}'`) {
    found.push(updateOf(subject, [[column, subject.users.newcomer]], column, me));
    const turned = others.filter((name) => changeable.includes(name)).map((name): [string, string] => [name, me]);
    if (turned.length > 0) found.push(updateOf(subject, [...turned, [column, subject.users.a]], column, me));
  }
  for (const [name, all] of values)
    if (changeable.includes(name)) found.push(...all.map((value) => updateOf(subject, [[name, value]], column, me)));
  if (grantedColumns(subject, actor.role, 'I', model).length > 0)
    for (const [name, all] of values)
      found.push(
        ...all.map((value) =>
          insertOf(subject, actor, model, new Map([...othersOfA(subject, column, model), [column, me], [name, value]])),
        ),
      );
  return [...new Set(found)];
}

function valuesOf(name: string, subject: Subject, model: Model): string[] {
  const column = subject.columns.find((one) => one.name === name)!;
  const { named } = model.dependencies.decidingColumns(qualifiedName(subject.table));
  const ofB = subject.rows.b.values.get(name);
  const isTime = /^(timestamp|date$)/.test(column.base);
  return [
    ...new Set([
      ...(isTime ? ["now() - interval '1 year'"] : []),
      ...valuesFor(column, named.get(name) ?? [], subject, model),
      ...(ofB === undefined || (ofB === 'NULL' && column.notNull) ? [] : [ofB]),
    ]),
  ].slice(0, most.values);
}

/** How the stranger would come to hold itself back: by a row of its own, or by its own row in that state. */
function ownWays(
  subject: Subject,
  column: string,
  me: string,
  set: readonly [string, string][],
  actor: Actor,
  model: Model,
): string[] {
  const changeable = new Set(grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name));
  const isNew = grantedColumns(subject, actor.role, 'I', model).length > 0;
  const isOnePerUser = uniqueSets(subject.table).some((names) => names.join() === column);
  return [
    ...(isNew
      ? [
          insertOf(
            subject,
            actor,
            model,
            new Map([...ofA(subject), ...othersOfA(subject, column, model), ...set, [column, me]]),
          ),
        ]
      : []),
    ...(isOnePerUser && set.length > 0 && set.every(([name]) => changeable.has(name))
      ? [updateOf(subject, set, column, me)]
      : []),
  ];
}

/** What a row leads to, of A's: what a user hides from itself is another's. */
function ofA({ table, rows }: Subject): [string, string][] {
  return table.constraints
    .flatMap(({ type, columns }) => (type === 'f' ? columns : []))
    .flatMap((name): [string, string][] => {
      const value = rows.a.values.get(name);
      return value === undefined ? [] : [[name, value]];
    });
}
