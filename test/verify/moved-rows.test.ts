import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { ofTeams, owned } from './designs.ts';
import { sampleOf } from '../support/sample.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** Comments of their authors under what another user may own; `place` is the condition on that. */
const comments = (parent: string, place: string): string => `
  create table public.comments (id uuid primary key default gen_random_uuid(), ${parent}_id uuid not null references public.${parent}s (id) on delete cascade,
    author_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  alter table public.comments enable row level security; grant select, insert, update, delete on public.comments to authenticated;
  create policy r on public.comments for select to authenticated using (author_id = (select auth.uid()) or ${place});
  create policy i on public.comments for insert to authenticated with check (author_id = (select auth.uid()) and ${place});
  create policy u on public.comments for update to authenticated using (author_id = (select auth.uid())) with check (author_id = (select auth.uid()));
  create policy d on public.comments for delete to authenticated using (author_id = (select auth.uid()));`;
const asking = (place: string): string =>
  `alter policy u on public.comments with check (author_id = (select auth.uid()) and ${place});`;

const ofProject = 'exists (select 1 from public.projects p where p.id = project_id)';
const ofTask = 'task_id in (select t.id from public.tasks t where t.team_id in (select private.my_teams()))';
const tasks = ofTeams('tasks', 'team_id in (select private.my_teams())');
const unread = 'alter policy r on public.comments using';

/** Ways to put a row where one may not add any, and their repairs. */
const holes: [name: string, finds: string, hole: string, repair: string][] = [
  [
    'moved under a project of another',
    'isolation-reassign public.comments',
    owned('projects') + comments('project', ofProject),
    asking(ofProject),
  ],
  [
    'moved by a policy for everything but inserts',
    'isolation-reassign public.comments',
    `${owned('projects')}${comments('project', ofProject)} alter policy u on public.comments using (author_id = (select auth.uid()));
     alter policy r on public.comments using (${ofProject});`,
    'revoke update on public.comments from authenticated; grant update (body) on public.comments to authenticated;',
  ],
  [
    'moved under a task of another team',
    'isolation-reassign public.comments',
    tasks + comments('task', ofTask),
    asking(ofTask),
  ],
  [
    'moved, and kept there by a trigger',
    'isolation-reassign public.comments',
    owned('projects') + comments('project', ofProject),
    `create function public.keep() returns trigger language plpgsql as $$ begin new.project_id := old.project_id; return new; end $$;
     create trigger keep before update on public.comments for each row execute function public.keep();`,
  ],
  [
    'added under a task of another team, unseen',
    'isolation-insert public.comments',
    `${tasks}${comments('task', ofTask)}${asking(ofTask)} ${unread} (${ofTask});
     alter policy i on public.comments with check (author_id = (select auth.uid()));`,
    `alter policy i on public.comments with check (author_id = (select auth.uid()) and ${ofTask});`,
  ],
];

/** Drafts that may be about a post of their owner's: a policy that asks only for the post asks nothing of a draft without one. */
const mine = 'owner_id = (select auth.uid())';
const about =
  'post_id is null or exists (select 1 from public.posts p where p.id = post_id and p.owner_id = drafts.owner_id)';
const drafts = owned('posts') + owned('drafts', 'post_id uuid references public.posts (id) on delete set null');
for (const [policy, finds] of [
  ['u', 'isolation-reassign public.drafts'],
  ['i', 'isolation-insert public.drafts'],
] as const)
  holes.push([
    `without what a policy asks about: ${policy}`,
    finds,
    `${drafts} alter policy u on public.drafts with check (${mine} and (${about})); alter policy ${policy} on public.drafts with check (${about});`,
    `alter policy ${policy} on public.drafts with check (${mine} and (${about}));`,
  ]);

const findingsOf = async (sql: string): Promise<Finding[]> =>
  (await withSchema(database, sql, (session) => verifyIsolation(session, { declarations: [] }))).findings;
const errorsOf = async (sql: string): Promise<Finding[]> =>
  (await findingsOf(sql)).filter(({ severity }) => severity === 'error');

describe('rows under what is another', () => {
  it.each(sampleOf(holes, 2))('%s', async (_, finds, hole, repair) => {
    expect((await errorsOf(hole)).map(({ rule, object }) => `${rule} ${object}`)).toEqual([finds]);
    expect((await errorsOf(hole + repair)).map(({ message }) => message)).toEqual([]);
  });
  it('only a warning where the author reads what it added', async () => {
    const sql = `${owned('projects')}${comments('project', ofProject)}
      alter policy i on public.comments with check (author_id = (select auth.uid()));`;
    const found = (await findingsOf(sql)).filter(({ rule }) => rule === 'isolation-insert');
    expect(found.map(({ severity, object }) => `${severity} ${object}`)).toEqual(['warning public.comments']);
  });
});
