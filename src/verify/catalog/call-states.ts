/** How many rows there are in the tables that a function may change, and whose: read before and after a call. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { rowsOfA } from '../probes/labels.ts';
import { condition, labelledRows, type Subject, userColumnsOf } from '../probes/subject.ts';
import { partyColumns } from './addressed.ts';
import { countedTables } from './counted-tables.ts';
import type { Model } from './model.ts';
import { tablesChanged } from './reached-tables.ts';
import { joinedKeys } from './scope.ts';
import { objectsTable } from './storage-asked.ts';

/** The states of the tables that a function may change, as one query that returns JSON. */
export function stateOfTables(
  routine: FunctionRow,
  subjects: readonly Subject[],
  states: Readonly<Record<string, string>>,
  model: Model,
): string {
  const changed = tablesChanged(routine, model);
  const counted = countedTables(model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees));
  const changesObjects = [...changed].some((table) => qualifiedName(table) === objectsTable);
  const parts = subjects
    .filter((subject) =>
      subject.kind === 'bucket' ? changesObjects : subject.kind === 'table' && changed.has(subject.table),
    )
    .flatMap((subject) => {
      const ofUser = rowsOfUser(subject, model);
      const shared = rowsOfPairs(subject, model);
      const ofNobody = rowsOfNobody(subject);
      const ofJoined = rowsOfJoined(subject, model);
      const sums = sumsOf(subject, counted.get(subject.table.name));
      return [
        `select ${quoteLiteral(subject.state)} as name, (${states[subject.state]}) as state`,
        ...(ofUser === undefined ? [] : [`select ${quoteLiteral(stateOfUser(subject))}, (${ofUser})`]),
        ...(shared === undefined ? [] : [`select ${quoteLiteral(stateOfPairs(subject))}, (${shared})`]),
        ...(subject.isLarge || subject.kind === 'bucket'
          ? []
          : [`select ${quoteLiteral(ofAll + subject.name)}, (select count(*)::text from ${subject.into})`]),
        ...(ofNobody === undefined ? [] : [`select ${quoteLiteral(stateOfNobody(subject))}, (${ofNobody})`]),
        ...(ofJoined === undefined ? [] : [`select ${quoteLiteral(stateOfJoined(subject))}, (${ofJoined})`]),
        ...(sums === undefined ? [] : [`select ${quoteLiteral(stateOfSums(subject))}, (${sums})`]),
      ];
    });
  return parts.length === 0
    ? "select '{}'"
    : `select json_object_agg(name, state)::text from (${parts.join(' union all ')}) as all_states`;
}

/** The name of the state that holds how many rows of the subject name A, of any owner. */
export function stateOfUser({ name }: Subject): string {
  return `* users of ${name}`;
}

/** The query of that number; undefined where the owner columns tell it, or nothing does. */
function rowsOfUser(subject: Subject, model: Model): string | undefined {
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const columns = userColumnsOf(subject, model).filter((name) => !owners.has(name));
  if (columns.length === 0 || subject.isLarge) return undefined;
  const isOfA = columns.map((name) => `${quoteIdentifier(name)} = ${subject.users.a}`).join(' or ');
  return `select count(*)::text from ${subject.into} where ${isOfA}`;
}

/** The name of the state that holds how many of A's rows are those of a stranger as well. */
export function stateOfPairs({ name }: Subject): string {
  return `* pairs of ${name}`;
}

/** The query of that number; undefined where rows are not of two users who both read them. */
function rowsOfPairs(subject: Subject, model: Model): string | undefined {
  const parties = partyColumns(subject.table, model);
  const owners = subject.belongs.map(({ column }) => column);
  const others = parties.filter((name) => !owners.includes(name));
  if (subject.isLarge || others.length === 0 || !owners.every((name) => parties.includes(name))) return undefined;
  const strangers = [subject.users.b, subject.users.newcomer].join(', ');
  const isStrangers = others.map((name) => `${quoteIdentifier(name)} in (${strangers})`).join(' or ');
  const isOfA = condition(subject.belongs.map(({ column, a }) => [column, a]));
  return `select count(*)::text from ${subject.into} where ${isOfA} and (${isStrangers})`;
}

/** The name of the state that holds how many rows there are in what A is joined to. */
export function stateOfJoined({ name }: Subject): string {
  return `* joined of ${name}`;
}

