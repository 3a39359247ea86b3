/** Rows below those of others in a tree: what their owners read of the rows above, and who puts them there. */
import { describe, expect, it } from 'vitest';
import { errorsOf, findingsProver } from './prove-files.ts';
import { callable, helper, mine, opened, owned, partOf, teams } from './designs.ts';

const find = findingsProver();

/** The rows of a table from one on, up or down the tree. */
const walk = (table: string, way: 'up' | 'down', start: string, parent = 'parent_id'): string =>
  `with recursive w as (select id, ${parent}, owner_id from public.${table} where id = ${start} union
    select t.id, t.${parent}, t.owner_id from public.${table} t join w on ${way === 'up' ? `t.id = w.${parent}` : `t.${parent} = w.id`})`;
const sees = (table: string, way: 'up' | 'down', parent?: string): string =>
  helper(
    `sees(one uuid)`,
    'boolean',
    `${walk(table, way, 'one', parent)} select exists (select 1 from w where owner_id = auth.uid())`,
  );
const keeps = (table: string): string =>
  helper(
    'keeps(one uuid)',
    'boolean',
    `select exists (select 1 from public.${table} where id = one and owner_id = auth.uid())`,
  );
const tree = (
  table: string,
  parent = 'parent_id',
): string => `${owned(table, `${parent} uuid references public.${table} (id) on delete cascade`)}
  create index on public.${table} (${parent}); ${keeps(table)}`;
/** What is below a row is its owner's who keeps that. */
const placed = (table: string, parent = 'parent_id'): string =>
  ['i', 'u']
    .map(
      (name) =>
        `alter policy ${name} on public.${table} with check (${mine} and (${parent} is null or private.keeps(${parent})));`,
    )
    .join('\n');

const drives = (way: 'up' | 'down'): string => `${tree('folders')} ${placed('folders')} ${sees('folders', way)}
  ${partOf('files', 'folders', 'private.sees(folders_id)')}`;
const projects = (
  way: 'up' | 'down',
): string => `${tree('projects', 'within')} ${placed('projects', 'within')} ${sees('projects', way, 'within')}
  alter policy r on public.projects using (${mine} or private.sees(id));`;
const offices = (
  way: 'up' | 'down',
): string => `${teams} alter table public.teams add column parent_id uuid references public.teams (id);
  create index on public.teams (parent_id);
  ${helper(
    'reaches(one uuid)',
    'boolean',
    `with recursive w as (select id, parent_id from public.teams where id = one union select t.id, t.parent_id
    from public.teams t join w on ${way === 'up' ? 't.id = w.parent_id' : 't.parent_id = w.id'}) select exists (select 1 from w
    join public.team_users u on u.team_id = w.id where u.user_id = auth.uid())`,
  )}
  create table public.invoices (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), total int not null);
  create index on public.invoices (team_id); ${opened('invoices', 'select')}
  create policy r on public.invoices for select to authenticated using (private.reaches(team_id));`;
const lister = (way: 'up' | 'down'): string => `${tree('boxes')} ${placed('boxes')}
  ${partOf('items', 'boxes', 'private.keeps(boxes_id)')}
  ${callable(
    'public.items_around(box uuid)',
    'setof public.items',
    `${walk('boxes', way, 'box')} select i.* from public.items i where i.boxes_id in
    (select id from w) and exists (select 1 from public.boxes b where b.id = box and b.owner_id = auth.uid())`,
  )}`;

const ways: [name: string, objects: string[], build: (way: 'up' | 'down') => string, hole: 'up' | 'down'][] = [
  ['files of the folder above', ['public.files'], drives, 'down'],
  ['the project above, by a column of another name', ['public.projects'], projects, 'down'],
  ['invoices of the organization above', ['public.invoices'], offices, 'down'],
  ['a function that lists what is above', ['public.items_around(uuid)'], lister, 'up'],
];

const notes = (shown = mine): string => `${tree('pages')} alter policy r on public.pages using (${shown});`;

describe('who owns a row below another', () => {
  it.each(ways)('%s is told, and the other way is proven', async (_, objects, build, hole) => {
    const open = await find(build(hole));
    expect(open.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object)).toEqual(objects);
    expect(open.find(({ rule }) => rule === 'not-proven')?.message).toContain('lies below that of another');
    expect(errorsOf(open)).toEqual([]);
    const closed = await find(build(hole === 'up' ? 'down' : 'up'));
    expect(closed.filter(({ rule }) => rule === 'not-proven' || rule.startsWith('isolation'))).toEqual([]);
  });

  it.each([
    ['where who is above reads it', notes(`${mine} or private.keeps(parent_id)`), placed('pages'), true],
    ['where only who adds it reads it', notes(), '', false],
    [
      'in answer to what everyone reads',
      `${tree('pages')} alter policy r on public.pages using (true); -- muse: public-read\n`,
      '',
      false,
    ],
  ])('a row is added below one that its owner does not read, %s', async (_, design, repair, isFound) => {
    const found = async (sql: string): Promise<string[]> =>
      (await find(sql)).flatMap(({ rule, object }) => (rule === 'isolation-insert' ? [object ?? ''] : []));
    expect(await found(design)).toEqual(isFound ? ['public.pages'] : []);
    if (repair !== '') expect(await found(design + repair)).toEqual([]);
  });

  it('is not told of a table that is not proven', async () => {
    const design = `${notes('true')} ${owned('others')}`;
    const told = async (only?: string[]): Promise<string[]> =>
      (await find(design, only)).flatMap(({ rule, object }) =>
        rule.startsWith('isolation') ? [`${rule} ${object}`] : [],
      );
    expect(await told()).toEqual(['isolation-read public.pages']);
    expect(await told(['public.others'])).toEqual([]);
  });
});
