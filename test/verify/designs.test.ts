/** Holes of many kinds in small schemas, each with the smallest repair, which leaves no error; and correct designs, without any. */
import { describe, expect, it } from 'vitest';
import { casts, correctDesigns, withCast } from './correct-designs.ts';
import { callable, helper, mine, ofTeams, ours, owned, seenBy } from './designs.ts';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

/** What is wrong, the schema, the error that must be found, and the repair. */
type Hole = [name: string, sql: string, finds: string, repair: string];

const mineAsUser = 'user_id = (select auth.uid())';
const fonts = owned('a', "font text not null default 'Inter'");

const holes: Record<string, Hole[]> = {
  'texts of another type': casts.map(([name, column, condition]) => [
    `rows for everybody, as long as a column holds ${name}`,
    withCast(column, condition),
    'isolation-read public.pages',
    `alter policy everything on public.pages using (${mine} and ${condition});`,
  ]),
  'conditions of policies': [
    [
      'a role that users write into their own metadata',
      owned('a', '', `${mine} or (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'a view that asks what users write into their own metadata',
      `${owned('a')} create view public.seen as select * from public.a
        where owner_id = auth.uid() or (auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'; grant select on public.seen to authenticated;`,
      'isolation-read public.seen',
      'create or replace view public.seen as select * from public.a where owner_id = auth.uid();',
    ],
    [
      'a team that users write into their own metadata',
      ofTeams('a', `team_id::text = (current_setting('request.jwt.claims', true)::json -> 'user_metadata' ->> 'team')`),
      'isolation-read public.a',
      seenBy('a', ours),
    ],
    [
      'the key of a new row that the request names',
      owned('a') +
        `alter policy i on public.a with check (${mine} or id::text = (nullif(current_setting('request.cookies', true), '')::json ->> 'tenant'));`,
      'isolation-insert public.a',
      `alter policy i on public.a with check (${mine});`,
    ],
    [
      'a role that members write into their own metadata',
      `${ofTeams('a', ours)} grant delete on public.team_users to authenticated;
      create policy leaves on public.team_users for delete to authenticated using (user_id = (select auth.uid())
        or ${ours} and (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');`,
      'isolation-write public.team_users',
      'alter policy leaves on public.team_users using (user_id = (select auth.uid()));',
    ],
    [
      'the second of the roles that users write into their own metadata',
      owned(
        'a',
        '',
        `${mine} or (select auth.jwt() -> 'user_metadata' ->> 'role') = 'guest' and title is null or (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'`,
      ),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'one of several statuses',
      owned('a', `status text not null default 'draft'`, `${mine} or status in ('published', 'shared')`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'a time that has come',
      owned('a', 'visible_from timestamptz', `${mine} or visible_from < now()`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'a time that is over',
      owned('a', `expires_at timestamptz not null default now() + interval '1 day'`, `${mine} or expires_at < now()`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'rows that are given away',
      owned('a') + 'alter policy u on public.a with check (true);',
      'isolation-reassign public.a',
      `alter policy u on public.a with check (${mine});`,
    ],
    [
      'a column that hides another of the same name',
      ofTeams(
        'a',
        'exists (select 1 from public.team_users m where m.team_id = team_id and m.user_id = (select auth.uid()))',
      ),
      'isolation-read public.a',
      seenBy(
        'a',
        'exists (select 1 from public.team_users m where m.team_id = a.team_id and m.user_id = (select auth.uid()))',
      ),
    ],
    [
      'anyone who is signed in',
      owned('a', '', `(select auth.role()) = 'authenticated'`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'nobody counts as the owner',
      owned('a') +
        `grant select on public.a to anon; create policy s on public.a for select to anon using (coalesce((select auth.uid()), owner_id) = owner_id);`,
      'anon-read public.a',
      'drop policy s on public.a; revoke select on public.a from anon;',
    ],
    [
      'an id that begins with nothing',
      owned('a') +
        `grant select on public.a to anon; create policy s on public.a for select to anon using (owner_id::text like coalesce((select auth.uid())::text, '') || '%');`,
      'anon-read public.a',
      'drop policy s on public.a; revoke select on public.a from anon;',
    ],
    [
      'guests in a list, and nobody in it',
      owned(
        'a',
        `guests uuid[] not null default '{}'`,
        `${mine} or (select auth.uid()) = any (guests) or cardinality(guests) = 0`,
      ),
      'isolation-read public.a',
      seenBy('a', `${mine} or (select auth.uid()) = any (guests)`),
    ],
    [
      'a link that is set',
      owned('a', 'token text', `${mine} or token is not null`),
      'isolation-read public.a',
      seenBy('a', mine),
    ],
    [
      'any parent of the caller',
      `${owned('p')} ${child('a', 'exists (select 1 from public.p where p.owner_id = (select auth.uid()))')}`,
      'isolation-read public.a',
      seenBy('a', 'exists (select 1 from public.p where p.id = p_id and p.owner_id = (select auth.uid()))'),
    ],
    [
      'any role but the lowest, in any team',
      ofTeams(
        'a',
        "exists (select 1 from public.team_users m where m.user_id = (select auth.uid()) and (m.team_id = a.team_id or m.role <> 'member'))",
      ),
      'isolation-read public.a',
      seenBy('a', ours),
    ],
    [
      'a restriction for another role',
      owned('a', '', 'true') + `create policy x on public.a as restrictive for select to anon using (${mine});`,
      'isolation-read public.a',
      `drop policy x on public.a; create policy x on public.a as restrictive for select to authenticated using (${mine});`,
    ],
  ],
  functions: [
    [
      'an array of all titles',
      owned('a') + callable('public.f()', 'text[]', 'select array_agg(title) from public.a'),
      'isolation-read public.f()',
      callable('public.f()', 'text[]', 'select array_agg(title) from public.a where owner_id = auth.uid()'),
    ],
    [
      'a function that lets its caller say who calls',
      owned('a') +
        callable(
          'public.f(who text)',
          'setof text',
          "begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); return query select title from public.a where owner_id = auth.uid(); end",
          'plpgsql',
        ),
      'isolation-read public.f(text)',
      callable('public.f(who text)', 'setof text', 'select title from public.a where owner_id = auth.uid()'),
    ],
    [
      'whether a text is there that has a default',
      fonts + callable('public.f(q text)', 'boolean', 'select exists (select 1 from public.a where font like q)'),
      'isolation-read public.f(text)',
      callable(
        'public.f(q text)',
        'boolean',
        'select exists (select 1 from public.a where font like q and owner_id = auth.uid())',
      ),
    ],
    [
      'whether a text is there in a row that a trigger made',
      `create table public.people (id uuid primary key references auth.users (id), zone text not null default 'UTC');
      alter table public.people enable row level security; grant select on public.people to authenticated;
      create policy r on public.people for select to authenticated using (id = (select auth.uid()));
      create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as
        $$ begin insert into public.people (id) values (new.id); return new; end $$;
      revoke all on function public.welcome() from public;
      create trigger welcome after insert on auth.users for each row execute function public.welcome();` +
        callable('public.f(q text)', 'boolean', 'select exists (select 1 from public.people where zone like q)'),
      'isolation-read public.f(text)',
      callable(
        'public.f(q text)',
        'boolean',
        'select exists (select 1 from public.people where zone like q and id = auth.uid())',
      ),
    ],
    [
      'a text with a default that a trigger copies to where all read',
      `${fonts} create table public.feed (id bigint generated always as identity primary key, body text);
      alter table public.feed enable row level security; grant select on public.feed to authenticated;
      create policy r on public.feed for select to authenticated using (true);
      create function public.tell() returns trigger language plpgsql security definer set search_path = '' as
        $$ begin insert into public.feed (body) values (new.font); return new; end $$;
      revoke all on function public.tell() from public;
      create trigger tell after insert on public.a for each row execute function public.tell();`,
      'isolation-read public.a',
      'drop trigger tell on public.a;',
    ],
    [
      'a search for nothing',
      owned('a') +
        callable('public.f(q text)', 'setof public.a', `select * from public.a where title ilike '%' || q || '%'`),
      'isolation-read public.f(text)',
      callable(
        'public.f(q text)',
        'setof public.a',
        `select * from public.a where title ilike '%' || q || '%' and owner_id = auth.uid()`,
      ),
    ],
    [
      'a list of ids',
      owned('a') + callable('public.f(ids uuid[])', 'void', 'delete from public.a where id = any (ids)'),
      'isolation-write public.f(uuid[])',
      callable('public.f(ids uuid[])', 'void', 'delete from public.a where id = any (ids) and owner_id = auth.uid()'),
    ],
    [
      'any number of ids',
      owned('a') +
        callable('public.f(variadic ids uuid[])', 'setof text', 'select title from public.a where id = any (ids)'),
      'isolation-read public.f(uuid[])',
      callable(
        'public.f(variadic ids uuid[])',
        'setof text',
        'select title from public.a where id = any (ids) and owner_id = auth.uid()',
      ),
    ],
    [
      'a whole row',
      owned('a') +
        callable('public.f(item public.a)', 'void', 'update public.a set title = item.title where id = item.id'),
      'isolation-write public.f(a)',
      callable(
        'public.f(item public.a)',
        'void',
        'update public.a set title = item.title where id = item.id and owner_id = auth.uid()',
      ),
    ],
  ],
  'other ways in': [
    [
      'a folder of another, with the own id in the name',
      bucket(`position((select auth.uid())::text in name) > 0`),
      'isolation-insert storage.objects[a]',
      `alter policy a_add on storage.objects with check (bucket_id = 'a' and (storage.foldername(name))[1] = (select auth.uid())::text);`,
    ],
    [
      'a rule that changes another table',
      owned('a') + owned('b') + 'create rule x as on insert to public.b do also update public.a set title = new.title;',
      'isolation-write public.b',
      'drop rule x on public.b;',
    ],
    [
      'a child of the table',
      owned('a') + 'create table public.b () inherits (public.a); grant select on public.b to authenticated;',
      'isolation-read public.b',
      'revoke all on public.b from authenticated; alter table public.b enable row level security;',
    ],
    [
      'a materialized view',
      owned('a') +
        'create materialized view public.b as select owner_id, title from public.a; grant select on public.b to authenticated;',
      'isolation-read public.b',
      'revoke select on public.b from authenticated;',
    ],
    [
      'a function that gives any row to anyone',
      owned('a') + give('true'),
      'isolation-write public.give(uuid, uuid)',
      give('owner_id = auth.uid()'),
    ],
    ...[ofTeams('notes', `${ours} or private.sees(id)`), owned('notes', '', `${mine} or private.sees(id)`)].map(
      (table): Hole => [
        `a share that its user moves to another row, of ${table.includes('team_id') ? 'a team' : 'a user'}`,
        shares(table, mineAsUser),
        'isolation-escalation public.shares',
        'alter policy u on public.shares using (private.owns(note_id)) with check (private.owns(note_id));',
      ],
    ),
  ],
};

function give(asks: string): string {
  return callable(
    'public.give(p uuid, to_whom uuid)',
    'boolean',
    `begin update public.a set owner_id = to_whom where id = p and ${asks}; return found; end`,
    'plpgsql',
  );
}

/** Shares of notes, which nobody adds by a policy. */
function shares(table: string, changes: string): string {
  const who = table.includes('team_id') ? ours : mine;
  return `create schema private; grant usage on schema private to authenticated;
    create table public.shares (id uuid primary key default gen_random_uuid(), note_id uuid not null,
      user_id uuid not null references auth.users (id) on delete cascade);
    ${helper('sees(p uuid)', 'boolean', 'select exists (select 1 from public.shares s where s.note_id = p and s.user_id = auth.uid())')}
    ${table} alter table public.shares add foreign key (note_id) references public.notes (id) on delete cascade;
    create index on public.shares (note_id); create index on public.shares (user_id);
    ${helper('owns(p uuid)', 'boolean', `select exists (select 1 from public.notes where id = p and ${who})`)}
    alter table public.shares enable row level security; grant select, update on public.shares to authenticated;
    create policy r on public.shares for select to authenticated using (${mineAsUser} or private.owns(note_id));
    create policy u on public.shares for update to authenticated using (${changes}) with check (${changes});`;
}

/** A table whose rows belong to those of `p`; `seen` is who reads. */
function child(table: string, seen: string): string {
  return `create table public.${table} (id uuid primary key default gen_random_uuid(),
      p_id uuid not null references public.p (id) on delete cascade, body text not null);
    create index on public.${table} (p_id); alter table public.${table} enable row level security;
    grant select, insert on public.${table} to authenticated;
    create policy r on public.${table} for select to authenticated using (${seen});
    create policy i on public.${table} for insert to authenticated
      with check (exists (select 1 from public.p where p.id = p_id and p.owner_id = (select auth.uid())));`;
}

/** A bucket whose objects are read by the user that their folder is named after. */
function bucket(added: string): string {
  return `insert into storage.buckets (id, name, public) values ('a', 'a', false);
    create policy a_see on storage.objects for select to authenticated
      using (bucket_id = 'a' and (storage.foldername(name))[1] = (select auth.uid())::text);
    create policy a_add on storage.objects for insert to authenticated with check (bucket_id = 'a' and ${added});`;
}

describe.each(Object.entries(holes))('%s', (_, cases) => {
  it.each(sampleOf(cases, 3))('%s', async (_name, sql, finds, repair) => {
    expect(await prove(sql)).toContain(finds);
    expect(await prove(`${sql};\n${repair}`)).toEqual([]);
  });
});

it.each(sampleOf(correctDesigns, 3))('%s: nothing is wrong', async (_name, sql) => {
  expect(await prove(sql)).toEqual([]);
});
