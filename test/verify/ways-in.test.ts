import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** A table of users' own rows, and the objects of the cases. */
const tables = `
  create schema private;
  create table public.profiles (id uuid primary key references auth.users (id));
  alter table public.profiles enable row level security; grant select on public.profiles to authenticated;
  create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
  create table public.notes (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references public.profiles (id), title text not null);
  alter table public.notes enable row level security;
  grant select, insert, update, delete on public.notes to authenticated;
  create policy own on public.notes to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));`;

const events = `
  create table public.events (id uuid not null default gen_random_uuid(), user_id uuid not null references public.profiles (id), at timestamptz not null default now(), body text,
    primary key (id, at)) partition by range (at);
  create table public.events_all partition of public.events default;
  alter table public.events enable row level security; grant select, insert on public.events to authenticated;
  create policy own on public.events to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;

const insteadOf = (where: string): string => `
  create view public.note_titles with (security_invoker = true) as select id, title from public.notes;
  grant select, insert on public.note_titles to authenticated;
  create function private.put() returns trigger language plpgsql security definer set search_path = '' as $$
    begin update public.notes set title = new.title where id = new.id ${where}; return new; end $$;
  create trigger put instead of insert on public.note_titles for each row execute function private.put();`;

const closedTable = (name: string): string =>
  `create table public.${name} (id uuid primary key, owner_id uuid not null references auth.users (id)); alter table public.${name} enable row level security`;

interface Case {
  name: string;
  rule: string;
  object: string;
  hole: string;
  repaired: string;
  severity?: 'warning';
  /** A text that the suggestion or message must contain. */
  says?: string;
}

const cases: Case[] = [
  {
    name: "an aggregate that runs with its owner's rights",
    rule: 'isolation-read',
    object: 'public.titles(uuid)',
    says: 'private.add_title, which it runs with',
    hole: `create function private.add_title(so_far text, k uuid) returns text language sql security definer set search_path = '' as
        $$ select coalesce(so_far, '') || coalesce((select title from public.notes where id = k), '') $$;
      revoke all on function private.add_title(text, uuid) from public;
      create aggregate public.titles(uuid) (sfunc = private.add_title, stype = text)`,
    repaired: `create function private.add_title(so_far text, k uuid) returns text language sql as
        $$ select coalesce(so_far, '') || coalesce((select title from public.notes where id = k), '') $$;
      create aggregate public.titles(uuid) (sfunc = private.add_title, stype = text)`,
  },
  {
    name: 'TRUNCATE, which no policy restricts',
    rule: 'isolation-write',
    object: 'public.notes',
    says: 'TRUNCATE',
    hole: 'grant all on public.notes to authenticated',
    repaired: 'grant select, insert, update, delete on public.notes to authenticated',
  },
  {
    name: 'TRUNCATE that is left of ALL after the rights to write were revoked',
    rule: 'isolation-write',
    object: 'public.notes',
    severity: 'warning',
    says: 'what is left of ALL after INSERT, UPDATE and DELETE were revoked',
    hole: 'grant all on public.notes to authenticated; revoke insert, update, delete on public.notes from authenticated',
    repaired: 'select 1',
  },
  {
    name: 'TRUNCATE alone, beside reading',
    rule: 'isolation-write',
    object: 'public.notes',
    hole: 'grant truncate on public.notes to authenticated',
    repaired: 'select 1',
  },
  {
    name: 'TRUNCATE for everyone',
    rule: 'anon-write',
    object: 'public.notes',
    hole: 'grant truncate on public.notes to public',
    repaired: 'grant truncate on public.notes to service_role',
  },
  {
    name: "a trigger of one's own on the table",
    rule: 'isolation-write',
    object: 'public.notes',
    severity: 'warning',
    says: 'REVOKE TRIGGER ON public.notes FROM authenticated;',
    hole: 'grant trigger on public.notes to authenticated',
    repaired: 'select 1',
  },
  {
    name: 'TRUNCATE as older Supabase projects grant it',
    rule: 'anon-write',
    object: 'public.later',
    severity: 'warning',
    says: 'older Supabase projects',
    hole: `alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
      create table public.later (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id)); alter table public.later enable row level security`,
    repaired:
      'create table public.later (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id)); alter table public.later enable row level security',
  },
  {
    name: 'TRUNCATE as a dump of an older project grants it, table by table',
    rule: 'anon-write',
    object: 'public.notes',
    severity: 'warning',
    says: 'may TRUNCATE 2 tables (public.notes, public.profiles)',
    hole: 'grant all on public.notes, public.profiles to anon, authenticated, service_role',
    repaired: 'select 1',
  },
  {
    name: 'TRUNCATE on one table among others, as a dump would grant it',
    rule: 'anon-write',
    object: 'public.notes',
    says: 'REVOKE MAINTAIN, REFERENCES, TRIGGER, TRUNCATE ON public.notes FROM anon, authenticated;',
    hole: 'grant all on public.notes to anon, authenticated, service_role',
    repaired: 'grant select on public.notes to anon',
  },
  {
    name: 'TRUNCATE on many tables, told once',
    rule: 'isolation-write',
    object: 'public.t1',
    says: 'may TRUNCATE 4 tables (public.t1, public.t2, public.t3, public.t4)',
    hole: ['t1', 't2', 't3', 't4']
      .map((name) => `${closedTable(name)}; grant all on public.${name} to authenticated`)
      .join('; '),
    repaired: ['t1', 't2', 't3', 't4'].map((name) => `${closedTable(name)}`).join('; '),
  },
  {
    name: 'the numbers of several tables, told once',
    rule: 'isolation-write',
    object: 'public.n1',
    severity: 'warning',
    says: 'REVOKE UPDATE ON SEQUENCE public.n1, public.n2 FROM authenticated;',
    hole: 'create sequence public.n1; create sequence public.n2; grant all on public.n1, public.n2 to authenticated',
    repaired:
      'create sequence public.n1; create sequence public.n2; grant usage on public.n1, public.n2 to authenticated',
  },
  {
    name: 'default privileges for tables to come',
    rule: 'anon-write',
    object: 'default privileges on tables in schema public',
    says: 'ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon, authenticated;',
    hole: 'alter default privileges in schema public grant all on tables to anon, authenticated',
    repaired: 'alter default privileges in schema public grant all on tables to service_role',
  },
  {
    name: 'default privileges to read tables to come',
    rule: 'anon-read',
    object: 'default privileges on tables in every schema',
    severity: 'warning',
    hole: 'alter default privileges grant select on tables to public',
    repaired: 'alter default privileges grant select on tables to service_role',
  },
  {
    name: 'default privileges to call functions to come',
    rule: 'anon-write',
    object: 'default privileges on functions in schema public',
    severity: 'warning',
    hole: 'alter default privileges in schema public grant execute on functions to anon',
    repaired: 'alter default privileges in schema public grant execute on functions to service_role',
  },
  {
    name: 'the service role given to users',
    rule: 'isolation-write',
    object: 'role authenticated',
    says: 'REVOKE service_role FROM authenticated;',
    hole: 'grant service_role to authenticated',
    repaired: 'grant authenticated to service_role',
  },
  {
    name: "one of PostgreSQL's own roles, which reads whatever is granted",
    rule: 'anon-read',
    object: 'role anon',
    says: 'REVOKE pg_read_all_data FROM anon;',
    hole: 'grant pg_read_all_data to anon',
    repaired: 'grant pg_monitor to service_role',
  },
  {
    name: 'a role that bypasses policies, by way of another',
    rule: 'anon-write',
    object: 'role anon',
    says: 'anon is a member of staff',
    hole: 'create role staff bypassrls; create role desk; grant staff to desk; grant desk to anon',
    repaired: 'create role staff; create role desk; grant staff to desk; grant desk to anon',
  },
  {
    name: 'a role that owns tables',
    rule: 'isolation-write',
    object: 'role authenticated',
    says: 'owns private.ledger',
    hole: 'create role keeper; grant keeper to current_user; create table private.ledger (id integer); grant create on schema private to keeper; alter table private.ledger owner to keeper; grant keeper to authenticated',
    repaired:
      'create role keeper; grant keeper to current_user; create table private.ledger (id integer); grant keeper to authenticated',
  },
  {
    name: 'users who bypass policies themselves',
    rule: 'isolation-write',
    object: 'role authenticated',
    says: 'NOBYPASSRLS',
    hole: 'alter role authenticated bypassrls',
    repaired: 'alter role authenticated nobypassrls',
  },
  {
    name: 'a role that can log in to the database',
    rule: 'not-proven',
    object: 'role reporting',
    severity: 'warning',
    hole: 'create role reporting login; grant select on public.notes to reporting',
    repaired: 'create role reporting; grant select on public.notes to reporting',
  },
  {
    name: 'a role that a token may name',
    rule: 'not-proven',
    object: 'role editor',
    severity: 'warning',
    hole: 'create role editor; grant editor to authenticator; grant select on public.notes to editor',
    repaired: 'create role editor; grant editor to authenticator',
  },
  {
    name: "objects of one's own in a schema",
    rule: 'isolation-escalation',
    object: 'schema public',
    says: 'REVOKE CREATE ON SCHEMA public',
    hole: 'grant create on schema public to authenticated',
    repaired: 'grant create on schema public to service_role',
  },
  {
    name: 'the numbers of a table',
    rule: 'isolation-write',
    object: 'public.numbers',
    severity: 'warning',
    hole: 'create sequence public.numbers; grant usage, update on sequence public.numbers to authenticated',
    repaired: 'create sequence public.numbers; grant usage on sequence public.numbers to authenticated',
  },
  {
    name: 'a partition by its name, without row-level security',
    rule: 'isolation-read',
    object: 'public.events_all',
    hole: `${events} grant select on public.events_all to authenticated`,
    repaired: `${events} alter table public.events_all enable row level security; grant select on public.events_all to authenticated`,
  },
  {
    name: 'a partition by its name, with a policy of its own',
    rule: 'isolation-read',
    object: 'public.events_all',
    hole: `${events} alter table public.events_all enable row level security; grant select on public.events_all to authenticated; create policy every on public.events_all for select to authenticated using (body is not null)`,
    repaired: `${events} alter table public.events_all enable row level security; grant select on public.events_all to authenticated; create policy own on public.events_all for select to authenticated using (user_id = (select auth.uid()))`,
  },
  {
    name: 'a partition with a policy that no row was there to try',
    rule: 'not-proven',
    object: 'public.events_old',
    severity: 'warning',
    hole: `${events} create table public.events_old partition of public.events for values from ('1990-01-01') to ('1991-01-01'); alter table public.events_old enable row level security;
      grant select on public.events_old to authenticated; create policy partly on public.events_old for select to authenticated using (body is not null)`,
    repaired: `${events} create table public.events_old partition of public.events for values from ('1990-01-01') to ('1991-01-01'); alter table public.events_old enable row level security`,
  },
  {
    name: 'an INSTEAD OF trigger that changes any row',
    rule: 'isolation-write',
    object: 'public.note_titles',
    hole: insteadOf(''),
    repaired: insteadOf('and owner_id = auth.uid()'),
  },
  {
    name: "a view with its owner's rights that shows no owner",
    rule: 'isolation-write',
    object: 'public.note_titles',
    hole: 'create view public.note_titles as select id, title from public.notes; grant update on public.note_titles to authenticated',
    repaired:
      'create view public.note_titles with (security_invoker = true) as select id, title from public.notes; grant update on public.note_titles to authenticated',
  },
  {
    name: 'a view without the key, to write through',
    rule: 'not-proven',
    object: 'public.titles',
    hole: 'create view public.titles as select title from public.notes; grant update on public.titles to authenticated',
    repaired:
      'create view public.titles with (security_invoker = true) as select title from public.notes; grant select on public.titles to authenticated',
  },
  {
    name: 'a rule that changes any row instead',
    rule: 'isolation-write',
    object: 'public.note_titles',
    hole: `create view public.note_titles with (security_invoker = true) as select id, title from public.notes; grant select, insert on public.note_titles to authenticated;
      create rule put as on insert to public.note_titles do instead update public.notes set title = new.title where id = new.id`,
    repaired: `create view public.note_titles with (security_invoker = true) as select id, title from public.notes; grant select, insert on public.note_titles to authenticated;
      create rule put as on insert to public.note_titles do instead update public.notes set title = new.title where id = new.id and owner_id = auth.uid()`,
  },
  {
    name: 'a rule that copies rows where all see them',
    rule: 'isolation-read',
    object: 'public.notes',
    hole: `create table public.recent (id bigint generated always as identity primary key, title text); alter table public.recent enable row level security; grant select on public.recent to authenticated;
      create policy every on public.recent for select to authenticated using (true); create rule copy as on insert to public.notes do also insert into public.recent (title) values (new.title)`,
    repaired: `create table public.recent (id bigint generated always as identity primary key, title text); alter table public.recent enable row level security;
      create rule copy as on insert to public.notes do also insert into public.recent (title) values (new.title)`,
  },
  ...(
    [
      [
        'in the second folder',
        "(storage.foldername(name))[1] = 'faces' and (storage.foldername(name))[2] = (select auth.uid())::text",
      ],
      ['by split_part', "split_part(name, '/', 1) = (select auth.uid())::text"],
      ['below a fixed folder', "name like 'faces/%' and (storage.foldername(name))[2] = (select auth.uid())::text"],
      ['by the whole of its start', "name like (select auth.uid())::text || '/%'"],
    ] as const
  ).map(([how, own]): Case => {
    const bucket = (using: string): string => `insert into storage.buckets (id, name) values ('pictures', 'pictures');
      create policy put on storage.objects for insert to authenticated with check (bucket_id = 'pictures' and ${own}); create policy see on storage.objects for select to authenticated using (bucket_id = 'pictures' and ${using});`;
    return {
      name: `objects that are one's own ${how}`,
      rule: 'isolation-read',
      object: 'storage.objects[pictures]',
      hole: bucket('owner_id is not null'),
      repaired: bucket(own),
    };
  }),
  ...(
    [
      ['by its extension', "storage.extension(name) = 'jpg'"],
      ['by one of two extensions', "lower(storage.extension(name)) in ('png', 'jpg')"],
      ['by a pattern', "name like '%.jpg'"],
      ['by its last letters', "right(name, 4) = '.jpg'"],
    ] as const
  ).map(([how, ends]): Case => {
    const own = '(storage.foldername(name))[1] = (select auth.uid())::text';
    const bucket = (using: string): string => `insert into storage.buckets (id, name) values ('pictures', 'pictures');
      create policy put on storage.objects for insert to authenticated with check (bucket_id = 'pictures' and ${own} and ${ends}); create policy see on storage.objects for select to authenticated using (bucket_id = 'pictures' and ${using});`;
    return {
      name: `objects with one ending, known ${how}`,
      rule: 'isolation-read',
      object: 'storage.objects[pictures]',
      hole: bucket(`(${own} or ${ends})`),
      repaired: bucket(`${own} and ${ends}`),
    };
  }),
  {
    name: "objects with another ending than one's own have",
    rule: 'isolation-read',
    object: 'storage.objects[pictures]',
    says: 'its name ends in .pdf',
    hole: `insert into storage.buckets (id, name) values ('pictures', 'pictures');
      create policy own on storage.objects for select to authenticated using (bucket_id = 'pictures' and (storage.foldername(name))[1] = (select auth.uid())::text and storage.extension(name) in ('jpg', 'pdf'));
      create policy pages on storage.objects for select to authenticated using (bucket_id = 'pictures' and storage.extension(name) = 'pdf')`,
    repaired: `insert into storage.buckets (id, name) values ('pictures', 'pictures');
      create policy own on storage.objects for select to authenticated using (bucket_id = 'pictures' and (storage.foldername(name))[1] = (select auth.uid())::text and storage.extension(name) in ('jpg', 'pdf'))`,
  },
  ...(
    [
      ['of a user', "realtime.topic() = 'user:' || (select auth.uid())::text", "realtime.topic() like 'user:%'"],
      [
        'of a row',
        "exists (select 1 from public.notes n where 'note:' || n.id::text = realtime.topic() and n.owner_id = (select auth.uid()))",
        "(select realtime.topic()) like 'note:%'",
      ],
      [
        'by a part of the topic',
        "split_part(realtime.topic(), ':', 1) = 'user' and split_part(realtime.topic(), ':', 2) = (select auth.uid())::text",
        "split_part(realtime.topic(), ':', 1) = 'user'",
      ],
    ] as const
  ).map(([what, own, any]): Case => ({
    name: `a private channel ${what}`,
    rule: 'isolation-read',
    object: 'realtime.messages',
    hole: `create policy hear on realtime.messages for select to authenticated using (${any})`,
    repaired: `create policy hear on realtime.messages for select to authenticated using (${own})`,
  })),
  ...(
    [
      ['by a helper', "'note:' || n.id::text = topic"],
      [
        'by a part of the topic that a helper reads',
        "n.id::text = split_part(topic, ':', 2) and split_part(topic, ':', 1) = 'note'",
      ],
    ] as const
  ).map(([what, asked]): Case => {
    // Neither the words of the comment nor those of the other policies say what the topics are.
    const helper = (
      own: string,
    ): string => `create schema hidden; grant usage on schema hidden to authenticated; create function hidden.hears(topic text) returns boolean language sql stable security definer set search_path = '' as
      $$ select /* the members of a team */ exists (select 1 from public.notes n where ${asked}${own}) $$;
      create policy hear on realtime.messages for select to authenticated using (hidden.hears((select realtime.topic())))`;
    return {
      name: `a private channel of a row, known ${what}`,
      rule: 'isolation-read',
      object: 'realtime.messages',
      hole: helper(''),
      repaired: helper(' and n.owner_id = auth.uid()'),
    };
  }),
  {
    name: 'sending into a private channel of another',
    rule: 'isolation-insert',
    object: 'realtime.messages',
    hole: "create policy say on realtime.messages for insert to authenticated with check (extension = 'broadcast')",
    repaired:
      "create policy say on realtime.messages for insert to authenticated with check (extension = 'broadcast' and realtime.topic() = 'user:' || (select auth.uid())::text)",
  },
  {
    name: 'a channel whose topics cannot be guessed',
    rule: 'not-proven',
    object: 'realtime.messages',
    severity: 'warning',
    hole: 'create policy hear on realtime.messages for select to authenticated using (reverse(realtime.topic()) = md5((select auth.uid())::text))',
    repaired: "create policy hear on realtime.messages for select to authenticated using (realtime.topic() = 'lobby')",
  },
  {
    name: 'changes sent by Realtime',
    rule: 'isolation-read',
    object: 'public.feed',
    hole: 'create table public.feed (id integer primary key, body text); grant select on public.feed to authenticated; alter publication supabase_realtime add table public.feed',
    repaired: `create table public.feed (id integer primary key, body text); alter table public.feed enable row level security; grant select on public.feed to authenticated;
      create policy every on public.feed for select to authenticated using (true); alter publication supabase_realtime add table public.feed`,
  },
  {
    name: 'a unique key that reveals who exists',
    rule: 'isolation-read',
    object: 'public.guests',
    severity: 'warning',
    says: 'UNIQUE (owner_id, email)',
    hole: `create table public.guests (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), email text not null unique); alter table public.guests enable row level security;
      grant select, insert on public.guests to authenticated; create policy own on public.guests to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()))`,
    repaired: `create table public.guests (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), email text not null, unique (owner_id, email)); alter table public.guests enable row level security;
      grant select, insert on public.guests to authenticated; create policy own on public.guests to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()))`,
  },
];

