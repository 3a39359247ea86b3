import type { Session } from '../../database/database.ts';
import { refused } from './errors.ts';
import { isoTime } from './rows.ts';

/** An object or a folder; a folder has only a name. */
export interface Entry {
  id: string | null;
  name: string;
  /** The last part of the name; only where folders are told apart. */
  key?: string;
  metadata: unknown;
  updated_at: string | null;
  created_at: string | null;
  last_accessed_at: string | null;
}

const times = ['updated_at', 'created_at', 'last_accessed_at'].map(isoTime).join(', ');

export interface FolderList {
  /** The folder, without a `/` at its end or with one; empty for the top. */
  prefix: string;
  search: string;
  limit: number;
  offset: number;
  column: 'name' | 'updated_at' | 'created_at' | 'last_accessed_at';
  order: 'asc' | 'desc';
}

/** The objects and folders in one folder, as `storage.search` finds them. */
export async function listFolder(session: Session, bucket: string, list: FolderList): Promise<Entry[]> {
  const prefix = list.prefix === '' || list.prefix.endsWith('/') ? list.prefix : `${list.prefix}/`;
  const level = (prefix + list.search).split('/').length;
  const { rows } = await session.query<Entry>(
    `SELECT name, id, ${times}, metadata FROM storage.search($1, $2, $3, $4, $5, $6, $7, $8)`,
    [prefix, bucket, list.limit, level, list.offset, list.search, list.column, list.order],
  );
  return rows;
}

const sortColumns = ['name', 'updated_at', 'created_at'] as const;
type SortColumn = (typeof sortColumns)[number];

/** Where a page ended. */
interface Cursor {
  column: SortColumn;
  order: 'asc' | 'desc';
  name: string;
  /** The time of the last entry, where entries are sorted by time. */
  time: string | null;
}

export interface Page {
  prefix: string;
  /** Whether what lies deeper is shown as folders. */
  folders: boolean;
  limit: number;
  cursor: string | undefined;
  column: SortColumn | undefined;
  order: 'asc' | 'desc' | undefined;
}

/** One page of a bucket's objects whose names start with a prefix. */
export interface ListedPage {
  hasNext: boolean;
  nextCursor?: string;
  nextCursorKey?: string;
  folders: Entry[];
  objects: Entry[];
}

/** @throws StorageError for a cursor that this did not make */
export async function listPage(session: Session, bucket: string, page: Page): Promise<ListedPage> {
  const after = page.cursor === undefined ? undefined : readCursor(page.cursor);
  const { column, order } = after ?? { column: page.column ?? 'name', order: page.order ?? 'asc' };
  const sortKey = column === 'name' ? `''` : `coalesce(date_trunc('milliseconds', ${column}), 'epoch')::text`;
  const { rows } = await session.query<Entry & { sort_key: string }>(
    `WITH found AS (
       SELECT o.*, strpos(substr(o.name, length($2) + 1), '/') AS slash
       FROM storage.objects o WHERE o.bucket_id = $1 AND starts_with(o.name, $2)
     ), entries AS (
       SELECT id, name, metadata, updated_at, created_at, last_accessed_at FROM found WHERE slash = 0 OR NOT $3
       UNION ALL
       SELECT DISTINCT NULL::uuid, left(name, length($2) + slash), NULL::jsonb, NULL::timestamptz, NULL::timestamptz,
         NULL::timestamptz FROM found WHERE slash > 0 AND $3
     ), sorted AS (SELECT *, ${sortKey} AS sort_key FROM entries)
     SELECT id, name, metadata, ${times}, sort_key FROM sorted
     WHERE $4::text IS NULL
       OR (sort_key COLLATE "C", name COLLATE "C") ${order === 'asc' ? '>' : '<'} ($5 COLLATE "C", $4 COLLATE "C")
     ORDER BY sort_key COLLATE "C" ${order}, name COLLATE "C" ${order} LIMIT $6`,
    [bucket, page.prefix, page.folders, after?.name, after?.time ?? '', page.limit + 1],
  );
  const listed = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? listed.at(-1) : undefined;
  const shown = listed.map((row) => toEntry(row, page.folders));
  return {
    hasNext: last !== undefined,
    ...(last === undefined
      ? {}
      : {
          nextCursor: writeCursor({ column, order, name: last.name, time: column === 'name' ? null : last.sort_key }),
          nextCursorKey: last.name,
        }),
    folders: shown.filter(({ id }) => id === null),
    objects: shown.filter(({ id }) => id !== null),
  };
}

function toEntry(row: Entry & { sort_key: string }, folders: boolean): Entry {
  const { sort_key: _, ...entry } = row;
  return folders ? { ...entry, key: lastPart(entry.name) } : entry;
}

function lastPart(name: string): string {
  const parts = name.split('/').filter((part) => part !== '');
  return parts.at(-1) ?? name;
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

function readCursor(text: string): Cursor {
  try {
    const { column, order, name, time } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor;
    const known = sortColumns.find((each) => each === column);
    if (known !== undefined && (order === 'asc' || order === 'desc') && typeof name === 'string') {
      return { column: known, order, name, time: typeof time === 'string' ? time : null };
    }
  } catch {
    // As for any other text that is not a cursor.
  }
  throw refused.invalidCursor();
}
