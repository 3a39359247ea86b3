import type { DevDatabase, DevKeys, DevPart } from '../service.ts';
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
        if (!route.open && request.headers.authorization === undefined) {
          throw refused.accessDenied('Invalid Compact JWS');
        }
        return await route.answer({
          ...parts,
          request,
          identity: request.identity,
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
}
