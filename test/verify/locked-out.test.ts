import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { opened } from './designs.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const uid = '(select auth.uid())';
const owned = `id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id)`;

/** Things that are offered, and requests for them. */
const offers = (check: string): string => `
  create table public.offers (${owned}, title text not null, stage text not null default 'hidden' check (stage in ('hidden', 'open', 'closed')));
  create table public.requests (${owned}, offer_id uuid not null references public.offers (id), words text not null);
  ${opened('offers', 'select, insert, update')} ${opened('requests', 'select, insert')}
  create policy own on public.offers to authenticated using (owner_id = ${uid}) with check (owner_id = ${uid});
  create policy own on public.requests for select to authenticated using (owner_id = ${uid});
  create function public.is_open(o uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.offers where id = o and stage = 'open') $$;
  create function public.is_mine(o uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.offers where id = o and owner_id = auth.uid()) $$;
  create policy asks on public.requests for insert to authenticated with check (owner_id = ${uid} and ${check});`;
const asks = (check: string): string => `${offers('true')} alter policy asks on public.requests with check (${check});`;

/** Letters that someone writes to another. */
const letters = (check: string): string => `
  create table public.letters (id uuid primary key default gen_random_uuid(), writer uuid not null default auth.uid() references auth.users (id),
    reader uuid not null references auth.users (id), body text not null);
  ${opened('letters', 'select, insert')}
  create policy reads on public.letters for select to authenticated using (${uid} in (writer, reader));
  create policy writes on public.letters for insert to authenticated with check (${check});`;

/** Readings of devices, which are found by a name. */
const devices = (using: string): string => `
  create table public.devices (${owned}, serial text not null unique);
  create table public.readings (id bigint generated always as identity primary key, device text not null, value int not null);
  ${opened('devices', 'select')} ${opened('readings', 'select')}
  create policy own on public.devices for select to authenticated using (owner_id = ${uid});
  create policy own on public.readings for select to authenticated using (${using});`;

/** Pairs of a teacher and a pupil, to which the pupil must agree. */
const pairs = (using: string): string => `
  create table public.pairs (teacher uuid not null references auth.users (id), pupil uuid not null references auth.users (id), agreed boolean not null default false,
    primary key (teacher, pupil), check (teacher <> pupil));
  create table public.essays (${owned}, body text not null);
  ${opened('pairs', 'select, insert, delete')} grant update (agreed) on public.pairs to authenticated; ${opened('essays', 'select')}
  create function public.teaches(who uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.pairs where teacher = auth.uid() and pupil = who and agreed)';
  create policy reads on public.pairs for select to authenticated using (${uid} in (teacher, pupil));
  create policy makes on public.pairs for insert to authenticated with check (teacher = ${uid} and not agreed);
  create policy agrees on public.pairs for update to authenticated using (${using});
  create policy ends on public.pairs for delete to authenticated using (${uid} in (teacher, pupil));
  create policy reads on public.essays for select to authenticated using (owner_id = ${uid} or public.teaches(owner_id));`;

/** Seats that are offered to an address, and taken by who has it. */
const seats = (using: string): string => `
  create table public.clubs (${owned}, name text not null);
  create table public.seats (id uuid primary key default gen_random_uuid(), club_id uuid not null references public.clubs (id), holder uuid references auth.users (id), address text not null);
  ${opened('clubs', 'select')} ${opened('seats', 'select')} grant update (holder) on public.seats to authenticated;
  create policy own on public.clubs for select to authenticated using (owner_id = ${uid});
  create policy reads on public.seats for select to authenticated using (holder = ${uid});
  create policy takes on public.seats for update to authenticated using (${using}) with check (holder = ${uid});`;

/** A person's workplace, as a sign-up trigger leaves it open. */
const workplaces = (using: string): string => `
  create table public.firms (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.persons (id uuid primary key references auth.users (id), firm_id uuid references public.firms (id), name text);
  create table public.plans (id uuid primary key default gen_random_uuid(), firm_id uuid not null references public.firms (id), body text not null);
  ${opened('firms', 'select')} ${opened('persons', 'select')} ${opened('plans', 'select, insert')}
  create function public.sign_up() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin insert into public.persons (id, name) values (new.id, 'new'); return new; end $$;
  create trigger sign_up after insert on auth.users for each row execute function public.sign_up();
  create function public.my_firm() returns uuid language sql stable security definer set search_path = ''
    as 'select firm_id from public.persons where id = auth.uid()';
  create policy own on public.persons for select to authenticated using (id = ${uid});
  create policy own on public.firms for select to authenticated using (id = (select public.my_firm()));
  create policy firm on public.plans to authenticated using (${using}) with check (${using});`;

