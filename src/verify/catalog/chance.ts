/** Columns that chance fills: what is in them is known only to those who were told. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, walk } from '../../rules/engine/live/expression.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Model } from './model.ts';
import { scopeOf } from './scope.ts';
import { primaryKey } from './tenancy.ts';

/** Functions of which nobody can guess the next result, having seen others. */
export const secretMakers: ReadonlySet<string> = new Set(['gen_random_bytes', 'gen_random_uuid', 'uuid_generate_v4']);

/** Says whether the column's default is a secret: not the key of the row, nor that of another row, which are in links. */
export function isMadeByChance(column: ColumnRow, table: RelationRow, model: Model): boolean {
  const isKey =
    (primaryKey(table).includes(column.name) && !isSecretKey(column, table, model)) ||
    table.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column.name));
  return !isKey && isMadeBySecret(column, model);
}

function isMadeBySecret({ default: sql }: ColumnRow, { parse }: Model): boolean {
  let found = false;
  walk(sql === null ? undefined : parse(sql), (type, node) => {
    found ||= type === 'FuncCall' && secretMakers.has(nameParts(node['funcname']).at(-1) ?? '');
  });
  return found;
}

/**
 * Says whether the key of a row is called a token or a secret, and chance makes it: to which no other row refers, it is in no link but the
 * one that is meant.
 */
export function isSecretKey(column: ColumnRow, table: RelationRow, model: Model): boolean {
  const own = qualifiedName(table);
  return (
    /token|secret/.test(column.name) &&
    primaryKey(table).join() === column.name &&
    isMadeBySecret(column, model) &&
    ![...model.tables.values()].some(({ constraints }) => constraints.some(({ target }) => target === own))
  );
}

/**
 * Says whether the column is a text that only some rows have, each another one, and that names nothing else: the key of a link by which
 * a row is shared. Whether it can be guessed, only those know who write it.
 */
export function isOptionalKey(column: ColumnRow, table: RelationRow, model: Model): boolean {
  return !column.notNull && isFreeKey(column, table, model);
}

/**
 * Says whether the column is a text that stands for what its row belongs to, as an API key does for its organization: tables to
 * which the row is nothing let rows of that organization through to who sends it. A name that others know, as that of an
 * organization, is in a row that those tables refer to. Whether it can be guessed, only those know who write it.
 * @param readers the tables whose policies compare what is sent with it, by `schema.name`
 */
export function isCredential(
  column: ColumnRow,
  table: RelationRow,
  model: Model,
  readers: ReadonlySet<string>,
): boolean {
  const own = qualifiedName(table);
  const others = [...readers].filter((name) => name !== own);
  const unique = uniqueSets(table);
  return (
    others.length > 0 &&
    isFreeKey(column, table, model) &&
    !isShort(column) &&
    scopeOf(table, model).kind !== 'public-read' &&
    // What a user has may be a name of its own choice.
    table.constraints.some(
      ({ type, columns, target }) =>
        type === 'f' &&
        !model.tenancy.userTables.has(target ?? '') &&
        !unique.some((set) => set.every((name) => columns.includes(name))),
    ) &&
    scopeOf(table, model).owner !== 'user' &&
    others.every((name) => model.tables.get(name)?.constraints.every(({ target }) => target !== own) === true)
  );
}

/** The column is a text that is another one in each row, that no default, CHECK or other row prescribes, and that names nobody. */
function isFreeKey(column: ColumnRow, table: RelationRow, model: Model): boolean {
  return (
    column.category === 'S' &&
    column.labels === null &&
    !column.generated &&
    column.default === null &&
    !model.toldKeys.has(qualifiedName(table)) &&
    model.meaningOf(table, column) === undefined &&
    uniqueSets(table).some((set) => set.join() === column.name) &&
    !table.constraints.some(({ type, columns }) => 'fc'.includes(type) && columns.includes(column.name))
  );
}

/** Characters below which all texts can be tried. */
const fewest = 16;

/** The column's type holds no text that is too long to be guessed. */
function isShort({ type }: ColumnRow): boolean {
  const [, length] = /^(?:character varying|character|bpchar)\((\d+)\)$/.exec(type) ?? [];
  return length !== undefined && Number(length) < fewest;
}
