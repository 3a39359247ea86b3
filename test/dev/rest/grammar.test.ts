/** The filter grammar against SQL written by hand, and requests of any kind. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWhole, sampled } from '../../support/sample.ts';
import { startRest, type RestServer } from './support.ts';

/** Texts that mean something to SQL, to URLs or to the grammar. */
const words = [
  'a',
  'b',
  '',
  'a b',
  'A*',
  '%',
  '_',
  '\\',
  '"',
  '""',
  "'",
  "o'b",
  '(a)',
  'a,b',
  '{x}',
  'a.b',
  'not.eq.a',
  '--',
  ';',
  'é',
  '😀',
  'null',
  '$1',
  '::int',
  '+',
  '&',
  '=',
  '#',
];

let server: RestServer;
beforeAll(async () => {
  server = await startRest(`
    CREATE TABLE public.t (id int PRIMARY KEY, n int, word text, flag boolean, data jsonb);
    CREATE TABLE public.u (id int PRIMARY KEY, t_id int REFERENCES public.t, word text);
    CREATE FUNCTION public.echo(word text) RETURNS text LANGUAGE sql AS $$ SELECT word $$;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, service_role;`);
  await server.database.asServer(async (session) => {
    const rows = words.map((word, id) => ({
      id,
      n: id % 4 === 3 ? null : id % 4,
      word: id % 7 === 6 ? null : word,
      flag: [true, false, null][id % 3],
      data: { w: word },
    }));
    await session.query('INSERT INTO public.t SELECT * FROM json_populate_recordset(NULL::public.t, $1::json)', [
      JSON.stringify(rows),
    ]);
    await session.query('INSERT INTO public.u SELECT id, id, word FROM public.t');
  });
});
afterAll(() => server.close());

/** A condition in both languages. */
interface Condition {
  /** In a logic tree: `column.operator.value`. */
  tree: string;
  sql: string;
  values: unknown[];
}

/** Quoted as a client must quote what has reserved characters. */
const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const word = fc.constantFrom(...words);
const number = fc.integer({ min: -1, max: 4 });
const condition = (tree: string, sql: string, ...values: unknown[]): Condition => ({ tree, sql, values });
const filter: fc.Arbitrary<Condition> = fc
  .oneof(
    fc
      .tuple(
        fc.constantFrom(['eq', '='], ['neq', '<>'], ['gt', '>'], ['gte', '>='], ['lt', '<'], ['lte', '<=']),
        number,
      )
      .map(([[name, operator], value]) => condition(`n.${name}.${value}`, `n ${operator} ?::int`, value)),
    fc
      .tuple(fc.constantFrom(['eq', '='], ['neq', '<>'], ['gt', '>']), word)
      .map(([[name, operator], value]) => condition(`word.${name}.${quote(value)}`, `word ${operator} ?::text`, value)),
    word.map((value) => condition(`word.isdistinct.${quote(value)}`, 'word IS DISTINCT FROM ?::text', value)),
    word
      .filter((value) => !value.endsWith('\\'))
      .map((value) => condition(`word.like.${quote(value)}`, 'word LIKE ?::text', value.replaceAll('*', '%'))),
    word.map((value) => condition(`data->>w.eq.${quote(value)}`, `data ->> 'w' = ?::text`, value)),
    fc
      .array(word, { minLength: 2, maxLength: 4 })
      .map((list) =>
        condition(
          `word.in.(${list.map(quote).join(',')})`,
          `word IN (${list.map(() => '?::text').join(', ')})`,
          ...list,
        ),
      ),
    fc
      .constantFrom(
        ['null', 'NULL'],
        ['true', 'TRUE'],
        ['false', 'FALSE'],
        ['unknown', 'UNKNOWN'],
        ['not_null', 'NOT NULL'],
      )
      .map(([name, sql]) => condition(`flag.is.${name}`, `flag IS ${sql}`)),
    fc
      .array(number, { minLength: 1, maxLength: 3 })
      .map((list) => condition(`n.gt(all).{${list.join(',')}}`, `n > ALL (?::int[])`, list)),
  )
  .chain((inner) => fc.boolean().map((not) => (not ? negate(inner) : inner)));

function negate({ tree, sql, values }: Condition): Condition {
  const dot = tree.indexOf('.');
  return { tree: `${tree.slice(0, dot)}.not${tree.slice(dot)}`, sql: `NOT (${sql})`, values };
}

const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    filter,
    fc
      .tuple(fc.boolean(), fc.constantFrom('and', 'or'), fc.array(tie('tree'), { minLength: 1, maxLength: 3 }))
      .map(([not, operator, items]) => ({
        tree: `${not ? 'not.' : ''}${operator}(${items.map((item) => item.tree).join(',')})`,
        sql: `${not ? 'NOT ' : ''}(${items.map((item) => item.sql).join(` ${operator} `)})`,
        values: items.flatMap((item) => item.values),
      })),
  ),
}));

async function expectedIds({ sql, values }: Condition): Promise<number[]> {
  let nr = 0;
  const numbered = sql.replaceAll('?', () => `$${(nr += 1)}`);
  const { rows } = await server.database.asServer((session) =>
    session.query<{ id: number }>(`SELECT id FROM public.t WHERE ${numbered} ORDER BY id`, values),
  );
  return rows.map(({ id }) => id);
}

