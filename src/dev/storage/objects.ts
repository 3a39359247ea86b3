import type { DevAnswer } from '../service.ts';
import { asCaller, asService, type Call, json, ownerOf } from './call.ts';
import { refused } from './errors.ts';
import { readFields } from './fields.ts';
import { headerMetadata } from './incoming.ts';
import { listFolder, listPage } from './listing.ts';
import { checkObjectName } from './names.ts';
import * as rows from './rows.ts';
import { signDownload } from './signing.ts';

/** How many names one request may carry. */
const mostNames = 1000;

/** `POST /object/list/<bucket>`. */
export async function list(call: Call): Promise<DevAnswer> {
  const fields = await readFields(call.request.body);
  const sort = fields.within('sortBy');
  const options = {
    prefix: fields.required('prefix', 'string'),
    search: fields.optional('search', 'string') ?? '',
    limit: fields.count('limit', 1) ?? 100,
    offset: fields.count('offset', 0) ?? 0,
    column: sort?.choice('column', ['name', 'updated_at', 'created_at', 'last_accessed_at']) ?? 'name',
    order: sort?.choice('order', ['asc', 'desc']) ?? 'asc',
  } as const;
  return json(await asCaller(call, (session) => listFolder(session, call.bucket, options), { readOnly: true }));
}

/** `POST /object/list-v2/<bucket>`: in pages. */
export async function listV2(call: Call): Promise<DevAnswer> {
  const fields = await readFields(call.request.body);
  const sort = fields.within('sortBy');
  const page = {
    prefix: fields.optional('prefix', 'string') ?? '',
    folders: fields.optional('with_delimiter', 'boolean') ?? false,
    limit: Math.min(fields.count('limit', 1) ?? 1000, 1000),
    cursor: fields.optional('cursor', 'string'),
    column: sort?.choice('column', ['name', 'updated_at', 'created_at']),
    order: sort?.choice('order', ['asc', 'desc']),
  } as const;
  return json(await asCaller(call, (session) => listPage(session, call.bucket, page), { readOnly: true }));
}

/** `POST /object/move`: the file stays where it is, its row gets another name. */
export async function move(call: Call): Promise<DevAnswer> {
  const { from, to } = await readPlaces(call);
  const moved = await asCaller(call, async (session) => {
    if ((await rows.findObject(session, from.bucket, from.name)) === undefined) throw refused.noSuchKey();
    return rows.renameObject(session, from, to, ownerOf(call));
  });
  if (moved === undefined) throw refused.noSuchKey();
  return json({ message: 'Successfully moved', Id: moved.id, Key: moved.name });
}

/** `POST /object/copy`. */
export async function copy(call: Call): Promise<DevAnswer> {
  const { database, files, request } = call;
  await call.swept;
  const { from, to, fields } = await readPlaces(call);
  const upsert = request.headers['x-upsert'] === 'true';
  const source = await asCaller(call, (session) => rows.findObject(session, from.bucket, from.name), {
    readOnly: true,
  });
  if (source === undefined) throw refused.noSuchKey();
  const copyMetadata = fields.optional('copyMetadata', 'boolean') ?? true;
  const changes = copyMetadata ? undefined : fields.within('metadata');
  const cacheControl = changes?.optional('cacheControl', 'string');
  const mimetype = changes?.optional('mimetype', 'string');
  const object: rows.NewObject = {
    bucket: to.bucket,
    name: to.name,
    owner: ownerOf(call),
    version: '1',
    metadata: {
      ...source.metadata,
      ...(cacheControl === undefined ? {} : { cacheControl }),
      ...(mimetype === undefined ? {} : { mimetype }),
      lastModified: new Date().toISOString(),
    },
    userMetadata: copyMetadata ? (source.user_metadata ?? undefined) : headerMetadata(request.headers),
  };
  await asCaller(call, (session) => rows.tryWriting(session, object, upsert), { rollback: true });
  const version = await files.copy(source.version);
  if (version === undefined) throw refused.noFile();
  try {
    const { row, replaced } = await database.asServer((session) =>
      rows.writeObject(session, { ...object, version }, upsert),
    );
    await files.remove([replaced]);
    return json({ Id: row.id, Key: `${to.bucket}/${to.name}`, ...row });
  } catch (error) {
    await files.remove([version]);
    throw error;
  }
}

