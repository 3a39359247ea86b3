/** Staff that may do less than others, and makes itself one of those. */
import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { calledBodies } from '../catalog/called-bodies.ts';
import type { Model } from '../catalog/model.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import { findStaff } from '../catalog/staff.ts';
import { actingUser } from '../fixtures/belongings.ts';
import type { Actor } from './actors.ts';
import { insertStatement } from './insert-sql.ts';
import type { Subject } from './subject.ts';

/** A column that gives roles over the whole product: the column with the user, the highest role, and one that may manage roles as well. */
interface Ladder {
  user: string;
  column: string;
  top: string;
  lesser: string;
}

/** What a stranger with the lesser role does: gives its own row the highest one, or adds a row with it. */
export function riseSql(subject: Subject, actor: Actor, model: Model): string[] {
  const ladder =
    actor.relation !== 'none' || actor.isNobody || actor.isAnonymous ? undefined : ladderOf(subject, model);
  if (ladder === undefined) return [];
  const { user, column, top } = ladder;
  return [
    `update ${subject.into} set ${quoteIdentifier(column)} = ${top} where ${quoteIdentifier(user)} = '${actingUser}'`,
    rowWith(subject, ladder, top),
  ];
}

/** SQL that gives the acting user the lesser role, and no other; undefined where there is none. */
export function lesserRoleSql(subject: Subject, model: Model): string | undefined {
  const ladder = ladderOf(subject, model);
  if (ladder === undefined) return undefined;
  const { user, column, lesser } = ladder;
  const where = `${quoteIdentifier(user)} = '${actingUser}'`;
  return (
    `update ${subject.into} set ${quoteIdentifier(column)} = ${lesser} where ${where}; ` +
    `${rowWith(subject, ladder, lesser)} on conflict do nothing`
  );
}

function rowWith(subject: Subject, { user, column }: Ladder, role: string): string {
  const values = new Map([...subject.fresh.b.values, [user, `'${actingUser}'`], [column, role]]);
  const columns = subject.columns.filter(({ name }) => values.has(name)).map(({ name }) => name);
  return insertStatement(subject, columns, values);
}

function ladderOf(subject: Subject, model: Model): Ladder | undefined {
  const [owner, ...more] = subject.belongs;
  if (subject.kind !== 'table' || subject.scope.owner !== 'user' || owner === undefined || more.length > 0)
    return undefined;
  for (const [column, top] of findStaff(model).flags.get(subject.name) ?? []) {
    if (!isPrivilegedRole(top.replaceAll("'", ''))) continue;
    const lesser = rolesAsked(subject, column, model).find((role) => !isPrivilegedRole(role));
    if (lesser !== undefined) return { user: owner.column, column, top, lesser: quoteLiteral(lesser) };
  }
  return undefined;
}

/** The values of the column that the table's own policies to write ask for. */
function rolesAsked({ table }: Subject, column: string, model: Model): string[] {
  const writing = model.policyFacts(table).filter(({ policy }) => policy.permissive && policy.command !== 'r');
  const trees = writing
    .flatMap(({ policy }) => [policy.using, policy.check])
    .flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  const found = new Set<string>();
  walk([trees, calledBodies(trees, model)], (type, node) => {
    if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=' || columnOf(node['lexpr'])?.name !== column) return;
    const items = (fields(node['rexpr'], 'List')?.['items'] ??
      fields(node['rexpr'], 'A_ArrayExpr')?.['elements'] ?? [node['rexpr']]) as unknown[];
    for (const item of items) {
      const text = constantOf(item);
      if (text !== undefined) found.add(text);
    }
  });
  return [...found];
}
