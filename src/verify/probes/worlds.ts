/**
 * Worlds that differ only in the rows of another: where the same call answers a stranger differently, it tells of
 * those rows, whatever it makes of them.
 */
import { quoteIdentifier } from '../../shared/quote.ts';
import { type ColumnRow } from '../../rules/engine/live/catalog.ts';
import { timedColumns } from '../catalog/clock.ts';
import { isPicking } from '../catalog/picking.ts';
import { callSql, howToRun } from '../catalog/call-sql.ts';
import { comparedColumns } from '../catalog/compared-columns.ts';
import type { Callable } from '../catalog/functions.ts';
import type { Chain } from '../fixtures/script.ts';
import { hintsOf } from '../fixtures/candidates.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import { readFound } from '../report/leaks.ts';
import type { Model } from '../catalog/model.ts';
import { withheldColumns } from '../catalog/withheld.ts';
import { secretColumns } from '../catalog/row-keys.ts';
import { isReadByPolicies } from './change-sql.ts';
import { rowsOfA } from './labels.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Cell, Opened } from './run-script.ts';
import { condition, type KnownRow, labelledRows, type Subject } from './subject.ts';
import { verbs } from './verbs.ts';

/** A call whose result depends on rows that the actor may not read. */
export interface Difference {
  actor: number;
  probe: number;
  /** It gives what it made of their texts: two other texts gave two other results. */
  isTold: boolean;
  /** It gives what it made of their numbers or times: each world gave another result, and no error. */
  isCounted: boolean;
}

/** Worlds to call in, and the calls. */
export interface Worlds {
  /** Probes that make each world, to be added to the others. */
  probes: NamedProbe[];
  chains: Chain[];
  /** Names of the tables whose rows differ. */
  tables: ReadonlySet<string>;
  /** Those of them in which only what nobody may read differs: strangers may learn the order of their rows, which differs as well. */
  open: ReadonlySet<string>;
  /** The first world has the rows of the second: what chance put into them would differ each time. */
  isRepeated: boolean;
  /** The numbers of the calls with a text that rows have in one of two worlds alone. */
  asking: ReadonlySet<number>;
}

/**
 * A world as it is, to see which functions answer differently each time; two with other rows of A; and the same two without rows of B,
 * one of which a function may otherwise pick.
 */
const numbers = [0, 1, 2, 3, 4] as const;

/** The worlds for functions that pick one of the rows that they read. */
const firstToPick = 3;

/** The texts of rows in the worlds. */
const otherTexts = { 1: "'another muse word'", 2: "'yet other muse letters'" } as const;

/** How many calls of a function are made. */
const mostCalls = 4;

/**
 * The worlds for the functions that run with their owner's rights.
 * @param start the number of the first probe that is added
 */
export function otherWorlds(first: FirstRound, start: number): Worlds {
  const { model, actors, callables, subjects } = first;
  const callable = callables.filter((one) => isAsked(one, model));
  const read = new Set(callable.flatMap(({ tables }) => [...tables]));
  const hidden = subjects.filter(
    (subject) =>
      read.has(subject.name) &&
      isSmallTable(subject) &&
      (isHiddenFromAll(subject, first) || withheldColumns(subject.table, model).size > 0),
  );
  const tables = new Set(hidden.map(({ name }) => name));
  const open = new Set(hidden.flatMap((subject) => (isHiddenFromAll(subject, first) ? [] : [subject.name])));
  const owner = actors.findIndex(({ relation }) => relation === 'self');
  const asked = callable.filter((one) => [...one.tables].some((name) => tables.has(name)));
  if (asked.length === 0 || owner === -1)
    return { probes: [], chains: [], tables, open, isRepeated: false, asking: new Set() };
  const timed = new Set(asked.flatMap(({ routine }) => [...timedColumns(routine, model)]));
  const isRepeated = hidden.some((subject) => secretColumns(subject, model).length > 0);
  const picking = asked.filter(({ routine }) => isPicking(routine, model));
  const made = numbers.filter((world) => world < firstToPick || picking.length > 0);
  const calls = made.map((world) =>
    callsOf(world === 0 ? asked.filter((one) => isVolatile(one, model)) : world < firstToPick ? asked : picking, first),
  );
  const probes = made.map((world): NamedProbe => ({
    subject: '',
    verb: 'select',
    mode: 'read',
    state: '',
    actors: [],
    sql: "select ''",
    prepare:
      world === 0 && !isRepeated
        ? 'select 1'
        : [
            ...(world < firstToPick ? [] : hidden.flatMap(removalsOfB).map(block)),
            ...worldSql(hidden, world === 2 || world === 4 ? 2 : 1, first, timed).map(block),
          ],
  }));
  const asking = asked
    .flatMap((one) => callsWithOther(one, hidden, model))
    .map((probe) => start + probes.push(probe) - 1);
  const by = strangersOf(actors);
  const also = asking.flatMap((probe) => by.map((actor): [number, number] => [probe, actor]));
  return {
    probes,
    tables,
    open,
    isRepeated,
    asking: new Set(asking),
    chains: made.map((world) => ({
      lead: [[start + world, owner]],
      afterwards: world < firstToPick ? [...calls[world]!, ...also] : calls[world]!,
      states: [],
    })),
  };
}

