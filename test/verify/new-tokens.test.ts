/** What users write becomes a claim of their next token: by a function of Supabase Auth, or in what it keeps of each user. */
import { describe, expect, it } from 'vitest';
import { callable, mine, owned, seenBy, teams } from './designs.ts';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

/** The function that makes the claims of a token. */
const hook = (body: string, language = 'plpgsql'): string =>
  `create or replace function public.token_claims(event jsonb) returns jsonb language ${language} stable security definer set search_path = '' as
    $hook$ ${body} $hook$; revoke execute on function public.token_claims from public, anon, authenticated;
  grant execute on function public.token_claims to supabase_auth_admin;`;
const sets = (claim: string, value: string): string =>
  hook(`begin return jsonb_set(event, '{claims,${claim}}', to_jsonb(${value})); end`);

/** Rows that the muse's own staff reads, whom a claim tells. */
const staffRead = (claim: string, condition: string): string =>
  `-- muse: staff ${claim}\n${owned('a')} ${seenBy('a', `${mine} or ${condition}`)}`;
const isBoss = "(select auth.jwt() ->> 'rank') = 'boss'";
const isBossInMetadata = "(select auth.jwt() -> 'app_metadata' ->> 'rank') = 'boss'";

const people = `create table public.people (id uuid primary key default auth.uid() references auth.users (id), name text,
    rank text not null default 'user', level int not null default 0, team_id uuid);
  alter table public.people enable row level security; grant select, insert, update on public.people to authenticated;
  create policy own on public.people to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));`;
const namesOnly = `revoke insert, update on public.people from authenticated;
  grant insert (name), update (name) on public.people to authenticated;`;
const ofPeople = (column: string): string =>
  `(select p.${column} from public.people p where p.id = (event ->> 'user_id')::uuid)`;

const ofTeam = `${teams} ${people} alter table public.people add foreign key (team_id) references public.teams (id);
  create table public.plans (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), title text not null);
  alter table public.plans enable row level security; grant select on public.plans to authenticated;
  create policy r on public.plans for select to authenticated using (team_id = (select (auth.jwt() ->> 'team_id')::uuid));`;
const chosen = (more: string): string =>
  hook(`declare t uuid; begin select p.team_id into t from public.people p ${more} where p.id = (event ->> 'user_id')::uuid;
    if t is not null then event := jsonb_set(event, '{claims,team_id}', to_jsonb(t)); end if; return event; end`);

const writesMetadata = (columns: string): string =>
  callable(
    'public.set_meta(k text, v text)',
    'void',
    `update auth.users set ${columns} = jsonb_set(coalesce(${columns}, '{}'), array[k], to_jsonb(v)) where id = auth.uid()`,
  );

/** What is wrong, the schema, the error that must be found, and the repair. */
const holes: [name: string, sql: string, finds: string, repair: string][] = [
  [
    'a rank in a row of their own',
    `${staffRead('rank', isBoss)} ${people} ${sets('rank', ofPeople('rank'))}`,
    'isolation-escalation public.people',
    namesOnly,
  ],
  [
    'a number, in a function in SQL',
    `${staffRead('lvl', "((select auth.jwt() ->> 'lvl'))::int >= 9")} ${people} ${hook(
      `select jsonb_build_object('claims', (event -> 'claims') || jsonb_build_object('lvl', ${ofPeople('level')}))`,
      'sql',
    )}`,
    'isolation-escalation public.people',
    namesOnly,
  ],
  [
    'a team that they choose',
    `${ofTeam} ${chosen('')}`,
    'isolation-escalation public.people',
    chosen('join public.team_users u on u.team_id = p.team_id and u.user_id = p.id'),
  ],
  [
    'a rank in their metadata',
    `${staffRead('rank', isBoss)} ${sets('rank', "event -> 'claims' -> 'user_metadata' ->> 'rank'")}`,
    'policy-trusts-user-metadata public.token_claims',
    sets('rank', "event -> 'claims' -> 'app_metadata' ->> 'rank'"),
  ],
  [
    'all of their metadata',
    `${staffRead('rank', isBoss)} ${hook("begin return jsonb_set(event, '{claims}', (event -> 'claims') || (event #> '{claims,user_metadata}')); end")}`,
    'policy-trusts-user-metadata public.token_claims',
    hook("begin return jsonb_set(event, '{claims}', (event -> 'claims') || (event #> '{claims,app_metadata}')); end"),
  ],
  [
    'metadata of the server, by a function that users call',
    `${staffRead('app_metadata.rank', isBossInMetadata)} ${writesMetadata('raw_app_meta_data')}`,
    'isolation-escalation public.set_meta(text, text)',
    writesMetadata('raw_user_meta_data'),
  ],
  [
    'metadata of the server, by a trigger',
    `${staffRead('app_metadata.rank', isBossInMetadata)} ${people}
      create function public.copies() returns trigger language plpgsql security definer set search_path = '' as $$ begin
        update auth.users set raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || jsonb_build_object('rank', new.rank) where id = new.id;
        return new; end $$;
      create trigger copies after insert or update on public.people for each row execute function public.copies();`,
    'isolation-escalation public.people',
    namesOnly,
  ],
];

describe('what users write into what their claims are made of', () => {
  it.each(holes)('%s', async (_name, sql, finds, repair) => {
    expect(await prove(sql)).toContain(finds);
    expect(await prove(`${sql};\n${repair}`)).toEqual([]);
  });
});

it('roles that the server gives, and rows of the same users beside them, are right', async () => {
  const roles = `create table public.ranks (user_id uuid primary key references auth.users (id), rank text not null check (rank in ('boss', 'helper')));
    alter table public.ranks enable row level security; revoke all on public.ranks from authenticated, anon;
    grant select on public.ranks to supabase_auth_admin; create policy r on public.ranks for select to supabase_auth_admin using (true);`;
  const made = sets('rank', `(select r.rank from public.ranks r where r.user_id = (event ->> 'user_id')::uuid)`);
  expect(await prove(`${staffRead('rank', isBoss)} ${people} ${roles} ${made}`)).toEqual([]);
});
