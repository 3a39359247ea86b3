import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import type { Actor } from './actors.ts';
import { hintsOf } from '../fixtures/candidates.ts';
import type { ColumnRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from '../catalog/model.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import { valuedRoles } from '../catalog/valued-roles.ts';
import { findStaff, isForStaff } from '../catalog/staff.ts';
import { actingOrganization, actingUser } from '../fixtures/belongings.ts';
import { grantedColumns, type Subject } from './subject.ts';

const flags = /^(is_)?(super_?)?admin$/;

/** The column of a table that makes its user more privileged, with the value that does; undefined if it has none. */
export function privilegedColumn(subject: Subject, model: Model): { column: ColumnRow; value: string } | undefined {
  const { membership } = model.tenancy;
  const top = subject.table === membership?.table ? membership.values?.get(valuedRoles[0]) : undefined;
  const ofMembers = top === undefined ? undefined : subject.columns.find(({ name }) => name === membership?.role);
  if (top !== undefined && ofMembers !== undefined) return { column: ofMembers, value: quoteLiteral(top) };
  for (const column of subject.columns) {
    if (column.base === 'boolean' && flags.test(column.name)) return { column, value: 'true' };
    if (!/(^|_)role$/.test(column.name)) continue;
    const checks = subject.table.constraints.filter(
      (check) => check.type === 'c' && check.columns.includes(column.name),
    );
    const choices = column.labels ?? hintsOf(checks.map((check) => model.parse(check.expression ?? ''))).texts;
    const top = ['superadmin', 'super_admin', 'owner', 'admin', 'administrator'].find((choice) =>
      choices.includes(choice),
    );
    if (top !== undefined) return { column, value: quoteLiteral(top) };
  }
  return privilegedKey(subject);
}

/** The same where a table of roles says which it is. Members have another of its rows, which is the one that they would rise from. */
function privilegedKey({ columns, lookups }: Subject): { column: ColumnRow; value: string } | undefined {
  for (const column of columns.filter(({ name }) => /(^|_)role(_id)?$/.test(name))) {
    const keys = lookups.filter((one) => one.column === column.name);
    const isPrivileged = ({ texts }: { texts: readonly string[] }): boolean => texts.some(isPrivilegedRole);
    const top = keys.find(isPrivileged);
    if (top !== undefined && keys.some((one) => !isPrivileged(one))) return { column, value: top.value };
  }
  return undefined;
}

/** UPDATE that gives the actor a privileged role, in its membership or in another row of its own: it counts where the row has it then. */
export function escalateSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const found = privilegedColumn(subject, model);
  if (found === undefined || actor.isAnonymous || subject.kind !== 'table') return undefined;
  const set = `update ${subject.into} set ${quoteIdentifier(found.column.name)} = ${found.value}`;
  const { membership } = model.tenancy;
  if (subject.table === membership?.table) {
    if (actor.relation !== 'co-member') return undefined;
    return (
      `${set} where ${quoteIdentifier(membership.organization)} = '${actingOrganization}' and ` +
      `${quoteIdentifier(membership.user)} = ${subject.members.acting}`
    );
  }
  const [owner] = subject.belongs;
  if (subject.scope.owner !== 'user' || owner === undefined) return undefined;
  // Where that makes A one of the staff, or staff may change it, A may do so anyway: a stranger tries.
  const { flags: ofStaff, ladders, shareFlags } = findStaff(model);
  const isStaffs =
    [ofStaff, shareFlags].some((all) => all.get(subject.name)?.has(found.column.name) === true) ||
    (ofStaff.size + ladders.size > 0 && isForStaff(subject.table, model));
  if (isStaffs ? actor.relation !== 'none' || actor.isNobody : actor.relation !== 'self') return undefined;
  const update = `${set} where ${quoteIdentifier(owner.column)} = '${actingUser}'`;
  const isGuarded = subject.table.triggers.some(({ enabled }) => enabled);
  if (!isGuarded || !grantedColumns(subject, actor.role, 'S', model).includes(found.column)) return update;
  // A trigger may set the old value again.
  const column = quoteIdentifier(found.column.name);
  return `with muse_set as (${update} returning ${column}) select 1 from muse_set where ${column} = ${found.value}`;
}
