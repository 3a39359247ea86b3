import { InvalidToken } from '../errors.ts';
import type { DevDatabase, DevKeys, DevPart, DevRequest, Identity } from '../service.ts';
import { service, type StorageParts } from './call.ts';
import { refused, toStorageError } from './errors.ts';
import { createFileStore } from './files.ts';
import { findRoute } from './routes.ts';
import { knownVersions } from './rows.ts';

export interface StorageOptions {
  database: DevDatabase;
  keys: DevKeys;
  /** Where the files of this database's objects are; no other database may use it. */
  directory: string;
  limits?: {
    /** How large a file may be, in bytes; as on a new Supabase project, 50 MiB. */
    fileSize?: number | undefined;
  };
}

/**
 * Storage as Supabase's storage-api: buckets and objects with the policies of `storage.objects` and `storage.buckets`,
 * their rows in the database and their files in a directory. Files that no row names, which a crash may leave, are
 * removed at the start.
 * https://supabase.github.io/storage/
 */
export function createStorage({ database, keys, directory, limits = {} }: StorageOptions): DevPart {
  const files = createFileStore(directory);
  const swept = files
    .sweep((versions) => database.actAs(service, (session) => knownVersions(session, versions), { readOnly: true }))
    // Files too many are no reason to serve none.
    .catch(() => undefined);
  const parts: StorageParts = { database, keys, files, fileSizeLimit: limits.fileSize ?? 50 * 1024 * 1024, swept };
  return {
    async handle(request) {
      try {
        const { route, bucket, name } = findRoute(request.method, request.path);
        const problem = await tokenProblem(request);
        if (problem !== undefined && !route.open) throw refused.accessDenied(problem);
        return await route.answer({
          ...parts,
          request,
          // Behind an open URL, a token that is not valid counts as none.
          identity: problem === undefined ? request.identity : anonymous,
          authenticated: problem === undefined,
          bucket,
          name,
          operation: route.operation,
        });
      } catch (error) {
        throw toStorageError(error);
      }
    },
    close: () => swept,
  };

  /** Why a request counts as an anonymous visitor's; undefined for a key or a token that is valid. */
  async function tokenProblem({ headers, token }: DevRequest): Promise<string | undefined> {
    // As behind Supabase's gateway, an `apikey` alone says nothing here.
    if (!/^Bearer\s+\S/i.test(headers.authorization ?? '')) return 'Invalid Compact JWS';
    if (token === undefined) return undefined;
    try {
      await keys.verify(token);
      return undefined;
    } catch (error) {
      if (error instanceof InvalidToken)
        return error.reason === 'expired' ? '"exp" claim timestamp check failed' : error.message;
      throw error;
    }
  }
}

const anonymous: Identity = { role: 'anon', claims: {} };
