import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { senderColumns, sendersOrganization } from '../catalog/addressed.ts';
import { takesHandedIn } from '../catalog/handed-in.ts';
import { isReadByStart } from '../catalog/matched-columns.ts';
import { managingRoles } from '../catalog/managing-roles.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import { isPersonalName } from '../catalog/personal-names.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { findSeats } from '../catalog/seats.ts';
import { isForStaff } from '../catalog/staff.ts';
import { guestList } from '../fixtures/guest-lists.ts';
import { isFormer } from '../fixtures/people.ts';
import type { Actor } from './actors.ts';
import { isPrivilegedRole } from '../catalog/privileged-roles.ts';
import { privilegedColumn } from './escalate-sql.ts';
import { type Subject, userColumnsOf } from './subject.ts';

/**
 * What a scope expects of a probe: `no` must not be possible, `doubtful` may be meant but seldom is, `may` is the kit's own choice,
 * `yes` must be possible.
 */
export type Expected = 'yes' | 'may' | 'doubtful' | 'no';

export type Expects = (subject: Subject, actor: Actor, model: Model) => Expected;

/**
 * The expectation for any verb: no user can use a service-only table; a member of two organizations may move its rows.
 */
function withScope(expects: Expects): Expects {
  return (subject, actor, model) => {
    if (subject.scope.kind === 'service-only') return 'no';
    if (actor.isMultiOrg && subject.scope.owner === 'organization') return 'may';
    return expects(subject, actor, model);
  };
}

/**
 * The expectation for any write: no writes by anonymous visitors, to a table whose rows have no owners, or to the
 * actor's own role.
 */
function asWriter(expects: Expects): Expects {
  return withScope((subject, actor, model) => {
    if (actor.isAnonymous || (isRoleTable(subject, model) && !(actor.isStaff && isForStaff(subject.table, model))))
      return 'no';
    // The staff may maintain rows without an owner.
    if (subject.scope.owner === undefined) return actor.isStaff || holdsByJoin(subject, actor) ? 'may' : 'no';
    return expects(subject, actor, model);
  });
}

/** A user whom a table joins to the row may maintain it. */
function holdsByJoin({ scope }: Subject, { relation }: Actor): boolean {
  return (
    scope.isJoined &&
    (relation === 'self' || relation === 'guest' || (relation === 'co-member' && scope.coMembersWrite))
  );
}

/** The scope expects nothing. */
export const expectNothing: Expects = () => 'may';

/** Acting on behalf of another user: never allowed, unless to the muse's own staff. */
const expectNever = withScope(({ table }, { isStaff }, model) => (isStaff && isForStaff(table, model) ? 'may' : 'no'));

/** Columns with personal data: in a table whose rows have no owner, not every signed-in user may read them. */
export function personalColumns(subject: Subject): string[] {
  return subject.columns
    .filter((column) => (column.category === 'S' || column.category === 'D' ? isPersonalName(column.name) : false))
    .map(({ name }) => name);
}

/** To read A's row. */
export const expectRead = withScope((subject, actor, model) => {
  const { scope } = subject;
  if (scope.kind === 'public-read') return 'may';
  if (actor.isAnonymous) return 'no';
  if (scope.isReadByJoined && actor.relation === 'none') return 'no';
  if (scope.kind === 'unowned' && actor.relation === 'none' && isReadByStart(subject.table, model)) return 'no';
  // What lets the owner of another row through, and no stranger, is that row.
  if (scope.kind === 'unowned') return personalColumns(subject).length > 0 && actor.relation !== 'self' ? 'no' : 'may';
  if (actor.relation === 'self' || actor.relation === 'guest') return 'may';
  // A user who has left may still see its name.
  if (isFormer(actor.name) && subject.table === model.tenancy.organizations) return 'doubtful';
  if (actor.relation === 'co-member') return scope.kind === 'organization' || scope.coMembersRead ? 'may' : 'no';
  return 'no';
});

/**
 * To add rows of one's own: allowed for anyone if the policies allow it, except memberships, which not everyone may
 * create. The stranger may in its own organization, whose first member it is.
 */
