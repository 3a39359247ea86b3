/** What functions and views reach beside ordinary rows of tables, each with the smallest repair: objects of Storage, and rows that all may read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { callable, owned } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const prove = (sql: string): Promise<string[]> =>
  withSchema(database, sql, async (session) =>
    errorsOf(await findingsOf(session, [asMigration('extension_002.sql', sql)])),
  );

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
  it.each(ofStorage)('%s', async (_name, sql, asks, finds) => {
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
  it.each(ofPublicRows)('%s', async (_name, sql, asks, finds) => {
    expect(await prove(schema + sql(''))).toContain(finds);
    expect(await prove(schema + sql(asks))).toEqual([]);
  });
});
