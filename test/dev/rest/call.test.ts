import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { library } from './schema.ts';
import { startRest, type RestServer } from './support.ts';

let server: RestServer;
beforeAll(async () => {
  server = await startRest(library);
});
afterAll(() => server.close());

/** The status, and what the answer holds. */
async function call(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const { status, json, text } = await server.send(`/rpc/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return [status, (json as { code?: string } | null | undefined)?.code ?? json ?? text];
}

describe('a call', () => {
  it.each<[string, string, string | undefined, unknown]>([
    ['GET', 'add?a=1&b=2', undefined, [200, 3]],
    ['GET', 'add?a=1', undefined, [200, 11]],
    ['POST', 'add', '{"a": 1, "b": 2}', [200, 3]],
    ['POST', 'add', '[{"a": 1}]', [200, 11]],
    ['POST', 'add?columns=a', '{"a": 1, "x": 2}', [200, 11]],
    ['POST', 'add', '{}', [404, 'PGRST202']],
    ['POST', 'add', '{"a": "x"}', [400, '22P02']],
    ['GET', 'add?a=x', undefined, [400, '22P02']],
    ['POST', 'nothing', undefined, [204, '']],
    ['POST', 'nothing', '{}', [204, '']],
    ['POST', 'letter', '{"a": 1}', [200, 'a']],
    ['POST', 'letter', '{"b": "1"}', [200, 'b']],
    ['POST', 'twice', '{"a": 1}', [300, 'PGRST203']],
    ['POST', 'whole', '{"a": [1, null]}', [200, { a: [1, null] }]],
    ['POST', 'unnamed', '{}', [404, 'PGRST202']],
    ['POST', 'initial', '{}', [404, 'PGRST202']],
    ['POST', 'nosuch', '{}', [404, 'PGRST202']],
    ['POST', 'describe', '{"author": {"id": 5, "name": "Eve"}}', [200, '5 Eve']],
    ['GET', 'join_all?words=a&words=b', undefined, [200, 'a-b']],
    ['POST', 'join_all', '{"words": ["a", "b"]}', [200, 'a-b']],
    ['GET', 'numbers', undefined, [200, [1, 2, 3]]],
    ['GET', 'numbers?limit=1&offset=1', undefined, [200, [2]]],
    ['GET', 'one_author?wanted=2&select=name', undefined, [200, { name: 'Bob' }]],
    ['GET', 'one_author?wanted=9&select=name', undefined, [200, { name: null }]],
    ['GET', 'pairs?v=gt.1&select=k&order=k.desc', undefined, [200, [{ k: 'z' }, { k: 'y' }]]],
    ['POST', 'pairs?v=gt.1&select=key:k', '{}', [200, [{ key: 'y' }, { key: 'z' }]]],
    ['GET', 'pairs?select=v.sum()', undefined, [200, [{ sum: 6 }]]],
    ['GET', 'pairs?k=fts.x&select=nosuch', undefined, [400, '42703']],
    [
      'GET',
      'all_authors?id=eq.1&select=name,initial,works(title,covers(color))&works.order=id',
      undefined,
      [
        200,
        [
          {
            name: 'Ann',
            initial: 'A',
            works: [
              { title: 'One', covers: { color: 'red' } },
              { title: 'Two', covers: null },
            ],
          },
        ],
      ],
    ],
    [
      'GET',
      'all_authors?select=id,b:books!author_id!inner(id)&b.id=eq.3',
      undefined,
      [200, [{ id: 2, b: [{ id: 3 }] }]],
    ],
    ['GET', 'all_authors?initial=eq.B&select=id', undefined, [200, [{ id: 2 }]]],
    ['GET', 'all_authors?select=count()', undefined, [200, [{ count: 4 }]]],
    ['POST', 'fail', '{"state": "P0001", "message": "no"}', [400, 'P0001']],
    ['POST', 'fail', '{"state": "PT402", "message": "pay"}', [402, 'PT402']],
    ['POST', 'fail', '{"state": "42501", "message": "no"}', [403, '42501']],
    ['POST', 'fail', '{"state": "PGRST", "message": "no"}', [500, 'PGRST121']],
    [
      'POST',
      'mark',
      '{"n": 3}',
      [
        200,
        [
          { id: 1, n: 3, word: 'w' },
          { id: 2, n: 3, word: 'w' },
          { id: 3, n: 3, word: 'w' },
        ],
      ],
    ],
  ])('%s %s %s', async (method, path, body, expected) => {
    expect(await call(method, path, body)).toEqual(expected);
  });

  it.each<[string, string, string, unknown]>([
    ['shout', 'text/plain', 'héllo "x"', [200, 'HÉLLO "X"']],
    ['size', 'application/octet-stream', 'abcd', [200, 4]],
    ['add', 'application/x-www-form-urlencoded', 'a=4&b=5', [200, 9]],
    ['add', 'text/plain', 'x', [404, 'PGRST202']],
  ])('gives the body of %s as %s', async (name, type, body, expected) => {
    expect(await call('POST', name, body, { 'content-type': type })).toEqual(expected);
  });

  it.each<[string, string, Record<string, string>, number, string]>([
    ['GET', 'add?a=1', { prefer: 'count=exact' }, 200, '0-0/1'],
    ['HEAD', 'add?a=1', { prefer: 'count=exact' }, 200, '0-0/1'],
    ['POST', 'nothing', { prefer: 'count=exact' }, 204, '0-0/1'],
    ['GET', 'numbers', { prefer: 'count=exact' }, 200, '0-2/3'],
    ['GET', 'pairs?limit=2', { prefer: 'count=exact' }, 206, '0-1/3'],
    ['GET', 'pairs?k=eq.x', { prefer: 'count=exact' }, 200, '0-0/1'],
  ])('counts %s %s', async (method, path, headers, status, range) => {
    const answer = await server.send(`/rpc/${path}`, { method, headers });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, range]);
  });

  it('names the candidates, and the nearest where there is none', async () => {
    const body = (name: string, text: string) =>
      server.send(`/rpc/${name}`, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } });
    expect((await body('twice', '{"a": 1}')).json).toEqual({
      code: 'PGRST203',
      details: null,
      hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
      message:
        'Could not choose the best candidate function between: public.twice(a => integer), public.twice(a => text)',
    });
    expect((await body('add', '{"a": 1, "c": 1}')).json).toEqual({
      code: 'PGRST202',
      details:
        'Searched for the function public.add with parameters a, c or with a single unnamed json/jsonb parameter, ' +
        'but no matches were found in the schema cache.',
      hint: 'Perhaps you meant to call the function public.add(a, b)',
      message: 'Could not find the function public.add(a, c) in the schema cache',
    });
    expect((await server.send('/rpc/pair')).json).toMatchObject({
      hint: 'Perhaps you meant to call the function public.pairs',
      details:
        'Searched for the function public.pair without parameters, but no matches were found in the schema cache.',
    });
  });

  it('lets a function choose the answer', async () => {
    const teapot = await server.send('/rpc/teapot', { method: 'POST' });
    expect([teapot.status, teapot.headers.get('x-spout'), teapot.json]).toEqual([
      418,
      'yes',
      { code: 'T1', message: 'short and stout', hint: 'pour', details: null },
    ]);
    const dressed = await server.send('/rpc/dressed', { method: 'POST' });
    expect([dressed.status, dressed.headers.get('x-mood'), dressed.text]).toEqual([202, 'calm', '1']);
  });

  it('tells functions who asks for what', async () => {
    const answer = await server.send('/rpc/asked', { headers: { 'x-agent': 'tester' } });
    expect(answer.json).toEqual({ method: 'GET', path: '/rpc/asked', agent: 'tester', role: 'service_role' });
  });

  it('runs in a time zone', async () => {
    const zone = (prefer: string) => server.send('/rpc/zone', { headers: { prefer } });
    expect(await zone('timezone=Asia/Tokyo')).toMatchObject({ text: '"Asia/Tokyo"' });
    expect((await zone('timezone=Nowhere/City')).text).not.toContain('Nowhere');
    expect((await zone('timezone=Nowhere/City,handling=strict')).json).toMatchObject({ code: 'PGRST122' });
  });

  it('heeds max-affected where there are rows to count', async () => {
    const strict = { prefer: 'handling=strict,max-affected=1' };
    expect(await call('POST', 'mark', '{"n": 5}', strict)).toEqual([400, 'PGRST124']);
    expect(await call('POST', 'add', '{"a": 5}', strict)).toEqual([400, 'PGRST128']);
  });

  it('sees a function that is made later', async () => {
    expect(await call('POST', 'later', '{}')).toEqual([404, 'PGRST202']);
    await server.database.asServer((session) =>
      session.script('CREATE FUNCTION public.later() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'),
    );
    server.database.changed({ schemaMayDiffer: true });
    expect(await call('POST', 'later', '{}')).toEqual([200, 1]);
  });
});
