import type { Isolation } from '../../shared/muse-file.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import type { Cargo, Load } from '../fixtures/carried.ts';
import {
  guestKey,
  hasMoreElsewhere,
  isBanned,
  isFormer,
  isMultiOrg,
  isPeer,
  isStateHolder,
  type Person,
  staffKey,
} from '../fixtures/people.ts';
import { actingOrganization, actingUser } from '../fixtures/belongings.ts';
import type { ScriptActor } from '../fixtures/script.ts';

/** An actor of the proof. */
export interface Actor extends ScriptActor {
  /**
   * `anon`, `owner`, `member`, `member:admin`, `outsider` (another organization), `other` (no organization), `newcomer` (no rows), `guest`
   * (let into what is A's).
   */
  name: string;
  /** The actor's relation to the rows of A and of organization X. */
  relation: 'none' | 'self' | 'co-member' | 'guest';
  /** The role of a member of A's organization; undefined for others, and if there are no roles. */
  memberRole: string | undefined;
  /** A member of X and of Y, more privileged in one of them: tried where rows go from one to the other, and where roles count. */
  isMultiOrg: boolean;
  /** It is a member of X and of Y, and more privileged in Y. */
  hasMoreElsewhere: boolean;
  /**
   * Of a user who differs from another in a claim or a seat only: the tables whose policies read it, by `schema.name`; undefined for
   * those who try everything.
   */
  only: ReadonlySet<string> | undefined;
  /** It belongs to the muse's own staff, by a row, a flag or a claim, if there are any. */
  isStaff: boolean;
  /** An anonymous visitor. */
  isAnonymous: boolean;
  /** Signed in, but in no organization and without any rows. */
  isNobody: boolean;
  /** The side whose rows count as the actor's. */
  side: 'a' | 'b';
  /** What memberships join to organizations for this user. */
  member: string;
}

/** The settings and the role of a kit that isolates by session variables. */
export interface SessionVariables {
  /** The role of the application, which must not own the tables. */
  role: string;
  /** Default `app.current_org_id`. */
  organization?: string;
  /** Default `app.current_user_id`. */
  user?: string;
  /** Default `app.is_superadmin`. */
  superadmin?: string;
}

/** Settings of a session without a token. */
const noClaims = { 'request.jwt.claims': '', 'request.jwt.claim.sub': '', 'request.jwt.claim.role': '' };

/**
 * All actors of the proof, in the order of the matrix.
 * @param ofGuests the tables in which a guest's seat may make a difference
 * @param ofMembers those whose policies read memberships, in which it may make one that a member has left
 * @param asksForRows whether to be without any row may make a difference: without organizations, all other users have rows
 */
