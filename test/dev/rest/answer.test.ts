/** What a function says about the answer by settings and errors, and what HEAD has of the answer to GET. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { library } from './schema.ts';
import { type Answer, startRest, type RestServer } from './support.ts';

let server: RestServer;
beforeAll(async () => {
  server = await startRest(`${library}
    CREATE FUNCTION public.set(name text, value text) RETURNS text LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config('response.' || name, value, true); RETURN 'done'; END $$;
    CREATE FUNCTION public.report(error text, answer text) RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN RAISE SQLSTATE 'PGRST' USING MESSAGE = error, DETAIL = answer; END $$;
    CREATE FUNCTION public.checked(n int) RETURNS SETOF int LANGUAGE plpgsql STABLE AS
      $$ BEGIN IF n > 1 THEN RAISE 'too many'; END IF; RETURN NEXT n; END $$;`);
});
afterAll(() => server.close());

const call = (name: string, parameters: Record<string, string>, method = 'GET'): Promise<Answer> =>
  server.send(`/rpc/${name}?${new URLSearchParams(parameters)}`, { method });

const codeOf = ({ json }: Answer): unknown => (json as { code?: unknown } | undefined)?.code;

describe('a function', () => {
  it.each<[string, number, string]>([
    ['202', 202, '"done"'],
    [' 299 ', 299, '"done"'],
    ['204', 204, ''],
    ['304', 304, ''],
    ...['100', '101', '199', '600', '2e2', '0x1F4', '20.5', '-200', 'x'].map((text): [string, number, string] => [
      text,
      500,
      'PGRST112',
    ]),
  ])('sets the status %j: %i', async (value, status, text) => {
    const answer = await call('set', { name: 'status', value });
    expect([answer.status, codeOf(answer) ?? answer.text]).toEqual([status, text]);
    expect(answer.headers.has('content-length')).toBe(answer.text !== '');
    expect((await call('set', { name: 'status', value }, 'HEAD')).status).toBe(status);
  });

  it.each<[string, Record<string, string | null>]>([
    ['[{"X-One": "1"}, {"x-two": "2"}]', { 'x-one': '1', 'x-two': '2' }],
    ['[{"Cache-Control": "public"}, {"Cache-Control": "max-age=1"}]', { 'cache-control': 'public, max-age=1' }],
    ['[{"Content-Type": "text/calendar"}]', { 'content-type': 'text/calendar' }],
    // Those of the connection and the body's length are the server's own.
    ['[{"Content-Length": "1"}, {"X-One": "1"}]', { 'content-length': '6', 'x-one': '1' }],
    ['[{"Transfer-Encoding": "chunked"}, {"Trailer": "x"}]', { 'transfer-encoding': null, trailer: null }],
    ['[{"Connection": "close"}, {"Keep-Alive": "x"}, {"Upgrade": "x"}]', { connection: 'keep-alive', upgrade: null }],
  ])('sets the headers %s', async (value, expected) => {
    const answer = await call('set', { name: 'headers', value });
    expect([answer.status, answer.text]).toEqual([200, '"done"']);
    const names = Object.keys(expected);
    expect(Object.fromEntries(names.map((name) => [name, answer.headers.get(name)]))).toEqual(expected);
  });

  it('sets a cookie each', async () => {
    const cookies = ['a=1; Path=/', 'b=2'];
    const value = JSON.stringify(cookies.map((cookie) => ({ 'Set-Cookie': cookie })));
    for (const method of ['GET', 'HEAD'])
      expect((await call('set', { name: 'headers', value }, method)).headers.getSetCookie()).toEqual(cookies);
  });

  it.each([
    'x',
    '{}',
    '[{}]',
    '[null]',
    '[{"a": 1}]',
    '[{"a": "b", "c": "d"}]',
    '[{"a b": "x"}]',
    '[{"": "x"}]',
    '[{"a": "x\\ny: z"}]',
    '[{"a": "日"}]',
  ])('cannot set the headers %s', async (value) => {
    const answer = await call('set', { name: 'headers', value });
    expect([answer.status, codeOf(answer)]).toEqual([500, 'PGRST111']);
  });

  it.each<[string, string, number, string]>([
    ['E1', '{"status": 418, "headers": {"X-Spout": "yes"}}', 418, 'E1'],
    ['E1', '{"status": 400, "headers": {"Transfer-Encoding": "chunked"}}', 400, 'E1'],
    ['日', '{"status": 400, "headers": {}}', 400, '日'],
    ['a\nb', '{"status": 400, "headers": {}}', 400, 'a\nb'],
    ...[
      '{"status": 100, "headers": {}}',
      '{"status": 400.5, "headers": {}}',
      '{"status": "400", "headers": {}}',
      '{"status": 400}',
      '{"status": 400, "headers": {"a b": "x"}}',
      '{"status": 400, "headers": {"a": "x\\ny: z"}}',
      '{"status": 400, "headers": {"a": "日"}}',
      '{"status": 400, "headers": {"a": 1}}',
    ].map((detail): [string, string, number, string] => ['E1', detail, 500, 'PGRST121']),
  ])('raises the error %j with %s', async (code, answer, status, expected) => {
    const raised = await call('report', { error: JSON.stringify({ code, message: 'no' }), answer });
    expect([raised.status, codeOf(raised)]).toEqual([status, expected]);
  });

  it.each<[string, number]>([
    ['PT402', 402],
    ['PT204', 204],
    ['PT100', 500],
    ['PT600', 500],
    ['PT2E2', 500],
  ])('raises %s: %i', async (state, status) => {
    expect((await call('fail', { state, message: 'no' })).status).toBe(status);
  });
});

describe('HEAD', () => {
  it.each<[string, number, string | null]>([
    ['/authors', 200, '0-3/*'],
    ['/authors?id=eq.99', 200, '*/*'],
    ['/authors?select=name::int', 400, null],
    ['/rpc/add?a=1', 200, '0-0/*'],
    // A function without a set has a result, even if a filter leaves it out.
    ['/rpc/add?a=1&offset=1', 200, '1-1/*'],
    ['/rpc/one_author?wanted=1&id=eq.2', 200, '0-0/*'],
    ['/rpc/one_author?wanted=1&id=eq.x', 400, null],
    ['/rpc/numbers?limit=2', 200, '0-1/*'],
    ['/rpc/checked?n=1', 200, '0-0/*'],
    ['/rpc/checked?n=2', 400, null],
    ['/rpc/fail?state=PT402&message=pay', 402, null],
  ])('%s answers as GET does: %i', async (path, status, range) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await server.send(path, { method });
      expect([answer.status, answer.headers.get('content-range')], method).toEqual([status, range]);
      if (method === 'HEAD') expect(answer.text).toBe('');
    }
  });
});
