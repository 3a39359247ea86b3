import type { DevAnswer } from '../service.ts';
import { asCaller, asService, type Call, json, ownerOf } from './call.ts';
import { refused } from './errors.ts';
import { type Fields, queryFields, readFields } from './fields.ts';
import { checkAllowedTypes, checkBucketName, parseSize } from './names.ts';
import * as rows from './rows.ts';

export async function list(call: Call): Promise<DevAnswer> {
  const query = queryFields(call.request.query);
  const options: rows.BucketList = {
    search: call.request.query.get('search') ?? undefined,
    sortColumn: query.choice('sortColumn', ['id', 'name', 'created_at', 'updated_at']),
    sortOrder: query.choice('sortOrder', ['asc', 'desc']),
    limit: query.count('limit', 1),
    offset: query.count('offset', 0),
  };
  return json(await asCaller(call, (session) => rows.listBuckets(session, options), { readOnly: true }));
}

export async function get(call: Call): Promise<DevAnswer> {
  const bucket = await asCaller(call, (session) => rows.findBucket(session, call.bucket), { readOnly: true });
  if (bucket === undefined) throw refused.noSuchBucket();
  // A list has the type, a single bucket has not.
  const { type: _, ...shown } = bucket;
  return json(shown);
}

export async function create(call: Call): Promise<DevAnswer> {
  const fields = await readFields(call.request.body);
  const name = fields.required('name', 'string');
  const type = fields.choice('type', ['STANDARD', 'ANALYTICS']);
  if (type === 'ANALYTICS') throw refused.notSupported('Analytics buckets are');
  const id = fields.optional('id', 'string') ?? name;
  checkBucketName(name);
  checkBucketName(id);
  const settings = readSettings(fields, call.fileSizeLimit);
  await asCaller(call, (session) => rows.createBucket(session, { id, name, owner: ownerOf(call), settings }));
  return json({ name });
}

export async function update(call: Call): Promise<DevAnswer> {
  const settings = readSettings(await readFields(call.request.body), call.fileSizeLimit);
  if (Object.values(settings).every((value) => value === undefined)) throw refused.noContent();
  if (!(await asCaller(call, (session) => rows.updateBucket(session, call.bucket, settings)))) {
    throw refused.noSuchBucket();
  }
  return json({ message: 'Successfully updated' });
}

/** Deletes what the caller may delete; the real one does it later, in a queue. */
export async function empty(call: Call): Promise<DevAnswer> {
  const deleted = await asCaller(call, async (session) => {
    if ((await rows.findBucket(session, call.bucket)) === undefined) throw refused.noSuchBucket();
    return rows.deleteObjects(session, call.bucket, 'all');
  });
  await call.files.remove(deleted.map(({ version }) => version));
  return json({ message: 'Empty bucket has been queued. Completion may take up to an hour.' });
}

export async function remove(call: Call): Promise<DevAnswer> {
  await asService(call, async (session) => {
    const bucket = await session.query<{ used: boolean }>(
      `SELECT EXISTS (SELECT FROM storage.objects o WHERE o.bucket_id = b.id) AS used FROM storage.buckets b WHERE b.id = $1`,
      [call.bucket],
    );
    if (bucket.rows[0] === undefined) throw refused.noSuchBucket();
    if (bucket.rows[0].used) throw refused.bucketNotEmpty();
  });
  if (!(await asCaller(call, (session) => rows.deleteBucket(session, call.bucket)))) throw refused.noSuchBucket();
  return json({ message: 'Successfully deleted' });
}

function readSettings(fields: Fields, largest: number): rows.BucketSettings {
  const size = fields.nullable('file_size_limit', 'size');
  const limit = typeof size === 'string' || typeof size === 'number' ? parseSize(size) : size;
  if (typeof limit === 'number' && limit > largest) throw refused.tooLarge();
  const types = fields.nullable('allowed_mime_types', 'strings')?.filter((type) => type !== '');
  if (types !== undefined) checkAllowedTypes(types);
  return {
    public: fields.optional('public', 'boolean'),
    file_size_limit: limit,
    allowed_mime_types: types ?? fields.nullable('allowed_mime_types', 'strings'),
  };
}
