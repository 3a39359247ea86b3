/** The Storage calls that supabase-js makes here. The policies on storage.objects decide who can do what. */
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Caller } from './gateway.ts';
import type { FakeAnswer, FakeRequest } from './http.ts';

/** Runs work as the caller's role, in one transaction. */
export type ActAs = <T>(caller: Caller, work: (database: Client) => Promise<T>) => Promise<T>;

const columns = 'id, name, owner, public, file_size_limit::float8, allowed_mime_types, created_at, updated_at';
const refusal = (status: number, error: string, message: string): FakeAnswer => ({
  status: 400,
  body: { statusCode: String(status), error, message },
});

/** @param path after `/storage/v1` */
export async function store(
  caller: Caller,
  request: FakeRequest,
  path: string,
  actAs: ActAs,
  superuser: Client,
): Promise<FakeAnswer> {
  try {
    const body = (request.body ?? {}) as Record<string, unknown>;
    if (path === '/bucket' || path.startsWith('/bucket/'))
      return await buckets(caller, request.method, path.slice(8), body, actAs);
    if (!path.startsWith('/object/')) return refusal(404, 'not_found', 'Not found');
    const [bucket = '', ...rest] = decodeURIComponent(
      path.slice('/object/'.length).replace(/^(?:public|authenticated)\//, ''),
    ).split('/');
    const name = rest.join('/');
    const { rows } = await superuser.query<{ public: boolean }>('select public from storage.buckets where id = $1', [
      bucket,
    ]);
    if (!rows[0]) return refusal(404, 'Bucket not found', 'Bucket not found');
    if (request.method === 'GET') return await download(caller, bucket, name, rows[0].public, actAs, superuser);
    if (request.method === 'DELETE') return await remove(caller, bucket, body['prefixes'] as string[], actAs);
    return await upload(caller, request, bucket, name, actAs);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === '42501') return refusal(403, 'Unauthorized', 'new row violates row-level security policy');
    if (code === '23505') return refusal(409, 'Duplicate', 'The resource already exists');
    return refusal(500, 'Internal', (error as Error).message);
  }
}

async function buckets(
  caller: Caller,
  method: string,
  id: string,
  body: Record<string, unknown>,
  actAs: ActAs,
): Promise<FakeAnswer> {
  return actAs(caller, async (database) => {
    if (method === 'GET' && id === '')
      return { status: 200, body: (await database.query(`select ${columns} from storage.buckets order by id`)).rows };
    if (method === 'GET') {
      const { rows } = await database.query(`select ${columns} from storage.buckets where id = $1`, [id]);
      return rows[0] ? { status: 200, body: rows[0] } : refusal(404, 'Bucket not found', 'Bucket not found');
    }
    const values = [
      id || body['id'],
      body['public'] ?? false,
      body['file_size_limit'] ?? null,
      body['allowed_mime_types'] ?? null,
    ];
    if (method === 'POST') {
      await database.query(
        'insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values ($1, $1, $2, $3, $4)',
        values,
      );
      return { status: 200, body: { name: body['id'] } };
    }
    if (method === 'PUT') {
      await database.query(
        'update storage.buckets set public = $2, file_size_limit = $3, allowed_mime_types = $4 where id = $1',
        values,
      );
      return { status: 200, body: { message: 'Successfully updated' } };
    }
    return refusal(404, 'not_found', 'Not found');
  });
}

async function upload(
  caller: Caller,
  request: FakeRequest,
  bucket: string,
  name: string,
  actAs: ActAs,
): Promise<FakeAnswer> {
  const owner = typeof caller.claims['sub'] === 'string' ? caller.claims['sub'] : null;
  return actAs(caller, async (database) => {
    const id = randomUUID();
    await database.query(
      'insert into storage.objects (id, bucket_id, name, owner, owner_id, metadata) values ($1, $2, $3, $4::uuid, $4::text, $5)',
      [id, bucket, name, owner, JSON.stringify({ size: request.raw.length })],
    );
    return { status: 200, body: { Id: id, Key: `${bucket}/${name}` } };
  });
}

async function download(
  caller: Caller,
  bucket: string,
  name: string,
  open: boolean,
  actAs: ActAs,
  superuser: Client,
): Promise<FakeAnswer> {
  const look = (database: Client) =>
    database.query('select id from storage.objects where bucket_id = $1 and name = $2', [bucket, name]);
  const { rows } = open ? await look(superuser) : await actAs(caller, look);
  if (rows.length === 0) return refusal(404, 'not_found', 'Object not found');
  return { status: 200, body: Buffer.from('proof'), headers: { 'content-type': 'text/plain' } };
}

async function remove(caller: Caller, bucket: string, names: string[], actAs: ActAs): Promise<FakeAnswer> {
  return actAs(caller, async (database) => {
    await database.query("select set_config('storage.allow_delete_query', 'true', true)");
    const { rows } = await database.query(
      'delete from storage.objects where bucket_id = $1 and name = any($2) returning name',
      [bucket, names],
    );
    return { status: 200, body: rows };
  });
}
