/** Who may not change a row, though others who were let in may, must not delete it. */
import { callable, mine, opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

/** Sheets, with whom they are shared, and what is in them. */
const sheets = (deletes: string, cells: string): string => `
  create table public.sheets (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id), title text not null);
  create table public.shares (sheet_id uuid not null references public.sheets (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    may text not null default 'view' check (may in ('view', 'edit')), primary key (sheet_id, user_id));
  create table public.cells (id uuid primary key default gen_random_uuid(), sheet_id uuid not null references public.sheets (id) on delete cascade, content text not null);
  create function public.may(s uuid) returns text language sql stable security definer set search_path = '' as
    $$ select case when s.owner_id = auth.uid() then 'own' else (select h.may from public.shares h where h.sheet_id = s.id and h.user_id = auth.uid()) end
         from public.sheets s where s.id = $1 $$;
  ${opened('sheets', 'select, insert, update, delete')} ${opened('shares', 'select, insert, delete')} ${opened('cells', 'select, insert, update, delete')}
  create policy r on public.sheets for select to authenticated using (public.may(id) is not null);
  create policy i on public.sheets for insert to authenticated with check (${mine});
  create policy u on public.sheets for update to authenticated using (${mine} or public.may(id) = 'edit') with check (${mine} or public.may(id) = 'edit');
  create policy d on public.sheets for delete to authenticated using (${deletes});
  create function public.keep_owner() returns trigger language plpgsql as $$ begin if new.owner_id <> old.owner_id then raise exception 'owner stays'; end if; return new; end $$;
  create trigger keep_owner before update on public.sheets for each row execute function public.keep_owner();
  create policy own on public.shares to authenticated using (public.may(sheet_id) = 'own') with check (public.may(sheet_id) = 'own');
  create policy seen on public.shares for select to authenticated using (user_id = ${me});
  create policy r on public.cells for select to authenticated using (public.may(sheet_id) is not null);
  create policy i on public.cells for insert to authenticated with check (public.may(sheet_id) in ('own', 'edit'));
  create policy u on public.cells for update to authenticated using (public.may(sheet_id) in ('own', 'edit')) with check (public.may(sheet_id) in ('own', 'edit'));
  create policy d on public.cells for delete to authenticated using (${cells});`;
const edits = "public.may(sheet_id) in ('own', 'edit')";

/** Documents of teams, whose members have roles. */
const documents = (deletes: string): string => `
  create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.team_users (team_id uuid not null references public.teams (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'viewer' check (role in ('viewer', 'editor', 'admin')), primary key (team_id, user_id));
  create table public.documents (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id) on delete cascade, body text not null);
  ${callable('public.role_in(t uuid)', 'text', 'select role from public.team_users where team_id = t and user_id = auth.uid()')}
  ${opened('teams', 'select')} ${opened('team_users', 'select')} ${opened('documents', 'select, insert, update, delete')}
  create policy r on public.teams for select to authenticated using (public.role_in(id) is not null);
  create policy r on public.team_users for select to authenticated using (public.role_in(team_id) is not null);
  create policy r on public.documents for select to authenticated using (public.role_in(team_id) is not null);
  create policy i on public.documents for insert to authenticated with check (public.role_in(team_id) in ('editor', 'admin'));
  create policy u on public.documents for update to authenticated using (public.role_in(team_id) in ('editor', 'admin')) with check (public.role_in(team_id) in ('editor', 'admin'));
  create policy d on public.documents for delete to authenticated using (${deletes});`;

const pairs: Pair[] = [
  [
    'a guest who may only view, of the sheet itself',
    sheets(mine, edits),
    sheets(`${mine} or public.may(id) is not null`, edits),
    'isolation-write public.sheets',
  ],
  [
    'a guest who may only view, of what is in the sheet',
    sheets(mine, edits),
    sheets(mine, 'public.may(sheet_id) is not null'),
    'isolation-write public.cells',
  ],
  [
    'a member with the least role',
    documents("public.role_in(team_id) = 'admin'"),
    documents('public.role_in(team_id) is not null'),
    'isolation-write public.documents',
  ],
];

testPairs(pairs);
