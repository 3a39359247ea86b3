import type { Session } from '../../database/database.ts';

/** A time as the real one's JSON has it, e.g. `2021-02-17T04:43:32.770Z`. */
export const isoTime = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`;

const times = (...columns: string[]): string => columns.map(isoTime).join(', ');

export interface Bucket {
  id: string;
  name: string;
  owner: string | null;
  public: boolean;
  type: string;
  file_size_limit: number | null;
  allowed_mime_types: string[] | null;
  created_at: string;
  updated_at: string;
}

/** What the server keeps about an object's file. */
export interface ObjectMetadata {
  eTag?: string;
  size?: number;
  mimetype?: string;
  cacheControl?: string;
  lastModified?: string;
  contentLength?: number;
  httpStatusCode?: number;
}

export interface StoredObject {
  id: string;
  bucket_id: string;
  name: string;
  owner: string | null;
  owner_id: string | null;
  /** The name of the file. */
  version: string | null;
  metadata: ObjectMetadata | null;
  user_metadata: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
  last_accessed_at: string;
}

const bucketColumns = `id, name, owner, public, type, file_size_limit::float8 AS file_size_limit, allowed_mime_types,
  ${times('created_at', 'updated_at')}`;

const objectColumns = `id, bucket_id, name, owner, owner_id, version, metadata, user_metadata,
  ${times('created_at', 'updated_at', 'last_accessed_at')}`;

export async function findBucket(session: Session, id: string): Promise<Bucket | undefined> {
  const { rows } = await session.query<Bucket>(`SELECT ${bucketColumns} FROM storage.buckets WHERE id = $1`, [id]);
  return rows[0];
}

export interface BucketList {
  search?: string | undefined;
  sortColumn?: 'id' | 'name' | 'created_at' | 'updated_at' | undefined;
  sortOrder?: 'asc' | 'desc' | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
}

export async function listBuckets(session: Session, list: BucketList): Promise<Bucket[]> {
  const { search = '', sortColumn = 'name', sortOrder = 'asc', limit, offset } = list;
  const { rows } = await session.query<Bucket>(
    `SELECT ${bucketColumns} FROM storage.buckets b WHERE strpos(lower(name), lower($1)) > 0
     ORDER BY b.${sortColumn} ${sortOrder} LIMIT $2 OFFSET $3`,
    [search, limit, offset],
  );
  return rows;
}

export interface BucketSettings {
  public?: boolean | undefined;
  file_size_limit?: number | null | undefined;
  allowed_mime_types?: readonly string[] | null | undefined;
}

export async function createBucket(
  session: Session,
  { id, name, owner, settings }: { id: string; name: string; owner: string | undefined; settings: BucketSettings },
): Promise<void> {
  await session.query(
    `INSERT INTO storage.buckets (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      id,
      name,
      asUuid(owner),
      owner,
      settings.public ?? false,
      settings.file_size_limit,
      settings.allowed_mime_types ?? null,
    ],
  );
}

/** Changes what is given and keeps the rest. Returns whether there is such a bucket that the role may change. */
export async function updateBucket(session: Session, id: string, settings: BucketSettings): Promise<boolean> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const changes = given.map(([column], index) => `${column} = $${index + 2}`);
  const { affected } = await session.query(
    `UPDATE storage.buckets SET ${[...changes, 'updated_at = now()'].join(', ')} WHERE id = $1`,
    [id, ...given.map(([, value]) => value)],
  );
  return affected > 0;
}

/** Returns whether there was such a bucket that the role may delete. */
export async function deleteBucket(session: Session, id: string): Promise<boolean> {
  const { affected } = await session.query('DELETE FROM storage.buckets WHERE id = $1', [id]);
  return affected > 0;
}

export async function findObject(session: Session, bucket: string, name: string): Promise<StoredObject | undefined> {
  return (await findObjects(session, bucket, [name]))[0];
}

