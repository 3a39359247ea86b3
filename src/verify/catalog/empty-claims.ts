/**
 * Rows that are of everybody who lacks a claim: a column has by default what the claim is where a user has none, as the empty phone number
 * of who signed up by email.
 */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, fields, walk } from '../../rules/engine/live/expression.ts';
import { tokenSetting } from './claim-paths.ts';
import type { ClaimRead } from './claims.ts';
import type { Model } from './model.ts';

/** What the column has by default, which is what the claim is then. */
interface EmptyClaim {
  claim: Pick<ClaimRead, 'name' | 'path' | 'readers'>;
  table: RelationRow;
  column: string;
  value: string;
}

const known = new WeakMap<Model, readonly EmptyClaim[]>();

/** Claims that are an empty text in the token of Supabase Auth where a user has none. */
const emptyTexts = new Set(['email', 'phone']);

/** Finds them in the policies by which rows are read. Cached per model. */
export function emptyClaims(model: Model): readonly EmptyClaim[] {
  const found = known.get(model) ?? [...addresses(model), ...inClaims(model)];
  known.set(model, found);
  return found;
}

/** Addresses, which users who have signed up by phone lack. */
function addresses(model: Model): EmptyClaim[] {
  return [...model.tables.values()].flatMap((table) =>
    table.columns.flatMap(({ name: column, default: sql }): EmptyClaim[] => {
      const isEmpty = sql !== null && constantOf(model.parse(sql)) === '';
      if (!isEmpty || table.policies.length === 0 || model.claims.comparedWith(table, column) !== 'email') return [];
      const claim = { name: 'email', path: ['email'], readers: new Set([qualifiedName(table)]) };
      return [{ claim, table, column, value: '' }];
    }),
  );
}

function inClaims(model: Model): EmptyClaim[] {
  return model.claims.all
    .filter(({ isSigned, setting }) => isSigned && setting === tokenSetting)
    .flatMap((claim) =>
      claim.columns.flatMap(({ table, column }): EmptyClaim[] => {
        const sql = table.columns.find(({ name }) => name === column)?.default ?? undefined;
        const value = sql === undefined ? undefined : constantOf(model.parse(sql));
        return value !== undefined && insteadOf(claim, table, model).has(value)
          ? [{ claim, table, column, value }]
          : [];
      }),
    );
}

/** What policies take the claim for where there is none. */
function insteadOf({ path }: ClaimRead, table: RelationRow, model: Model): Set<string> {
  const found = new Set(path.length === 1 && emptyTexts.has(path[0]!) ? [''] : []);
  for (const { using } of table.policies)
    walk(using === null ? undefined : model.parse(using), (type, node) => {
      const [first, ...others] = type === 'CoalesceExpr' ? (node['args'] as unknown[]) : [];
      if (!model.claims.pathsIn(first).some((one) => one.path.join() === path.join())) return;
      for (const other of others) {
        const constant = constantOf(fields(other, 'TypeCast')?.['arg'] ?? other);
        if (constant !== undefined) found.add(constant);
      }
    });
  return found;
}

/** Those of a table. */
export function emptyClaimsOf(table: RelationRow, model: Model): readonly EmptyClaim[] {
  const name = qualifiedName(table);
  return emptyClaims(model).filter((one) => qualifiedName(one.table) === name);
}