/** The query of that number; undefined where an owner column tells it, or users are joined to nothing that the rows belong to. */
function rowsOfJoined({ table, belongs, rows: { a, b }, into, isLarge }: Subject, model: Model): string | undefined {
  if (isLarge || belongs.length > 0) return undefined;
  const places = joinedKeys(table, model).flatMap(({ columns }) => {
    const ofA = columns.map((name): [string, string] => [name, a.values.get(name) ?? 'NULL']);
    const isOfA = ofA.every(([name, sql]) => sql !== 'NULL' && sql !== b.values.get(name));
    return isOfA ? [condition(ofA)] : [];
  });
  return places.length === 0 ? undefined : `select count(*)::text from ${into} where ${places.join(' or ')}`;
}

/** The name of the state that holds the numbers in A's rows to which a function adds, summed up. */
function stateOfSums({ name }: Subject): string {
  return `* sums of ${name}`;
}

/** The query of those, a number for each column; undefined where it adds to no number. */
function sumsOf(subject: Subject, counted: ReadonlySet<string> = new Set()): string | undefined {
  const columns = subject.columns.filter(({ name, category }) => category === 'N' && counted.has(name));
  if (columns.length === 0) return undefined;
  const isOfA = labelledRows(subject).flatMap(([label, { key, holder }]) =>
    rowsOfA(label) === '' || holder !== undefined ? [] : [`(${condition(key)})`],
  );
  const sums = columns.map(({ name }) => `coalesce(sum(${quoteIdentifier(name)}::numeric), 0)`);
  return `select concat_ws(' ', ${sums.join(', ')}) from ${subject.into} where ${isOfA.join(' or ')}`;
}

/** Says whether a call took from the numbers in A's rows; undefined where they are not read. */
export function takesFromSums(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  subject: Subject,
): boolean | undefined {
  const [then, now] = [before, after].map((states) => states[stateOfSums(subject)]?.split(' ').map(Number));
  return then === undefined ? undefined : then.some((sum, at) => (now?.[at] ?? 0) < sum);
}

const ofAll = '* rows of ';

/** Says whether that is the name of the state that holds how many rows there are, of anybody. */
export function isStateOfAll(name: string): boolean {
  return name.startsWith(ofAll);
}

/** The states of the tables that a call may change, by their names: before it, and afterwards. */
export function statesAround(
  { before, state }: { before: Readonly<Record<string, string>>; state: string },
  probe: { state: string },
): [Record<string, string>, Record<string, string>] {
  const parse = (text: string | undefined): Record<string, string> =>
    JSON.parse(text === undefined || text === '' ? '{}' : text) as Record<string, string>;
  return [parse(before[probe.state]), parse(state)];
}

/** Says whether there are as many rows as before; not of a large table. */
export function isAsMany(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  { name }: Subject,
): boolean {
  const [then, now] = [before, after].map((states) => states[ofAll + name]);
  return then !== undefined && then === now;
}

/** The name of the state that holds how many rows have an owner, how many have none, and a digest of those. */
function stateOfNobody({ name }: Subject): string {
  return `* nobody's of ${name}`;
}

/** The query of those; undefined where there is no such row. */
function rowsOfNobody({ rows, belongs, into, isLarge }: Subject): string | undefined {
  if (isLarge || belongs.length === 0 || !rows.states.some(({ isOwnerless }) => isOwnerless)) return undefined;
  const isOwned = `num_nonnulls(${belongs.map(({ column }) => quoteIdentifier(column)).join(', ')}) > 0`;
  return (
    `select concat_ws(' ', count(*) filter (where ${isOwned}), count(*) filter (where not ${isOwned}), ` +
    `md5(string_agg(one::text, ' ' order by one::text collate "C") filter (where not ${isOwned}))) from ${into} as one`
  );
}

/**
 * What became of the rows without an owner: how many of them have one now, and whether all are as they were. None was taken where any row
 * was added or deleted.
 */
export function ownerlessAfter(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  subject: Subject,
): { taken: number; isSame: boolean } {
  const [then, now] = [before, after].map((states) => states[stateOfNobody(subject)] ?? '') as [string, string];
  const [[owned, others], [ownedNow, othersNow]] = [then, now].map((text) => text.split(' ').map(Number)) as [
    [number, number],
    [number, number],
  ];
  const isAll = owned + others === ownedNow + othersNow;
  return { taken: isAll ? Math.max(0, ownedNow - owned) : 0, isSame: then !== '' && then === now };
}