export const expectInOwnName: Expects = (subject, actor, model) =>
  // What users are joined to afterwards, anyone may start.
  (subject.scope.isJoined && subject.scope.kind !== 'service-only' && !actor.isAnonymous) || isHandedIn(subject, model)
    ? 'may'
    : inOwnName(subject, actor, model);

const inOwnName = asWriter((subject, actor, model) => {
  const isFounder = actor.relation === 'none' && !actor.isNobody;
  return isFounder || decidesMemberships(subject, actor, model) ? 'may' : 'no';
});

/** To add a row as another user. A guest may share out tasks, but a column that the author fills by default says who wrote it. */
export const expectAs: Expects = (subject, actor, model) => {
  const isWritten =
    actor.relation === 'guest' &&
    subject.columns.some(
      (column) =>
        model.meaningOf(subject.table, column) === 'user' &&
        column.default !== null &&
        isWhoAsks(model.parse(column.default), model),
    );
  const expected = expectInOwnName(subject, actor, model);
  return isWritten && expected === 'may' ? 'doubtful' : expected;
};

/** To add a row that is nobody's, which others take for the muse's own. */
export const expectOwnerless = withScope((_, { isStaff }) => (isStaff ? 'may' : 'no'));

/** To link one's own rows to rows of others. */
export const expectLink = asWriter(() => 'may');

/** To add a row on behalf of another; anyone who may let others into its own thing does so in their name. */
export const expectForged: Expects = (subject, actor, model) =>
  ((isInvited(subject, model) || isAddressed(subject, model)) && !actor.isAnonymous) ||
  isHandedIn(subject, model) ||
  (actor.relation === 'guest' && isChosen(subject, model))
    ? 'may'
    : expectNever(subject, actor, model);

/** To give a row to another; who lets users into a thing may let another one in instead. */
export const expectGive: Expects = (subject, actor, model) =>
  letsInAnother(subject, actor, model) ? 'may' : expectNever(subject, actor, model);

/** The rows are seats in a thing, for which all policies to change such a row ask, and those to add one where there are any. */
function letsInAnother(subject: Subject, actor: Actor, model: Model): boolean {
  const changing = policiesFor(subject.table, 'U', model);
  const keys = findSeats(model).find(({ table }) => table === subject.table)?.parent.columns ?? [];
  const asksForThing = changing.every(({ using, check }) =>
    [using, check ?? using].every((sql) => keys.some((name) => columnsIn(sql, subject.table, model).has(name))),
  );
  const isAdded = policiesFor(subject.table, 'I', model).length > 0;
  return (
    changing.length > 0 &&
    asksForThing &&
    !actor.isAnonymous &&
    (isAdded ? isInvited(subject, model) : isSeats(subject, model))
  );
}

/** What anyone hands in to what is open. */
function isHandedIn({ table, scope, kind }: Subject, model: Model): boolean {
  return kind === 'table' && scope.kind !== 'service-only' && takesHandedIn(table, scope, model) !== undefined;
}

/** Its rows say who has added them, which only the author can say is enough. */
function isAddressed({ table, scope, kind }: Subject, model: Model): boolean {
  return (
    kind === 'table' &&
    scope.kind !== 'service-only' &&
    (senderColumns(table, scope, model).length > 0 || sendersOrganization(table, scope, model) !== undefined)
  );
}

/** The policies to add a row ask for its user, so they decide for whom a guest may add one: for others in the chat. */
function isChosen({ table, belongs }: Subject, model: Model): boolean {
  return policiesFor(table, 'I', model).every(({ check, using }) => {
    const asked = columnsIn(check ?? using, table, model);
    return belongs.some(({ column }) => asked.has(column));
  });
}

/**
 * Its rows are seats in what nobody owns, and each policy to add one asks for what the user is let into, or for that user
 * alone.
 */
function isInvited(subject: Subject, model: Model): boolean {
  const { table } = subject;
  const seats = findSeats(model).find((one) => one.table === table);
  const adding = model.policyFacts(table).filter(({ policy }) => policy.permissive && 'a*'.includes(policy.command));
  return (
    seats !== undefined &&
    isSeats(subject, model) &&
    adding.length > 0 &&
    adding.every(
      ({ policy, userColumns }) =>
        userColumns.length > 0 ||
        seats.parent.columns.some((column) => columnsIn(policy.check ?? policy.using, table, model).has(column)),
    )
  );
}

