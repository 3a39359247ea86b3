/** Calls that name a row that their caller has just added: an invitation that one wrote oneself, and then accepts. */
import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Candidate } from './argument-keys.ts';
import type { Model } from './model.ts';
import { scopeOf } from './scope.ts';
import { isTable } from './tenancy.ts';

/** A call for a row that B's side adds. */
export interface NewRowCall {
  /** The table, by the subject's name. */
  table: string;
  /** The values that name the row. */
  naming: readonly string[];
  /** The arguments, as SQL. */
  values: string[];
}

const taken = new WeakMap<Model, ReadonlySet<string>>();

/** Its rows are someone's: a function may give them to another. */
function isOwned(name: string, model: Model): boolean {
  const table = model.tables.get(name);
  return table !== undefined && isTable(table) && scopeOf(table, model).owner !== undefined;
}

/** The functions that users call and that run, themselves or by what they call, with their owner's rights. */
function calledAsOwner({ catalog, sources, userRole }: Model): FunctionRow[] {
  return catalog.functions.filter(
    (one) => one.kind !== 't' && one.execute.includes(userRole) && sources.reached(one).some((it) => it.definer),
  );
}

/**
 * Returns whether a function that users call reads the table with its owner's rights, and writes another that policies ask, or whose rows
 * are someone's: what a user adds there may become a right.
 */
export function isTakenByCalls(table: RelationRow, model: Model): boolean {
  const { dependencies } = model;
  const tables =
    taken.get(model) ??
    new Set(
      calledAsOwner(model).flatMap((one) => {
        const opened = [...dependencies.writtenBy(one)].filter(
          (name) => dependencies.isDeciding(name) || isOwned(name, model),
        );
        return opened.length === 0
          ? []
          : [...dependencies.namedBy(one)].filter((name) => opened.some((other) => other !== name));
      }),
    );
  taken.set(model, tables);
  return tables.has(qualifiedName(table));
}

/** The functions of which {@link isTakenByCalls} tells: those that read the table so. */
export function takersOf(table: RelationRow, model: Model): FunctionRow[] {
  const name = qualifiedName(table);
  return !isTakenByCalls(table, model)
    ? []
    : calledAsOwner(model).filter(
        (one) =>
          model.dependencies.namedBy(one).has(name) &&
          [...model.dependencies.writtenBy(one)].some((other) => other !== name && isOwned(other, model)),
      );
}

const asked = new WeakMap<Model, ReadonlySet<string>>();

/** A function names a table more than once whose rows belong to others of the same table, as one that follows a thread of messages upwards. */
function followsItself(routine: FunctionRow, { sources, tables }: Model): string[] {
  const named = sources.reached(routine).flatMap((one) => sources.effects(one).relations);
  return [...tables.values()]
    .filter(
      (table) =>
        table.constraints.some(({ type, target }) => type === 'f' && target === qualifiedName(table)) &&
        named.filter(({ name, schema }) => name === table.name && (schema ?? table.schema) === table.schema).length > 1,
    )
    .map(qualifiedName);
}

/**
 * Returns whether a function that users call reads the table with its owner's rights, and reads or writes another one beside it, or other
 * rows of the same: what a user has in a row there may decide what the call gives.
 * @param name the table
 */
export function isAskedByCalls(name: string, model: Model): boolean {
  const { dependencies } = model;
  const tables =
    asked.get(model) ??
    new Set(
      calledAsOwner(model).flatMap((one) => {
        const named = [...dependencies.namedBy(one), ...dependencies.writtenBy(one)];
        return new Set(named).size < 2 ? followsItself(one, model) : [...dependencies.namedBy(one)];
      }),
    );
  asked.set(model, tables);
  return tables.has(name);
}

/**
 * A call for each of those tables of which an argument takes the key, or a value that it is compared with.
 * @param lists the values of each argument, the likeliest first
 * @param names the names of the arguments
 * @param compared by the name of an argument: columns that it is compared with
 * @param subjects the tables that the function names
 */
export function newRowCalls(
  { inputs }: FunctionRow,
  lists: readonly Candidate[][],
  names: readonly string[],
  compared: ReadonlyMap<string, ReadonlySet<string>>,
  subjects: readonly Subject[],
): NewRowCall[] {
  return subjects.flatMap(({ name, kind, columns, rows, fresh }) => {
    if (kind !== 'table') return [];
    const [key, ...more] = rows.a.key;
    const naming: string[] = [];
    const values = lists.map((list, index) => {
      const isCompared = ({ name: column, base }: (typeof columns)[number]): boolean =>
        compared.get(names[index]!)?.has(column) === true && base === inputs[index]!.base;
      const isKey = key !== undefined && more.length === 0 && list.some(({ sql }) => sql.startsWith(`${key[1]}::`));
      const column = columns.find(isCompared)?.name ?? (isKey ? key[0] : undefined);
      const value = column === undefined ? undefined : fresh.b.values.get(column);
      // What the database makes is not known before.
      if (value === undefined || !/^'[^']+'$/.test(value) || value === rows.a.values.get(column!)) return list[0]!.sql;
      naming.push(value);
      return `${value}::${inputs[index]!.type}`;
    });
    return naming.length === 0 ? [] : [{ table: name, naming, values }];
  });
}
