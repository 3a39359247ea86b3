/** Further holes in small schemas, each with the smallest repair, which leaves no error. */
import { describe, expect, it } from 'vitest';
import { callable, mine, ofTeams, owned, seenBy, teams } from './designs.ts';
import { errorProver, reportProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();
const report = reportProver();

/** What is wrong, the schema, the error that must be found, and the repair. */
type Hole = [name: string, sql: string, finds: string, repair: string];

const approves = (who: string): string =>
  `create policy u on public.edges for update to authenticated using (${who}) with check (${who});`;
const follows = `${owned('a')} create table public.edges (who uuid not null default auth.uid() references auth.users (id) on delete cascade,
    whom uuid not null references auth.users (id) on delete cascade, accepted boolean not null default false, primary key (who, whom));
  alter table public.edges enable row level security;
  grant select on public.edges to authenticated; grant insert (whom), update (accepted) on public.edges to authenticated;
  create policy r on public.edges for select to authenticated using ((select auth.uid()) in (who, whom));
  create policy i on public.edges for insert to authenticated with check (who = (select auth.uid()));
  ${seenBy('a', `${mine} or exists (select 1 from public.edges e where e.whom = owner_id and e.who = (select auth.uid()) and e.accepted)`)}`;

const cards = (compared: string): string => `${teams}
  create table public.people (id uuid primary key default auth.uid() references auth.users (id), team_id uuid references public.teams (id));
  create table public.cards (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    team_id uuid references public.teams (id), number text not null);
  alter table public.people enable row level security; alter table public.cards enable row level security;
  grant select on public.people, public.cards to authenticated;
  create policy r on public.people for select to authenticated using (id = (select auth.uid()));
  create policy r on public.cards for select to authenticated using (${mine} or team_id ${compared});`;
const myTeam = '(select p.team_id from public.people p where p.id = (select auth.uid()))';

const orders = (phone: string): string => `
  create table public.orders (id uuid primary key default gen_random_uuid(), phone text, email text, items text not null);
  alter table public.orders enable row level security; grant select on public.orders to authenticated;
  create policy r on public.orders for select to authenticated
    using (email = (select auth.jwt() ->> 'email') or ${phone});`;

const finds = (condition: string): string =>
  callable('public.find(q text)', 'setof text', `select title from public.a where ${condition}`);
const matches = (column: string): string => `to_tsvector('simple', ${column}) @@ websearch_to_tsquery('simple', q)`;

/** What a team keeps for its admins, and a table whose rows name a member with a role. */
const named = (
  table: string,
  check: string,
): string => `${teams} grant update, delete on public.team_users to authenticated;
  create function private.is_admin(t uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.team_users where team_id = t and user_id = auth.uid() and role = 'admin') $$;
  grant execute on function private.is_admin(uuid) to authenticated;
  create policy mu on public.team_users for update to authenticated using (private.is_admin(team_id)) with check (private.is_admin(team_id));
  create policy md on public.team_users for delete to authenticated using (private.is_admin(team_id));
  create table public.${table} (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, role text not null default 'member',
    token text not null unique default encode(extensions.gen_random_bytes(16), 'hex'));
  alter table public.${table} enable row level security; grant select, insert on public.${table} to authenticated;
  create policy r on public.${table} for select to authenticated using (team_id in (select private.my_teams()));
  create policy i on public.${table} for insert to authenticated with check (${check});`;
const ofMine = 'team_id in (select private.my_teams())';
const ofAdmins = 'private.is_admin(team_id)';
const accepts = (argument: string, condition: string): string =>
  callable(
    `public.accept(${argument})`,
    'void',
    `declare i public.invites; begin select * into i from public.invites where ${condition}; if not found then raise exception 'none'; end if;
      insert into public.team_users values (i.team_id, auth.uid(), i.role) on conflict (team_id, user_id) do update set role = excluded.role; end`,
    'plpgsql',
  );
const grants = (condition: string): string => `
  create or replace function private.grants() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    if ${condition} then update public.team_users set role = new.role where team_id = new.team_id and user_id = new.user_id; end if; return new; end $$;`;

/** A trigger of `b` that runs after an insert, with a body that the repair replaces. */
const after = (body: string): string => `
  create or replace function public.on_b() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${body} return null; end $$;
  create or replace trigger on_b after insert on public.b for each row execute function public.on_b();`;
const ofA = 'a_id uuid references public.a (id) on delete cascade';
const removes = (more: string): string =>
  after(`delete from public.b where lower(title) = lower(new.title) and id <> new.id ${more};`);

/** A bucket with a folder for each team, whose files admins replace. */
const files = (using: string): string => `${teams}
  create function private.admined() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select team_id from public.team_users where user_id = auth.uid() and role = 'admin' $$;
  grant execute on function private.admined() to authenticated;
  insert into storage.buckets (id, name, public) values ('logos', 'logos', false);
  create policy r on storage.objects for select to authenticated using (bucket_id = 'logos' and ${inFolder('admined')});
  create policy i on storage.objects for insert to authenticated with check (bucket_id = 'logos' and ${inFolder('admined')});
  create policy u on storage.objects for update to authenticated using (bucket_id = 'logos' and ${inFolder(using)})
    with check (bucket_id = 'logos' and ${inFolder('admined')});`;
function inFolder(helper: string): string {
  return `(storage.foldername(name))[1] in (select id::text from private.${helper}() as id)`;
}

/** What teams that work together show each other, by a row of two teams. */
const ofTwo = (check: string): string => `${ofTeams('a', ofMine)}
  create table public.pairs (one uuid not null references public.teams (id), two uuid not null references public.teams (id),
    state text not null default 'asked' check (state in ('asked', 'agreed')), primary key (one, two));
  alter table public.pairs enable row level security; grant select, insert on public.pairs to authenticated;
  create policy r on public.pairs for select to authenticated using (one in (select private.my_teams()) or two in (select private.my_teams()));
  create policy i on public.pairs for insert to authenticated with check (${check});
  create function private.partners() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select case when one in (select private.my_teams()) then two else one end from public.pairs
       where state = 'agreed' and (one in (select private.my_teams()) or two in (select private.my_teams())) $$;
  grant execute on function private.partners() to authenticated;
  create policy shared on public.a for select to authenticated using (team_id in (select private.partners()));`;
const asksFirst = 'one in (select private.my_teams())';

const templates = (check: string): string => `${teams}
  create table public.templates (id uuid primary key default gen_random_uuid(), team_id uuid references public.teams (id), body text not null);
  alter table public.templates enable row level security; grant select, insert on public.templates to authenticated;
  -- muse: public-read
  create policy of_all on public.templates for select to authenticated using (team_id is null);
  create policy r on public.templates for select to authenticated using (${ofMine});
  create policy i on public.templates for insert to authenticated with check (${check});`;

const holes: Record<string, Hole[]> = {
  'rows of two, and of nobody': [
    [
      'one of two teams says that both agree',
      ofTwo(asksFirst),
      'isolation-escalation public.pairs',
      `alter policy i on public.pairs with check (${asksFirst} and state = 'asked');`,
    ],
    [
      'anyone adds what everybody takes for a template of the muse',
      templates(`team_id is null or ${ofMine}`),
      'isolation-insert public.templates',
      `alter policy i on public.templates with check (${ofMine});`,
    ],
  ],
  'members of two organizations': [
    [
      'a member moves a file to the folder of the team that it manages',
      files('my_teams'),
      'isolation-reassign storage.objects[logos]',
      `alter policy u on storage.objects using (bucket_id = 'logos' and ${inFolder('admined')});`,
    ],
  ],
  'triggers that change rows of others': [
    [
      'rows of the same title are deleted',
      owned('b') + removes(''),
      'isolation-write public.b',
      removes('and owner_id = new.owner_id'),
    ],
    [
      'a flag replaces the text of what all read',
      `${owned('a', '', 'true').replace('create policy r', '-- muse: public-read\ncreate policy r')} ${owned('b', ofA)}
        ${after("update public.a set title = '[removed]' where id = new.a_id;")}`,
      'isolation-write public.b',
      after(''),
    ],
    [
      'a row of mine gives a state to one that I do not see',
      `${owned('a', "state text not null default 'open'")} ${owned('b', ofA)}
        ${after("update public.a set state = 'paid' where id = new.a_id;")}`,
      'isolation-write public.b',
      after("update public.a set state = 'paid' where id = new.a_id and owner_id = new.owner_id;"),
    ],
  ],
  'members who raise themselves': [
    [
      'by an invitation for themselves',
      named('invites', ofMine) + accepts('p_id uuid', 'id = p_id and user_id = auth.uid()'),
      'isolation-escalation public.invites',
      `alter policy i on public.invites with check (${ofAdmins});`,
    ],
    [
      'by the token of an invitation that they made',
      named('invites', ofMine) + accepts('p_token text', 'token = p_token'),
      'isolation-escalation public.invites',
      `alter policy i on public.invites with check (${ofMine} and (role = 'member' or ${ofAdmins}));`,
    ],
    [
      'by a request that a trigger grants',
      `${named('requests', `user_id = (select auth.uid()) and ${ofMine}`)} ${grants('true')}
        create trigger grants after insert on public.requests for each row execute function private.grants();`,
      'isolation-escalation public.requests',
      grants("new.role = 'member'"),
    ],
  ],
  'keys that are null': [
    [
      'people without a team read what is of no team',
      cards(`is not distinct from ${myTeam}`),
      'isolation-read public.cards',
      `alter policy r on public.cards using (${mine} or team_id = ${myTeam});`,
    ],
    [
      'people without a phone read what is for no phone, and names an address',
      orders(`phone is not distinct from (select auth.jwt() ->> 'phone')`),
      'isolation-read public.orders',
      `alter policy r on public.orders using (email = (select auth.jwt() ->> 'email') or phone = (select auth.jwt() ->> 'phone'));`,
    ],
  ],
  'columns that users may not choose': [
    [
      'who asks to follow accepts that',
      `${follows} ${approves('(select auth.uid()) in (who, whom)')}`,
      'isolation-escalation public.edges',
      `drop policy u on public.edges; ${approves('whom = (select auth.uid())')}`,
    ],
  ],
  'texts that are empty by default': [
    [
      'a search that finds the bodies of all',
      `${owned('a', "body text not null default ''")} ${finds(`owner_id = auth.uid() and ${matches('title')} or ${matches('body')}`)}`,
      'isolation-read public.find(text)',
      finds(`owner_id = auth.uid() and (${matches('title')} or ${matches('body')})`),
    ],
  ],
};

describe.each(Object.entries(holes))('%s', (_, cases) => {
  it.each(sampleOf(cases, 3))('%s', async (_name, sql, finds, repair) => {
    expect(await prove(sql)).toContain(finds);
    expect(await prove(`${sql};\n${repair}`)).toEqual([]);
  });
});

/** Open places of organizations, for which others ask in rows of their own: whose name is in them, and which place. */
const requests = (
  who: string,
  place: string,
): string => `${ofTeams('places', ofMine)} alter table public.places add column open boolean not null default false;
    -- muse: public-read
    create policy all_read on public.places for select to authenticated using (open);
    create table public.visits (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id),
      place_id uuid not null references public.places (id), visitor_id uuid references auth.users (id), state text not null default 'done');
    alter table public.visits enable row level security; grant select, insert on public.visits to authenticated;
    create policy r on public.visits for select to authenticated using (${ofMine} or visitor_id = (select auth.uid()));
    create policy i on public.visits for insert to authenticated with check (${ofMine} or (${who} = (select auth.uid()) and state = 'asked'
      and exists (select 1 from public.places p where p.id = ${place} and p.team_id = visits.team_id and p.open)));`;

it('what a stranger may ask for under rows of an organization is in the matrix', async () => {
  const outcomes = async (sql: string): Promise<string[]> =>
    (await report(sql)).tables
      .filter(({ table }) => table === 'public.visits')
      .flatMap(({ checks }) => checks.filter(({ verb }) => verb === 'insert-request').map(({ outcome }) => outcome));
  expect(await outcomes(requests('visitor_id', 'visits.place_id'))).toEqual(['allowed']);
  expect(await outcomes(requests('visitor_id', 'visits.visitor_id'))).toEqual(['refused']);
});

it("who asks in another's name, where the row's own key is compared with who asks", async () => {
  const visits = (who: string): string => requests(who, 'visits.place_id');
  expect(await prove(visits('visitor_id'))).toEqual([]);
  expect(await prove(visits('id'))).toContain('isolation-insert public.visits');
});
