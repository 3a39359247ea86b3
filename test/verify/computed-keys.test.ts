/** Rows whose owner is told by something that is computed from who asks. */
import { describe, expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const pseudonym = `create schema private; grant usage on schema private to authenticated;
  create function private.me() returns text language sql stable set search_path = '' as
    $$ select encode(extensions.digest(auth.uid()::text || 'pepper', 'sha256'), 'hex') $$;`;

/** The caller's key, the type of the column, and what has to be there first. */
const keys: [name: string, mine: string, type: string, first?: string][] = [
  ['the hash of the ID', "encode(sha256(auth.uid()::text::bytea), 'hex')", 'text'],
  ['a text around the ID', "'user:' || (select auth.uid())", 'text'],
  ['what a helper makes of it', 'private.me()', 'text', pseudonym],
  ['what a helper makes of it, asked once', '(select private.me())', 'text', pseudonym],
  ['a UUID made of it', 'extensions.uuid_generate_v5(extensions.uuid_ns_url(), auth.uid()::text)', 'uuid'],
  ['the hash of the address', "md5(lower(auth.jwt() ->> 'email'))", 'text'],
  ['bytes', "sha256(convert_to((select auth.uid())::text, 'UTF8'))", 'bytea'],
];

describe.each(sampleOf(keys, 3))('%s', (_name, mine, type, first = '') => {
  const made = `${first} create table public.events (id uuid primary key default gen_random_uuid(), subject ${type} not null, body text);
    create index on public.events (subject); alter table public.events enable row level security;`;
  const granted = (verbs: string): string => `grant ${verbs} on public.events to authenticated;`;
  const r = (using: string): string => `create policy r on public.events for select to authenticated using (${using});`;
  const i = (check: string): string =>
    `create policy i on public.events for insert to authenticated with check (${check});`;
  const u = (using: string, check: string): string =>
    `create policy u on public.events for update to authenticated using (${using}) with check (${check});`;
  const own = `subject = ${mine}`;
  const all = `${made} ${granted('select, insert, update')} ${i(own)}`;

  it('is correct', async () => {
    expect(await prove(`${all} ${r(own)} ${u(own, own)}`)).toEqual([]);
  });
  it('is correct where rows are added only', async () => {
    expect(await prove(`${made} ${granted('insert')} ${i(own)}`)).toEqual([]);
  });
  it('is asked in another row only', async () => {
    expect(await prove(`${all} ${r(`${own} or body is null`)} ${u(own, own)}`)).toContain(
      'isolation-read public.events',
    );
  });
  it('may be that of anybody', async () => {
    const open = `${made} ${granted('select, insert')} ${r(own)} ${i('subject is not null')}`;
    expect(await prove(open)).toContain('isolation-insert public.events');
  });
  it('may be handed to anybody', async () => {
    const given = `${all} ${r(own)} ${u(own, 'subject is not null')}`;
    expect(await prove(given)).toContain('isolation-reassign public.events');
  });
});

it('a key that is a part of the ID is that of others as well', async () => {
  const own = 'subject = left(auth.uid()::text, 12)';
  const sql = `create table public.events (id uuid primary key default gen_random_uuid(), subject text not null, body text);
    create index on public.events (subject); alter table public.events enable row level security;
    grant select on public.events to authenticated;
    create policy r on public.events for select to authenticated using (${own});`;
  expect(await prove(sql)).toEqual(['isolation-read public.events']);
});
