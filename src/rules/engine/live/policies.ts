import type { Catalog, PolicyRow } from './catalog.ts';

/** The users of the Data API. */
const users = ['anon', 'authenticated'];

/** Returns whether the policy applies to signed-in or anonymous users, and not only to the service role. */
export function isForUsers(policy: PolicyRow, catalog: Catalog): boolean {
  return policy.roles.some(
    (role) => role === 'public' || users.includes(role) || catalog.roles[role]?.bypassRls === false,
  );
}
