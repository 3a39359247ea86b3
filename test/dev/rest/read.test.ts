import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { library, longName } from './schema.ts';
import { startRest, type RestServer } from './support.ts';

let server: RestServer;
beforeAll(async () => {
  server = await startRest(library);
});
afterAll(() => server.close());

/** The rows, or the error's code. */
async function get(path: string, headers: Record<string, string> = {}): Promise<unknown> {
  const { json, status } = await server.send(path, { headers });
  return status < 300 ? json : `${status} ${(json as { code: string }).code}`;
}

describe('select', () => {
  it.each<[string, unknown]>([
    ['id,name', { id: 1, name: 'Ann' }],
    ['other:name', { other: 'Ann' }],
    ['id::text', { id: '1' }],
    ['n:id::double precision', { n: 1 }],
    ['data->k', { k: 'x' }],
    ['data->>n', { n: '5' }],
    ['data->a->b->0', { b: 10 }],
    ['data->a->b->-1->>c', { c: 'deep' }],
    ['tags->0', { tags: 'x' }],
    ['born', { born: '[1900,1950)' }],
    ['name,initial', { name: 'Ann', initial: 'A' }],
    ['letter:initial', { letter: 'A' }],
    ['"name"', { name: 'Ann' }],
    [' id , name ', { id: 1, name: 'Ann' }],
  ])('%s', async (select, expected) => {
    expect(await get(`/authors?id=eq.1&select=${encodeURIComponent(select)}`)).toEqual([expected]);
  });

  it('reads names that need quotes', async () => {
    const path = `/${encodeURIComponent('odd "names')}`;
    expect(await get(`${path}?select=select,"a.b",x:"c,d",Großes Wort&"a.b"=eq.ab&select=eq.1`)).toEqual([
      { select: 1, 'a.b': 'ab', x: 'cd', 'Großes Wort': 'ja' },
    ]);
  });

  it.each<[string, string]>([
    ['select=id,', '400 PGRST100'],
    ['select=id,name(', '400 PGRST100'],
    ['select=id::', '400 PGRST100'],
    ['select=id::%20', '400 PGRST100'],
    ['order=%20', '400 PGRST100'],
    ['select=id::int)', '400 PGRST100'],
    ['select=id::text;drop', '400 PGRST100'],
    ['select=id::nosuch', '400 42704'],
    ['select=nosuch', '400 42703'],
    ['select=""', '400 42601'],
    ['nosuch=eq.1', '400 42703'],
    ['id=eq.x', '400 22P02'],
    ['id=foo.1', '400 PGRST100'],
    ['id=eq', '400 PGRST100'],
    ['order=id.up', '400 PGRST100'],
    ['or=(id.eq.1', '400 PGRST100'],
    ['or=()', '400 PGRST100'],
    ['limit=-1', '416 PGRST103'],
    ['books.id=eq.1', '400 PGRST108'],
    ['order=books(id)', '400 PGRST108'],
    ['select=id,nosuch(*)', '400 PGRST200'],
    ['select=id,books(id)', '300 PGRST201'],
    ['select=id,works(id)&order=works(id)', '400 PGRST118'],
    ['select=id,works(id)&works=eq.1', '400 PGRST120'],
    ['select=id,books!author_id(id),books!author_id(id)', '400 42712'],
  ])('refuses %s', async (query, expected) => {
    expect(await get(`/authors?${query}`)).toBe(expected);
  });
});

