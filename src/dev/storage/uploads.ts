import type { DevAnswer } from '../service.ts';
import { asCaller, asService, type Call, json, ownerOf, service } from './call.ts';
import { refused } from './errors.ts';
import type { StoredFile } from './files.ts';
import { type FileDetails, headerMetadata, incomingFile } from './incoming.ts';
import { checkMimeType, checkObjectName, isFolderPlaceholder } from './names.ts';
import { findBucket, type NewObject, type ObjectMetadata, type StoredObject, tryWriting, writeObject } from './rows.ts';
import { signUpload, verifyUpload } from './signing.ts';

/** What the rights to write are asked with: the row has its version only when its file is there. */
const unknownVersion = '1';

/** `POST /object/<bucket>/<name>`: a new object, or with `x-upsert` also another content for one that is there. */
export async function create(call: Call): Promise<DevAnswer> {
  const row = await receive(call, call.request.headers['x-upsert'] === 'true', ownerOf(call));
  return json({ Id: row.id, Key: `${call.bucket}/${call.name}` });
}

/** `PUT /object/<bucket>/<name>`: another content. */
export async function update(call: Call): Promise<DevAnswer> {
  const row = await receive(call, true, ownerOf(call));
  return json({ Id: row.id, Key: `${call.bucket}/${call.name}` });
}

/** `POST /object/upload/sign/<bucket>/<name>`: a URL by which anyone may upload this one object. */
export async function sign(call: Call): Promise<DevAnswer> {
  const { headers } = call.request;
  checkObjectName(call.name);
  const upsert = headers['x-upsert'] === 'true';
  const owner = ownerOf(call);
  const object: NewObject = {
    bucket: call.bucket,
    name: call.name,
    owner,
    version: unknownVersion,
    metadata: declared(headers['content-type'], headers['content-length']),
    userMetadata: headerMetadata(headers),
  };
  await asCaller(call, (session) => tryWriting(session, object, upsert), { rollback: true });
  return json(await signUpload(call.keys, { bucket: call.bucket, name: call.name, owner, upsert }));
}

/** `PUT /object/upload/sign/<bucket>/<name>?token=…`: the upload by that URL, with the rights of who signed it. */
export async function createSigned(call: Call): Promise<DevAnswer> {
  const { owner, upsert } = await verifyUpload(call);
  await receive({ ...call, identity: service }, upsert, owner);
  return json({ Key: `${call.bucket}/${call.name}` });
}

/** Takes an upload: checks the rights, stores the file, then writes the row, and last removes the file it replaced. */
async function receive(call: Call, upsert: boolean, owner: string | undefined): Promise<StoredObject> {
  const { request, database, files, bucket, name } = call;
  await call.swept;
  checkObjectName(name);
  const settings = await asService(call, (session) => findBucket(session, bucket));
  if (settings === undefined) throw refused.noSuchBucket();
  const incoming = await incomingFile(request.headers, request.body);
  let stored: StoredFile;
  try {
    const first = incoming.details();
    const length = request.headers['content-length'];
    const limit = isFolderPlaceholder(name)
      ? 0
      : Math.min(settings.file_size_limit ?? call.fileSizeLimit, call.fileSizeLimit);
    if (!isFolderPlaceholder(name)) checkMimeType(first.mimeType, settings.allowed_mime_types);
    if (incoming.content === request.body && Number(length ?? 0) > limit) throw refused.tooLarge();
    const object = toObject(call, owner, first, declared(first.mimeType, length));
    await asCaller(call, (session) => tryWriting(session, object, upsert), { rollback: true });
    stored = await files.receive(incoming.content, limit);
  } catch (error) {
    incoming.discard();
    throw error;
  }
  try {
    await incoming.finish();
    const details = incoming.details();
    const object = toObject(call, owner, details, metadataOf(stored, details), stored.version);
    const { row, replaced } = await database.asServer((session) => writeObject(session, object, upsert));
    await files.remove([replaced]);
    return row;
  } catch (error) {
    await files.remove([stored.version]);
    throw error;
  }
}

function toObject(
  { bucket, name }: Call,
  owner: string | undefined,
  { userMetadata }: FileDetails,
  metadata: ObjectMetadata,
  version = unknownVersion,
): NewObject {
  return { bucket, name, owner, version, metadata, userMetadata: userMetadata ?? {} };
}

/** What is known of a file before it is here; policies may ask for it. */
function declared(mimetype: string | undefined, length: string | undefined): ObjectMetadata {
  return {
    ...(mimetype === undefined ? {} : { mimetype }),
    ...(length === undefined ? {} : { contentLength: Number(length) }),
  };
}

function metadataOf({ size, eTag }: StoredFile, { mimeType, cacheControl }: FileDetails): ObjectMetadata {
  const lastModified = new Date().toISOString();
  return { eTag, size, mimetype: mimeType, cacheControl, lastModified, contentLength: size, httpStatusCode: 200 };
}