describe('the filter grammar', () => {
  it('means what SQL written by hand means', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (condition) => {
        const search = new URLSearchParams({ select: 'id', order: 'id', and: `(${condition.tree})` });
        const { json } = await server.send(`/t?${search}`);
        expect((json as { id: number }[]).map(({ id }) => id)).toEqual(await expectedIds(condition));
      }),
      { numRuns: sampled(100) },
    );
  });

  it('takes any text as a value, in a parameter, a list, a body and a call', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(word, fc.string({ unit: 'grapheme' })), async (text) => {
        const value = text.replaceAll('\0', '');
        const search = new URLSearchParams({ select: 'id', word: `eq.${value}` });
        const expected = await expectedIds({ tree: '', sql: 'word = ?', values: [value] });
        const single = await server.send(`/t?${search}`);
        expect((single.json as { id: number }[]).map(({ id }) => id).sort((a, b) => a - b)).toEqual(expected);
        const list = await server.send(
          `/t?${new URLSearchParams({ select: 'id', order: 'id', word: `in.(${quote(value)},"?")` })}`,
        );
        expect((list.json as { id: number }[]).map(({ id }) => id)).toEqual(expected);
        const body = JSON.stringify({ word: value });
        const called = await server.send('/rpc/echo', {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        });
        expect(called.json).toBe(value);
        const got = await server.send(`/rpc/echo?${new URLSearchParams({ word: value })}`);
        if (got.status === 200) expect(got.json).toBe(value);
      }),
      { numRuns: sampled(40) },
    );
  });
});

/** Pieces that the grammar knows, put together in no order that it knows. */
const piece = fc.oneof(
  fc.constantFrom(
    'id',
    'n',
    'word',
    'data',
    'u',
    't',
    'u!inner',
    '...u',
    '*',
    'count()',
    '.sum()',
    '::int',
    '::text',
    ':',
    ',',
    '(',
    ')',
    '.',
    '->',
    '->>',
    '0',
    '-1',
    'eq.',
    'not.',
    'in.(',
    'is.',
    'null',
    'or',
    'and',
    '!',
    '"',
    '\\',
    "'",
    '--',
    ';',
    '/*',
    '$1',
    '%00',
    ' ',
    'asc',
    'desc',
    'nullslast',
    '{',
    '}',
    'any',
    'fts(',
    'select',
    'pg_sleep(9)',
    'DROP TABLE t',
  ),
  fc.string({ maxLength: 4 }),
);
const junk = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const key = fc.oneof(
  fc.constantFrom(
    'select',
    'order',
    'limit',
    'offset',
    'or',
    'and',
    'not.or',
    'id',
    'word',
    'u.id',
    'u.order',
    'u.limit',
    'columns',
    'on_conflict',
    'data->a',
  ),
  junk,
);
const path = fc.oneof(
  fc.constantFrom('/t', '/u', '/rpc/echo', '/'),
  junk.map((text) => `/${encodeURIComponent(text)}`),
);
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'),
  path,
  parameters: fc.array(fc.tuple(key, junk), { maxLength: 4 }),
  body: fc.oneof(fc.json({ maxDepth: 2 }), junk, fc.constantFrom('{"id":1}', '[{"id":1,"word":"x"}]')),
  type: fc.constantFrom('application/json', 'text/csv', 'text/plain', 'application/x-www-form-urlencoded', 'x'),
  accept: fc.constantFrom(
    'application/json',
    'text/csv',
    'application/vnd.pgrst.object+json',
    'application/vnd.pgrst.plan+json',
    '*/*',
    'x',
  ),
  prefer: fc.array(
    fc.constantFrom(
      'return=representation',
      'return=headers-only',
      'count=exact',
      'count=planned',
      'count=estimated',
      'resolution=merge-duplicates',
      'missing=default',
      'handling=strict',
      'max-affected=0',
      'timezone=UTC',
      'x',
    ),
    { maxLength: 3 },
  ),
});

describe('requests of any kind', () => {
  it('get an answer with a reason, and change nothing that they may not', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, parameters, body, type, accept, prefer }) => {
        const answer = await server.send(`${path}?${new URLSearchParams(parameters)}`, {
          method,
          headers: { 'content-type': type, accept, prefer: [...prefer, 'tx=rollback'].join(',') },
          ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
        });
        if (answer.status < 500) return;
        // Only where PostgreSQL itself calls it an error of the server, e.g. a row that is updated twice.
        expect(answer.json).toMatchObject({ code: expect.stringMatching(/^(?:21|25|54|55)...$/) as string });
      }),
      { numRuns: isWhole ? 2000 : 50 },
    );
    expect((await server.send('/t?select=count()')).json).toEqual([{ count: words.length }]);
  });
});

describe('interleaved users', () => {
  it('see only their own rows, also when others fail', async () => {
    await server.database.asServer((session) =>
      session.script(`
        CREATE TABLE public.own (id int PRIMARY KEY, owner uuid DEFAULT auth.uid());
        ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON public.own TO authenticated USING (owner = (SELECT auth.uid()));
        GRANT ALL ON public.own TO authenticated;`),
    );
    server.database.changed({ schemaMayDiffer: true });
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const users = Array.from({ length: 20 }, (_, nr) => `000000${nr + 10}-0000-4000-8000-000000000000`);
    const tokens = await Promise.all(users.map((sub) => server.keys.sign({ sub, role: 'authenticated', exp })));
    await server.database.asServer((session) =>
      session.query(
        'INSERT INTO public.own SELECT nr, owner FROM unnest($1::uuid[]) WITH ORDINALITY AS u (owner, nr)',
        [users],
      ),
    );
    const wrong: unknown[] = [];
    const calls = Array.from({ length: isWhole ? 2000 : 120 }, async (_, nr) => {
      const key = tokens[nr % users.length] as string;
      if (nr % 3 === 0) return void (await server.send('/own?id=eq.x', { key }));
      const { json } = await server.send('/own?select=owner', { key });
      const [row, another] = json as { owner: string }[];
      if (row?.owner !== users[nr % users.length] || another !== undefined) wrong.push(json);
    });
    await Promise.all(calls);
    expect(wrong).toEqual([]);
  });
});