describe('filters', () => {
  it.each<[string, number[]]>([
    ['id=eq.2', [2]],
    ['id=neq.2', [1, 3, 4]],
    ['id=gt.2&id=lte.3', [3]],
    ['id=gte.2&id=lt.4', [2, 3]],
    ['name=like.*n*', [1]],
    ['name=ilike.a%25', [1]],
    ['name=match.^[AB]', [1, 2]],
    ['name=imatch.^b', [2]],
    ['name=like(any).{A*,B*}', [1, 2]],
    ['name=ilike(all).{*n*,a*}', [1]],
    ['id=eq(any).{1,3}', [1, 3]],
    ['id=not.gt(any).{1,3}', [1]],
    ['id=in.(1,3)', [1, 3]],
    ['id=not.in.(1,3)', [2, 4]],
    ['id=in.()', []],
    ['name=in.("Cy, \\"d\\" (e) \\\\f",Ann)', [1, 3]],
    ['name=eq.Cy, "d" (e) \\f', [3]],
    ['data=is.null', [3]],
    ['data=not.is.null', [1, 2, 4]],
    ['data=is.not_null', [1, 2, 4]],
    ['active=is.true', [1, 4]],
    ['active=is.FALSE', [2]],
    ['active=is.unknown', [3]],
    ['mood=isdistinct.calm', [2, 3]],
    ['mood=eq.grim', [2]],
    ['tags=cs.{y}', [1, 2]],
    ['tags=cd.{x,y,z}', [1, 2, 3]],
    ['tags=ov.{x}', [1]],
    ['data=cs.{"k":"y"}', [2]],
    ['born=sl.[1960,2000)', [1]],
    ['born=sr.[1900,1940)', [2]],
    ['born=nxr.[1900,1950)', [1]],
    ['born=nxl.[1950,1960)', [2]],
    ['born=adj.[1950,1960)', [1]],
    ['born=ov.[1940,1960)', [1, 2]],
    ['search=fts.cat', [1]],
    ['search=plfts.fat cat', [1]],
    ['search=phfts(english).fat rat', [2]],
    ['search=wfts.cat or rat', [1, 2]],
    ['name=fts(english).ann', [1]],
    ['data->>k=eq.x', [1]],
    ['data->a->b->1->>c=eq.deep', [1]],
    ['data->n=eq.5', [1]],
    ['initial=eq.B', [2]],
    ['or=(id.eq.1,name.eq.Bob)', [1, 2]],
    ['and=(id.gt.1,id.lt.4)', [2, 3]],
    ['not.or=(id.eq.1,id.eq.2)', [3, 4]],
    ['or=(id.in.(1,2),and(id.gt.3,not.or(name.eq.x,active.is.false)))', [1, 2, 4]],
    ['or=(tags.cs.{x,y},data->>k.not.eq.x)', [1, 2]],
    ['or=(name.eq."Cy, \\"d\\" (e) \\\\f",id.eq.1)', [1, 3]],
    ['or=( id.eq.1 , id.eq.4 )', [1, 4]],
    ['id=eq.1&name=eq.Bob', []],
  ])('%s', async (filter, ids) => {
    const query = encodeURI(filter.replaceAll('%25', '%'));
    const rows = await get(`/authors?select=id&order=id&${query}`);
    expect(rows).toEqual(ids.map((id) => ({ id })));
  });
});

describe('order, limit and ranges', () => {
  it.each<[string, number[]]>([
    ['order=id.desc', [4, 3, 2, 1]],
    ['order=mood,id.desc', [4, 1, 2, 3]],
    ['order=mood.desc.nullslast,id', [2, 1, 4, 3]],
    ['order=mood.nullsfirst,id', [3, 1, 4, 2]],
    ['order=data->>k.desc.nullslast,id', [2, 1, 3, 4]],
    ['order=initial.desc', [4, 3, 2, 1]],
    ['order=id&limit=2', [1, 2]],
    ['order=id&limit=2&offset=3', [4]],
    ['order=id&limit=0', []],
    ['order=id&limit=abc', [1, 2, 3, 4]],
  ])('%s', async (query, ids) => {
    expect(await get(`/authors?select=id&${query}`)).toEqual(ids.map((id) => ({ id })));
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['', {}, 200, '0-3/*'],
    ['', { prefer: 'count=exact' }, 200, '0-3/4'],
    ['?limit=2', { prefer: 'count=exact' }, 206, '0-1/4'],
    ['?limit=2&offset=1', { prefer: 'count=exact' }, 206, '1-2/4'],
    ['?limit=2', { prefer: 'count=estimated' }, 206, '0-1/4'],
    ['?id=eq.9', { prefer: 'count=exact' }, 200, '*/0'],
    ['?offset=9', { prefer: 'count=exact' }, 416, ''],
    ['', { range: '1-2' }, 200, '1-2/*'],
    ['?limit=1', { range: '1-2' }, 416, ''],
    ['', { range: '2-1' }, 416, ''],
  ])('answers %s %o with %i %s', async (query, headers, status, range) => {
    const answer = await server.send(`/authors${query}`, { headers });
    expect([answer.status, answer.headers.get('content-range') ?? '']).toEqual([status, range]);
  });

  it('uses the planner for a planned count, and never gives more rows than the limit of the server', async () => {
    await server.database.asServer((session) =>
      session.script(
        'CREATE TABLE public.many AS SELECT generate_series(1, 300) AS id; ANALYZE public.many; GRANT SELECT ON public.many TO service_role',
      ),
    );
    server.database.changed({ schemaMayDiffer: true });
    const answers = await Promise.all(
      ['planned', 'estimated', 'exact'].map((count) => server.send('/many', { headers: { prefer: `count=${count}` } })),
    );
    expect(answers.map(({ status, headers }) => [status, headers.get('content-range')])).toEqual([
      [206, '0-99/300'],
      [206, '0-99/300'],
      [206, '0-99/300'],
    ]);
  });
});