export async function findObjects(session: Session, bucket: string, names: readonly string[]): Promise<StoredObject[]> {
  const { rows } = await session.query<StoredObject>(
    `SELECT ${objectColumns} FROM storage.objects WHERE bucket_id = $1 AND name = ANY ($2)`,
    [bucket, names],
  );
  return rows;
}

export interface NewObject {
  bucket: string;
  name: string;
  /** The user's id, from the token. */
  owner: string | undefined;
  version: string;
  metadata: ObjectMetadata;
  userMetadata: Record<string, unknown> | undefined;
}

const insertObject = `INSERT INTO storage.objects (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const objectValues = (object: NewObject): readonly unknown[] => [
  object.bucket,
  object.name,
  asUuid(object.owner),
  object.owner,
  object.version,
  object.metadata,
  object.userMetadata ?? null,
];

const replaceObject = `ON CONFLICT (bucket_id, name) DO UPDATE SET version = EXCLUDED.version,
  metadata = EXCLUDED.metadata, user_metadata = EXCLUDED.user_metadata,
  owner = EXCLUDED.owner, owner_id = EXCLUDED.owner_id`;

/**
 * Tries to write an object's row, in a transaction that is rolled back: the rights that the real one asks for. A new
 * object needs INSERT; replacing one needs SELECT and UPDATE too, for what it returns.
 */
export async function tryWriting(session: Session, object: NewObject, upsert: boolean): Promise<void> {
  const sql = upsert ? `${insertObject} ${replaceObject} RETURNING *` : insertObject;
  await session.query(sql, objectValues(object));
}

/**
 * Writes an object's row.
 * @returns the row, and the version whose file it replaced
 */
export async function writeObject(
  session: Session,
  object: NewObject,
  upsert: boolean,
): Promise<{ row: StoredObject; replaced: string | null }> {
  const before = await session.query<{ version: string | null }>(
    'SELECT version FROM storage.objects WHERE bucket_id = $1 AND name = $2 FOR UPDATE',
    [object.bucket, object.name],
  );
  const { rows } = await session.query<StoredObject>(
    `${insertObject} ${upsert ? replaceObject : ''} RETURNING ${objectColumns}`,
    objectValues(object),
  );
  return { row: rows[0]!, replaced: before.rows[0]?.version ?? null };
}

export interface ObjectPlace {
  bucket: string;
  name: string;
}

/** Gives an object another name, and keeps its file. Returns the row, if there is one that the role may change. */
export async function renameObject(
  session: Session,
  from: ObjectPlace,
  to: ObjectPlace,
  owner: string | undefined,
): Promise<StoredObject | undefined> {
  const { rows } = await session.query<StoredObject>(
    `UPDATE storage.objects SET bucket_id = $3, name = $4, owner = coalesce($5, owner), owner_id = coalesce($6, owner_id)
     WHERE bucket_id = $1 AND name = $2 RETURNING ${objectColumns}`,
    [from.bucket, from.name, to.bucket, to.name, asUuid(owner), owner],
  );
  return rows[0];
}

/** Deletes the named objects that the role may delete, or all of the bucket; returns their rows. */
export async function deleteObjects(
  session: Session,
  bucket: string,
  names: readonly string[] | 'all',
): Promise<StoredObject[]> {
  const { rows } = await session.query<StoredObject>(
    `DELETE FROM storage.objects WHERE bucket_id = $1 AND ($2::text[] IS NULL OR name = ANY ($2))
     RETURNING ${objectColumns}`,
    [bucket, names === 'all' ? null : names],
  );
  return rows;
}

/** Which of some versions a row names. */
export async function knownVersions(session: Session, versions: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await session.query<{ version: string }>(
    'SELECT version FROM storage.objects WHERE version = ANY ($1)',
    [versions],
  );
  return new Set(rows.map(({ version }) => version));
}

/** A token's subject may be any text; the column `owner`, which is older, holds only a UUID. */
function asUuid(owner: string | undefined): string | null {
  return owner !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(owner) ? owner : null;
}