export function makeActors(
  people: readonly Person[],
  isolation: Isolation,
  session: SessionVariables | undefined,
  cargo: Cargo,
  ofGuests: ReadonlySet<string>,
  ofMembers: ReadonlySet<string>,
  asksForRows: boolean,
): Actor[] {
  const [a, b, c, ...others] = people as [Person, Person, Person, ...Person[]];
  const members = others.filter(
    ({ key }) =>
      key !== staffKey && key !== guestKey && !isFormer(key) && !isStateHolder(key) && !isBanned(key) && !isPeer(key),
  );
  const former = others.filter(({ key }) => isFormer(key));
  const guest = others.find(({ key }) => key === guestKey);
  const hasOrganizations = members.length > 0;
  const isBySession = isolation === 'session' && session !== undefined;
  const actAs = (
    name: string,
    person: Person,
    relation: Actor['relation'],
    settings: Record<string, string>,
    role = 'authenticated',
  ): Actor => ({
    name,
    relation,
    isStaff: relation === 'self' && cargo.hasStaff,
    isAnonymous: role === 'anon',
    isMultiOrg: isMultiOrg(person.key),
    hasMoreElsewhere: hasMoreElsewhere(person.key),
    only: undefined,
    memberRole: relation === 'co-member' ? person.role : undefined,
    isNobody: !person.isMember && hasOrganizations && relation !== 'guest',
    side: person.side,
    user: person.user,
    member: person.member,
    organization: person.organization,
    ...(isBySession ? bySession(person, session, role === 'anon') : { role, settings }),
  });
  const signedIn = (name: string, person: Person, relation: Actor['relation'], load: Load): Actor =>
    actAs(name, person, relation, cargo.settings(person, load));
  const lacking = isBySession ? [] : cargo.constants();
  const variants = (like: string, person: Person, relation: Actor['relation'], load: Load): Actor[] =>
    isBySession
      ? []
      : cargo.variants(relation === 'self').map(({ name, carried, tables }) => ({
          ...actAs(`${like}${variantWord}${name}`, person, relation, cargo.settings(person, load, [carried])),
          only: tables,
        }));
  return [
    actAs('anon', a, 'none', cargo.anonymous(), 'anon'),
    signedIn(ownerName, a, 'self', 'full'),
    ...(lacking.length === 0
      ? []
      : [
          {
            ...signedIn(`${ownerName}${lackWord}${lacking.join(', ')}`, a, 'self', 'plain'),
            isStaff: cargo.hasStaffRows,
          },
        ]),
    ...variants(ownerName, a, 'self', 'full'),
    ...members.map((person) => signedIn(person.key, person, 'co-member', 'tied')),
    ...(hasOrganizations
      ? [signedIn('outsider', b, 'none', 'forging'), signedIn('other', c, 'none', 'forging')]
      : [signedIn('other', b, 'none', 'forging')]),
    ...(hasOrganizations || isBySession || !asksForRows
      ? []
      : [{ ...signedIn('newcomer', c, 'none', 'forging'), isNobody: true }]),
    ...variants(hasOrganizations ? 'outsider' : 'other', b, 'none', 'forging'),
    // If nothing reads whether a user is anonymous, such a user is like any other.
    ...(isBySession || !cargo.asks('is_anonymous')
      ? []
      : [
          actAs(
            'anonymous user',
            c,
            'none',
            cargo.settings(c, 'forging', [{ setting: tokenSetting, path: ['is_anonymous'], value: true }]),
          ),
        ]),
    ...former.map((person) => ({
      ...signedIn(person.key, { ...person, isMember: false }, 'none', 'tied'),
      only: ofMembers,
    })),
    ...(guest === undefined ? [] : [{ ...signedIn(guest.key, guest, 'guest', 'tied'), only: ofGuests }]),
  ];
}

/** Says whether the actor of that name has nothing to do with A, and differs from others in no claim. */
export function isStranger(name: string): boolean {
  return ['anon', 'outsider', 'other', 'newcomer'].includes(name);
}

const ownerName = 'owner';

/** In the name of an owner who lacks claims: the words between `owner` and the names of the claims. */
const lackWord = ' without ';

/** Says whether the actor of that name is A with all claims. */
export function isPlainOwner(name: string): boolean {
  return name === ownerName;
}

/** Says whether the actor of that name is A without the claims that policies compare with a constant. */
export function lacksClaims(name: string): boolean {
  return name.startsWith(`${ownerName}${lackWord}`);
}

/** In the name of a user who differs from another only in a claim: the words between that user's name and the claim. */
const variantWord = ' with ';

/** Says whether an actor of that name differs from another in a claim only. */
export function isVariant(name: string): boolean {
  return name.includes(variantWord);
}

/** Says whether the actor tries everything: not who is in both organizations, nor who differs from another in a claim or a seat only. */
export function triesAll({ isMultiOrg: isBoth, only }: Actor): boolean {
  return !isBoth && only === undefined;
}

/** The SQL as it runs for an actor, to be tried by hand. */
export function sqlAs(sql: string, { user, organization }: ScriptActor): string {
  return sql.replaceAll(actingUser, user).replaceAll(actingOrganization, organization);
}

/** After any transaction that set them, unset variables are empty: that is what a request without a session sees. */
function bySession(
  person: Person,
  session: SessionVariables,
  isAnonymous: boolean,
): Pick<ScriptActor, 'role' | 'settings'> {
  const settings = {
    ...noClaims,
    [session.user ?? 'app.current_user_id']: isAnonymous ? '' : person.user,
    [session.organization ?? 'app.current_org_id']: isAnonymous || !person.isMember ? '' : person.organization,
    [session.superadmin ?? 'app.is_superadmin']: isAnonymous ? '' : 'false',
  };
  return { role: session.role, settings };
}
