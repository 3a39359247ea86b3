/** Users who were invited to an organization with an ordinary role, and choose a privileged one when they accept. */
import { isAddressName } from '../catalog/personal-names.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import { type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import { callSql, howToRun } from '../catalog/call-sql.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import { comparedColumns, writtenColumns } from '../catalog/compared-columns.ts';
import { actingEmail } from '../fixtures/belongings.ts';
import type { Chain } from '../fixtures/script.ts';
import { privilegedColumn } from './escalate-sql.ts';
import { insertStatement } from './insert-sql.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Raises } from './raised.ts';
import { secretColumns } from '../catalog/row-keys.ts';
import { condition, type Subject, userColumnsOf } from './subject.ts';

/** The state that tells whether who was invited has the privileged role. */
const roleState = '* role of who was invited';

/**
 * A chain for each function that puts a text of its caller's into the role of a member, and reads a table of invitations, whose row the
 * server makes first.
 * @param start the number of the first probe that is added
 */
export function invitedOf({ model, actors, subjects, callables }: FirstRound, start: number): Raises {
  const { membership } = model.tenancy;
  const ofMembers = subjects.find(({ table, kind }) => kind === 'table' && table === membership?.table);
  const top = ofMembers === undefined ? undefined : privilegedColumn(ofMembers, model);
  const by = actors.findLastIndex((one) => one.relation === 'none' && !one.isAnonymous && one.only === undefined);
  const organization = actors.find(({ relation: is }) => is === 'self')?.organization;
  const probes: NamedProbe[] = [];
  const chains: Chain[] = [];
  if (membership === undefined || ofMembers === undefined || top === undefined || organization === undefined || by < 0)
    return { probes, chains, states: {} };
  for (const { routine, name, runsAsOwner, skipped } of callables) {
    if (!runsAsOwner || skipped !== undefined || !model.dependencies.writtenBy(routine).has(ofMembers.name)) continue;
    const trees = model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees);
    const written = writtenColumns(routine.argumentNames, trees);
    const role = routine.argumentNames.findIndex((one) => written.get(one)?.has(top.column.name) === true);
    if (role < 0) continue;
    const named = model.dependencies.namedBy(routine);
    for (const subject of subjects) {
      const invitation =
        subject.kind === 'table' && subject !== ofMembers && named.has(subject.name)
          ? invite(subject, ofMembers, organization, membership.organization, model)
          : undefined;
      if (invitation === undefined) continue;
      const compared = comparedColumns(routine.argumentNames, trees);
      const values = routine.inputs.map((input, index) => {
        const asked = compared.get(routine.argumentNames[index] ?? '');
        const column = subject.columns.find((one) => asked?.has(one.name) === true && one.base === input.base);
        if (index === role) return `${top.value}::${input.type}`;
        if (column !== undefined) return `nullif(current_setting('${settingOf(column.name)}'), '')::${input.type}`;
        return input.base === 'uuid' ? `${quoteLiteral(organization)}::${input.type}` : `NULL::${input.type}`;
      });
      probes.push({ ...callOf(routine, name, values), prepare: invitation });
      chains.push({ lead: [[start + probes.length - 1, by]], afterwards: [], states: [roleState] });
    }
  }
  const own =
    `${quoteIdentifier(membership.organization)} = ${quoteLiteral(organization)} and ` +
    `${quoteIdentifier(membership.user)} = ${quoteLiteral(actors[by]!.member)} and ${quoteIdentifier(top.column.name)}`;
  return {
    probes,
    chains,
    states:
      chains.length === 0
        ? {}
        : { [roleState]: `select count(*)::text from ${relation(ofMembers.table)} where ${own} = ${top.value}` },
  };
}

function callOf(routine: FunctionRow, name: string, values: readonly string[]): NamedProbe {
  return { subject: name, verb: 'call', ...howToRun(routine), state: '', sql: callSql(routine, values), actors: [] };
}

function settingOf(column: string): string {
  return `muse.invited_${column.replaceAll(/\W/g, '_')}`;
}

/**
 * SQL by which the server invites the acting user to A's organization, and keeps what the invitation holds for the call; undefined for a
 * table that is none of invitations, or that says a privileged role by default.
 */
function invite(
  subject: Subject,
  ofMembers: Subject,
  organization: string,
  ofOrganization: string,
  model: FirstRound['model'],
): string | undefined {
  const { columns, table, fresh, into } = subject;
  const tenants = columns.filter((column) => model.meaningOf(table, column) === 'organization');
  const addresses = columns.filter(({ name, category }) => category === 'S' && isAddressName(name));
  const users = userColumnsOf(subject, model);
  if (tenants.length !== 1) return undefined;
  const keep = (key: string): string =>
    `select ${columns
      .map(
        ({ name }) =>
          `set_config('${settingOf(name)}', coalesce((select ${quoteIdentifier(name)}::text from ${into} where ${key}), ''), true)`,
      )
      .join(', ')}`;
  // Who is told a code that names nobody, as one to join by, was invited as well.
  if (addresses.length + users.length === 0)
    return secretColumns(subject, model).length === 0 ? undefined : keep(condition(subject.rows.a.key));
  const values = new Map(fresh.b.values);
  for (const { name } of tenants) values.set(name, quoteLiteral(organization));
  for (const { name } of addresses) values.set(name, actingEmail);
  for (const name of users) values.set(name, "'@user@'");
  const given = privilegedColumn(subject, model)?.column;
  // By default it says an ordinary one.
  if (given !== undefined) {
    const byDefault = given.default === null ? undefined : constantOf(model.parse(given.default));
    if (byDefault === undefined || isPrivilegedRole(byDefault)) return undefined;
    values.delete(given.name);
  }
  const key = condition([...values].filter(([name]) => subject.rows.a.key.some(([one]) => one === name)));
  if (key === 'false' || ofMembers.columns.every(({ name }) => name !== ofOrganization)) return undefined;
  const insert = insertStatement(
    subject,
    columns.flatMap(({ name }) => (values.has(name) ? [name] : [])),
    values,
  );
  return `${insert}; ${keep(key)}`;
}
