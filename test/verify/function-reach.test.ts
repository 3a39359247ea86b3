/** What functions and views reach beside ordinary rows of tables, each with the smallest repair: objects of Storage, and rows that all may read. */
import { describe, expect, it } from 'vitest';
import { callable, ofTeams, ours, owned } from './designs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const find = findingsProver();
const prove = async (sql: string): Promise<string[]> => errorsOf(await find(sql));

const inOwnFolder = '(storage.foldername(name))[1] = (select auth.uid())::text';
const files = `insert into storage.buckets (id, name, public) values ('docs', 'docs', false), ('logos', 'logos', true);
  create policy docs_own on storage.objects for all to authenticated using (bucket_id = 'docs' and ${inOwnFolder}) with check (bucket_id = 'docs' and ${inOwnFolder});`;
const posts = `${owned('posts', 'published boolean not null default false, views int not null default 0')}
  -- muse: public-read
  create policy shown on public.posts for select to authenticated using (published);`;
const act = (signature: string, returns: string, body: string): string =>
  callable(`public.${signature}`, returns, body);

/** What it does, its SQL with what the repair asks, that, and the error. */
type Case = [name: string, sql: (asks: string) => string, asks: string, finds: string];

const ofStorage: Case[] = [
  [
    'lists all files',
    (asks) =>
      act(
        'f()',
        'table (name text, size bigint)',
        `select o.name, (o.metadata ->> 'size')::bigint from storage.objects o where o.bucket_id = 'docs' ${asks}`,
      ),
    `and ${inOwnFolder}`,
    'isolation-read public.f()',
  ],
  [
    'lists the files of a folder',
    (asks) =>
      act(
        'f(p_folder text)',
        'setof text',
        `select o.name from storage.objects o where o.bucket_id = 'docs' and o.name like p_folder || '/%' ${asks}`,
      ),
    'and p_folder = auth.uid()::text',
    'isolation-read public.f(text)',
  ],
  [
    'says whose a file is',
    (asks) =>
      act(
        'f(p_name text)',
        'text',
        `select o.owner_id from storage.objects o where o.bucket_id = 'docs' and o.name = p_name ${asks}`,
      ),
    `and ${inOwnFolder}`,
    'isolation-read public.f(text)',
  ],
  [
    'deletes a file by its name',
    (asks) =>
      act(
        'f(p_bucket text, p_name text)',
        'void',
        `select set_config('storage.allow_delete_query', 'true', true); delete from storage.objects o where o.bucket_id = p_bucket and o.name = p_name ${asks}`,
      ),
    `and ${inOwnFolder}`,
    'isolation-write public.f(text, text)',
  ],
  [
    'deletes a file by its id',
    (asks) =>
      act(
        'f(p_file uuid)',
        'void',
        `select set_config('storage.allow_delete_query', 'true', true); delete from storage.objects o where o.id = p_file ${asks}`,
      ),
    `and ${inOwnFolder}`,
    'isolation-write public.f(uuid)',
  ],
  [
    'renames a file',
    (asks) =>
      act(
        'f(p_from text, p_to text)',
        'void',
        `update storage.objects o set name = p_to where o.bucket_id = 'docs' and o.name = p_from ${asks}`,
      ),
    `and ${inOwnFolder} and split_part(p_to, '/', 1) = auth.uid()::text`,
    'isolation-write public.f(text, text)',
  ],
  [
    'a view of all files',
    (asks) =>
      `create view public.v ${asks} as select id, name, created_at from storage.objects where bucket_id = 'docs'; grant select on public.v to authenticated;`,
    'with (security_invoker = true)',
    'isolation-read public.v',
  ],
  [
    'a view that counts the files of each folder',
    (asks) =>
      `create view public.v as select (storage.foldername(name))[1] as folder, count(*) from storage.objects where bucket_id = 'docs' ${asks} group by 1; grant select on public.v to authenticated;`,
    `and ${inOwnFolder}`,
    'isolation-read public.v',
  ],
];

const ofPublicRows: Case[] = [
  [
    'rewrites what is published',
    (asks) =>
      act(
        'f(p_post uuid, p_title text)',
        'void',
        `update public.posts set title = p_title where id = p_post and published ${asks}`,
      ),
    'and owner_id = auth.uid()',
    'isolation-write public.f(uuid, text)',
  ],
  [
    'deletes what is published',
    (asks) => act('f(p_post uuid)', 'void', `delete from public.posts where id = p_post and published ${asks}`),
    'and owner_id = auth.uid()',
    'isolation-write public.f(uuid)',
  ],
  [
    'counts readers of others, which is said nowhere',
    (asks) =>
      act(
        'f(p_post uuid)',
        'void',
        `update public.posts set views = views + 1 where id = p_post and published ${asks}`,
      ),
    'and owner_id = auth.uid()',
    'isolation-write public.f(uuid)',
  ],
];

