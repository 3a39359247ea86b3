import { quoteLiteral } from '../../shared/quote.ts';
import { type Actor, triesAll } from '../probes/actors.ts';
import type { NamedProbe } from '../probes/probes.ts';
import type { Subject } from '../probes/subject.ts';
import type { ArgumentContext, Candidate } from './argument-keys.ts';
import { combinations, intoOwn, mostLikely, valueLists } from './argument-lists.ts';
import { reachOf } from './counting.ts';
import { addsVariables, countedTables, negativeCalls } from './counted-tables.ts';
import { decidingCalls } from './deciding-calls.ts';
import { askedValues } from './asked-values.ts';
import { candidatesOf } from './arguments.ts';
import { callOf, callSql, howToRun, preparation } from './call-sql.ts';
import { type ArgumentWay, combinedCalls, type WayValue } from './combined-calls.ts';
import { type FunctionRow, isPlatformSchema, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { readersOf } from './conditions.ts';
import { injectableArguments } from './dynamic-sql.ts';
import { lastingEffect } from './outside-effects.ts';
import { jsonShapes } from './json-keys.ts';
import { settingOf } from './settings.ts';
import { bucketsAsked, objectsTable } from './storage-asked.ts';
import { settingCalls, settingTexts } from './setting-texts.ts';
import { mixedCalls } from './mixed-keys.ts';
import { newRowCalls } from './new-row-calls.ts';
import { ownSecretCalls } from './own-secrets.ts';
import { comparedColumns, writtenColumns } from './compared-columns.ts';
import { isSecret, type RowKey, rowKeysOf, secretColumns, withoutSecrets } from './row-keys.ts';
import type { Model } from './model.ts';
import { rowLimits } from './row-limits.ts';
import { storedSql } from './stored-sql.ts';
import { textFormsOf } from './text-forms.ts';
import { actingOrganization, actingUser } from '../fixtures/belongings.ts';
import { mayChange, tablesNamed } from './reached-tables.ts';

/** One call of a function. */
export interface FunctionCall {
  probe: NamedProbe;
  /** The baseline: the same call for a row that does not exist; undefined if the call names no row. */
  baseline: NamedProbe | undefined;
  /** The tables of the rows whose texts it searches for a part of. */
  searches: readonly string[];
  /** The numbers of the arguments that are keys of B's, or of the caller. */
  ownAt: string;
  /** It gives what A's row holds for an argument that takes what cannot be guessed: who knows that may learn the rest. */
  isBySecret: boolean;
  /** It is for a row in a state that the function asks for, not for an ordinary one. */
  isOfState: boolean;
  /** One of its keys is the caller's own, beside one of A's. */
  isMixed: boolean;
  /** It is there for a place of the function that no other call leads to. */
  isArgued: boolean;
  /** The table in which its secret of the caller's own is: of such calls, the first that gives or changes anything counts. */
  ofOwnSecret?: string;
}

/** A function that users can call, and the calls to try. */
export interface Callable {
  name: string;
  routine: FunctionRow;
  calls: FunctionCall[];
  probes: NamedProbe[];
  /** Calls for a row that the caller has added before, by the table and the values that name the row; nobody tries them alone. */
  ofNewRows: { table: string; naming: readonly string[]; probe: NamedProbe; isRead: boolean }[];
  /** The values that name rows of A in its calls. */
  rowKeys: readonly RowKey[];
  /** `schema.name` of the tables that it names, itself or through what it calls, and names of buckets. */
  tables: Set<string>;
  /** Names of the columns that its queries return, `*` for all. */
  gives: ReadonlySet<string>;
  /** It runs with its owner's rights, or something that it calls does. */
  runsAsOwner: boolean;
  /** Those of the tables in which it only adds to numbers, with their columns. */
  counted: ReadonlyMap<string, ReadonlySet<string>>;
  /** What it adds there was also less than nothing in some calls, or cannot be. */
  isAmountTried: boolean;
  /** Arguments that become part of SQL that it runs with its owner's rights. */
  injectable: readonly string[];
  /** Columns whose texts, which users write, become part of such SQL. */
  stored: readonly string[];
  /** An argument takes what cannot be guessed, such as a token: it is not called with that. */
  bySecret: boolean;
  /** The arguments of the calls for ordinary rows, as SQL. */
  called: readonly (readonly string[])[];
  /** How many combinations of arguments, keys of the caller's own and states of rows are more than is tried. */
  untried: number;
  /** Why it is not called. */
  skipped: string | undefined;
}

/** By function: arguments of further calls, and what leads to each of its places. */
export type FurtherCalls = ReadonlyMap<
  FunctionRow,
  { calls: readonly (readonly WayValue[])[]; ways: readonly ArgumentWay[] }
>;

/**
 * The maximum number of calls for the ordinary rows, baselines included: for a SECURITY DEFINER function, for any other, for one
 * that returns a boolean.
 */
const mostCalls = { privileged: 10, plain: 3, answering: 6 };

/**
 * The functions that any actor may call, in every schema but the platform's.
 * @param further calls beside those that their arguments and the rows suggest
 */
export function callablesOf(
  model: Model,
  actors: readonly Actor[],
  subjects: readonly Subject[],
  further: FurtherCalls = new Map(),
): Callable[] {
  const roles = [...new Set(actors.map((actor) => actor.role))];
  const known = subjects.map((subject) => withoutSecrets(subject, model));
  return model.catalog.functions
    .filter(
      (routine) =>
        routine.kind !== 't' &&
        !isPlatformSchema(routine.schema) &&
        !routine.arguments.includes('internal') &&
        roles.some((role) => isCallable(routine, role, model)),
    )
    .map((routine) => callableOf(routine, model, actors, known, further.get(routine)));
}

/** A function's name in reports: with its schema and its argument types. */
export function signatureOf(routine: FunctionRow): string {
  return `${qualifiedName(routine)}(${routine.arguments.join(', ')})`;
}

/** Returns whether a role can call the function: it has EXECUTE on it and USAGE on its schema. */
export function isCallable(routine: FunctionRow, role: string, model: Model): boolean {
  return routine.execute.includes(role) && model.catalog.schemaUsage[role]?.includes(routine.schema) === true;
}

function callableOf(
  routine: FunctionRow,
  model: Model,
  actors: readonly Actor[],
  subjects: readonly Subject[],
  argued: { calls: readonly (readonly WayValue[])[]; ways: readonly ArgumentWay[] } = { calls: [], ways: [] },
): Callable {
  const name = signatureOf(routine);
  const reached = model.sources.reached(routine);
  const effect = lastingEffect(routine, model.sources);
  const opened = model.dependencies.dependents(
    [...model.dependencies.writtenBy(routine)].filter((node) => settingOf(node) !== undefined),
  );
  const named = new Set([
    ...tablesNamed(routine, model),
    ...subjects.flatMap(({ name: one, table }) => (opened.has(one) ? [table] : [])),
  ]);
  const runsAsOwner = reached.some(({ definer }) => definer);
  const injectable = runsAsOwner ? injectableArguments(routine, model.sources) : [];
  const callable: Callable = {
    name,
    routine,
    calls: [],
    probes: [],
    ofNewRows: [],
    runsAsOwner,
    injectable,
    stored: runsAsOwner ? storedSql(routine, model) : [],
    rowKeys: [],
    tables: new Set([...named].map(qualifiedName)),
    counted: countedTables(reached.flatMap((one) => model.sources.body(one).trees)),
    isAmountTried: false,
    gives: new Set(reached.flatMap((one) => [...model.sources.effects(one).gives])),
    bySecret: false,
    called: [],
    untried: 0,
    skipped: effect === undefined ? undefined : `it ${effect.does}`,
  };
  if (callable.skipped !== undefined) return callable;
  const bodies = reached.map((one) => model.sources.body(one));
  const mentions = new Set(reached.flatMap((one) => [...model.sources.effects(one).mentions]));
  const isMentioned = ({ table }: Subject): number => (mentions.has(table.name) ? 0 : 1);
  const trees = bodies.flatMap((body) => body.trees);
  const buckets = new Set(callable.tables.has(objectsTable) ? bucketsAsked(subjects, trees) : []);
  for (const { name: bucket } of buckets) callable.tables.add(bucket);
  const namedSubjects = subjects
    .filter((subject) => named.has(subject.table) || buckets.has(subject))
    .toSorted((x, y) => isMentioned(x) - isMentioned(y));
  const argumentNames = routine.inputs.map((_, index) => argumentNameOf(routine, index));
  const compared = comparedColumns(argumentNames, trees);
  const secret = new Set(namedSubjects.flatMap((subject) => secretColumns(subject, model)));
  callable.bySecret = argumentNames.some(
    (argument) =>
      holdsSecret.test(argument) ||
      [...(compared.get(argument) ?? [])].some((column) => isSecret.test(column) || secret.has(column)),
  );
  const fixed = {
    compared,
    settings: settingTexts(routine, subjects, model),
    isDynamic: reached.some((one) => model.sources.effects(one).isDynamic),
    reach: reachOf(routine, model.sources),
    shape: jsonShapes(argumentNames, bodies, model.tables),
    textForms: (argument: string) => textFormsOf(routine, argument, model.sources),
    injectable: new Set(injectable),
    limits: rowLimits(trees).limits,
    columns: new Set(isAnswer(routine) ? reached.flatMap((one) => [...model.sources.effects(one).columns]) : []),
  };
  const contextOf = (known: readonly Subject[]): ArgumentContext => {
    const instead = new Map(known.map((subject) => [subject.name, subject]));
    return {
      ...fixed,
      subjects: subjects.map((subject) => instead.get(subject.name) ?? subject),
      named: known,
      asked: (argument) => askedValues(argument, trees, known, model),
      holder: known[0]?.rows.a.holder === undefined ? undefined : quoteLiteral(known[0].rows.a.holder),
      rowKeys: known.flatMap((subject) => rowKeysOf(subject, model)),
    };
  };
  const context = contextOf(namedSubjects);
  const inStates = statesAskedBy(reached, namedSubjects, model).map(contextOf);
  const { rowKeys } = context;
  callable.rowKeys = rowKeys;
  const changes = mayChange(routine, model);
  const most = !runsAsOwner
    ? mostCalls.plain
    : !changes && isAnswer(routine)
      ? mostCalls.answering
      : mostCalls.privileged;
  const everybody = actors.flatMap((actor, number) => (triesAll(actor) ? [number] : []));
  // The owner may reach the rows anyway, and an actor without EXECUTE is refused, so one call is enough for them. What
  // a member sees does not depend on the values, so one member tries them all, and the others only those that ask for a
  // role.
  const able = everybody.filter(
    (number) => actors[number]!.relation !== 'self' && isCallable(routine, actors[number]!.role, model),
  );
  const members = able.filter((number) => actors[number]!.relation === 'co-member');
  const others = able.filter((number) => actors[number]!.relation === 'none' || number === members.at(-1));
  const known = new Map<string, NamedProbe>();
  const probeOf = (values: readonly string[], isPrivileged: boolean, numbers: number[]): NamedProbe => {
    const sql = callSql(routine, values);
    const probe = known.get(sql) ?? {
      subject: name,
      verb: isPrivileged ? 'call-privileged' : 'call',
      sql,
      byHand: routine.kind === 'p' ? sql : `select ${routine.kind === 'a' ? '' : '* from '}${callOf(routine, values)}`,
      ...howToRun(routine),
      ...preparation(sql, rowKeys),
      state: changes ? `* ${name}` : '',
      actors: numbers,
    };
    known.set(sql, probe);
    return probe;
  };
  const lists = routine.inputs.map((input, index) => candidatesOf(input, argumentNames[index]!, context));
  const usual = lists.map(([value]) => value!.sql);
  const ownKeyed = new Set(changes ? intoOwn(routine, lists, context.named) : []);
  const ownKeys = lists.map(
    (list, at) =>
      new Set([
        ...list.flatMap(({ own }) => own ?? []),
        ...[...ownKeyed].flatMap((values) => (values[at] === list[0] ? [] : [values[at]!.sql])),
      ]),
  );
  const negative =
    changes && runsAsOwner && callable.counted.size > 0
      ? negativeCalls(routine, argumentNames, [lists.map(([value]) => value!), ...ownKeyed], bodies)
      : [];
  callable.isAmountTried = negative.length > 0 || !addsVariables(bodies);
  const ordinary = [
    ...valueLists(routine, lists, most),
    ...ownKeyed,
    ...negative,
    ...[
      ...(changes ? decidingCalls(routine, usual, model) : []),
      ...settingCalls(routine, argumentNames, usual, fixed.settings),
      ...argued.calls.map((call) => call.map(({ sql }) => sql)),
    ].map((call) => call.map((sql): Candidate => ({ sql }))),
  ];
  callable.called = ordinary.map((values) => values.map(({ sql }) => sql));
  const inEach = inStates.length * 2 > mostStates ? 1 : 2;
  const ofStates = inStates.map((one) => {
    const ofState = routine.inputs.map((input, index) => candidatesOf(input, argumentNames[index]!, one));
    // Of two calls, one leaves out what may be: a limit that it is given may be too low.
    return inEach > 1 ? mostLikely(routine, ofState, inEach) : combinations(ofState, inEach);
  });
  // A key of B's is of use to B alone.
  const ofB = able.filter((number) => actors[number]!.side === 'b' && !actors[number]!.isNobody).slice(0, 1);
  const mixed =
    !runsAsOwner || ofB.length === 0
      ? []
      : mixedCalls(routine, lists, [...writtenColumns(argumentNames, trees).values()], context);
  const combined = combinedCalls(
    lists.map(([value]) => value!),
    argued.ways,
    mixed,
    ofStates.flatMap((calls) => calls.slice(0, 1)),
  );
  callable.untried = combined.left;
  const ofRows = [...ofStates.flat(), ...combined.further];
  [...ordinary, ...ofRows, ...mixed, ...combined.mixed].forEach((values, index) => {
    const isPrivileged = values.some((value) => value.isPrivileged === true);
    const isMixed = index >= ordinary.length + ofRows.length;
    const callers = isMixed ? ofB : isPrivileged ? able : others;
    const probe = probeOf(
      values.map(({ sql }) => sql),
      isPrivileged,
      index === 0 || (index === 1 && routine.defaults > 0) ? everybody : callers,
    );
    const searches = values.flatMap((value) => value.searches ?? []);
    const without = values.map((value) =>
      searches.length > 0 && value.searches === undefined ? value.sql : (value.unknown ?? value.sql),
    );
    // What a key tells of itself, it tells of an ordinary row as well.
    const isKeyed = (index < ordinary.length || isMixed) && without.some((sql, at) => sql !== values[at]!.sql);
    callable.calls.push({
      probe,
      searches,
      ownAt: values.flatMap(({ sql }, at) => (ownKeys[at]!.has(sql) || isOfCaller(sql) ? [at] : [])).join(),
      isOfState: index >= ordinary.length && !isMixed,
      isMixed,
      isArgued: index >= ordinary.length - argued.calls.length && index < ordinary.length,
      isBySecret: values.some((value, at) => holdsSecret.test(argumentNameOf(routine, at)) && isOfA(value)),
      baseline: isKeyed ? probeOf(without, false, isMixed ? ofB : others) : undefined,
    });
  });
  // Who holds a key of its own gets what is its own by it.
  const withOwn =
    runsAsOwner && ofB.length > 0
      ? ownSecretCalls(
          routine,
          argumentNames,
          (column) => holdsSecret.test(column) || secret.has(column),
          usual,
          bodies,
          namedSubjects,
          model,
        )
      : [];
  for (const { values, prepare, of } of withOwn) {
    const sql = callSql(routine, values);
    const probe: NamedProbe = {
      ...probeOf(values, false, ofB),
      prepare: [prepare, preparation(sql, rowKeys).prepare].filter(Boolean).join('; '),
    };
    known.delete(sql);
    known.set(`${prepare};${sql}`, probe);
    callable.calls.push({
      probe,
      searches: [],
      ownAt: '',
      isOfState: false,
      isMixed: false,
      isArgued: false,
      isBySecret: true,
      baseline: undefined,
      ofOwnSecret: of,
    });
  }
  // What it only reads, it may read by way of the new row: of the project that a task of one's own names.
  const leading = changes ? namedSubjects : namedSubjects.filter((one) => leadsOn(one, namedSubjects));
  if (runsAsOwner)
    callable.ofNewRows = newRowCalls(routine, lists, argumentNames, compared, leading).map(
      ({ table, naming, values }) => ({ table, naming, probe: probeOf(values, false, []), isRead: !changes }),
    );
  callable.probes = [...known.values()];
  return callable;
}

/** Its rows name rows of one of those tables: of another, or other rows of its own. */
function leadsOn({ table }: Subject, all: readonly Subject[]): boolean {
  return table.constraints.some(
    ({ type, target }) => type === 'f' && all.some((other) => qualifiedName(other.table) === target),
  );
}

const isOfCaller = (sql: string): boolean => sql.includes(actingUser) || sql.includes(actingOrganization);

/** The maximum number of states in which the rows are asked for. */
const mostStates = 16;

/**
 * For each state that the function asks for: the tables that it names, first the one that has it, with A's row in that state in
 * place of the ordinary one.
 */
function statesAskedBy(
  reached: readonly FunctionRow[],
  subjects: readonly Subject[],
  model: Model,
): (readonly Subject[])[] {
  const routines = new Set(reached);
  const written = new Set(reached.flatMap((one) => [...model.dependencies.writtenBy(one)]));
  return subjects
    .flatMap((subject) => {
      const readers = readersOf(subject.table, model).filter(
        ({ routine }) => routine !== undefined && routines.has(routine),
      );
      // Of the members of A's organization, the one with the least role: the others may be the ones that may not be removed.
      const least = written.has(subject.name)
        ? subject.rows.states.find(({ holder }) => holder !== undefined)
        : undefined;
      return subject.rows.states
        .filter((row) => row === least || readers.some(({ trees }) => row.askedIn?.has(trees)))
        .map((row) => [
          { ...subject, rows: { ...subject.rows, a: row } },
          ...subjects.filter((other) => other !== subject),
        ]);
    })
    .slice(0, mostStates);
}

/** Names of arguments for what only those know who were told: the token of an invitation, a code. */
const holdsSecret = /token|secret|key|password|(^|_)(code|invit\w*|link|hash|otp|pin)(_|$)/;

/** The value is A's own. */
function isOfA({ unknown, searches }: Candidate): boolean {
  return unknown !== undefined || searches !== undefined;
}

/** Returns whether a function returns a boolean or a number rather than rows or texts. */
export function isAnswer({ returns, returnsSet }: FunctionRow): boolean {
  return !returnsSet && /^(boolean|smallint|integer|bigint|numeric|double precision|real)$/.test(returns);
}

/** The name of an argument, or its number as a body writes it. */
function argumentNameOf({ argumentNames }: FunctionRow, index: number): string {
  return argumentNames[index] || `$${index + 1}`;
}
