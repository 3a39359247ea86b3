import { forms } from '../../../migrations/forms.ts';
import { walk } from '../../../sql/nodes.ts';
import type { Source } from '../../../sql/piece.ts';
import type { Situation } from './fix.ts';

const apiRoles = new Set(['anon', 'authenticated', 'service_role']);
const known = new WeakMap<readonly Source[], boolean>();

/**
 * Returns whether a repair may use what Supabase provides: roles of the Data API, `auth.uid()`. A kit with its own
 * migrator (Drizzle, Prisma, goose) may run on a plain server, where such names fail, unless its files use them themselves.
 */
export function usesPlatform({ examined: { sources }, folders }: Pick<Situation, 'examined' | 'folders'>): boolean {
  if (forms[folders.order].anyServer !== true) return true;
  const told = known.get(sources);
  if (told !== undefined) return told;
  let found = false;
  for (const { parsed } of sources) {
    walk(
      parsed.statements.map(({ tree }) => tree),
      (type, fields) => {
        if (type === 'RoleSpec' && apiRoles.has(fields.rolename ?? '')) found = true;
        if (type === 'RangeVar' && ['auth', 'storage'].includes(fields.schemaname ?? '')) found = true;
        if (type === 'FuncCall' && JSON.stringify(fields.funcname).includes('"auth"')) found = true;
        return !found;
      },
    );
    if (found) break;
  }
  known.set(sources, found);
  return found;
}