const prove = (sql: string, on = database) =>
  withSchema(on, `${tables} ${sql}`, (session) => verifyIsolation(session, { declarations: [] }));

async function expectFound({ hole, repaired, rule, object, severity, says }: Case, on = database): Promise<void> {
  const { findings } = await prove(hole, on);
  const mine = findings.filter((finding) => finding.object === object && finding.rule === rule);
  expect(mine, JSON.stringify(findings, undefined, 1)).not.toEqual([]);
  expect(mine.map((finding) => finding.severity)).toContain(severity ?? 'error');
  if (says !== undefined)
    expect(mine.map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n')).toContain(says);
  expect((await prove(repaired, on)).findings).toEqual([]);
}

describe('access by other means than the four verbs', () => {
  it.each(sampleOf(cases, 3))('$name', (each) => expectFound(each));

  it("secrets of the platform's vault", async () => {
    // The native server has no files of this extension.
    const embedded = await openEmbedded();
    const vault: Case = {
      name: 'secrets',
      rule: 'isolation-read',
      object: 'vault.decrypted_secrets',
      hole: 'grant usage on schema vault to authenticated; grant select on vault.decrypted_secrets to authenticated',
      repaired: 'grant usage on schema vault to authenticated',
    };
    await expectFound(vault, embedded).finally(() => embedded.close());
  });
});