/**
 * Calls with a text that rows have in one world alone, for an argument that is compared with a column in which all rows have the same by
 * default, such as a language: no call with theirs is answered otherwise.
 */
function callsWithOther(
  { routine, name, called, tables }: Callable,
  hidden: readonly Subject[],
  model: Model,
): NamedProbe[] {
  const [usual] = called;
  if (usual === undefined) return [];
  const names = routine.inputs.map((_, index) => routine.argumentNames[index] || `$${index + 1}`);
  const compared = comparedColumns(
    names,
    model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees),
  );
  const alike = new Set(hidden.flatMap((subject) => (tables.has(subject.name) ? columnsAlike(subject, model) : [])));
  return routine.inputs.flatMap(({ category, type }, at): NamedProbe[] => {
    if (category !== 'S' || ![...(compared.get(names[at]!) ?? [])].some((column) => alike.has(column))) return [];
    const sql = callSql(routine, usual.with(at, `${otherTexts[1]}::${type}`));
    return [{ subject: name, verb: 'call', ...howToRun(routine), state: '', sql, actors: [] }];
  });
}

/** The columns of texts in which the rows of A and of B have the same, and which are not made up for each. */
function columnsAlike(subject: Subject, model: Model): string[] {
  const { columns, rows, table } = subject;
  const unique = new Set([...uniqueSets(table).flat(), ...secretColumns(subject, model)]);
  return columns.flatMap(({ name, category }) =>
    category === 'S' && !unique.has(name) && rows.a.values.get(name) === rows.b.values.get(name) ? [name] : [],
  );
}

function isAsked(callable: Callable, model: Model): boolean {
  return callable.skipped === undefined && model.sources.reached(callable.routine).some(({ definer }) => definer);
}

function isVolatile({ routine }: Callable, model: Model): boolean {
  return model.sources.reached(routine).some(({ volatility }) => volatility === 'v');
}

/** A block of its own around statements of PL/pgSQL. */
function block(statements: string): string {
  return `do $muse_world$ begin ${statements} end $muse_world$`;
}

/** Statements that remove the rows of B from a table, as far as nothing keeps them. */
export function removalsOfB(subject: Subject): string[] {
  return labelledRows(subject)
    .filter(([label]) => rowsOfA(label) === '')
    .map(
      ([, { key }]) =>
        `begin delete from ${subject.into} where ${condition(key)}; exception when others then null; end;`,
    );
}

/** Large tables are left alone. */
function isSmallTable({ kind, isLarge }: Subject): boolean {
  return kind === 'table' && !isLarge;
}

/** Only who may not read the rows at all learns something of each of their columns. */
function isHiddenFromAll(subject: Subject, { actors, model }: FirstRound): boolean {
  return actors.every((actor) => actor.relation !== 'none' || verbs.select.expects(subject, actor, model) === 'no');
}

/** An anonymous visitor and one user of the other side: what else differs between strangers was tried before. */
function strangersOf(actors: FirstRound['actors']): number[] {
  const all = actors.flatMap(({ relation, only }, number) =>
    relation === 'none' && only === undefined ? [number] : [],
  );
  return [true, false].flatMap(
    (isAnonymous) => all.find((number) => actors[number]!.isAnonymous === isAnonymous) ?? [],
  );
}

