import type { FileHandle } from 'node:fs/promises';
import type { DevAnswer, DevRequest } from '../service.ts';
import { asCaller, asService, type Call, json } from './call.ts';
import { refused } from './errors.ts';
import { checkObjectName } from './names.ts';
import { findBucket, findObject, type StoredObject } from './rows.ts';
import { verifyDownload } from './signing.ts';

/** `GET` and `HEAD /object/<bucket>/<name>`: anyone in a public bucket, who may select the row in another. */
export async function readable(call: Call): Promise<DevAnswer> {
  return send(call, await findReadable(call));
}

/** `GET` and `HEAD /object/public/<bucket>/<name>`. */
export async function publicObject(call: Call): Promise<DevAnswer> {
  return send(call, await findPublic(call));
}

/** `GET /object/sign/<bucket>/<name>?token=…`. */
export async function signed(call: Call): Promise<DevAnswer> {
  const expires = await verifyDownload(call);
  return send(call, await findAsServer(call), { expires: expires.toUTCString() });
}

/** `GET /object/info/<bucket>/<name>`: what is known of an object. */
export async function info(call: Call): Promise<DevAnswer> {
  return describe(await findReadable(call));
}

export async function publicInfo(call: Call): Promise<DevAnswer> {
  return describe(await findPublic(call));
}

async function findReadable(call: Call): Promise<StoredObject> {
  checkObjectName(call.name);
  const bucket = await asService(call, (session) => findBucket(session, call.bucket));
  if (bucket?.public === true) return findAsServer(call);
  if (bucket === undefined || !call.authenticated) throw refused.noSuchBucket();
  const object = await asCaller(call, (session) => findObject(session, call.bucket, call.name), { readOnly: true });
  if (object === undefined) throw refused.noSuchKey();
  return object;
}

async function findPublic(call: Call): Promise<StoredObject> {
  const bucket = await asService(call, (session) => findBucket(session, call.bucket));
  if (bucket?.public !== true) throw refused.noSuchBucket();
  return findAsServer(call);
}

async function findAsServer(call: Call): Promise<StoredObject> {
  checkObjectName(call.name);
  const object = await asService(call, (session) => findObject(session, call.bucket, call.name));
  if (object === undefined) throw refused.noSuchKey();
  return object;
}

function describe(object: StoredObject): DevAnswer {
  const { size, mimetype, cacheControl, eTag } = object.metadata ?? {};
  return json({
    id: object.id,
    name: object.name,
    version: object.version,
    bucket_id: object.bucket_id,
    size: size ?? null,
    content_type: mimetype ?? null,
    cache_control: cacheControl ?? null,
    etag: eTag ?? null,
    metadata: object.user_metadata,
    last_modified: object.updated_at,
    created_at: object.created_at,
  });
}

/** The file with its headers, or only the headers. */
async function send(
  { request, files }: Call,
  object: StoredObject,
  extra: Record<string, string> = {},
): Promise<DevAnswer> {
  const headers = { ...headersOf(object, request), ...extra };
  if (isUnchanged(object, request)) return { status: 304, headers };
  const file = await files.open(object.version);
  if (file === undefined) throw refused.noFile();
  let streaming = false;
  try {
    const { size } = await file.stat();
    const range = request.method === 'HEAD' ? undefined : rangeOf(request.headers.range, size);
    const length = range === undefined ? size : range.end - range.start + 1;
    const answer = { ...headers, 'content-length': String(length) };
    if (request.method === 'HEAD' || length === 0) return { status: 200, headers: answer };
    streaming = true;
    if (range === undefined) return { status: 200, headers: answer, body: content(file, request, {}) };
    return {
      status: 206,
      headers: { ...answer, 'content-range': `bytes ${range.start}-${range.end}/${size}` },
      body: content(file, request, range),
    };
  } finally {
    if (!streaming) await file.close();
  }
}

/** The stream of a file; the file is closed at its end, and when the client is gone. */
function content(file: FileHandle, request: DevRequest, range: { start?: number; end?: number }) {
  const stream = file.createReadStream(range);
  const stop = (): void => void stream.destroy();
  request.signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => {
    request.signal.removeEventListener('abort', stop);
  });
  return stream;
}

function headersOf({ metadata, updated_at: updated }: StoredObject, request: DevRequest): Record<string, string> {
  const { mimetype = 'application/octet-stream', eTag, cacheControl = 'no-cache', lastModified } = metadata ?? {};
  const download = request.query.get('download');
  return {
    // A page of an uploader must not run with the origin of the API.
    'content-type': mimetype.includes('text/html') ? 'text/plain' : headerText(mimetype),
    'cache-control': headerText(cacheControl),
    'last-modified': new Date(lastModified ?? updated).toUTCString(),
    'accept-ranges': 'bytes',
    'x-robots-tag': 'none',
    'x-content-type-options': 'nosniff',
    ...(eTag === undefined ? {} : { etag: headerText(eTag) }),
    ...(download === null ? {} : { 'content-disposition': disposition(download) }),
  };
}

/** Metadata may have been written by anyone; a header takes no line break. */
function headerText(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

function disposition(fileName: string): string {
  if (fileName === '') return 'attachment;';
  const encoded = encodeURIComponent(fileName);
  return `attachment; filename=${encoded}; filename*=UTF-8''${encoded}`;
}

/** Whether the client has this version; an ETag counts more than a time. RFC 9110, section 13.2.2. */
function isUnchanged({ metadata, updated_at: updated }: StoredObject, { headers }: DevRequest): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined) {
    const tags = known.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes('*') || (metadata?.eTag !== undefined && tags.includes(metadata.eTag));
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  const changed = new Date(metadata?.lastModified ?? updated).getTime();
  // A header has whole seconds.
  return Math.floor(changed / 1000) * 1000 <= since;
}

/**
 * The bytes that a `Range` header asks for, both ends included; undefined for all.
 * @throws StorageError `InvalidRange`, also for several ranges, as the real one does
 */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return undefined;
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === undefined || to === undefined || from + to === '') throw refused.invalidRange();
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end || (from === '' && Number(to) === 0)) throw refused.invalidRange();
  return { start, end };
}
