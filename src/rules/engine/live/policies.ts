import type { Catalog, PolicyRow } from './catalog.ts';

/** The users of the Data API. */
const users = ['anon', 'authenticated'];

/** Says whether signed-in or anonymous users come under the policy, as opposed to the service alone. */
export function isForUsers(policy: PolicyRow, catalog: Catalog): boolean {
  return policy.roles.some(
    (role) => role === 'public' || users.includes(role) || catalog.roles[role]?.bypassRls === false,
  );
}