describe('embedding', () => {
  it.each<[string, unknown]>([
    ['/books?id=eq.1&select=title,author_id(name)', [{ title: 'One', author_id: { name: 'Ann' } }]],
    ['/books?id=eq.1&select=w:authors!author_id(name)', [{ w: { name: 'Ann' } }]],
    ['/books?id=eq.1&select=authors!books_author_id_fkey(name)', [{ authors: { name: 'Ann' } }]],
    ['/books?id=eq.1&select=books_editor_id_fkey(name)', [{ books_editor_id_fkey: { name: 'Bob' } }]],
    ['/books?id=eq.4&select=a:author_id(name)', [{ a: null }]],
    ['/books?id=eq.1&select=covers(color)', [{ covers: { color: 'red' } }]],
    ['/covers?select=books(title)&order=book_id', [{ books: { title: 'One' } }, { books: { title: 'Three' } }]],
    [
      '/authors?id=eq.1&select=books!author_id(title)&books.order=id.desc',
      [{ books: [{ title: 'Two' }, { title: 'One' }] }],
    ],
    ['/authors?id=eq.1&select=b:books!author_id(title)&b.title=eq.One', [{ b: [{ title: 'One' }] }]],
    ['/authors?id=eq.1&select=b:books!author_id(id)&b.order=id&b.limit=1&b.offset=1', [{ b: [{ id: 2 }] }]],
    ['/authors?id=eq.1&select=b:books!author_id(id)&b.or=(id.eq.2,title.eq.x)', [{ b: [{ id: 2 }] }]],
    ['/books?id=eq.1&select=genres(name)&genres.order=name.desc', [{ genres: [{ name: 'Play' }, { name: 'Crime' }] }]],
    ['/genres?id=eq.2&select=books(id)&books.order=id', [{ books: [{ id: 1 }, { id: 2 }] }]],
    [
      '/genres?id=eq.1&select=books!book_genres(genres(id))&books.genres.order=id',
      [{ books: [{ genres: [{ id: 1 }, { id: 2 }] }] }],
    ],
    ['/shelves?id=eq.1&select=shelves(id)&shelves.order=id', [{ shelves: [{ id: 2 }, { id: 3 }] }]],
    ['/shelves?id=eq.4&select=p:parent_id(id,parent_id(id))', [{ p: { id: 2, parent_id: { id: 1 } } }]],
    ['/shelves?id=eq.1&select=c:shelves!parent_id(id)&c.order=id', [{ c: [{ id: 2 }, { id: 3 }] }]],
    [
      '/copies?select=id,editions(printed)&order=id',
      [
        { id: 1, editions: { printed: '2004-05-06' } },
        { id: 2, editions: null },
      ],
    ],
    [
      '/books?select=id,covers!inner(color)&order=id',
      [
        { id: 1, covers: { color: 'red' } },
        { id: 3, covers: { color: null } },
      ],
    ],
    ['/books?select=id,covers!inner()&covers.color=is.null', [{ id: 3 }]],
    ['/books?select=id,covers()&covers=is.null&order=id', [{ id: 2 }, { id: 4 }]],
    ['/books?select=id,covers()&covers=not.is.null&order=id', [{ id: 1 }, { id: 3 }]],
    ['/books?select=id,genres()&or=(genres.is.null,id.eq.1)&order=id', [{ id: 1 }, { id: 3 }, { id: 4 }]],
    ['/authors?select=id,books!author_id!inner()&books.pages=gt.250', [{ id: 2 }]],
    [
      '/books?select=id,a:author_id(name)&order=a(name).desc.nullslast,id&limit=2',
      [
        { id: 3, a: { name: 'Bob' } },
        { id: 1, a: { name: 'Ann' } },
      ],
    ],
    ['/long_books?select=id,writer(name)&order=id&limit=1', [{ id: 2, writer: { name: 'Ann' } }]],
    ['/longest?select=id,authors(name)&order=id&limit=1', [{ id: 2, authors: { name: 'Ann' } }]],
    ['/authors?id=eq.2&select=long_books(id)', [{ long_books: [{ id: 3 }] }]],
    ['/longest?id=eq.2&select=genres(name)', [{ genres: [{ name: 'Play' }] }]],
    ['/authors?id=eq.1&select=first_book(title)', [{ first_book: { title: 'One' } }]],
    [
      '/authors?id=eq.1&select=works(title,covers(color))&works.order=id',
      [
        {
          works: [
            { title: 'One', covers: { color: 'red' } },
            { title: 'Two', covers: null },
          ],
        },
      ],
    ],
    ['/authors?select=id,works!inner(id)&works.id=eq.3', [{ id: 2, works: [{ id: 3 }] }]],
  ])('%s', async (path, expected) => {
    expect(await get(path)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['/books?id=eq.1&select=id,...author_id(name,born)', [{ id: 1, name: 'Ann', born: '[1900,1950)' }]],
    ['/books?id=eq.4&select=id,...author_id(name)', [{ id: 4, name: null }]],
    [
      '/covers?book_id=eq.1&select=color,...books(t:title,...author_id(name))',
      [{ color: 'red', t: 'One', name: 'Ann' }],
    ],
    ['/authors?id=eq.1&select=...books!author_id(titles:title)&books.order=id', [{ titles: ['One', 'Two'] }]],
    [
      '/authors?id=eq.1&select=...books!author_id(title,pages)&books.order=pages.desc',
      [{ title: ['Two', 'One'], pages: [200, 90] }],
    ],
    ['/authors?id=eq.4&select=...books!author_id(title)', [{ title: [] }]],
    ['/books?id=eq.1&select=...genres(names:name)&genres.order=name', [{ names: ['Crime', 'Play'] }]],
    [
      '/authors?id=eq.1&select=...books!author_id(title,covers(color))&books.order=id',
      [{ title: ['One', 'Two'], covers: [{ color: 'red' }, null] }],
    ],
  ])('spreads %s', async (path, expected) => {
    expect(await get(path)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['/books?select=count()', [{ count: 4 }]],
    ['/books?select=n:count(),pages.sum(),pages.avg()::int', [{ n: 4, sum: 590, avg: 197 }]],
    [
      '/books?select=author_id,pages.max()&author_id=not.is.null&order=author_id',
      [
        { author_id: 1, max: 200 },
        { author_id: 2, max: 300 },
      ],
    ],
    ['/authors?id=eq.1&select=name,books!author_id(count())', [{ name: 'Ann', books: [{ count: 2 }] }]],
    ['/authors?id=eq.1&select=name,books!author_id(total:pages.sum())', [{ name: 'Ann', books: [{ total: 290 }] }]],
    ['/books?select=...author_id(name),pages.sum()&author_id=eq.1', [{ name: 'Ann', sum: 290 }]],
    ['/covers?select=...books(pages.sum(),count())', [{ sum: 390, count: 2 }]],
    ['/books?select=count(),a:author_id(name)&author_id=eq.1', [{ count: 2, a: { name: 'Ann' } }]],
    ['/authors?select=...books!author_id(pages.sum())', '400 PGRST127'],
  ])('aggregates %s', async (path, expected) => {
    expect(await get(path)).toEqual(expected);
  });

  it('embeds tables with the longest names, and cuts an alias as PostgreSQL does', async () => {
    const [a, b, c] = [longName('a'), longName('b'), longName('c')];
    expect(await get(`/${b}?select=id,${c}(id),other(id)`)).toEqual([{ id: 1, [c]: { id: 1 }, other: { id: 2 } }]);
    const both = `${'x'.repeat(63)}1:${b}!${c}(id),${'y'.repeat(63)}2:${b}!other(id)`;
    expect(await get(`/${a}?id=eq.1&select=${both}`)).toEqual([
      { ['x'.repeat(63)]: [{ id: 1 }], ['y'.repeat(63)]: [] },
    ]);
  });

  it('finds the keys of a view whatever its columns are called', async () => {
    const rows = await get(
      `/strange?select=id:"{:targetList (",w:authors!"a\\\\) :resno 1} b"(name),covers(color),t:authors!twice(id),g:authors!again(id)` +
        `&"{:targetList ("=eq.1`,
    );
    expect(rows).toEqual([{ id: 1, w: { name: 'Ann' }, covers: { color: 'red' }, t: { id: 2 }, g: { id: 2 } }]);
  });

  it('counts the rows that an inner join leaves', async () => {
    const { headers } = await server.send('/books?select=id,covers!inner()&covers.color=eq.red', {
      headers: { prefer: 'count=exact' },
    });
    expect(headers.get('content-range')).toBe('0-0/1');
  });

  it('says which relationships there are, and how to choose one', async () => {
    expect((await server.send('/books?select=authors(*)')).json).toEqual({
      code: 'PGRST201',
      message: "Could not embed because more than one relationship was found for 'books' and 'authors'",
      details: [
        {
          cardinality: 'many-to-one',
          embedding: 'books with authors',
          relationship: 'books_author_id_fkey using books(author_id) and authors(id)',
        },
        {
          cardinality: 'many-to-one',
          embedding: 'books with authors',
          relationship: 'books_editor_id_fkey using books(editor_id) and authors(id)',
        },
      ],
      hint:
        "Try changing 'authors' to one of the following: 'authors!books_author_id_fkey', " +
        "'authors!books_editor_id_fkey'. Find the desired relationship in the 'details' key.",
    });
    expect((await server.send('/books?select=genre(*)')).json).toEqual({
      code: 'PGRST200',
      message: "Could not find a relationship between 'books' and 'genre' in the schema cache",
      details:
        "Searched for a foreign key relationship between 'books' and 'genre' in the schema 'public', " +
        'but no matches were found.',
      hint: "Perhaps you meant 'genres' instead of 'genre'.",
    });
    expect((await server.send('/copies?select=editions!edition(*)')).json).toMatchObject({
      code: 'PGRST200',
      details:
        "Searched for a foreign key relationship between 'copies' and 'editions' using the hint 'edition' " +
        "in the schema 'public', but no matches were found.",
      hint: null,
    });
  });
});

describe('formats', () => {
  it.each<[string, string, number, string, string]>([
    [
      'application/json',
      'id=lte.2',
      200,
      'application/json; charset=utf-8',
      '[{"id":1,"mood":"calm"}, \n {"id":2,"mood":"grim"}]',
    ],
    [
      'application/vnd.pgrst.object+json',
      'id=eq.3',
      200,
      'application/vnd.pgrst.object+json; charset=utf-8',
      '{"id":3,"mood":null}',
    ],
    [
      'application/vnd.pgrst.object+json;nulls=stripped',
      'id=eq.3',
      200,
      'application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8',
      '{"id":3}',
    ],
    [
      'application/vnd.pgrst.array+json;nulls=stripped',
      'id=eq.3',
      200,
      'application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8',
      '[{"id":3}]',
    ],
    ['text/csv', 'id=gte.2&id=lte.3', 200, 'text/csv; charset=utf-8', 'id,mood\n2,grim\n3,'],
    ['text/html, */*;q=0.8', 'id=eq.1', 200, 'application/json; charset=utf-8', '[{"id":1,"mood":"calm"}]'],
  ])('%s', async (accept, filter, status, type, text) => {
    const answer = await server.send(`/authors?select=id,mood&order=id&${filter}`, { headers: { accept } });
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([status, type, text]);
  });

  it.each<[string, string, string]>([
    ['application/vnd.pgrst.object+json', '/authors', 'The result contains 4 rows'],
    ['application/vnd.pgrst.object+json', '/authors?id=eq.9', 'The result contains 0 rows'],
  ])('wants one row as %s of %s', async (accept, path, details) => {
    expect(await server.send(path, { headers: { accept } })).toMatchObject({
      status: 406,
      json: { code: 'PGRST116', details, message: 'Cannot coerce the result to a single JSON object' },
    });
  });

  it('explains the query', async () => {
    const text = await server.send('/authors', {
      headers: { accept: 'application/vnd.pgrst.plan+text; for="application/json"' },
    });
    expect(text.text).toMatch(/^Aggregate {2}\(cost=/);
    const json = await server.send('/authors', {
      headers: { accept: 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|verbose' },
    });
    expect(json.headers.get('content-type')).toBe(
      'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|verbose; charset=utf-8',
    );
    expect(json.json).toMatchObject([{ Plan: { 'Actual Rows': 1 } }]);
  });

  it('refuses a type that it has not', async () => {
    expect(await get('/authors', { accept: 'image/png' })).toBe('406 PGRST107');
  });
});

describe('resources', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['GET', '/author', {}, '404 PGRST205'],
    ['GET', '/hidden.secrets', {}, '404 PGRST205'],
    ['GET', '/events_2026', {}, '404 PGRST205'],
    ['GET', '/a/b', {}, '404 PGRST125'],
    ['GET', '/%ff', {}, '404 PGRST125'],
    ['GET', '/authors', { 'accept-profile': 'hidden' }, '406 PGRST106'],
    ['PURGE', '/authors', {}, '405 PGRST117'],
    ['DELETE', '/rpc/add', {}, '405 PGRST101'],
    ['PUT', '/', {}, '405 PGRST117'],
  ])('%s %s %o', async (method, path, headers, expected) => {
    const { status, json, headers: answered } = await server.send(path, { method, headers });
    expect(`${status} ${(json as { code: string }).code}`).toBe(expected);
    expect(answered.get('proxy-status')).toBe(`PostgREST; error=${(json as { code: string }).code}`);
  });

  it('offers a table with a similar name', async () => {
    expect((await server.send('/author')).json).toEqual({
      code: 'PGRST205',
      details: null,
      hint: "Perhaps you meant the table 'public.authors'",
      message: "Could not find the table 'public.author' in the schema cache",
    });
  });

  it('serves another schema by profile', async () => {
    const answer = await server.send('/notes', { headers: { 'accept-profile': 'private_api' } });
    expect([answer.json, answer.headers.get('content-profile')]).toEqual([[{ id: 1, text: 'private' }], 'private_api']);
  });

  it('answers HEAD without a body', async () => {
    const answer = await server.send('/authors', { method: 'HEAD', headers: { prefer: 'count=exact' } });
    expect([answer.status, answer.text, answer.headers.get('content-range')]).toEqual([200, '', '0-3/4']);
  });

  it('describes the tables and functions that a role can reach', async () => {
    const { headers, json } = await server.send('/');
    expect(headers.get('content-type')).toBe('application/openapi+json; charset=utf-8');
    expect(json).toMatchObject({
      swagger: '2.0',
      definitions: {
        books: {
          required: ['id', 'title'],
          properties: {
            id: { type: 'integer', format: 'bigint', description: 'Note:\nThis is a Primary Key.<pk/>' },
            author_id: {
              description: "Note:\nThis is a Foreign Key to `authors.id`.<fk table='authors' column='id'/>",
            },
            pages: { default: 100 },
            title: { maxLength: 80 },
            note: { default: 'none' },
          },
        },
        authors: { properties: { mood: { enum: ['calm', 'grim'], format: 'public.mood' } } },
      },
      paths: {
        '/authors': { get: { summary: 'Who writes', description: 'One row a person.' }, post: {} },
        '/names': { get: {} },
        '/rpc/add': { get: {}, post: {} },
        '/rpc/mark': { post: {} },
      },
    });
    expect(json).not.toHaveProperty(['paths', '/names', 'post']);
    const visitor = await server.send('/', { key: server.keys.publishable });
    expect(visitor.json).not.toHaveProperty(['definitions', 'shelves']);
  });
});
