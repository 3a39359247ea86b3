import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStorage } from '../../src/dev/storage/storage.ts';
import { type LocalServices, startServices } from './local-services.ts';

const [ann, bob] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002'];

let services: LocalServices;
let service: SupabaseClient;
let visitor: SupabaseClient;
let asAnn: SupabaseClient;
let asBob: SupabaseClient;

beforeAll(async () => {
  services = await startServices(`
    CREATE POLICY own_folder ON storage.objects TO authenticated
      USING (bucket_id = 'private' AND (storage.foldername(name))[1] = (SELECT auth.uid())::text);
    CREATE POLICY drop_box ON storage.objects FOR INSERT TO authenticated WITH CHECK (bucket_id = 'drop');
    CREATE POLICY readers ON storage.objects FOR SELECT TO authenticated USING (bucket_id = 'library');
    CREATE POLICY only_uploads ON storage.objects FOR INSERT TO authenticated
      WITH CHECK (bucket_id = 'uploads' AND storage.operation() = 'storage.object.upload' AND metadata ->> 'mimetype' = 'text/plain');`);
  service = services.client(services.keys.secret);
  visitor = services.client();
  asAnn = services.client(await services.tokenOf(ann!));
  asBob = services.client(await services.tokenOf(bob!));
  for (const id of ['private', 'drop', 'library', 'uploads']) await service.storage.createBucket(id);
  await service.storage.createBucket('open', { public: true });
});

afterAll(() => services.close());

