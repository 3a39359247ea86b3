/** Users who were invited to an organization with an ordinary role, and choose a privileged one: in the invitation, or when they accept. */
import { isAddressName } from '../catalog/personal-names.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import { type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import { callSql, howToRun } from '../catalog/call-sql.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import { comparedColumns, writtenColumns } from '../catalog/compared-columns.ts';
import { actingEmail, actingUser } from '../fixtures/belongings.ts';
import type { Actor } from './actors.ts';
import type { Chain } from '../fixtures/script.ts';
import { privilegedColumn } from './escalate-sql.ts';
import { insertStatement } from './insert-sql.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Raises } from './raised.ts';
import { secretColumns } from '../catalog/row-keys.ts';
import { condition, grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/** The state that tells whether who was invited has the privileged role. */
const roleState = '* role of who was invited';

/**
 * A chain for each function that adds members and reads a table of invitations, whose row the server makes first: where it puts a text
 * of its caller's into the role, with that; where it does not, after the user has changed the role in the invitation.
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
  const chain = (lead: readonly NamedProbe[]): void => {
    chains.push({
      lead: lead.map((probe) => [start + probes.push(probe) - 1, by]),
      afterwards: [],
      states: [roleState],
    });
  };
  for (const { routine, name, runsAsOwner, skipped } of callables) {
    if (!runsAsOwner || skipped !== undefined || !model.dependencies.writtenBy(routine).has(ofMembers.name)) continue;
    const trees = model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees);
    const written = writtenColumns(routine.argumentNames, trees);
    const role = routine.argumentNames.findIndex((one) => written.get(one)?.has(top.column.name) === true);
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
      const call = callOf(routine, name, values);
      if (role >= 0) chain([{ ...call, prepare: `${invitation.insert}${invitation.keep}` }]);
      else if (invitation.key !== undefined)
        for (const change of changesOf(subject, invitation.key, actors[by]!, model))
          chain([
            { ...change, prepare: invitation.insert + invitation.keep },
            { ...call, prepare: invitation.keep },
          ]);
    }
  }
  // What a trigger makes of an invitation that its user changes.
  for (const subject of subjects) {
    const isTaken = model.dependencies
      .sideEffects(subject.name, { events: 'U' })
      .some(({ table }) => table === ofMembers.name);
    if (subject.kind !== 'table' || subject === ofMembers || !isTaken) continue;
    const invitation = invite(subject, ofMembers, organization, membership.organization, model);
    if (invitation?.key === undefined) continue;
    for (const change of changesOf(subject, invitation.key, actors[by]!, model))
      for (const accept of acceptancesOf(subject, invitation.key, actors[by]!, model))
        chain([{ ...change, prepare: invitation.insert }, accept]);
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

/** An invitation of the acting user to A's organization, with an ordinary role. */
interface Invitation {
  /** SQL by which the server makes it; empty where it is there. */
  insert: string;
  /** SQL that keeps what it holds for the call. */
  keep: string;
  /** The condition that finds it; undefined where it is not the user's own. */
  key: string | undefined;
}

/** The user gives the invitation a privileged role. */
function changesOf(subject: Subject, key: string, actor: Actor, model: FirstRound['model']): NamedProbe[] {
  const top = privilegedColumn(subject, model);
  const granted = grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name);
  if (top === undefined || !granted.includes(top.column.name)) return [];
  const set = `${quoteIdentifier(top.column.name)} = ${top.value}`;
  return [updateOf(subject, set, key)];
}

/** How many texts of one column are tried. */
const mostTexts = 6;

/** The user changes what else of the invitation it may, each for itself and all together: says that it is accepted, and when. */
function acceptancesOf(subject: Subject, key: string, actor: Actor, model: FirstRound['model']): NamedProbe[] {
  const top = privilegedColumn(subject, model);
  const users = userColumnsOf(subject, model);
  const assigned = grantedColumns(subject, actor.role, 'U', model).flatMap((column): string[][] => {
    const { name, category, base } = column;
    if (name === top?.column.name || subject.rows.a.key.some(([one]) => one === name)) return [];
    const values = users.includes(name)
      ? [`'${actingUser}'`]
      : base === 'boolean'
        ? ['true']
        : category === 'D'
          ? ['now()']
          : model.meaningOf(subject.table, column) === undefined
            ? subject.rows.states.flatMap(({ values: held, columns = [] }) =>
                columns.includes(name) ? [held.get(name) ?? 'NULL'] : [],
              )
            : [];
    const distinct = [...new Set(values)].filter((value) => value !== 'NULL').slice(0, mostTexts);
    return distinct.length === 0 ? [] : [distinct.map((value) => `${quoteIdentifier(name)} = ${value}`)];
  });
  const most = Math.max(0, ...assigned.map((values) => values.length));
  const together = Array.from({ length: most }, (_, at) =>
    assigned.map((values) => values[at % values.length]!).join(', '),
  );
  return [...new Set([...assigned.flat(), ...together])].map((set) => updateOf(subject, set, key));
}

function updateOf({ name, into, state }: Subject, set: string, key: string): NamedProbe {
  return {
    subject: name,
    verb: 'update',
    mode: 'write',
    state,
    sql: `update ${into} set ${set} where ${key}`,
    actors: [],
  };
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
): Invitation | undefined {
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
    return secretColumns(subject, model).length === 0
      ? undefined
      : { insert: '', keep: keep(condition(subject.rows.a.key)), key: undefined };
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
  return { insert: `${insert}; `, keep: keep(key), key };
}
