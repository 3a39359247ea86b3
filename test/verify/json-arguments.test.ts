/** Functions that take what they act on out of JSON; each with the smallest repair. */
import { describe, expect, it } from 'vitest';
import { callable, ofTeams, ours, owned } from './designs.ts';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const rows = owned(
  'rows',
  "qty int not null default 0, kind text not null default 'plain' check (kind in ('plain', 'gold'))",
);
const tasks = ofTeams('tasks', ours);

/** How the keys of rows are taken out of JSON, as the body of a function with `@` where the repair asks more. */
const writes: [name: string, body: string, declared?: string][] = [
  [
    'beside a number that may not be null',
    "update public.rows r set qty = (p ->> 'qty')::int where r.id = (p ->> 'id')::uuid @;",
  ],
  [
    'beside a text that a check limits',
    "update public.rows r set kind = p ->> 'kind' where r.id = (p ->> 'id')::uuid @;",
  ],
  [
    'beside an action',
    "if p ->> 'action' in ('drop', 'remove') then delete from public.rows r where r.id = (p ->> 'id')::uuid @; end if;",
  ],
  [
    'beside one of several actions',
    `case p ->> 'op' when 'get' then null; when 'put' then null;
       when 'delete' then delete from public.rows r where r.id = (p -> 'row' ->> 'id')::uuid @; else raise exception 'which?'; end case;`,
  ],
  [
    'beside a flag',
    "if (p ->> 'force')::boolean then delete from public.rows r where r.id = (p ->> 'id')::uuid @; end if;",
  ],
  [
    'in a record of an object that is merged with another',
    `insert into public.rows as r select x.* from jsonb_populate_record(null::public.rows,
       p || jsonb_build_object('owner_id', auth.uid())) x on conflict (id) do update set title = excluded.title where true @;`,
  ],
  [
    'in a record of an object in which a value is set',
    `update public.rows r set title = x.title from jsonb_populate_record(null::public.rows,
       jsonb_set(p - 'qty', '{owner_id}', to_jsonb(auth.uid()))) x where r.id = x.id @;`,
  ],
  [
    'deep in an object, by a path',
    "delete from public.rows r where r.id = (p #>> '{data,row,id}')::uuid and p #>> '{data,type}' = 'gone' @;",
  ],
  ['by a subscript', "delete from public.rows r where r.id = (p['data']['id'] #>> '{}')::uuid @;"],
  [
    'in a list of texts under a key',
    "delete from public.rows r where r.id = any (array(select x::uuid from jsonb_array_elements_text(p -> 'ids') x)) @;",
  ],
  [
    'in a list of objects under a key',
    "for x in select * from jsonb_array_elements(p -> 'items') loop delete from public.rows r where r.id = (x ->> 'id')::uuid @; end loop;",
    'x jsonb;',
  ],
  [
    'in a list of lists',
    `for x in select value from jsonb_array_elements(p -> 'groups') loop
      for y in select value from jsonb_array_elements(x -> 'members') loop delete from public.rows r where r.id = (y ->> 'id')::uuid @; end loop; end loop;`,
    'x jsonb; y jsonb;',
  ],
  [
    'by its place in a list',
    "for i in 0 .. jsonb_array_length(p -> 'ids') - 1 loop delete from public.rows r where r.id = (p -> 'ids' ->> i)::uuid @; end loop;",
  ],
  [
    'in records with a number',
    'update public.rows r set qty = x.qty from jsonb_to_recordset(p) as x (id uuid, qty int) where r.id = x.id @;',
  ],
  [
    'in records under a key',
    "for x in select * from jsonb_to_recordset(p -> 'rows') as t (id uuid, qty int) loop if x.qty > 10 then update public.rows r set qty = x.qty where r.id = x.id @; end if; end loop;",
    'x record;',
  ],
  [
    'in one record',
    'update public.rows r set qty = x.n from jsonb_to_record(p) as x (id uuid, n int) where r.id = x.id @;',
  ],
  [
    'as keys of an object',
    'for k in select jsonb_object_keys(p) loop update public.rows r set title = p ->> k where r.id = k::uuid @; end loop;',
    'k text;',
  ],
  [
    'as keys, with values',
    "update public.rows r set qty = (e.value)::int from jsonb_each_text(p -> 'quantities') as e where r.id = e.key::uuid @;",
  ],
  [
    'by a JSON path',
    "delete from public.rows r where r.id in (select (x #>> '{}')::uuid from jsonb_path_query(p, '$.items[*].id') x) @;",
  ],
  [
    'in a variable',
    "x := p -> 'payload'; if x ->> 'status' = 'done' then delete from public.rows r where r.id = (x ->> 'row_id')::uuid @; end if;",
    'x jsonb;',
  ],
];

const act = (body: string, declared = ''): string =>
  callable(
    'public.act(p jsonb)',
    'void',
    `${declared === '' ? '' : `declare ${declared}`} begin ${body} end`,
    'plpgsql',
  );

describe('keys in JSON', () => {
  it.each(sampleOf(writes, 3))('%s', async (_name, body, declared) => {
    expect(await prove(`${rows}\n${act(body.replace('@', ''), declared)}`)).toContain(
      'isolation-write public.act(jsonb)',
    );
    expect(await prove(`${rows}\n${act(body.replace('@', 'and r.owner_id = auth.uid()'), declared)}`)).toEqual([]);
  });

  it('the price of what is not for sale yet', async () => {
    const lines = (asks: string): string =>
      callable(
        'public.act(p jsonb)',
        'jsonb',
        `select jsonb_agg(jsonb_build_object('id', x.id, 'title', x.title)) from jsonb_to_recordset(p) as l (product_id uuid, qty int)
           join public.rows x on x.id = l.product_id where l.qty > 0 ${asks}`,
      );
    expect(await prove(rows + lines(''))).toContain('isolation-read public.act(jsonb)');
    expect(await prove(rows + lines('and x.owner_id = auth.uid()'))).toEqual([]);
  });

  it('a task, beside the team that is checked', async () => {
    const body = (asks: string): string =>
      act(`if (p ->> 'team')::uuid not in (select private.my_teams()) then raise exception 'not yours' using errcode = '42501'; end if;
        delete from public.tasks t where t.id = (p ->> 'task')::uuid ${asks};`);
    expect(await prove(`${tasks}\n${body('')}`)).toContain('isolation-write public.act(jsonb)');
    expect(await prove(`${tasks}\n${body("and t.team_id = (p ->> 'team')::uuid")}`)).toEqual([]);
  });

  it('a list of which only the first is checked', async () => {
    const body = (asks: string): string =>
      act(`if not exists (select 1 from public.rows where id = (p -> 0 ->> 'id')::uuid and owner_id = auth.uid()) then return; end if;
        delete from public.rows r where r.id in (select (x ->> 'id')::uuid from jsonb_array_elements(p) x) ${asks};`);
    expect(await prove(`${rows}\n${body('')}`)).toContain('isolation-write public.act(jsonb)');
    expect(await prove(`${rows}\n${body('and r.owner_id = auth.uid()')}`)).toEqual([]);
  });
});