/** Its rows are seats in what nobody owns. */
function isSeats({ table, scope }: Subject, model: Model): boolean {
  return (
    findSeats(model).some((one) => one.table === table) &&
    scope.parent === undefined &&
    table.rls &&
    scope.kind !== 'service-only'
  );
}

/** To take A's row over. Who may write what belongs to the rows of all co-members may move it from one to another. */
export const expectTake = withScope((subject, actor, model) => {
  const { scope } = subject;
  const { relation } = actor;
  if (relation === 'co-member' && scope.parent !== undefined && scope.coMembersWrite) return 'may';
  if (relation === 'co-member' && letsInAnother(subject, actor, model)) return 'may';
  return relation === 'guest' ? 'doubtful' : 'no';
});

/** To change A's row. */
export const expectChange = asWriter((subject, actor, model) => {
  if (actor.relation === 'guest')
    return isOfPerson(subject, model) && !isSharedItself(subject, model) ? 'doubtful' : 'may';
  if (!holdsRow(subject, actor)) return 'no';
  return decidesMemberships(subject, actor, model) ? 'may' : 'no';
});

/** To delete A's row; the organization itself may be deleted only by those who manage it. */
export const expectDelete = asWriter((subject, actor, model) => {
  if (actor.relation === 'guest') return isOfPerson(subject, model) ? 'doubtful' : 'may';
  const isOrganization = subject.table === model.tenancy.organizations && actor.relation === 'co-member';
  if (!holdsRow(subject, actor) || (isOrganization && !decides(actor, model))) return 'no';
  return decidesMemberships(subject, actor, model) ? 'may' : 'no';
});

/** To give oneself a privileged role: allowed only for actors that already have it. */
export const expectEscalation: Expects = (_, actor) => (isAdmin(actor) ? 'may' : 'no');

/** To give oneself the highest role with a lesser one. */
export const expectRise: Expects = () => 'no';

/** Whether the actor may change A's row, as its owner or as a co-member whom the policies allow. */
function holdsRow({ scope }: Subject, actor: Actor): boolean {
  if (actor.relation === 'none') return false;
  return actor.relation === 'self' || scope.owner !== 'user' || scope.coMembersWrite;
}

/** The row names a person, and the policies of the table ask for that person, or it is that person's seat. */
function isOfPerson(subject: Subject, model: Model): boolean {
  return (
    userColumnsOf(subject, model).length > 0 &&
    (model.policyFacts(subject.table).some(({ userColumns }) => userColumns.length > 0) ||
      findSeats(model).some(({ table }) => table === subject.table))
  );
}

/** It is what guests are let into. */
function isSharedItself({ table }: Subject, model: Model): boolean {
  return (
    findSeats(model).some(({ parent }) => parent.target === qualifiedName(table)) ||
    guestList(table, model) !== undefined
  );
}

function isAdmin(actor: Actor): boolean {
  return isPrivilegedRole(actor.memberRole);
}

/**
 * Ordinary members of an organization do not decide who is in it and with which role. If there are no roles, every
 * member does.
 */
function decides(actor: Actor, model: Model): boolean {
  const hasRoles = model.tenancy.membership?.role !== undefined;
  return (
    actor.relation === 'self' ||
    isAdmin(actor) ||
    managingRoles(model).has(actor.memberRole ?? '') ||
    !hasRoles ||
    (actor.relation === 'co-member' && actor.memberRole === undefined)
  );
}

function decidesMemberships(subject: Subject, actor: Actor, model: Model): boolean {
  return subject.table !== model.tenancy.membership?.table || decides(actor, model);
}

/** A table that gives users roles over the whole product: no one may write their own row, but those who have such a role already. */
function isRoleTable(subject: Subject, model: Model): boolean {
  return (
    subject.scope.owner === 'user' &&
    /role|admin/.test(subject.table.name) &&
    privilegedColumn(subject, model) !== undefined &&
    !model.tenancy.userTables.has(qualifiedName(subject.table))
  );
}