/** The calls of strangers, by actor, so that each becomes one only once. */
function callsOf(callables: readonly Callable[], { actors, probes }: FirstRound): [probe: number, actor: number][] {
  const numberOf = new Map(probes.map((probe, number) => [probe, number]));
  const strangers = strangersOf(actors);
  const calls = callables.flatMap(({ calls: made }) => {
    const known = made.filter(({ probe, isBySecret }) => probe.verb === 'call' && !isBySecret);
    const likely = new Set(known.map(({ probe }) => probe));
    // Each of the others leads to another place of the function.
    const tried = new Set([
      ...[...likely].slice(0, mostCalls),
      ...known.filter(({ isArgued }) => isArgued).map(({ probe }) => probe),
    ]);
    return [...tried].flatMap((probe) =>
      strangers
        .filter((actor) => probe.actors.includes(actor))
        .map((actor): [number, number] => [numberOf.get(probe)!, actor]),
    );
  });
  return calls.toSorted(([, x], [, y]) => x - y);
}

/** Statements of PL/pgSQL that change A's rows, one each; what a constraint or a trigger refuses stays as it is. */
function worldSql(subjects: readonly Subject[], world: 1 | 2, first: FirstRound, timed: ReadonlySet<string>): string[] {
  return subjects.flatMap((subject) => {
    const seen = seenByStrangers(subject, first);
    const isHidden = isHiddenFromAll(subject, first);
    const withheld = withheldColumns(subject.table, first.model);
    return labelledRows(subject)
      .filter(([label]) => rowsOfA(label) !== '')
      .flatMap(([label, row]) => {
        const isOther = ({ name, category }: ColumnRow): boolean =>
          ((isHidden && !seen.includes(label)) || withheld.has(name)) && !(category === 'D' && timed.has(name));
        return updateSql(subject, row, label === 'a', world, first.model, isOther);
      });
  });
}

/** Letters of the rows that any stranger reads, e.g. those that their owners made public. */
function seenByStrangers(subject: Subject, { actors, probes, cells }: FirstRound): string {
  return cells
    .filter(
      ({ actor, probe }) =>
        actors[actor]!.relation === 'none' &&
        probes[probe]!.subject === subject.name &&
        probes[probe]!.verb === 'select' &&
        probes[probe]!.mode === 'read',
    )
    .map((cell) => ('code' in cell ? '' : cell.answer))
    .join('');
}

function updateSql(
  subject: Subject,
  row: KnownRow,
  isFirst: boolean,
  world: 1 | 2,
  model: Model,
  isOther: (column: ColumnRow) => boolean,
): string[] {
  const key = new Set(row.key.map(([name]) => name));
  const unique = new Set(uniqueSets(subject.table).flat());
  const secrets = new Set(secretColumns(subject, model));
  const columns = subject.columns
    .filter(
      (column) =>
        isOther(column) &&
        !key.has(column.name) &&
        (isFirst || !unique.has(column.name)) &&
        isFree(column, subject, model),
    )
    .flatMap((column) => {
      const values = otherValues(column, subject, row, world, secrets.has(column.name));
      return values.length === 0 ? [] : [{ name: column.name, values }];
    });
  if (columns.length === 0) return [];
  const update = (list: readonly string[]): string =>
    `update ${subject.into} set ${list.join(', ')} where ${condition(row.key)};`;
  const assigned = (choice: 0 | 1): string[] =>
    columns.map(({ name, values }) => `${quoteIdentifier(name)} = ${values[choice] ?? values[0]!}`);
  const oneByOne = assigned(1).map((one) => `begin ${update([one])} exception when others then null; end;`);
  return [
    `begin ${update(assigned(0))} exception when others then begin ${update(assigned(1))} ` +
      `exception when others then ${oneByOne.join(' ')} end; end;`,
  ];
}

/** A column that says neither whose the row is nor who may read it. */
function isFree(column: ColumnRow, subject: Subject, model: Model): boolean {
  const checks = subject.table.constraints.filter(({ type, columns }) => type === 'c' && columns.includes(column.name));
  return (
    hintsOf(checks.map(({ expression }) => model.parse(expression ?? ''))).texts.length === 0 &&
    column.identity === '' &&
    column.labels === null &&
    !subject.belongs.some((one) => one.column === column.name) &&
    !subject.table.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column.name)) &&
    model.meaningOf(subject.table, column) === undefined &&
    !isReadByPolicies(subject, column.name, model)
  );
}

/**
 * Other values of the kind that the column has, the most different first, then one that is known to fit. None for a
 * column with a list of values, which may say who the row is for.
 */