/** All files that are stored, with what is on its way. */
async function files(): Promise<string[]> {
  const entries = await readdir(services.directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** The versions that rows name. */
async function versions(): Promise<string[]> {
  const { rows } = await services.database.asServer((session) =>
    session.query<{ version: string }>('SELECT version FROM storage.objects WHERE version IS NOT NULL'),
  );
  return rows.map(({ version }) => version);
}

/** A request as no client library sends it. */
async function raw(path: string, init: RequestInit & { token?: string | undefined } = {}) {
  const { token, ...rest } = init;
  const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...rest.headers };
  const response = await fetch(`${services.url}/storage/v1${path}`, { ...rest, headers });
  const text = await response.text();
  const body = response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

describe('who may do what', () => {
  beforeEach(async () => {
    const options = { upsert: true, contentType: 'text/plain' };
    await service.storage.from('private').upload(`${ann}/note.txt`, 'ann', options);
    await service.storage.from('library').upload('book.txt', 'book', options);
    await service.storage.from('private').remove([`${ann}/new.txt`, `${bob}/new.txt`]);
    await service.storage.from('drop').remove(['in.txt']);
  });

  const denied = { message: 'new row violates row-level security policy', statusCode: '403' };
  const missing = { message: 'Object not found', statusCode: '404' };
  it.each<[string, () => PromiseLike<{ error: unknown }>, object | null]>([
    ['a user uploads to her folder', () => asAnn.storage.from('private').upload(`${ann}/new.txt`, 'x'), null],
    ['not to another', () => asAnn.storage.from('private').upload(`${bob}/new.txt`, 'x'), denied],
    ['a visitor uploads nowhere', () => visitor.storage.from('private').upload('x.txt', 'x'), denied],
    ['INSERT is enough for a new object', () => asAnn.storage.from('drop').upload('in.txt', 'x'), null],
    ['but not to replace one', () => asAnn.storage.from('drop').upload('in.txt', 'x', { upsert: true }), denied],
    [
      'a policy sees operation and type',
      () => asAnn.storage.from('uploads').upload('a', 'x', { contentType: 'text/plain' }),
      null,
    ],
    ['and refuses by them', () => asAnn.storage.from('uploads').upload('b', 'x', { contentType: 'text/css' }), denied],
    ['an owner downloads', () => asAnn.storage.from('private').download(`${ann}/note.txt`), null],
    ['another gets info of nothing', () => asBob.storage.from('private').info(`${ann}/note.txt`), missing],
    ['a reader signs a URL', () => asAnn.storage.from('library').createSignedUrl('book.txt', 60), null],
    [
      'who sees nothing signs nothing',
      () => asBob.storage.from('private').createSignedUrl(`${ann}/note.txt`, 60),
      missing,
    ],
    ['a reader cannot move', () => asAnn.storage.from('library').move('book.txt', 'mine.txt'), missing],
    ['nor copy inside', () => asAnn.storage.from('library').copy('book.txt', 'mine.txt'), denied],
    [
      'but copy to her own folder',
      () => asAnn.storage.from('library').copy('book.txt', `${ann}/new.txt`, { destinationBucket: 'private' }),
      null,
    ],
    ['an owner moves', () => asAnn.storage.from('private').move(`${ann}/note.txt`, `${ann}/new.txt`), null],
    [
      'not to where she may not write',
      () => asAnn.storage.from('private').move(`${ann}/note.txt`, `${bob}/new.txt`),
      denied,
    ],
    [
      'a signed upload needs the right',
      () => asAnn.storage.from('private').createSignedUploadUrl(`${bob}/new.txt`),
      denied,
    ],
    ['a user makes no bucket', () => asAnn.storage.createBucket('mine'), denied],
    [
      'a user sees no bucket',
      () => asAnn.storage.getBucket('private'),
      { message: 'Bucket not found', statusCode: '404' },
    ],
    [
      'a user empties no bucket',
      () => asAnn.storage.emptyBucket('private'),
      { message: 'Bucket not found', statusCode: '404' },
    ],
  ])('%s', async (_, call, expected) => {
    const { error } = await call();
    if (expected === null) expect(error).toBeNull();
    else expect(error).toMatchObject(expected);
  });

  it('removes only what the caller may delete, and answers with it', async () => {
    expect(await asBob.storage.from('private').remove([`${ann}/note.txt`])).toMatchObject({ data: [], error: null });
    const { data } = await asAnn.storage.from('private').remove([`${ann}/note.txt`, 'nothing']);
    expect(data).toMatchObject([{ name: `${ann}/note.txt`, bucket_id: 'private', owner: null }]);
  });

  it('lists only what the caller may see', async () => {
    expect((await asBob.storage.from('private').list(ann)).data).toEqual([]);
    expect((await asAnn.storage.from('private').list(ann)).data).toMatchObject([{ name: 'note.txt' }]);
  });

  it('notes the uploader as owner', async () => {
    await asAnn.storage.from('private').upload(`${ann}/new.txt`, 'x');
    const { data } = await asAnn.storage.from('private').remove([`${ann}/new.txt`]);
    expect(data).toMatchObject([{ owner: ann, owner_id: ann }]);
  });
});

describe('keys and tokens', () => {
  const path = '/object/open/key.txt';
  beforeAll(() => service.storage.from('open').upload('key.txt', 'open'));
  it.each<[string, () => Promise<{ status: number; body: unknown }>, number, unknown]>([
    [
      'nothing at all',
      () => raw('/bucket'),
      400,
      { statusCode: '403', error: 'Unauthorized', message: 'Invalid Compact JWS' },
    ],
    [
      'an apikey alone',
      () => raw('/bucket', { headers: { apikey: services.keys.secret } }),
      400,
      { statusCode: '403' },
    ],
    ['a key as a token', () => raw('/bucket', { token: services.keys.secret }), 200, expect.any(Array)],
    ['another token', () => raw('/bucket', { token: 'no.such.token' }), 400, { statusCode: '403' }],
    [
      'an expired token',
      async () => raw('/bucket', { token: await services.tokenOf(ann!, { exp: 1000 }) }),
      400,
      { statusCode: '403', message: '"exp" claim timestamp check failed' },
    ],
    ['a public bucket with nothing', () => raw(path), 200, 'open'],
    ['a public bucket with another token', () => raw(path, { token: 'x' }), 200, 'open'],
    ['a private bucket with nothing', () => raw('/object/private/x'), 400, { error: 'Bucket not found' }],
    [
      'a private bucket with another token beside the secret key',
      () => raw('/object/library/book.txt', { token: 'x', headers: { apikey: services.keys.secret } }),
      400,
      { error: 'Bucket not found' },
    ],
    [
      'a private bucket as a public one',
      () => raw('/object/public/library/book.txt'),
      400,
      { error: 'Bucket not found' },
    ],
    ['an unknown route', () => raw('/nowhere'), 404, { error: 'Not Found' }],
    [
      'image transforms',
      () => raw('/render/image/public/open/key.txt'),
      501,
      { statusCode: '501', error: 'NotSupported' },
    ],
    ['resumable uploads', () => raw('/upload/resumable', { method: 'POST' }), 501, { error: 'NotSupported' }],
    ['S3', () => raw('/s3/open'), 501, { error: 'NotSupported' }],
    [
      'a body that is not JSON',
      () => raw('/bucket', { method: 'POST', body: '{', token: services.keys.secret }),
      400,
      { error: 'Error' },
    ],
    [
      'a body without its field',
      () => raw('/bucket', { method: 'POST', body: '{}', token: services.keys.secret }),
      400,
      { message: `body must have required property 'name'` },
    ],
    [
      'a path that is not encoded',
      () => raw('/object/open/%E0%A4%A', { token: services.keys.secret }),
      400,
      { error: 'InvalidKey' },
    ],
  ])('%s', async (_, call, status, body) => {
    const answer = await call();
    expect(answer.status).toBe(status);
    if (typeof body === 'object' && !Array.isArray(body)) expect(answer.body).toMatchObject(body as object);
    else expect(answer.body).toEqual(body);
  });
});

describe('buckets', () => {
  it.each<[string, object, object | null]>([
    ['20mb', { public: true, fileSizeLimit: '20mb' }, null],
    ['1.5KB', { public: true, fileSizeLimit: '1.5KB' }, null],
    ['a number', { public: true, fileSizeLimit: 1000 }, null],
    ['no unit', { public: true, fileSizeLimit: '20' }, { statusCode: '400' }],
    ['more than the server', { public: true, fileSizeLimit: '1gb' }, { statusCode: '413' }],
    ['types', { public: false, allowedMimeTypes: ['image/*', 'text/plain'] }, null],
    ['a broken type', { public: false, allowedMimeTypes: ['image'] }, { statusCode: '415' }],
  ])('takes a limit of %s', async (_, options, expected) => {
    const { error } = await service.storage.createBucket('limited', options as { public: boolean });
    if (expected === null) expect(error).toBeNull();
    else expect(error).toMatchObject(expected);
    await service.storage.deleteBucket('limited');
  });

  it('are made, read, changed in part, listed, and deleted when empty', async () => {
    await service.storage.createBucket('cycle', {
      public: false,
      fileSizeLimit: '1kb',
      allowedMimeTypes: ['text/plain'],
    });
    expect((await service.storage.createBucket('cycle')).error).toMatchObject({ statusCode: '409' });
    await service.storage.updateBucket('cycle', { public: true });
    const { data } = await service.storage.getBucket('cycle');
    expect(data).toMatchObject({ public: true, file_size_limit: 1000, allowed_mime_types: ['text/plain'] });
    expect(data?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const listed = await service.storage.listBuckets({
      search: 'CYC',
      limit: 1,
      sortColumn: 'created_at',
      sortOrder: 'desc',
    });
    expect(listed.data).toMatchObject([{ id: 'cycle', type: 'STANDARD' }]);
    await service.storage.from('cycle').upload('a.txt', 'a', { contentType: 'text/plain' });
    expect((await service.storage.deleteBucket('cycle')).error).toMatchObject({ statusCode: '409' });
    expect((await service.storage.emptyBucket('cycle')).error).toBeNull();
    expect((await service.storage.deleteBucket('cycle')).error).toBeNull();
    expect((await service.storage.deleteBucket('cycle')).error).toMatchObject({ statusCode: '404' });
  });

  it.each(['../up', 'a/b', ' space', '', 'x'.repeat(101)])('have no name like %j', async (name) => {
    expect((await service.storage.createBucket(name)).error).toMatchObject({ statusCode: '400' });
  });
});

describe('files', () => {
  const content = randomBytes(300_000);
  const md5 = createHash('md5').update(content).digest('hex');

  it.each<[string, () => Promise<unknown>]>([
    ['as a Buffer', () => service.storage.from('private').upload('f', content, { upsert: true })],
    ['as a form', () => service.storage.from('private').upload('f', new Blob([content]), { upsert: true })],
    [
      'as a stream',
      () =>
        service.storage
          .from('private')
          .upload('f', Readable.from([content]) as never, { upsert: true, duplex: 'half' }),
    ],
    ['as another content', () => service.storage.from('private').update('f', content)],
  ])('come %s', async (_, upload) => {
    expect(await upload()).toMatchObject({ error: null });
    const { data } = await service.storage.from('private').download('f');
    expect(
      createHash('md5')
        .update(Buffer.from(await data!.arrayBuffer()))
        .digest('hex'),
    ).toBe(md5);
    expect((await service.storage.from('private').info('f')).data).toMatchObject({
      size: content.length,
      etag: `"${md5}"`,
    });
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
  });

  it('have the details of a form, also those after the file', async () => {
    const form = new FormData();
    form.append('', new Blob(['<p>'], { type: 'text/html' }), '../../evil.html');
    form.append('cacheControl', '60');
    form.append('metadata', JSON.stringify({ by: 'me' }));
    await raw('/object/open/page', { method: 'POST', body: form, token: services.keys.secret });
    expect((await service.storage.from('open').info('page')).data).toMatchObject({
      contentType: 'text/html',
      cacheControl: 'max-age=60',
      metadata: { by: 'me' },
    });
    // What is uploaded must not run as a page of the API.
    expect((await raw('/object/public/open/page')).headers.get('content-type')).toBe('text/plain');
  });

  it.each<[string, RequestInit, object]>([
    [
      'a form without a file',
      { body: formOf('cacheControl', '60') },
      { statusCode: '400', message: 'No content provided' },
    ],
    [
      'a broken form',
      { body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=b' } },
      { statusCode: '400' },
    ],
    [
      'a form without a boundary',
      { body: 'x', headers: { 'content-type': 'multipart/form-data' } },
      { statusCode: '400' },
    ],
  ])('are not %s', async (_, init, expected) => {
    const answer = await raw('/object/open/none', { method: 'POST', token: services.keys.secret, ...init });
    expect(answer).toMatchObject({ status: 400, body: expected });
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
  });

  it.each<[string, string, object | null]>([
    ['small enough', 'x'.repeat(1000), null],
    ['too large', 'x'.repeat(1001), { statusCode: '413', message: 'The object exceeded the maximum allowed size' }],
  ])('keep the limit of their bucket: %s', async (_, text, expected) => {
    await service.storage.createBucket('small', { public: true, fileSizeLimit: '1kb', allowedMimeTypes: ['image/*'] });
    const options = { contentType: 'image/png', upsert: true };
    const blob = new Blob([text], { type: 'image/png' });
    const stream = Readable.from([Buffer.from(text)]);
    for (const body of [text, blob, stream as never]) {
      const { error } = await service.storage.from('small').upload('a.png', body, { ...options, duplex: 'half' });
      if (expected === null) expect(error).toBeNull();
      else expect(error).toMatchObject(expected);
    }
    const { error } = await service.storage.from('small').upload('a.txt', text, { contentType: 'text/plain' });
    expect(error).toMatchObject({ statusCode: '415', message: 'mime type text/plain is not supported' });
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
  });

  it.each<[string, Record<string, string>, number, string | undefined, string | undefined]>([
    ['all', {}, 200, '0123456789', undefined],
    ['a range', { range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
    ['from a byte on', { range: 'bytes=7-' }, 206, '789', 'bytes 7-9/10'],
    ['the last bytes', { range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
    ['more than there is', { range: 'bytes=5-99' }, 206, '56789', 'bytes 5-9/10'],
    ['beyond the end', { range: 'bytes=10-' }, 416, undefined, undefined],
    ['a broken range', { range: 'bytes=a' }, 416, undefined, undefined],
    [
      'the same version',
      { 'if-none-match': `"${createHash('md5').update('0123456789').digest('hex')}"` },
      304,
      '',
      undefined,
    ],
    ['another version', { 'if-none-match': '"other"' }, 200, '0123456789', undefined],
    ['not since', { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }, 304, '', undefined],
    ['since long ago', { 'if-modified-since': new Date(0).toUTCString() }, 200, '0123456789', undefined],
  ])('are downloaded: %s', async (_, headers, status, body, range) => {
    await service.storage.from('open').upload('digits', '0123456789', { upsert: true, cacheControl: '60' });
    const answer = await raw('/object/public/open/digits', { headers });
    expect(answer.status).toBe(status);
    if (body !== undefined) expect(answer.body).toBe(body);
    expect(answer.headers.get('content-range') ?? undefined).toBe(range);
    if (status < 400) expect(answer.headers.get('cache-control')).toBe('max-age=60');
  });

  it('are looked for by HEAD, and downloaded under another name', async () => {
    await service.storage.from('open').upload('head', '12345', { upsert: true });
    const head = await raw('/object/open/head', { method: 'HEAD', token: services.keys.secret });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5']);
    expect((await service.storage.from('open').exists('head')).data).toBe(true);
    expect((await service.storage.from('open').exists('none')).data).toBe(false);
    const named = await raw('/object/public/open/head?download=a%22b.txt');
    expect(named.headers.get('content-disposition')).toBe(`attachment; filename=a%22b.txt; filename*=UTF-8''a%22b.txt`);
    expect((await raw('/object/public/open/head?download=')).headers.get('content-disposition')).toBe('attachment;');
  });

  it('are copied with their metadata, and moved between buckets', async () => {
    await service.storage.from('open').upload('one', 'one', { metadata: { a: 1 }, contentType: 'text/css' });
    expect((await service.storage.from('open').copy('one', 'two')).data).toEqual({ path: 'open/two' });
    expect((await service.storage.from('open').info('two')).data).toMatchObject({
      contentType: 'text/css',
      metadata: { a: 1 },
    });
    expect((await service.storage.from('open').copy('one', 'two')).error).toMatchObject({ statusCode: '409' });
    expect((await service.storage.from('open').move('one', 'two')).error).toMatchObject({ statusCode: '409' });
    await service.storage.from('open').move('two', 'deep/three', { destinationBucket: 'private' });
    expect(await (await service.storage.from('private').download('deep/three')).data?.text()).toBe('one');
    expect((await service.storage.from('open').copy('one', 'x', { destinationBucket: 'none' })).error).not.toBeNull();
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
  });

  it('with one name at once leave one file', async () => {
    const uploads = Array.from({ length: 8 }, (_, index) =>
      service.storage.from('open').upload('race', `${index}`, { upsert: true }),
    );
    expect((await Promise.all(uploads)).every(({ error }) => error === null)).toBe(true);
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
    const news = await Promise.all(Array.from({ length: 4 }, () => service.storage.from('open').upload('first', 'x')));
    expect(news.filter(({ error }) => error === null)).toHaveLength(1);
    expect((await files()).toSorted()).toEqual((await versions()).toSorted());
  });

  it.each(['../../etc/passwd', '..', '/absolute', 'a/../../b', './x', '%2e%2e/x'])(
    'never leave the directory: %s',
    async (name) => {
      await raw(`/object/open/${encodeURIComponent(name)}`, { method: 'POST', body: 'x', token: services.keys.secret });
      expect((await files()).toSorted()).toEqual((await versions()).toSorted());
    },
  );

  it('are not found by a version that somebody wrote into a row', async () => {
    await service.storage.from('open').upload('forged', 'x', { upsert: true });
    await services.database.asServer((session) =>
      session.query(`UPDATE storage.objects SET version = '../../../../etc/passwd' WHERE name = 'forged'`),
    );
    expect((await raw('/object/public/open/forged')).body).toMatchObject({ statusCode: '404', error: 'Not found' });
    await service.storage.from('open').remove(['forged']);
  });

  it.each(['naïve.txt', 'a\\b', 'a#b', 'line\nbreak', '{x}'])('have no name like %j', async (name) => {
    const answer = await raw(`/object/open/${encodeURIComponent(name)}`, {
      method: 'POST',
      body: 'x',
      token: services.keys.secret,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'InvalidKey' } });
  });
});

describe('an end', () => {
  it('of the server leaves files that the next start removes, and no others', async () => {
    await service.storage.from('open').upload('kept', 'kept', { upsert: true });
    // A file is there before its row; an upload may have ended anywhere.
    const orphan = randomUUID();
    for (const path of ['incoming', orphan.slice(0, 2)]) {
      await mkdir(join(services.directory, path), { recursive: true });
      await writeFile(join(services.directory, path, orphan), 'x');
    }
    await writeFile(join(services.directory, 'README'), 'not of Storage');
    await createStorage({ ...services, directory: services.directory }).close?.();
    expect((await files()).toSorted()).toEqual([...(await versions()), 'README'].toSorted());
    await rm(join(services.directory, 'README'));
  });

  it('of a client in the middle of an upload leaves nothing', async () => {
    const before = await files();
    const client = request(`${services.url}/storage/v1/object/open/cut`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${services.keys.secret}`,
        'content-length': 1000,
        'content-type': 'text/plain',
      },
    });
    client.on('error', () => undefined);
    client.write('x'.repeat(500));
    await vi.waitFor(async () => expect(await files()).toHaveLength(before.length + 1));
    client.destroy();
    await vi.waitFor(async () => expect((await files()).toSorted()).toEqual(before.toSorted()));
    expect((await service.storage.from('open').exists('cut')).data).toBe(false);
  });

  it.each(['raw', 'form'])(
    'of memory does not come from 50 MB, which go to the disk as they come: %s',
    async (kind) => {
      const [megabyte, megabytes] = [Buffer.alloc(1024 * 1024, 'x'), 50];
      const isForm = kind === 'form';
      const incoming = join(services.directory, 'incoming');
      async function* body() {
        if (isForm) yield Buffer.from('--b\r\ncontent-disposition: form-data; name=""; filename="f"\r\n\r\n');
        for (let sent = 0; sent < megabytes; sent += 1) {
          yield megabyte;
          if (sent !== megabytes / 2) continue;
          await vi.waitFor(async () => {
            const [file] = await readdir(incoming);
            expect((await stat(join(incoming, file!))).size).toBeGreaterThan(20 * megabyte.length);
          });
        }
        if (isForm) yield Buffer.from('\r\n--b--\r\n');
      }
      const headers = { 'content-type': isForm ? 'multipart/form-data; boundary=b' : 'text/plain' };
      const answer = await raw(`/object/open/large-${kind}`, {
        method: 'POST',
        headers,
        token: services.keys.secret,
        body: Readable.toWeb(Readable.from(body())) as never,
        duplex: 'half',
      } as RequestInit);
      expect(answer.status).toBe(200);
      expect((await service.storage.from('open').info(`large-${kind}`)).data?.size).toBe(megabytes * megabyte.length);
      await service.storage.from('open').remove([`large-${kind}`]);
    },
  );
});

describe('signed URLs', () => {
  const signed = async (name: string, seconds = 60, options = {}): Promise<string> =>
    (await service.storage.from('private').createSignedUrl(name, seconds, options)).data?.signedUrl ?? 'none';

  beforeAll(() => service.storage.from('private').upload('a b/secret.txt', 'secret', { contentType: 'text/plain' }));

  it('give the file, and nothing else', async () => {
    const url = await signed('a b/secret.txt');
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([200, 'secret']);
    const other = await fetch(url.replace('secret.txt', 'other.txt'));
    expect(await other.json()).toMatchObject({ statusCode: '400', error: 'InvalidSignature' });
  });

  it.each<[string, () => Promise<string>, object]>([
    ['a user', () => services.tokenOf(ann!), { error: 'InvalidSignature' }],
    ['nobody', () => Promise.resolve('x'), { error: 'InvalidJWT' }],
    [
      'a past time',
      () => services.keys.sign({ url: 'private/a b/secret.txt', scope: 'download', exp: 1 }),
      { error: 'InvalidJWT' },
    ],
    [
      'an upload',
      async () => (await service.storage.from('private').createSignedUploadUrl('up.txt')).data?.token ?? '',
      { error: 'InvalidSignature' },
    ],
  ])('do not take the token of %s', async (_, token, expected) => {
    const answer = await raw(`/object/sign/private/a%20b/secret.txt?token=${await token()}`);
    expect(answer).toMatchObject({ status: 400, body: expected });
  });

  it('are made for many at once', async () => {
    const { data } = await service.storage.from('private').createSignedUrls(['a b/secret.txt', 'none'], 60);
    expect(data).toMatchObject([
      { error: null, path: 'a b/secret.txt' },
      { error: 'Either the object does not exist or you do not have access to it', signedUrl: null },
    ]);
    expect(await (await fetch(data![0]!.signedUrl!)).text()).toBe('secret');
  });

  it('of a transformed picture say that there is none', async () => {
    const response = await fetch(await signed('a b/secret.txt', 60, { transform: { width: 10 } }));
    expect(response.status).toBe(501);
  });

  it('take an upload once, in the name of who signed', async () => {
    const { data } = await asAnn.storage.from('private').createSignedUploadUrl(`${ann}/signed.txt`);
    const upload = () => visitor.storage.from('private').uploadToSignedUrl(data!.path, data!.token, 'signed');
    expect((await upload()).error).toBeNull();
    expect((await upload()).error).toMatchObject({ statusCode: '409' });
    expect((await asAnn.storage.from('private').remove([`${ann}/signed.txt`])).data).toMatchObject([{ owner: ann }]);
  });
});

describe('lists', () => {
  const names = ['b.txt', 'a/1.txt', 'a/2.txt', 'a/deep/3.txt', 'c_1.txt', 'cx1.txt'];
  beforeAll(async () => {
    await service.storage.createBucket('listed');
    for (const name of names) await service.storage.from('listed').upload(name, name);
  });

  it.each<[string, [path?: string, options?: object], string[]]>([
    ['the top, folders first', [], ['a', 'b.txt', 'c_1.txt', 'cx1.txt']],
    ['a folder', ['a'], ['deep', '1.txt', '2.txt']],
    ['a page', ['', { limit: 2, offset: 1 }], ['b.txt', 'c_1.txt']],
    ['what is searched for, literally', ['', { search: 'c_' }], ['c_1.txt']],
    ['downwards', ['', { sortBy: { column: 'name', order: 'desc' } }], ['a', 'cx1.txt', 'c_1.txt', 'b.txt']],
  ])('have %s', async (_, options, expected) => {
    const { data } = await service.storage.from('listed').list(...options);
    expect(data?.map(({ name }) => name)).toEqual(expected);
  });

  it.each<[string, object, string[]]>([
    ['everything', {}, ['a/1.txt', 'a/2.txt', 'a/deep/3.txt', 'b.txt', 'c_1.txt', 'cx1.txt']],
    ['folders', { with_delimiter: true }, ['a/', 'b.txt', 'c_1.txt', 'cx1.txt']],
    ['a prefix', { prefix: 'a/', with_delimiter: true }, ['a/deep/', 'a/1.txt', 'a/2.txt']],
    ['a part of a name', { prefix: 'c' }, ['c_1.txt', 'cx1.txt']],
    ['the newest first', { sortBy: { column: 'created_at', order: 'desc' } }, names.toReversed()],
  ])('in pages have %s', async (_, options, expected) => {
    for (const limit of [1, 2, 1000]) {
      const folders: string[] = [];
      const objects: string[] = [];
      let cursor: string | undefined;
      do {
        const page = { ...options, limit, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await service.storage.from('listed').listV2(page);
        folders.push(...data!.folders.map(({ name }) => name));
        objects.push(...data!.objects.map(({ name }) => name));
        cursor = data!.nextCursor;
      } while (cursor !== undefined);
      expect([...folders, ...objects]).toEqual(expected);
    }
  });

  it('refuse a cursor that is none', async () => {
    const { error } = await service.storage.from('listed').listV2({ cursor: 'x' });
    expect(error).toMatchObject({ statusCode: '400', message: 'Invalid Parameter continuation token' });
  });
});

function formOf(name: string, value: string): FormData {
  const form = new FormData();
  form.append(name, value);
  return form;
}
