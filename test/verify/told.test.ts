/** What triggers tell strangers of an owner's rows, once they have asked to be told. */
import { describe, expect, it } from 'vitest';
import { mine, ofTeams, ours, owned } from './designs.ts';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const inbox = `create table public.inbox (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id) on delete cascade, body text not null);
  create index on public.inbox (user_id); alter table public.inbox enable row level security; grant select on public.inbox to authenticated;
  create policy r on public.inbox for select to authenticated using (user_id = (select auth.uid()));`;

/** A trigger that copies a new row into the inbox of those for whom the condition holds. */
const tells = (table: string, who: string, event = 'insert'): string => `
  create or replace function public.tell() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.inbox (user_id, body) select s.owner_id, new.title from public.subs s where ${who}; return new; end $$;
  drop trigger if exists tell on public.${table};
  create trigger tell after ${event} on public.${table} for each row execute function public.tell();`;

/** Leads of users, and what they want to be told of. */
const leads = (columns: string, who: string, event?: string): string =>
  `${owned('leads', 'topic text not null')} ${inbox} ${owned('subs', columns)} ${tells('leads', who, event)}`;
const ofOwner = (who: string, event?: string): string => tells('leads', `${who} and s.owner_id = new.owner_id`, event);

/** Issues of teams, and who watches which team. */
const issues = `${ofTeams('issues', ours)} ${inbox}
  ${owned('subs', 'team_id uuid not null references public.teams (id) on delete cascade')} create index on public.subs (team_id);
  ${tells('issues', 's.team_id = new.team_id')}`;

const holes: [name: string, hole: string, repair: string][] = [
  [
    'rows of a team',
    issues,
    `alter policy i on public.subs with check (${mine} and ${ours}); alter policy u on public.subs with check (${mine} and ${ours});`,
  ],
  ['a text', leads('topic text not null', 's.topic = new.topic'), ofOwner('s.topic = new.topic')],
  [
    'a part of a text',
    leads('word text not null', "new.topic ilike '%' || s.word || '%'"),
    ofOwner("new.topic ilike '%' || s.word || '%'"),
  ],
  [
    'one of a list of texts',
    leads("tags text[] not null default '{}'", 'new.topic = any (s.tags)'),
    ofOwner('new.topic = any (s.tags)'),
  ],
  [
    'a list with the text',
    leads("tags text[] not null default '{}'", 's.tags @> array[new.topic]'),
    ofOwner('s.tags @> array[new.topic]'),
  ],
  [
    'a text without its sign',
    leads('handle text not null', "s.handle = ltrim(new.topic, '@')"),
    ofOwner("s.handle = ltrim(new.topic, '@')"),
  ],
  ...(
    [
      ['a scope', "scope text not null default 'mine'", "s.scope = 'all'"],
      ['a flag', 'wants_all boolean not null default false', 's.wants_all'],
      ['a level', 'level integer not null default 0', 's.level >= 3'],
      ['a kind in a list', "kinds text[] not null default '{}'", "'lead' = any (s.kinds)"],
      ['what stands in JSON', "prefs jsonb not null default '{}'", "s.prefs ->> 'leads' = 'everyone'"],
    ] as const
  ).map(([name, columns, who]): [string, string, string] => [
    `${name} that names nothing of the row`,
    leads(columns, who),
    ofOwner(who),
  ]),
  [
    'a row that is changed',
    leads('lead_id uuid not null references public.leads (id) on delete cascade', 's.lead_id = new.id', 'update'),
    ofOwner('s.lead_id = new.id', 'update'),
  ],
];

describe('strangers who ask to be told of', () => {
  it.each(sampleOf(holes, 2))('%s are found, and the repair is green', async (_, hole, repair) => {
    expect(await prove(hole)).toEqual(['isolation-escalation public.subs']);
    expect(await prove(hole + repair)).toEqual([]);
  });

  it('correct: whom the server adds', async () => {
    const ofServer =
      'revoke insert, update, delete on public.subs from authenticated; drop policy i on public.subs; drop policy u on public.subs; drop policy d on public.subs;';
    expect(await prove(leads('topic text not null', 's.topic = new.topic') + ofServer)).toEqual([]);
  });

  it('correct: the author of what a comment is about', async () => {
    const notes = `${owned('posts')} drop policy r on public.posts;
      -- muse: public-read
      create policy r on public.posts for select to authenticated using (true); ${inbox}
      ${owned('comments', 'post_id uuid not null references public.posts (id) on delete cascade')} create index on public.comments (post_id);
      drop policy r on public.comments;
      -- muse: public-read
      create policy r on public.comments for select to authenticated using (true);
      create function public.note() returns trigger language plpgsql security definer set search_path = '' as $$ begin
        insert into public.inbox (user_id, body) select p.owner_id, new.title from public.posts p where p.id = new.post_id; return new; end $$;
      create trigger note after insert on public.comments for each row execute function public.note();`;
    expect(await prove(notes)).toEqual([]);
  });
});
