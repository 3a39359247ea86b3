import { forms } from '../../migrations/forms.ts';
import type { MigrationOrder } from '../../shared/muse-file.ts';
import { fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Piece } from '../../sql/piece.ts';

const apiRoles = ['anon', 'authenticated', 'service_role'] as const;

/** What of Supabase is there where the files run: all that a suggestion or a repair may name. */
export interface Provided {
  /** Of the roles of the Data API, those that are there. */
  roles: ReadonlySet<string>;
  /** `auth.uid()`, `auth.jwt()`. */
  auth: boolean;
}

/** Where the files run on Supabase: everything. */
export const supabase: Provided = { roles: new Set(apiRoles), auth: true };
const plain: Provided = { roles: new Set(), auth: false };

const known = new WeakMap<readonly Piece[], Provided>();

/**
 * What is there of Supabase. A kit with its own migrator (Drizzle, Prisma, goose) may run on a plain server, unless its files use what
 * Supabase has; one that creates such roles itself has those roles and no others.
 * @param pieces all statements of the files
 * @param order how the files are named and ordered; absent where that is not known: as on Supabase
 */
export function providedFor(pieces: readonly Piece[], order: MigrationOrder | undefined): Provided {
  if (order === undefined || forms[order].anyServer !== true) return supabase;
  const told = known.get(pieces) ?? usedBy(pieces);
  known.set(pieces, told);
  return told;
}

function usedBy(pieces: readonly Piece[]): Provided {
  const [created, named] = [new Set<string>(), new Set<string>()];
  let [auth, isUsed] = [false, false];
  for (const { type, node } of pieces) {
    const tree = { [type]: node };
    const role = fieldsOf(tree, 'CreateRoleStmt')?.role;
    if (role !== undefined) created.add(role);
    walk([tree], (inner, fields) => {
      if (inner === 'RoleSpec' && fields.rolename !== undefined) named.add(fields.rolename);
      if (inner === 'RangeVar' && ['auth', 'storage'].includes(fields.schemaname ?? '')) isUsed = true;
      if (inner === 'FuncCall' && stringsOf(fields.funcname)[0] === 'auth') auth = true;
    });
  }
  const own = apiRoles.filter((each) => created.has(each));
  if (own.length > 0) return { roles: new Set(own), auth };
  return auth || isUsed || apiRoles.some((each) => named.has(each)) ? supabase : plain;
}