async function readPlaces(call: Call) {
  const fields = await readFields(call.request.body);
  const bucket = fields.required('bucketId', 'string');
  const from: rows.ObjectPlace = { bucket, name: fields.required('sourceKey', 'string') };
  const to: rows.ObjectPlace = {
    bucket: fields.optional('destinationBucket', 'string') ?? bucket,
    name: fields.required('destinationKey', 'string'),
  };
  checkObjectName(to.name);
  return { from, to, fields };
}

/** `DELETE /object/<bucket>/<name>`. */
export async function removeOne(call: Call): Promise<DevAnswer> {
  const found = await asService(call, (session) => rows.findObject(session, call.bucket, call.name));
  if (found === undefined) throw refused.noSuchKey();
  const deleted = await asCaller(call, (session) => rows.deleteObjects(session, call.bucket, [call.name]));
  if (deleted.length === 0) throw refused.accessDenied('Access denied');
  await call.files.remove(deleted.map(({ version }) => version));
  return json({ message: 'Successfully deleted' });
}

/** `DELETE /object/<bucket>` with names: deletes those that the caller may delete, and answers with them. */
export async function removeMany(call: Call): Promise<DevAnswer> {
  const names = checkNames((await readFields(call.request.body)).required('prefixes', 'strings'), 'prefixes');
  const deleted = await asCaller(call, (session) => rows.deleteObjects(session, call.bucket, names));
  await call.files.remove(deleted.map(({ version }) => version));
  return json(deleted);
}

/** `POST /object/sign/<bucket>/<name>`: a URL by which anyone may download one object. */
export async function signOne(call: Call): Promise<DevAnswer> {
  const fields = await readFields(call.request.body);
  const expiresIn = readExpiry(fields.count('expiresIn', 1));
  const transform = fields.optional('transform', 'object');
  checkObjectName(call.name);
  const object = await asCaller(call, (session) => rows.findObject(session, call.bucket, call.name), {
    readOnly: true,
  });
  if (object === undefined) throw refused.noSuchKey();
  const kind = transform === undefined || Object.keys(transform).length === 0 ? 'object' : 'render/image';
  return json({ signedURL: await signDownload(call.keys, { ...call, kind, expiresIn }) });
}

/** `POST /object/sign/<bucket>` with names: a URL for each. */
export async function signMany(call: Call): Promise<DevAnswer> {
  const fields = await readFields(call.request.body);
  const expiresIn = readExpiry(fields.count('expiresIn', 1));
  const names = checkNames(fields.required('paths', 'strings'), 'paths');
  const found = await asCaller(call, (session) => rows.findObjects(session, call.bucket, names), { readOnly: true });
  const known = new Set(found.map(({ name }) => name));
  const answer = names.map(async (path) => {
    if (!known.has(path)) {
      const error = 'Either the object does not exist or you do not have access to it';
      return { error, path, signedURL: null };
    }
    const object = { bucket: call.bucket, name: path, kind: 'object', expiresIn } as const;
    return { error: null, path, signedURL: await signDownload(call.keys, object) };
  });
  return json(await Promise.all(answer));
}

function readExpiry(seconds: number | undefined): number {
  if (seconds === undefined) throw refused.invalidBody("body must have required property 'expiresIn'");
  return seconds;
}

function checkNames(names: readonly string[], field: string): readonly string[] {
  if (names.length === 0) throw refused.invalidBody(`body/${field} must NOT have fewer than 1 items`);
  if (names.length > mostNames) throw refused.invalidBody(`body/${field} must NOT have more than ${mostNames} items`);
  return names;
}
