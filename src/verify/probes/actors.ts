import type { Isolation } from '../../shared/muse-file.ts';
import { claimsOf, isMultiOrg, type Person } from '../fixtures/people.ts';
import type { ScriptActor } from '../fixtures/script.ts';

/** Someone that the proof acts as. */
export interface Actor extends ScriptActor {
  /** `anon`, `owner`, `member`, `member:admin`, `outsider` (another organization), `other` (no organization). */
  name: string;
  /** What they are to the rows of A and of organization X. */
  relation: 'none' | 'self' | 'co-member';
  /** Of a member of A's organization: its role there; undefined for others, and where there are no roles. */
  memberRole: string | undefined;
  /** A member of X and of Y, more privileged in one of them: only tried where rows go from one to the other. */
  isMultiOrg: boolean;
  /** Nobody is signed in. */
  isAnonymous: boolean;
  /** Signed in, but in no organization where there are organizations: no row of the world is theirs. */
  isNobody: boolean;
  /** Whose rows stand for theirs. */
  side: 'a' | 'b';
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

const noClaims = { 'request.jwt.claims': '', 'request.jwt.claim.sub': '', 'request.jwt.claim.role': '' };

/**
 * Everyone that the proof acts as, in the order of the matrix.
 * @param forged the user_metadata of those who have no business with A's rows
 */
export function makeActors(people: readonly Person[], isolation: Isolation, session: SessionVariables | undefined, forged: Readonly<Record<string, string>> = {}): Actor[] {
  const [a, b, c, ...members] = people as [Person, Person, Person, ...Person[]];
  const hasOrganizations = members.length > 0;
  const actAs = (name: string, person: Person, relation: Actor['relation'], isAnonymous = false): Actor => ({
    name, relation, isAnonymous, isMultiOrg: isMultiOrg(person.key), memberRole: relation === 'co-member' ? person.role : undefined, isNobody: !person.isMember && hasOrganizations, side: person.side, user: person.user, organization: person.organization,
    ...(isolation === 'session' && session !== undefined ? bySession(person, session, isAnonymous) : byClaims(person, isAnonymous, relation === 'none' ? forged : {})),
  });
  return [
    actAs('anon', a, 'none', true),
    actAs('owner', a, 'self'),
    ...members.map((person) => actAs(person.key, person, 'co-member')),
    ...(hasOrganizations ? [actAs('outsider', b, 'none'), actAs('other', c, 'none')] : [actAs('other', b, 'none')]),
  ];
}

function byClaims(person: Person, isAnonymous: boolean, metadata: Readonly<Record<string, string>>): Pick<ScriptActor, 'role' | 'settings'> {
  if (!isAnonymous) return { role: 'authenticated', settings: claimsOf(person, metadata) };
  return { role: 'anon', settings: { ...noClaims, 'request.jwt.claims': '{"role":"anon"}', 'request.jwt.claim.role': 'anon' } };
}

/** Unset variables are empty after any transaction that set them: that is what a request without a session sees. */
function bySession(person: Person, session: SessionVariables, isAnonymous: boolean): Pick<ScriptActor, 'role' | 'settings'> {
  const settings = {
    ...noClaims,
    [session.user ?? 'app.current_user_id']: isAnonymous ? '' : person.user,
    [session.organization ?? 'app.current_org_id']: isAnonymous || !person.isMember ? '' : person.organization,
    [session.superadmin ?? 'app.is_superadmin']: isAnonymous ? '' : 'false',
  };
  return { role: session.role, settings };
}
