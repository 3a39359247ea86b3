/** Members whose role is no text in a column called so: a place in JSON, a list, a flag, or a column of another name. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, type ParseExpression, walk } from '../../rules/engine/live/expression.ts';
import { allowedTexts } from './compared-values.ts';
import type { Dependencies } from './dependencies.ts';

/** What the proof calls the two roles, whatever the rows hold. */
export const valuedRoles = ['admin', 'member'] as const;

/** A column that says what a member may do, and what stands there, by the name of the role in the proof. */
export interface ValuedRole {
  column: string;
  values: ReadonlyMap<string, string>;
}

/**
 * The column of a table of members that policies compare with constants for some things, and not for others: that is a role, while what
 * everything asks for is a state, such as that an invitation was accepted.
 * @param keys columns that are none
 */
export function valuedRole(
  table: RelationRow,
  keys: ReadonlySet<string>,
  dependencies: Dependencies,
  parse: ParseExpression,
): ValuedRole | undefined {
  const name = qualifiedName(table);
  const { named, graded } = dependencies.decidingColumns(name);
  // The table's own policies ask of the row, not of who asks.
  const readers = dependencies.readers(name).filter(({ row }) => row !== table);
  // What everything asks for is a state, as a time at which the member left.
  const isAskedBySome = (column: ColumnRow): boolean => {
    // The same helper asks for one permission here and another there.
    if (graded.get(column.name)?.isSeveral === true) return true;
    const asking = readers.filter(({ trees }) => mentions(trees, column.name));
    return asking.length > 0 && asking.length < readers.length;
  };
  const candidates = table.columns.filter(
    (column) =>
      !keys.has(column.name) &&
      !column.generated &&
      (column.base === 'boolean' ? named.has(column.name) : (named.get(column.name)?.length ?? 0) > 0),
  );
  const times = candidates.filter(({ category }) => category === 'D');
  const [column, ...more] = candidates.filter((one) => !times.includes(one) || isAskedBySome(one));
  if (column === undefined || more.length > 0 || !isAskedBySome(column)) return undefined;
  const values = valuesOf(table, column, named.get(column.name)!, graded.get(column.name)?.all, parse);
  return values === undefined
    ? undefined
    : { column: column.name, values: new Map(valuedRoles.map((role, index) => [role, values[index]!])) };
}

function mentions(trees: unknown, name: string): boolean {
  let found = false;
  walk(trees, (type, node) => {
    found ||= type === 'ColumnRef' && columnOf({ ColumnRef: node })?.name === name;
    return !found;
  });
  return found;
}

/** What stands there for the role that may do more, and for the other one, as text; undefined where that is not known. */
function valuesOf(
  table: RelationRow,
  column: ColumnRow,
  compared: readonly string[],
  most: number | undefined,
  parse: ParseExpression,
): [string, string] | undefined {
  const byDefault = column.default === null ? undefined : constantOf(parse(column.default));
  const others = (privileged: string, none: string): [string, string] | undefined => {
    const other = byDefault ?? none;
    return other === privileged ? undefined : [privileged, other];
  };
  if (column.base === 'boolean') return ['true', 'false'];
  if (most !== undefined) return others(String(most), '0');
  const [first] = compared;
  if (first === undefined) return undefined;
  if (/^jsonb?$/.test(column.base)) return others(first, first.startsWith('[') ? '[]' : '{}');
  if (column.base.endsWith('[]')) return others(`{${first}}`, '{}');
  if (column.category === 'N') return Number.isFinite(Number(first)) ? others(first, '0') : undefined;
  if (column.category !== 'S' && column.category !== 'E') return undefined;
  const allowed = allowedTexts(table, column, parse);
  const texts = allowed.length === 0 ? compared : compared.filter((text) => allowed.includes(text));
  const privileged = texts.find((text) => text !== byDefault);
  const other = byDefault ?? allowed.findLast((text) => !texts.includes(text));
  return privileged === undefined || other === undefined ? undefined : [privileged, other];
}
