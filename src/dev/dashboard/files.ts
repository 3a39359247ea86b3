import type { DevAnswer, DevDatabase } from '../service.ts';
import type { FileStore } from '../storage/files.ts';
import { type Entry, listPage } from '../storage/listing.ts';
import { findObject, type ObjectMetadata } from '../storage/rows.ts';
import { identityOf, service } from './identities.ts';

/** A bucket as the page shows it. */
interface Bucket {
  id: string;
  public: boolean;
  file_size_limit: number | null;
  allowed_mime_types: string[] | null;
}

/** All buckets, as the server sees them. */
export async function readBuckets(database: DevDatabase): Promise<Bucket[]> {
  const sql = `SELECT id, public, file_size_limit::float8 AS file_size_limit, allowed_mime_types
    FROM storage.buckets ORDER BY id COLLATE "C"`;
  const { rows } = await database.actAs(service, (session) => session.query<Bucket>(sql), { readOnly: true });
  return rows;
}

/** One page of a folder. */
interface Folder {
  folders: string[];
  objects: { name: string; size: number | null; type: string | null; updated: string | null }[];
  /** For the next page; undefined on the last. */
  next?: string | undefined;
}

const pageSize = 100;

/**
 * What someone may see in a folder of a bucket.
 * @param query `bucket`, `prefix` that is empty or ends with `/`, `as`, and `cursor` of the page before
 * @throws DatabaseError what PostgreSQL says
 */
export async function readFolder(database: DevDatabase, query: URLSearchParams): Promise<Folder> {
  const identity = await identityOf(database, query.get('as') ?? 'service');
  const page = {
    prefix: query.get('prefix') ?? '',
    folders: true,
    limit: pageSize,
    cursor: query.get('cursor') ?? undefined,
    column: undefined,
    order: undefined,
  };
  const bucket = query.get('bucket') ?? '';
  const listed = await database.actAs(identity, (session) => listPage(session, bucket, page), { readOnly: true });
  return {
    folders: listed.folders.map(({ name }) => name),
    objects: listed.objects.map(shown),
    next: listed.nextCursor,
  };
}

/** Metadata is JSON that anyone with SQL may have written. */
function shown({ name, metadata, updated_at: updated }: Entry): Folder['objects'][number] {
  const { size, mimetype } = (metadata ?? {}) as ObjectMetadata;
  return {
    name,
    size: typeof size === 'number' ? size : null,
    type: typeof mimetype === 'string' ? mimetype : null,
    updated,
  };
}

/**
 * The content of an object that someone may see, as plain bytes: what it is shown as is up to the page.
 * @param query `bucket`, `name`, `as`
 * @returns undefined if they may not see the object, or it has no file
 * @throws DatabaseError what PostgreSQL says
 */
export async function readObject(
  database: DevDatabase,
  files: FileStore,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<DevAnswer | undefined> {
  const identity = await identityOf(database, query.get('as') ?? 'service');
  const [bucket, name] = [query.get('bucket') ?? '', query.get('name') ?? ''];
  const object = await database.actAs(identity, (session) => findObject(session, bucket, name), { readOnly: true });
  const file = await files.open(object?.version ?? null);
  if (file === undefined) return undefined;
  const stream = file.createReadStream();
  const stop = (): void => void stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', stop));
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: stream };
}