function otherValues(
  { name, base, category }: ColumnRow,
  subject: Subject,
  row: KnownRow,
  world: 1 | 2,
  isSecret: boolean,
): string[] {
  if (category === 'N') return [`coalesce(${quoteIdentifier(name)}, 0) + ${3 * world}`];
  if (base === 'bytea') return [`'\\x6d757365${world}0'`];
  if (/^jsonb?$/.test(base)) return [`'{"muse": "world ${world}"}'`];
  if (base === 'text[]') return world === 1 ? ["array['another muse word']"] : ["array['yet other muse letters']"];
  const fitting = subject.fresh[world === 1 ? 'a' : 'b'].values.get(name);
  const text = otherTexts[world];
  if (category === 'D') return [`(now() ${world === 1 ? '-' : '+'} interval '700 days')`];
  // What chance has put there, such as the secret of a webhook, is known to no statement.
  if (isSecret && category === 'S') return [text];
  if (category !== 'S') return [];
  // What it has by default, and what all its rows have, rows of others have as well.
  return fitting === undefined || fitting === row.values.get(name) ? [text] : [text, fitting];
}

/** Reads what the calls answered in the worlds. */
export function readWorlds(
  opened: readonly Opened[],
  { isRepeated, tables, open, asking }: Worlds,
  { cells, probes, callables, model }: FirstRound,
): Difference[] {
  const volatile = new Set(callables.filter((one) => isVolatile(one, model)).map(({ name }) => name));
  const ofOpen = new Set(
    callables.flatMap((one) =>
      [...one.tables].some((table) => tables.has(table) && !open.has(table)) ? [] : [one.name],
    ),
  );
  const before = new Map(cells.map((cell) => [`${cell.actor} ${cell.probe}`, cell]));
  const results = new Map<string, (Result | undefined)[]>();
  for (const one of opened) {
    if ('state' in one) continue;
    const key = `${one.actor} ${one.probe}`;
    const all = results.get(key) ?? [];
    all[one.chain] = resultOf(one);
    results.set(key, all);
  }
  const differs = (
    key: string,
    again: Result | undefined,
    first: Result | undefined,
    second: Result | undefined,
  ): Difference[] => {
    const cell = before.get(key);
    if (cell === undefined || first === undefined || second === undefined) return [];
    const now = resultOf(cell);
    const isSteady = !volatile.has(probes[cell.probe]!.subject) || again?.whole === (isRepeated ? first : now).whole;
    if (!isSteady || (now.whole === first.whole && now.whole === second.whole)) return [];
    if (ofOpen.has(probes[cell.probe]!.subject) && first.whole === second.whole) return [];
    // Where a unique key stopped it, it made a new row in the other worlds, with an ID of its own each time. Such keys are told of apart.
    const isMaking =
      volatile.has(probes[cell.probe]!.subject) && [now, first, second].some(({ whole }) => whole.startsWith('23505 '));
    if (isMaking) return [];
    const isTold = new Set([now.texts, first.texts, second.texts]).size === 3;
    const isCounted = !('code' in cell) && new Set([now.whole, first.whole, second.whole]).size === 3;
    return [{ actor: cell.actor, probe: cell.probe, isTold, isCounted }];
  };
  return [...results].flatMap(([key, [again, first, second, third, fourth]]): Difference[] => {
    const [actor, probe] = key.split(' ').map(Number) as [number, number];
    if (asking.has(probe)) {
      const isTold = first?.whole !== second?.whole && [first?.whole, second?.whole].includes(again?.whole);
      return isTold ? [{ actor, probe, isTold: false, isCounted: false }] : [];
    }
    // What they answer without rows of B differs from before in any case.
    const apart = third?.whole === fourth?.whole ? [] : differs(key, again, third, fourth);
    const [one, ...more] = [...differs(key, again, first, second), ...apart];
    if (one === undefined) return [];
    const all = [one, ...more];
    return [{ ...one, isTold: all.some(({ isTold }) => isTold), isCounted: all.some(({ isCounted }) => isCounted) }];
  });
}

/** What came of a call: all of it, and the texts in it. */
interface Result {
  whole: string;
  texts: string;
}

function resultOf(result: Cell | Extract<Opened, { probe: number }>): Result {
  if ('code' in result) {
    // The detail of a constraint's error is of the row that the call writes.
    const texts = result.code.startsWith('23') ? '' : result.message;
    return { whole: `${result.code} ${texts}`, texts };
  }
  const { hash, texts } = readFound(result.answer);
  return { whole: hash, texts };
}