describe('objects of Storage', () => {
  it.each(sampleOf(ofStorage, 3))('%s', async (_name, sql, asks, finds) => {
    expect(await prove(files + sql(''))).toContain(finds);
    expect(await prove(files + sql(asks))).toEqual([]);
  });
});

describe.each([
  ['beside the policy', posts],
  [
    'of the whole table',
    posts.replace('-- muse: public-read', '').replace('create table', '-- muse: public-read\ncreate table'),
  ],
])('rows that all may read in a state, declared %s', (_, schema) => {
  it.each(sampleOf(ofPublicRows, 3))('%s', async (_name, sql, asks, finds) => {
    expect(await prove(schema + sql(''))).toContain(finds);
    expect(await prove(schema + sql(asks))).toEqual([]);
  });
});

const sales = `${ofTeams('sales', ours)} alter table public.sales add column amount numeric not null default 5;`;
const points = owned('points', 'amount int not null default 1');

const sums: [name: string, schema: string, sql: (asks: string) => string, asks: string, finds: string][] = [
  [
    'of a team',
    sales,
    (asks) =>
      act(
        'f(p_team uuid)',
        'numeric',
        `select coalesce(sum(amount), 0) from public.sales where team_id = p_team ${asks}`,
      ),
    `and ${ours}`,
    'isolation-read public.f(uuid)',
  ],
  [
    'of a team, as a row',
    sales,
    (asks) =>
      act(
        'f(p_team uuid)',
        'table (total numeric, biggest numeric)',
        `select sum(amount), max(amount) from public.sales where team_id = p_team ${asks}`,
      ),
    `and ${ours}`,
    'isolation-read public.f(uuid)',
  ],
  [
    'of a user',
    points,
    (asks) => act('f(p_user uuid)', 'bigint', `select sum(amount) from public.points where owner_id = p_user ${asks}`),
    'and owner_id = auth.uid()',
    'isolation-read public.f(uuid)',
  ],
];

describe('sums of the numbers', () => {
  it.each(sampleOf(sums, 3))('%s', async (_name, schema, sql, asks, finds) => {
    expect(await prove(schema + sql(''))).toContain(finds);
    expect(await prove(schema + sql(asks))).toEqual([]);
  });

  it('of everybody, for one product, are no error', async () => {
    const products = owned('products', '', 'true').replace('create table', '-- muse: public-read\ncreate table');
    const ratings = owned(
      'ratings',
      'product uuid not null references public.products (id), stars int not null default 3',
    );
    const average = act(
      'f(p_product uuid)',
      'numeric',
      'select avg(stars) from public.ratings where product = p_product',
    );
    expect(await prove(products + ratings + average)).toEqual([]);
  });
});

const listen = `create policy listen on realtime.messages for select to authenticated using (realtime.topic() = 'user:' || (select auth.uid())::text);`;
const notProven = async (sql: string): Promise<string[]> =>
  (await find(sql)).filter(({ rule }) => rule === 'not-proven').map(({ severity, object }) => `${severity} ${object}`);

describe('messages of Realtime', () => {
  const send = (asks: string): string =>
    callable(
      'public.send_to(p_user uuid, p_payload jsonb)',
      'void',
      `declare channel text := 'user:' || p_user; begin ${asks} perform realtime.send(p_payload, 'message', channel, true); end`,
      'plpgsql',
    );

  it('sent into a topic that the caller names are an error, unless the function asks who calls', async () => {
    expect(await notProven(listen + send(''))).toContain('error public.send_to(uuid, jsonb)');
    const asking = "if p_user is distinct from auth.uid() then raise exception 'no'; end if;";
    expect(await notProven(listen + send(asking))).toContain('warning public.send_to(uuid, jsonb)');
  });

  it('of a trigger are named with the table', async () => {
    const trigger = `create function public.on_note() returns trigger language plpgsql security definer set search_path = '' as
      $$ begin perform realtime.broadcast_changes('notes', tg_op, tg_op, tg_table_name, tg_table_schema, new, old); return null; end $$;
      create trigger on_note after insert on public.notes for each row execute function public.on_note();`;
    expect(await notProven(listen + owned('notes') + trigger)).toContain('warning public.notes');
  });
});

describe('tables and columns that the caller names in SQL', () => {
  const raise = (first: string, asks: string): string =>
    callable(
      'public.raise(p_table text, p_id uuid, p_column text)',
      'void',
      `begin ${first} execute format('update public.%I set %I = %I + 1 where id = $1 ${asks}', p_table, p_column, p_column) using p_id; end`,
      'plpgsql',
    );
  it.each([
    ['are an error where nothing asks who calls', raise('', ''), ['error public.raise(text, uuid, text)']],
    [
      'are not proven where only the function does',
      raise("if auth.uid() is null then raise exception 'no'; end if;", ''),
      ['warning public.raise(text, uuid, text)'],
    ],
    ['are fine where the SQL does', raise('', 'and owner_id = auth.uid()'), []],
  ])('%s', async (_, sql, expected) => {
    expect(await notProven(owned('counters', 'seen int not null default 0') + sql)).toEqual(expected);
  });
});
