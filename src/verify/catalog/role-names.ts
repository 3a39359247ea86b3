/** What the names of roles say of what those who have them may do. */
import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { allowedTexts } from './compared-values.ts';
import type { Model } from './model.ts';

/**
 * A value of the column that gives its user no more than others have: its default, or the most ordinary of those that it may hold;
 * undefined if any may.
 */
export function ordinaryValue(
  table: RelationRow,
  column: ColumnRow,
  privileged: string,
  model: Model,
): string | undefined {
  // The value that is asked for may be written as a constant, in quotes.
  if (column.base === 'boolean') return String(!/^'?t(?:rue)?'?$/.test(privileged));
  const byDefault = column.default === null ? undefined : constantOf(model.parse(column.default));
  if (byDefault !== undefined && quoteLiteral(byDefault) !== privileged) return quoteLiteral(byDefault);
  const others = allowedTexts(table, column, model.parse).filter((text) => quoteLiteral(text) !== privileged);
  // Lists of roles often begin with the one that may do most.
  const usual = others.findLast(isOrdinaryRole) ?? others.findLast((text) => !roleNames.includes(text));
  const text = usual ?? others.toSorted((x, y) => rankOf(quoteLiteral(y)) - rankOf(quoteLiteral(x)))[0];
  return text === undefined ? undefined : quoteLiteral(text);
}

/** Says whether a role is called like one that anyone who signs up may have. */
export function isOrdinaryRole(name: string): boolean {
  return ordinaryRoles.test(name);
}

const ordinaryRoles =
  /^(user|member|customer|client|student|learner|patient|buyer|guest|viewer|reader|subscriber|visitor|tenant|basic|free)$/i;

/** Names of roles, the most privileged first. */
export const roleNames: readonly string[] = [
  'owner',
  'superadmin',
  'super_admin',
  'admin',
  'administrator',
  'manager',
  'editor',
  'member',
  'user',
  'viewer',
  'guest',
];

/** How privileged a value makes, as SQL: the less the more; of other words the first counts, unless a role that gives more follows. */
export function rankOf(sql: string | undefined): number {
  if (sql === undefined) return Number.POSITIVE_INFINITY;
  const rank = roleNames.indexOf(sql.replaceAll("'", ''));
  return rank < 0 ? roleNames.indexOf('member') : rank;
}
