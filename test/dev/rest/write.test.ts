import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { library } from './schema.ts';
import { startRest, type Answer, type RestServer, type SendOptions } from './support.ts';

const [ann, bob] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002'];
const restore = `
  TRUNCATE public.counters, public.diary, public.letters;
  INSERT INTO public.counters (id) VALUES (1), (2), (3);
  INSERT INTO public.diary VALUES (1, '${ann}', 'mine'), (2, '${bob}', 'yours');
  DELETE FROM public.books WHERE id > 4;`;

let server: RestServer;
beforeAll(async () => {
  server = await startRest(library);
});
beforeEach(() => server.database.asServer((session) => session.script(restore)));
afterAll(() => server.close());

const json = { 'content-type': 'application/json' };

async function send(
  method: string,
  path: string,
  body?: unknown,
  prefer = '',
  more: SendOptions = {},
): Promise<Answer> {
  return server.send(path, {
    ...more,
    method,
    headers: { ...json, ...(prefer === '' ? {} : { prefer }), ...more.headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

/** What the table holds now. */
async function rows(table: string): Promise<unknown> {
  const { rows } = await server.database.asServer((session) =>
    session.query(`SELECT * FROM public.${table} ORDER BY id`),
  );
  return rows;
}

/** The status, the rows or the error's code, and the headers that tell what was done. */
function short({ status, json: body, headers }: Answer): unknown[] {
  const code = (body as { code?: string } | undefined)?.code;
  return [status, code ?? body, headers.get('content-range') ?? headers.get('location') ?? ''];
}

const full = 'return=representation';

describe('insert', () => {
  it.each<[string, unknown, string, unknown[]]>([
    ['/counters', { id: 4 }, '', [201, undefined, '*/*']],
    ['/counters', { id: 4 }, 'return=minimal,count=exact', [201, undefined, '*/1']],
    ['/counters', { id: 4 }, full, [201, [{ id: 4, n: 7, word: 'w' }], '*/*']],
    ['/counters?select=id', [{ id: 4 }, { id: 5 }], full, [201, [{ id: 4 }, { id: 5 }], '*/*']],
    ['/counters', [], full, [201, [], '*/*']],
    ['/counters', [{ id: 4 }, { id: 5, n: 1 }], full, [400, 'PGRST102', '']],
    ['/counters?columns=id,n', [{ id: 4, n: 2, word: 'ignored' }], full, [201, [{ id: 4, n: 2, word: 'w' }], '*/*']],
    [
      '/counters?columns=id,word',
      [{ id: 4 }, { id: 5, word: 'x' }],
      full,
      [
        201,
        [
          { id: 4, n: 7, word: null },
          { id: 5, n: 7, word: 'x' },
        ],
        '*/*',
      ],
    ],
    [
      '/counters?columns=id,n,word',
      [{ id: 4 }, { id: 5, n: 1 }],
      `missing=default,${full}`,
      [
        201,
        [
          { id: 4, n: 7, word: 'w' },
          { id: 5, n: 1, word: 'w' },
        ],
        '*/*',
      ],
    ],
    ['/counters', { id: 4, nosuch: 1 }, '', [400, 'PGRST204', '']],
    ['/counters?columns=id,nosuch', { id: 4 }, '', [400, 'PGRST204', '']],
    ['/counters', '{"id": 4', '', [400, 'PGRST102', '']],
    ['/counters', '', '', [400, 'PGRST102', '']],
    ['/counters', { id: 1 }, '', [409, '23505', '']],
    ['/counters', { id: 4, n: null }, '', [400, '23502', '']],
    ['/counters', { id: 'x' }, '', [400, '22P02', '']],
    ['/copies', { id: 9, book_id: 9, edition: 9 }, '', [409, '23503', '']],
    ['/names', { name: 'x' }, '', [500, '55000', '']],
    [
      '/books?select=title,author_id(name),genres(id)',
      { title: 'New', author_id: 1 },
      full,
      [201, [{ title: 'New', author_id: { name: 'Ann' }, genres: [] }], '*/*'],
    ],
    [
      '/books?select=title,authors!author_id!inner(name)&authors.name=eq.Bob',
      [
        { title: 'A', author_id: 1 },
        { title: 'B', author_id: 2 },
      ],
      full,
      [201, [{ title: 'B', authors: { name: 'Bob' } }], '*/*'],
    ],
  ])('%s %o (%s)', async (path, body, prefer, expected) => {
    expect(short(await send('POST', path, body, prefer))).toEqual(expected);
  });

  it('keeps all digits of a number', async () => {
    const body = '[{"title": "Big", "id": 9007199254740993}]';
    expect((await send('POST', '/books?select=id::text', body, full)).text).toBe('[{"id":"9007199254740993"}]');
  });

  it('writes every type as it was declared', async () => {
    const row = {
      id: 1,
      short: 'abc',
      bits: '1010',
      coded: 'xyz',
      exact: 12.5,
      many: [1, null],
      at: '2026-01-02T03:04:05+00:00',
      born: '[1,4)',
      raw: '\\x6162',
      place: '(1,2)',
    };
    for (const prefer of [full, `missing=default,tx=rollback,${full}`]) {
      const answer = await send('POST', '/typed', row, `tx=rollback,${prefer}`);
      expect(answer.json).toEqual([{ ...row, exact: 12.5 }]);
    }
    expect(short(await send('POST', '/typed', { id: 2, coded: 'bad' })).slice(0, 2)).toEqual([400, '23514']);
    expect(short(await send('POST', '/typed', { id: 2, short: 'long' })).slice(0, 2)).toEqual([400, '22001']);
  });

  it('takes csv and forms', async () => {
    const csv = await send('POST', '/counters', 'id,word\n4,"a ""b"", c"\n5,NULL', full, {
      headers: { 'content-type': 'text/csv' },
    });
    expect(csv.json).toEqual([
      { id: 4, n: 7, word: 'a "b", c' },
      { id: 5, n: 7, word: null },
    ]);
    const form = await send('POST', '/counters', 'id=6&word=x+y', full, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form.json).toEqual([{ id: 6, n: 7, word: 'x y' }]);
    const bad = await send('POST', '/counters', 'x', '', { headers: { 'content-type': 'application/pdf' } });
    expect(bad.json).toMatchObject({ code: 'PGRST102', message: 'Content-Type not acceptable: application/pdf' });
  });

  it('tells where the row is', async () => {
    const answer = await send('POST', '/counters', { id: 4 }, 'return=headers-only');
    expect([answer.status, answer.headers.get('location'), answer.text]).toEqual([201, '/counters?id=eq.4', '']);
    expect(answer.headers.get('preference-applied')).toBe('return=headers-only');
  });

  it('writes a row that its author may not read', async () => {
    const key = server.keys.publishable;
    expect(short(await send('POST', '/letters', { id: 1, text: 'hi' }, '', { key }))).toEqual([201, undefined, '*/*']);
    expect(short(await send('POST', '/letters', { id: 2, text: 'hi' }, full, { key }))).toEqual([401, '42501', '']);
  });
});

describe('upsert', () => {
  const merge = `resolution=merge-duplicates,${full}`;
  it.each<[string, unknown, string, unknown[]]>([
    ['/counters', { id: 1, n: 9 }, merge, [200, [{ id: 1, n: 9, word: 'w' }]]],
    [
      '/counters',
      [
        { id: 1, n: 9 },
        { id: 4, n: 9 },
      ],
      merge,
      [
        201,
        [
          { id: 1, n: 9, word: 'w' },
          { id: 4, n: 9, word: 'w' },
        ],
      ],
    ],
    ['/counters', { id: 1 }, merge, [200, [{ id: 1, n: 7, word: 'w' }]]],
    [
      '/counters',
      [
        { id: 1, n: 9 },
        { id: 4, n: 9 },
      ],
      `resolution=ignore-duplicates,${full}`,
      [201, [{ id: 4, n: 9, word: 'w' }]],
    ],
    [
      '/authors?on_conflict=name&select=id,name,mood',
      { id: 1, name: 'Ann', mood: 'calm' },
      merge,
      [200, [{ id: 1, name: 'Ann', mood: 'calm' }]],
    ],
    ['/authors?on_conflict=mood', { id: 1, name: 'Ann' }, merge, [400, '42P10']],
    ['/authors?on_conflict=nosuch', { id: 1, name: 'Ann' }, merge, [400, '42703']],
    ['/counters', [{ id: 5 }, { id: 5 }], merge, [500, '21000']],
  ])('POST %s %o (%s)', async (path, body, prefer, expected) => {
    expect(short(await send('POST', path, body, prefer)).slice(0, 2)).toEqual(expected);
  });

  it.each<[string, unknown, string, unknown[]]>([
    ['/counters?id=eq.4', { id: 4, n: 1 }, full, [201, [{ id: 4, n: 1, word: 'w' }]]],
    ['/counters?id=eq.1', { id: 1, n: 1 }, full, [200, [{ id: 1, n: 1, word: 'w' }]]],
    ['/counters?id=eq.1', { id: 1, n: 1 }, '', [204, undefined]],
    ['/counters?id=eq.1', { id: 2, n: 1 }, full, [400, 'PGRST115']],
    ['/counters?id=gt.1', { id: 2 }, full, [405, 'PGRST105']],
    ['/counters?n=eq.1', { id: 2 }, full, [405, 'PGRST105']],
    ['/counters?id=eq.1&limit=1', { id: 1 }, full, [400, 'PGRST114']],
  ])('PUT %s %o (%s)', async (path, body, prefer, expected) => {
    expect(short(await send('PUT', path, body, prefer)).slice(0, 2)).toEqual(expected);
  });
});

describe('update and delete', () => {
  it.each<[string, string, unknown, string, unknown[], number]>([
    ['PATCH', '/counters?id=eq.1', { n: 9 }, '', [204, undefined, '0-0/*'], 1],
    [
      'PATCH',
      '/counters?id=lte.2&select=id',
      { n: 9 },
      `${full},count=exact`,
      [200, [{ id: 1 }, { id: 2 }], '0-1/2'],
      2,
    ],
    ['PATCH', '/counters?id=eq.8', { n: 9 }, full, [200, [], '*/*'], 0],
    ['PATCH', '/counters', { n: 9 }, 'count=exact', [204, undefined, '0-2/3'], 3],
    ['PATCH', '/counters?id=eq.1', {}, full, [200, [], '*/*'], 0],
    ['PATCH', '/counters?or=(id.eq.1,id.eq.3)', { n: 9 }, 'count=exact', [204, undefined, '0-1/2'], 2],
    [
      'PATCH',
      '/counters?id=eq.1&columns=n',
      { n: 9, word: 'no' },
      full,
      [200, [{ id: 1, n: 9, word: 'w' }], '0-0/*'],
      1,
    ],
    ['PATCH', '/counters?id=eq.1', { nosuch: 9 }, '', [400, 'PGRST204', ''], 0],
    ['PATCH', '/counters', { n: 9 }, 'handling=strict,max-affected=2', [400, 'PGRST124', ''], 0],
    ['PATCH', '/counters', { n: 9 }, 'handling=strict,max-affected=3', [204, undefined, '0-2/*'], 3],
    ['PATCH', '/counters', { n: 9 }, 'max-affected=2', [204, undefined, '0-2/*'], 3],
    ['PATCH', '/counters?id=eq.1', { n: 9 }, `tx=rollback,${full}`, [200, [{ id: 1, n: 9, word: 'w' }], '0-0/*'], 0],
  ])('%s %s %o (%s)', async (method, path, body, prefer, expected, changed) => {
    expect(short(await send(method, path, body, prefer))).toEqual(expected);
    expect(((await rows('counters')) as { n: number }[]).filter(({ n }) => n === 9)).toHaveLength(changed);
  });

  it.each<[string, string, unknown[], number]>([
    ['/counters?id=eq.1', '', [204, undefined, '*/*'], 2],
    ['/counters?id=gt.1&select=id', `${full},count=exact`, [200, [{ id: 2 }, { id: 3 }], '*/2'], 1],
    ['/counters', 'handling=strict,max-affected=1', [400, 'PGRST124', ''], 3],
    ['/counters', 'tx=rollback', [204, undefined, '*/*'], 3],
  ])('DELETE %s (%s)', async (path, prefer, expected, left) => {
    expect(short(await send('DELETE', path, undefined, prefer))).toEqual(expected);
    expect(await rows('counters')).toHaveLength(left);
  });

  it('undoes what should have been one row', async () => {
    const headers = { accept: 'application/vnd.pgrst.object+json' };
    expect(short(await send('PATCH', '/counters', { n: 9 }, full, { headers }))).toEqual([406, 'PGRST116', '']);
    expect(await rows('counters')).toMatchObject([{ n: 7 }, { n: 7 }, { n: 7 }]);
  });

  it('rolls rows back, while sequences advance', async () => {
    const ids: unknown[] = [];
    for (let time = 0; time < 2; time += 1) {
      const { json: inserted } = await send('POST', '/books?select=id', { title: 'x' }, `tx=rollback,${full}`);
      ids.push((inserted as { id: number }[])[0]?.id);
    }
    expect(ids[1]).toBe((ids[0] as number) + 1);
    expect((await server.send('/books?title=eq.x')).json).toEqual([]);
  });

  it('names what it heeded, and refuses the rest with handling=strict', async () => {
    const applied = await send(
      'PATCH',
      '/counters?id=eq.1',
      { n: 1 },
      'return=minimal, count=exact,tx=commit,x=y,count=planned',
    );
    expect(applied.headers.get('preference-applied')).toBe('return=minimal, count=exact, tx=commit');
    const refused = await send('PATCH', '/counters?id=eq.1', { n: 1 }, 'handling=strict,x=y,return=some');
    expect(refused.json).toMatchObject({ code: 'PGRST122', details: 'Invalid preferences: x=y, return=some' });
  });
});

describe('what a write returns', () => {
  const undone = `tx=rollback,${full}`;
  it.each<[string, string, unknown, unknown[]]>([
    ['PATCH', '/authors?id=eq.1&select=id,initial', { name: 'Zed' }, [200, [{ id: 1, initial: 'Z' }]]],
    [
      'PATCH',
      '/authors?id=eq.1&select=name,first_book(title),works(id)&works.order=id.desc',
      { name: 'Zed' },
      [200, [{ name: 'Zed', first_book: { title: 'One' }, works: [{ id: 2 }, { id: 1 }] }]],
    ],
    [
      'PATCH',
      '/books?id=eq.1&select=id,...author_id(name),genres(name)&genres.order=id&genres.limit=1',
      { note: 'x' },
      [200, [{ id: 1, name: 'Ann', genres: [{ name: 'Crime' }] }]],
    ],
    ['PATCH', '/authors?initial=eq.B&select=id', { mood: 'calm' }, [200, [{ id: 2 }]]],
    ['PATCH', '/authors?data->>k=eq.y&select=k:data->>k', { data: { k: 'z' } }, [200, [{ k: 'z' }]]],
    ['PATCH', '/books?select=count()', { note: 'x' }, [200, [{ count: 4 }]]],
    ['PATCH', '/books?select=id&order=id.desc', { note: 'x' }, [200, [4, 3, 2, 1].map((id) => ({ id }))]],
    [
      'PATCH',
      '/long_books?id=eq.2&select=title,authors(name)',
      { title: 'T' },
      [200, [{ title: 'T', authors: { name: 'Ann' } }]],
    ],
    ['POST', '/events?select=id', { id: 2, day: '2026-07-01' }, [201, [{ id: 2 }]]],
    ['POST', '/events', { id: 2, day: '2031-07-01' }, [400, '23514']],
    [
      'DELETE',
      '/covers?book_id=eq.1&select=color,books(title)',
      undefined,
      [200, [{ color: 'red', books: { title: 'One' } }]],
    ],
    ['DELETE', '/books?id=eq.1&select=id,covers(color)', undefined, [200, [{ id: 1, covers: { color: 'red' } }]]],
    [
      'POST',
      `/${encodeURIComponent('odd "names')}?select=x:"c,d"`,
      { select: 9, 'a.b': 'v', 'c,d': 'w' },
      [201, [{ x: 'w' }]],
    ],
    ['PATCH', `/${encodeURIComponent('odd "names')}?"a.b"=eq.ab&select=a:"a.b"`, { 'a.b': 'v' }, [200, [{ a: 'v' }]]],
  ])('%s %s %o', async (method, path, body, expected) => {
    expect(short(await send(method, path, body, undone)).slice(0, 2)).toEqual(expected);
  });
});

describe('row-level security', () => {
  it.each<[string, string | undefined, string, string, unknown, unknown[]]>([
    ['reads the own rows', ann, 'GET', '/diary', undefined, [200, [{ id: 1, owner: ann, text: 'mine' }]]],
    ['reads nothing as a visitor', undefined, 'GET', '/diary', undefined, [200, []]],
    ['updates nothing of another', ann, 'PATCH', '/diary?id=eq.2', { text: 'x' }, [200, []]],
    ['deletes nothing of another', ann, 'DELETE', '/diary?id=eq.2', undefined, [200, []]],
    ['gives no row to another', ann, 'PATCH', '/diary?id=eq.1', { owner: bob }, [403, '42501']],
    ['inserts for nobody else', ann, 'POST', '/diary', { id: 3, owner: bob }, [403, '42501']],
    ['inserts an own row', bob, 'POST', '/diary?select=id', { id: 3, owner: bob }, [201, [{ id: 3 }]]],
    ['reads no table without the right', undefined, 'GET', '/shelves', undefined, [401, '42501']],
    ['writes nothing by GET', bob, 'GET', '/rpc/mark?n=1', undefined, [405, '25006']],
  ])('%s', async (_, user, method, path, body, expected) => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const key =
      user === undefined ? server.keys.publishable : await server.keys.sign({ sub: user, role: 'authenticated', exp });
    expect(short(await send(method, path, body, full, { key })).slice(0, 2)).toEqual(expected);
  });
});

describe('supabase-js', () => {
  afterEach(() => server.database.asServer((session) => session.script(restore)));

  it('works as with a project', async () => {
    const client = await server.client(ann);
    const inserted = await client.from('diary').insert({ id: 7, owner: ann, text: 'new' }).select().single();
    expect(inserted).toMatchObject({ status: 201, error: null, data: { id: 7, text: 'new' } });
    const upserted = await client.from('diary').upsert({ id: 7, owner: ann, text: 'newer' }).select('text');
    expect(upserted).toMatchObject({ status: 200, data: [{ text: 'newer' }] });
    expect(await client.from('diary').select('id', { count: 'exact' }).order('id')).toMatchObject({
      count: 2,
      data: [{ id: 1 }, { id: 7 }],
    });
    expect(await client.from('diary').select().eq('id', 99).maybeSingle()).toMatchObject({ data: null, error: null });
    expect(await client.from('diary').delete().eq('id', 7)).toMatchObject({ status: 204, error: null });
    const { data } = await server.service.from('books').select('title, authors!author_id(name)').eq('id', 3).single();
    expect(data).toEqual({ title: 'Three', authors: { name: 'Bob' } });
  });
});
