import { describe, expect, it } from 'vitest';
import { helper, owned, partOf } from './designs.ts';
import { errorProver } from './prove-files.ts';

const prove = errorProver();

const me = '(select auth.uid())';

/** Groups below each other; who is in one reads what is above. */
const groups = `create table public.groups (id uuid primary key default gen_random_uuid(), parent_id uuid references public.groups (id) on delete cascade,
    name text not null, created_by uuid not null default auth.uid() references auth.users (id) on delete cascade);
  create index on public.groups (parent_id); create index on public.groups (created_by); alter table public.groups enable row level security;
  ${helper('owns(g uuid)', 'boolean', 'select exists (select 1 from public.groups where id = g and created_by = auth.uid())')}
  ${helper('seen()', 'setof uuid', 'with recursive up as (select id, parent_id from public.groups where created_by = auth.uid() union select g.id, g.parent_id from public.groups g join up on up.parent_id = g.id) select id from up')}
  grant select, insert on public.groups to authenticated;
  create policy r on public.groups for select to authenticated using (created_by = ${me});
  create policy i on public.groups for insert to authenticated with check (created_by = ${me});
  ${partOf('pages', 'groups', 'groups_id in (select private.seen())')}`;

/** The same with the groups above in a table of its own. */
const edges = `${owned('circles')}
  create table public.edges (child_id uuid not null references public.circles (id) on delete cascade,
    parent_id uuid not null references public.circles (id) on delete cascade, primary key (child_id, parent_id));
  create index on public.edges (parent_id); alter table public.edges enable row level security; grant select, insert on public.edges to authenticated;
  ${helper('mine(g uuid)', 'boolean', 'select exists (select 1 from public.circles where id = g and owner_id = auth.uid())')}
  ${helper('around()', 'setof uuid', 'with recursive up as (select id from public.circles where owner_id = auth.uid() union select e.parent_id from public.edges e join up on up.id = e.child_id) select id from up')}
  create policy r on public.edges for select to authenticated using (private.mine(child_id) or private.mine(parent_id));
  create policy i on public.edges for insert to authenticated with check (private.mine(child_id));
  ${partOf('papers', 'circles', 'circles_id in (select private.around())')}`;

const staff = `create table public.employees (id uuid primary key references auth.users (id) on delete cascade,
    manager_id uuid references public.employees (id), team text);
  create index on public.employees (manager_id); alter table public.employees enable row level security;
  grant select on public.employees to authenticated;
  create policy r on public.employees for select to authenticated using (id = ${me});
  create policy u on public.employees for update to authenticated using (id = ${me}) with check (id = ${me});
  ${helper('chain()', 'setof uuid', 'select id from public.employees where auth.uid() in (id, manager_id) union select manager_id from public.employees where id = auth.uid()')}
  ${partOf('reviews', 'employees', 'employees_id in (select private.chain())')}`;

const holes: [name: string, finds: string, hole: string, repair: string][] = [
  [
    'a new row below that of another',
    'isolation-escalation public.groups',
    groups,
    `alter policy i on public.groups with check (created_by = ${me} and (parent_id is null or private.owns(parent_id)));`,
  ],
  [
    'a row that moves below that of another',
    'isolation-escalation public.groups',
    `${groups} grant update on public.groups to authenticated;
      create policy u on public.groups for update to authenticated using (created_by = ${me}) with check (created_by = ${me});
      alter policy i on public.groups with check (created_by = ${me} and parent_id is null);`,
    `alter policy u on public.groups with check (created_by = ${me} and (parent_id is null or private.owns(parent_id)));`,
  ],
  [
    'a row between one of its own and one of another',
    'isolation-escalation public.edges',
    edges,
    'alter policy i on public.edges with check (private.mine(child_id) and private.mine(parent_id));',
  ],
  [
    'a manager that the user chooses',
    'isolation-escalation public.employees',
    `${staff} grant update on public.employees to authenticated;`,
    'revoke update on public.employees from authenticated; grant update (team) on public.employees to authenticated;',
  ],
];

describe('rows below or beside each other', () => {
  it.each(holes)('%s is found, and its repair is green', async (_, finds, hole, repair) => {
    expect(await prove(hole)).toContain(finds);
    expect(await prove(hole + repair)).toEqual([]);
  });

  it('correct: replies to what everyone reads', async () => {
    const replies = `create table public.comments (id uuid primary key default gen_random_uuid(), parent_id uuid references public.comments (id) on delete cascade,
        user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
      create index on public.comments (parent_id); create index on public.comments (user_id); alter table public.comments enable row level security;
      grant select, insert, update, delete on public.comments to authenticated;
      -- muse: public-read
      create policy r on public.comments for select to authenticated using (true);
      create policy i on public.comments for insert to authenticated with check (user_id = ${me});
      create policy u on public.comments for update to authenticated using (user_id = ${me}) with check (user_id = ${me});
      create policy d on public.comments for delete to authenticated using (user_id = ${me});`;
    expect(await prove(replies)).toEqual([]);
  });
});
