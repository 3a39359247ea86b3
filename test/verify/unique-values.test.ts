/** Columns of which no two rows share a value: rows are made for every type that an index can hold. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const types = [
  ['bytea', 'inet', 'cidr', 'macaddr', 'macaddr8', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'],
  ['jsonb', 'money', 'bit(8)', 'bit(5)', 'bit varying(16)', 'varbit', 'tsvector', 'name', 'oid', 'real'],
  ['uuid[]', 'text[]', 'int[]', 'bytea[]', 'date[]', 'int4range', 'int8range', 'numrange', 'daterange', 'tstzrange'],
  ['int4multirange', 'tstzmultirange', 'numeric(5,2)', 'numeric(8)', 'double precision', 'char(4)', 'varchar(5)'],
  ['smallint', 'int', 'bigint', 'numeric', 'text', 'uuid', 'public.token', 'public.short'],
].flat();

const sql = (type: string, unique: string, check = ''): string => `
  create domain public.token as bytea check (length(value) > 0);
  create domain public.short as varchar(6);
  create table public.things (
    ${unique === 'primary key' ? '' : 'id uuid primary key default gen_random_uuid(),'}
    one ${type} not null ${unique === 'with its owner' ? '' : unique} ${check},
    status text not null default 'open' check (status in ('open', 'shut')),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade
    ${unique === 'with its owner' ? ', unique (owner_id, one)' : ''});
  alter table public.things enable row level security;
  grant select, insert, update, delete on public.things to authenticated;
  create policy own on public.things for all to authenticated
    using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create policy shut on public.things for select to authenticated
    using (owner_id = (select auth.uid()) and status = 'shut');`;

const left = (schema: string): Promise<string[]> =>
  withSchema(database, schema, async (session) =>
    (await verifyIsolation(session, { declarations: [] })).findings
      .filter(({ rule, severity }) => rule === 'not-proven' || severity === 'error')
      .map(({ message }) => message),
  );

describe('a column whose values are unique', () => {
  it.each(sampleOf(types, 3))('is filled with %s', async (type) => {
    expect(await left(sql(type, 'unique'))).toEqual([]);
  });

  it.each(['bytea', 'uuid[]', 'varchar(5)', 'daterange', 'numeric(5,2)'])(
    'is filled with %s in a key',
    async (type) => {
      for (const unique of ['primary key', 'with its owner']) expect(await left(sql(type, unique))).toEqual([]);
    },
  );

  it.each([
    ['daterange', 'check (not isempty(one)) check (upper(one) is not null)'],
    ['int4range', 'check (not isempty(one))'],
    ['bytea', 'check (octet_length(one) > 4)'],
    ['interval', "check (one > interval '0')"],
    ['text[]', 'check (cardinality(one) between 1 and 5)'],
  ])('is filled with %s %s', async (type, check) => {
    expect(await left(sql(type, 'unique', check))).toEqual([]);
  });

  it('is filled where no two ranges may overlap', async () => {
    const booked = `create extension if not exists btree_gist with schema extensions;
      create table public.rooms (id uuid primary key default gen_random_uuid(), name text not null,
        owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
      alter table public.rooms enable row level security; grant select, insert, update, delete on public.rooms to authenticated;
      create policy own on public.rooms for all to authenticated
        using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
      create table public.bookings (id uuid primary key default gen_random_uuid(),
        room_id uuid not null references public.rooms (id) on delete restrict,
        during tstzrange not null check (not isempty(during)),
        guest_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
        exclude using gist (room_id with =, during with &&));
      alter table public.bookings enable row level security; grant select, insert, delete on public.bookings to authenticated;
      create policy own on public.bookings for all to authenticated
        using (guest_id = (select auth.uid())) with check (guest_id = (select auth.uid()));`;
    expect(await left(booked)).toEqual([]);
  });
});
