import { walk } from '../../../sql/nodes.ts';
import type { Source } from '../../../sql/piece.ts';
import type { Situation } from './fix.ts';

const apiRoles = new Set(['anon', 'authenticated', 'service_role']);
const known = new WeakMap<readonly Source[], boolean>();

/**
 * Says whether the kit is made for Supabase: its files name a role of the Data API, or something in `auth` or `storage`. On
 * a plain server there are none, and what names them ends the kit's own migrator.
 */
export function usesPlatform({ examined: { sources } }: Pick<Situation, 'examined'>): boolean {
  const told = known.get(sources);
  if (told !== undefined) return told;
  let found = false;
  for (const { parsed } of sources) {
    walk(parsed.statements.map(({ tree }) => tree), (type, fields) => {
      if (type === 'RoleSpec' && apiRoles.has(fields.rolename ?? '')) found = true;
      if (type === 'RangeVar' && ['auth', 'storage'].includes(fields.schemaname ?? '')) found = true;
      if (type === 'FuncCall' && JSON.stringify(fields.funcname).includes('"auth"')) found = true;
      return !found;
    });
    if (found) break;
  }
  known.set(sources, found);
  return found;
}
