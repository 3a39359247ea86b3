import type { Session } from '../../database/database.ts';
import type { ActOptions, DevAnswer, DevDatabase, DevKeys, DevRequest, Identity } from '../service.ts';
import type { FileStore } from './files.ts';

/** What Storage works with. */
export interface StorageParts {
  database: DevDatabase;
  keys: DevKeys;
  files: FileStore;
  /** How large a file may be, in bytes, whatever its bucket allows. */
  fileSizeLimit: number;
  /** Resolves when what a crash left over is removed: only then may new files come. */
  swept: Promise<void>;
}

/** One request, and what its route found in its path. */
export interface Call extends StorageParts {
  request: DevRequest;
  /** Whose rights decide. */
  identity: Identity;
  /** Whether the caller has a key or a valid token. */
  authenticated: boolean;
  /** The bucket in the path, decoded; empty where the route has none. */
  bucket: string;
  /** The object in the path, decoded; empty where the route has none. */
  name: string;
  /** What `storage.operation()` returns in policies, e.g. `storage.object.upload`. */
  operation: string;
}

/** The id of the user who calls. */
export function ownerOf({ identity }: Call): string | undefined {
  const subject = identity.claims['sub'];
  return typeof subject === 'string' && subject !== '' ? subject : undefined;
}

/** Runs `work` in one transaction with the rights of the caller. */
export function asCaller<T>(
  { database, request, identity, operation }: Call,
  work: (session: Session) => Promise<T>,
  options: ActOptions = {},
): Promise<T> {
  return database.actAs(
    identity,
    async (session) => {
      await session.query(
        `SELECT set_config('storage.operation', $1, true), set_config('storage.allow_delete_query', 'true', true)`,
        [operation],
      );
      return work(session);
    },
    { signal: request.signal, ...options },
  );
}

/** Who may read and write everything. */
export const service: Identity = { role: 'service_role', claims: {} };

/** Reads in one transaction what the caller need not be allowed to see. */
export function asService<T>({ database, request }: Call, work: (session: Session) => Promise<T>): Promise<T> {
  return database.actAs(service, work, { readOnly: true, signal: request.signal });
}

/** An answer of JSON. */
export function json(value: unknown): DevAnswer {
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}
