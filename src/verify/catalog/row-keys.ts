/** The values that name A's row in a call, those that the database makes included. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import type { ColumnRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, walk } from '../../rules/engine/live/expression.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import { condition, type KnownRow, type Subject } from '../probes/subject.ts';
import { madeColumns } from './made-columns.ts';
import { isSecretKey, secretMakers } from './chance.ts';
import type { Model } from './model.ts';
import { policiesFor } from './scope.ts';
import { primaryKey } from './tenancy.ts';

/** A column of A's row, with its value as SQL. */
export interface RowKey {
  table: string;
  column: ColumnRow;
  sql: string;
  /** The value of B's row. */
  own?: string;
  /** It is the row's own key, or that of another row: not only a value that no other row has. */
  isKey: boolean;
  /** SQL that finds the value first, as the role that runs the proof: nobody knows it while the script is written. */
  prepare?: string;
}

/** Names of columns and arguments that hold what cannot be guessed: who knows the value may use it. */
export const isSecret = /token|secret|key|password/;

/** Functions that count. */
const counting = new Set(['nextval']);

/** Functions whose results cannot be guessed. */
const random = new Set([
  'random',
  'gen_random_bytes',
  'gen_random_uuid',
  'gen_salt',
  'uuid_generate_v4',
  'uuid_generate_v1',
]);

/**
 * The columns by which one row may be asked for: its key, the keys of other rows in it, all that is unique by itself,
 * and all that the database counts or makes. What cannot be guessed is left out, unless it is the row's id.
 */
export function rowKeysOf(subject: Subject, model: Model): RowKey[] {
  const { table, rows, belongs } = subject;
  const isOpen = (name: string): boolean =>
    !table.columns.some((column) => column.name === name && isSecretKey(column, table, model));
  const first = new Set([
    ...rows.a.key.map(([column]) => column).filter(isOpen),
    ...(subject.kind === 'bucket'
      ? []
      : [
          ...belongs.map(({ column }) => column),
          ...table.constraints.filter(({ type }) => type === 'f').flatMap(({ columns }) => columns),
        ]),
  ]);
  const unique = new Set(uniqueSets(table).flatMap((set) => (set.length === 1 ? set : [])));
  const made = madeColumns(table, model);
  const others = table.columns.filter(
    (column) =>
      !first.has(column.name) &&
      !isSecret.test(column.name) &&
      (unique.has(column.name) ||
        (subject.kind === 'bucket' && column.name === 'name') ||
        isCounted(column, model) ||
        column.generated ||
        made.has(column.name)),
  );
  const columns = [...[...first].flatMap((name) => table.columns.find((one) => one.name === name) ?? []), ...others];
  return columns.flatMap((column) => {
    const value = rows.a.values.get(column.name);
    const isKept = first.has(column.name) || (!column.generated && !made.has(column.name));
    const own = rows.b.values.get(column.name);
    if (isKept && value !== undefined)
      return value === 'NULL'
        ? []
        : [
            {
              table: subject.name,
              column,
              sql: value,
              isKey: first.has(column.name),
              ...(own === undefined ? {} : { own }),
            },
          ];
    return first.has(column.name) || isUnguessable(column, made, model) ? [] : [stored(subject, column)];
  });
}

/**
 * The subject as those know it who may not read it: without what chance has put into A's row by a column's default, as a code to
 * join with. The row's key and those of other rows stay: they are in links.
 */
export function withoutSecrets(subject: Subject, model: Model): Subject {
  const { table, rows, belongs, scope } = subject;
  const isOpenToAll =
    scope.kind === 'public-read' ||
    (scope.owner === undefined && !scope.isReadByJoined && policiesFor(table, 'S', model).length > 0);
  const isRead = (name: string): boolean =>
    ['anon', model.userRole].some(
      (role) => table.grants[role]?.includes('S') === true || table.columnGrants[role]?.S?.includes(name) === true,
    );
  const isKept = (name: string): boolean =>
    !table.columns.some((column) => column.name === name && isSecretKey(column, table, model));
  const kept = new Set([
    ...primaryKey(table).filter(isKept),
    ...belongs.map(({ column }) => column),
    ...table.constraints.filter(({ type }) => type === 'f').flatMap(({ columns }) => columns),
  ]);
  const secrets = table.columns.filter(
    ({ name, default: value }) =>
      !kept.has(name) && !(isOpenToAll && isRead(name)) && value !== null && calls([model.parse(value)], secretMakers),
  );
  if (secrets.length === 0) return subject;
  const isOpen = ([name]: [string, string]): boolean => secrets.every((one) => one.name !== name);
  const known = (row: KnownRow): KnownRow => ({ ...row, values: new Map([...row.values].filter(isOpen)) });
  return { ...subject, rows: { ...rows, a: known(rows.a), states: rows.states.map(known) } };
}

/** Names of the columns in which chance puts what nobody guesses: a default, or a trigger. */
export function secretColumns({ table }: Subject, model: Model): string[] {
  const keys = new Set(primaryKey(table));
  const made = madeColumns(table, model);
  return table.columns
    .filter((column) => !keys.has(column.name) || isSecretKey(column, table, model))
    .filter((column) => isUnguessable(column, made, model))
    .map(({ name }) => name);
}

function isCounted({ identity, default: expression }: ColumnRow, model: Model): boolean {
  return identity !== '' || (expression !== null && calls([model.parse(expression)], counting));
}

/** The name of the setting that holds what A's row has in a column, where only the database knows that. */
export function storedSetting(subject: string, column: string): string {
  return `muse.${`${subject}_${column}`.replaceAll(/\W/g, '_')}`;
}

/** The value is read from the row into a setting of the transaction, which the call reads. */
function stored(subject: Subject, column: ColumnRow): RowKey {
  const setting = storedSetting(subject.name, column.name);
  return {
    table: subject.name,
    column,
    isKey: false,
    sql: `nullif(current_setting(${quoteLiteral(setting)}), '')`,
    prepare:
      `select set_config(${quoteLiteral(setting)}, coalesce((select ${quoteIdentifier(column.name)}::text from ${subject.into} where ` +
      `${condition(subject.rows.a.key)} limit 1), ''), true)`,
  };
}

/** The value comes of chance: of the column's default, or of the trigger that sets it. */
function isUnguessable(column: ColumnRow, made: ReadonlyMap<string, string>, model: Model): boolean {
  const routine = model.sources.byOid(made.get(column.name) ?? '');
  const trees = routine === undefined ? [] : model.sources.reached(routine).map((one) => model.sources.body(one).trees);
  return calls([...trees, column.default === null ? undefined : model.parse(column.default)], random);
}

function calls(trees: readonly unknown[], names: ReadonlySet<string>): boolean {
  let found = false;
  walk(trees, (type, node) => {
    found ||= type === 'FuncCall' && names.has(nameParts(node['funcname']).at(-1) ?? '');
  });
  return found;
}