/** What policies let a user do, if not the owner of the ordinary row; and the same, so that nobody can. */
const someone: [name: string, sql: string, broken: string, finds: string][] = [
  [
    'a row under one in the state that is asked for',
    offers(`exists (select 1 from public.offers o where o.id = offer_id and o.stage = 'open')`),
    asks('false and owner_id is not null'),
    'owner-locked-out public.requests',
  ],
  [
    'such a state, asked by a helper',
    offers('public.is_open(offer_id)'),
    asks(`owner_id = ${uid} and owner_id is null`),
    'owner-locked-out public.requests',
  ],
  [
    "a row under another's",
    offers('not public.is_mine(offer_id)'),
    asks('offer_id is null and false'),
    'owner-locked-out public.requests',
  ],
  [
    'a letter to anyone else',
    letters(`writer = ${uid} and reader <> writer`),
    letters(`writer = ${uid} and false`),
    'owner-locked-out public.letters',
  ],
  [
    'a workplace that the server enters later',
    workplaces('firm_id = (select public.my_firm())'),
    workplaces('false or firm_id is null'),
    'owner-locked-out public.plans',
  ],
  [
    'a seat that is free, for an address',
    seats(`holder is null and address = (select auth.jwt() ->> 'email')`),
    seats('false and holder is null'),
    'owner-locked-out public.seats',
  ],
];

/** What is not proven: what the policies ask, and the row or the user for which it was not made. */
const open: [name: string, sql: string, broken: string, asked: string][] = [
  [
    'a name by which a row is found',
    devices(`exists (select 1 from public.devices d where d.owner_id = ${uid} and lower(d.serial) = lower(device))`),
    devices('value < 0 and false'),
    'device',
  ],
  ['the second of two users', pairs(`pupil = ${uid}`), pairs(`pupil = ${uid} and false`), 'pupil'],
];

const find = async (sql: string) =>
  (await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }))).findings;
const errorsIn = async (sql: string): Promise<string[]> =>
  (await find(sql)).filter(({ severity }) => severity === 'error').map(({ rule, object }) => `${rule} ${object}`);

describe('policies that let a user in', () => {
  it.each(sampleOf(someone, 2))('%s', async (_, sql, broken, finds) => {
    expect(await errorsIn(sql)).toEqual([]);
    expect(await errorsIn(broken)).toEqual([finds]);
  });
});

describe('what no made-up row has is not proven, and named', () => {
  it.each(sampleOf(open, 2))('%s', async (_, sql, broken, asked) => {
    const found = await find(sql);
    expect(found.filter(({ severity }) => severity === 'error')).toEqual([]);
    const gaps = found.filter(({ rule, message }) => rule === 'not-proven' && message.includes('nobody could'));
    expect(gaps.map(({ message }) => message).join()).toContain(asked);
    expect((await errorsIn(broken)).map((one) => one.split(' ')[0])).toEqual(['owner-locked-out']);
  });
});

it('a row that is deleted again by a trigger says nothing about policies', async () => {
  const found = await find(`
    create table public.folders (${owned}, title text not null);
    create table public.drafts (id uuid primary key default gen_random_uuid(), folder_id uuid not null references public.folders (id) on delete cascade, body text);
    ${opened('folders', 'select, delete')} ${opened('drafts', 'select, delete')}
    create policy own on public.folders to authenticated using (owner_id = ${uid});
    create policy own on public.drafts to authenticated using (folder_id in (select id from public.folders));
    create function public.drop_it() returns trigger language plpgsql security definer set search_path = ''
      as $$ begin delete from public.folders where id = new.folder_id; return null; end $$;
    create trigger drop_it after insert on public.drafts for each row execute function public.drop_it();`);
  const told = found.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`);
  expect(told.filter((one) => one.endsWith('drafts'))).toEqual(['warning not-proven public.drafts']);
});
