/** Claims with a value for each of what rows belong to, as `{"<organization>": "admin"}`; each hole with a repair, which leaves no error. */
import { expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

const jwt = '(select auth.jwt())';
/** Papers of organizations; `verbs` are policies. */
const papers = (verbs: string): string => `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.papers (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id) on delete cascade, title text not null);
  create index on public.papers (organization_id);
  alter table public.organizations enable row level security; alter table public.papers enable row level security;
  grant select on public.organizations to authenticated; grant select, insert, update, delete on public.papers to authenticated;
  create policy r on public.organizations for select to authenticated using (${jwt} -> 'app_metadata' -> 'roles' ->> id::text is not null);
  ${verbs}`;
const role = (column: string): string => `(${jwt} -> 'app_metadata' -> 'roles' ->> ${column}::text)`;
const isMember = `${role('organization_id')} in ('admin', 'member')`;
const isAdmin = `${role('organization_id')} = 'admin'`;
const all = `create policy r on public.papers for select to authenticated using (${isMember});
  create policy i on public.papers for insert to authenticated with check (${isMember});
  create policy u on public.papers for update to authenticated using (${isAdmin}) with check (${isAdmin});
  create policy d on public.papers for delete to authenticated using (${isAdmin});`;

/** Boxes, whose owners let others in; the token lists them with the role in each, as a text that holds JSON. */
const boxes = (check: string): string => `create type public.box_role as enum ('owner', 'viewer');
  create table public.boxes (id uuid primary key default gen_random_uuid(), name text not null,
    created_by uuid not null default auth.uid() references auth.users (id) on delete cascade);
  create table public.things (id uuid primary key default gen_random_uuid(), box_id uuid not null references public.boxes (id) on delete cascade, title text not null);
  create index on public.boxes (created_by); create index on public.things (box_id);
  alter table public.boxes enable row level security; alter table public.things enable row level security;
  grant select, insert on public.boxes to authenticated; grant select, insert, delete on public.things to authenticated;
  create function public.role_in(box uuid) returns text language sql stable set search_path = '' as
    $$ select ((auth.jwt() ->> 'boxes')::jsonb ->> box::text)::jsonb ->> 'role' $$;
  create policy r on public.boxes for select to authenticated using (created_by = (select auth.uid()));
  create policy i on public.boxes for insert to authenticated with check (created_by = (select auth.uid()));
  create policy r on public.things for select to authenticated using (public.role_in(box_id) in ('owner', 'viewer'));
  create policy i on public.things for insert to authenticated with check (${check});
  create policy d on public.things for delete to authenticated using (public.role_in(box_id) = 'owner');`;

it.each([
  ['the role in each organization', papers(all)],
  ['a role in a text with JSON', boxes("public.role_in(box_id) = 'owner'")],
])('correct: %s', async (_, sql) => {
  expect(await prove(sql)).toEqual([]);
});

it.each([
  [
    'anyone with any role reads',
    papers(
      all.replace(
        `for select to authenticated using (${isMember})`,
        `for select to authenticated using (${jwt} -> 'app_metadata' -> 'roles' is not null)`,
      ),
    ),
    ['isolation-read public.papers'],
    `alter policy r on public.papers using (${isMember})`,
  ],
  [
    'moved to another organization',
    `${papers(all)} alter policy u on public.papers with check (true)`,
    ['isolation-reassign public.papers', 'policy-always-true policy "u" on public.papers'],
    `alter policy u on public.papers with check (${isAdmin})`,
  ],
  [
    'a role in another box',
    boxes('exists (select 1 from public.boxes b where public.role_in(b.id) is not null) or title is not null'),
    ['isolation-insert public.things'],
    "alter policy i on public.things with check (public.role_in(box_id) = 'owner')",
  ],
])('%s', async (_, sql, finds, repair) => {
  expect(await prove(sql)).toEqual(finds);
  expect(await prove(`${sql};\n${repair}`)).toEqual([]);
});
