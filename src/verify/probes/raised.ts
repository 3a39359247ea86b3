/** Members who raise themselves: by a row that names them with a privileged role, such as an invitation, and a function that takes it. */
import { isAddressName } from '../catalog/personal-names.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { type ColumnRow, type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import { callSql } from '../catalog/call-sql.ts';
import type { Callable } from '../catalog/functions.ts';
import { secretColumns } from '../catalog/row-keys.ts';
import type { Chain } from '../fixtures/script.ts';
import { actingEmail } from '../fixtures/belongings.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import type { Actor } from './actors.ts';
import { privilegedColumn } from './escalate-sql.ts';
import type { FirstRound, Opening } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Opened } from './run-script.ts';
import { insertOf } from './deciding-sql.ts';
import { condition, grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/** Chains in which a member names itself in a row, and has a function take it; with the probes and the state that they need. */
export interface Raises {
  probes: NamedProbe[];
  chains: Chain[];
  states: Record<string, string>;
}

const nothing: Raises = { probes: [], chains: [], states: {} };

/** The state that tells whether the member has the privileged role. */
const roleState = '* role of a member';

/**
 * The chains: of the member with the least role, for each function that writes memberships and reads the table.
 * @param start the number of the first probe that is added
 */
export function raisesOf(first: FirstRound, start: number): Raises {
  const { model, subjects, callables } = first;
  const acting = roleOfMember(first);
  if (acting === undefined) return nothing;
  const { ofMembers, top, by, member } = acting;
  const { membership } = model.tenancy;
  const raising = callables.filter((one) => one.skipped === undefined && writesMemberships(one, ofMembers.name, first));
  const probes: NamedProbe[] = [];
  const chains: Chain[] = [];
  const add = (probe: NamedProbe): number => start + probes.push(probe) - 1;
  const role = (subject: Subject): string | undefined =>
    privilegedColumn(subject, model)?.column.name ??
    subject.columns.find(({ name, category }) => name === membership?.role && category === 'S')?.name;
  for (const subject of subjects) {
    const column = role(subject);
    if (subject.kind !== 'table' || subject === ofMembers || column === undefined) continue;
    if (grantedColumns(subject, member.role, 'I', model).length === 0) continue;
    const takers = raising.filter(({ tables }) => tables.has(subject.name));
    const isTaken = model.dependencies
      .sideEffects(subject.name, { events: 'I' })
      .some(({ table }) => table === ofMembers.name);
    if (takers.length === 0 && !isTaken) continue;
    const named = [
      ...userColumnsOf(subject, model).map((name): [string, string] => [name, quoteLiteral(member.user)]),
      ...subject.columns.flatMap((one): [string, string][] =>
        one.category === 'S' && isAddressName(one.name) ? [[one.name, actingEmail]] : [],
      ),
      [column, top.value] as [string, string],
    ];
    const insert = add({
      subject: subject.name,
      verb: 'insert',
      mode: 'write',
      state: '',
      sql: insertOf(subject, member, model, new Map(named)),
      actors: [],
    });
    if (isTaken) chains.push({ lead: [[insert, by]], afterwards: [], states: [roleState] });
    for (const { calls, routine } of takers)
      for (const sql of callsWithNewKey(routine, calls, subject, first))
        chains.push({
          lead: [
            [insert, by],
            [add(sql), by],
          ],
          afterwards: [],
          states: [roleState],
        });
  }
  if (chains.length === 0) return nothing;
  return { probes, chains, states: { [roleState]: hasPrivilegedRole(acting) } };
}

/** Who acts: the member with the least role, and what would be a privileged one. */
interface RoleOfMember {
  ofMembers: Subject;
  top: { column: ColumnRow; value: string };
  by: number;
  member: Actor;
  organization: string;
  user: string;
}

/** The member with the least role, if that is not a privileged one; undefined where there is none. */
export function roleOfMember({ model, actors, subjects }: FirstRound): RoleOfMember | undefined {
  const { membership } = model.tenancy;
  const ofMembers = subjects.find(({ table, kind }) => kind === 'table' && table === membership?.table);
  const top = ofMembers === undefined ? undefined : privilegedColumn(ofMembers, model);
  const by = actors.findLastIndex(
    ({ relation: is, isMultiOrg, only }) => is === 'co-member' && !isMultiOrg && only === undefined,
  );
  const member = actors[by];
  if (membership?.role === undefined || ofMembers === undefined || top === undefined || member === undefined)
    return undefined;
  if (member.memberRole === undefined || isPrivilegedRole(member.memberRole)) return undefined;
  return { ofMembers, top, by, member, organization: membership.organization, user: membership.user };
}

/** The query that counts whether the member has the privileged role. */
export function hasPrivilegedRole({ ofMembers, top, member, organization, user }: RoleOfMember): string {
  const own =
    `${quoteIdentifier(organization)} = ${quoteLiteral(member.organization)} and ` +
    `${quoteIdentifier(user)} = ${quoteLiteral(member.member)} and ${quoteIdentifier(top.column.name)}`;
  return `select count(*)::text from ${relation(ofMembers.table)} where ${own} = ${top.value}`;
}

/** Says whether the function writes memberships, with its owner's rights and by SQL that can be read. */
export function writesMemberships({ routine, runsAsOwner }: Callable, name: string, { model }: FirstRound): boolean {
  return runsAsOwner && model.dependencies.isReadable(routine) && model.dependencies.writtenBy(routine).has(name);
}

/** The likeliest calls, with the key of the new row in place of that of A's. */
function callsWithNewKey(
  routine: FunctionRow,
  calls: Callable['calls'],
  subject: Subject,
  { model }: FirstRound,
): NamedProbe[] {
  const { rows, fresh, into } = subject;
  const keys = rows.a.key.flatMap(([name, ofA]): [string, string][] => {
    const ofNew = fresh.a.values.get(name);
    return ofNew === undefined ? [] : [[ofA, ofNew]];
  });
  const distinct = [...new Map(calls.map(({ probe }) => [probe.sql, probe])).values()];
  const replaced = distinct.flatMap((probe) => {
    const sql = keys.reduce((text, [ofA, ofNew]) => text.replaceAll(ofA, ofNew), probe.sql);
    return sql === probe.sql ? [] : [{ ...probe, sql, actors: [] }];
  });
  const [first] = distinct;
  const [input, ...more] = routine.inputs;
  // What nobody guesses, who adds the row may read there.
  const isNew = condition([...fresh.a.values].filter(([name]) => rows.a.key.some(([key]) => key === name)));
  const told =
    first === undefined || input === undefined || more.length > 0
      ? []
      : secretColumns(subject, model).map((name) => ({
          ...first,
          sql: callSql(routine, [`(select ${quoteIdentifier(name)} from ${into} where ${isNew})::${input.type}`]),
        }));
  const likely = [...replaced, ...told];
  return (likely.length > 0 ? likely : distinct.slice(0, 1)).map((probe) => ({ ...probe, state: '', actors: [] }));
}

/** Reads which of the chains gave who acts a privileged role. */
export function readRaises(
  opened: readonly Opened[],
  { chains, states }: Raises,
  { subjects, model }: FirstRound,
): Opening[] {
  const members = model.tenancy.membership?.table;
  const object = subjects.find(({ table, kind }) => kind === 'table' && table === members)?.name;
  return opened.flatMap((one): Opening[] => {
    const chain = chains[one.chain];
    const [, by] = chain?.lead[0] ?? [];
    if (!('state' in one) || states[one.state] === undefined || chain === undefined || by === undefined) return [];
    if (object === undefined) return [];
    return [{ path: { actor: by, probes: chain.lead.map(([probe]) => probe) }, by, how: 'raises', object }];
  });
}
