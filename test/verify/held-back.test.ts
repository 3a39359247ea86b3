/** What a new row of one's own may not say, and a change of it may: a guard that compares with what is not set says neither yes nor no. */
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

/** Files, requests to read one, and what guards their changes. */
const requests = (
  guard: string,
  status = "text not null default 'open' check (status in ('open', 'granted', 'refused'))",
  granted = "'granted'",
): string => `
  create table public.files (id uuid primary key default gen_random_uuid(), keeper uuid not null default auth.uid() references auth.users (id), secret text not null);
  create table public.requests (id uuid primary key default gen_random_uuid(), file_id uuid not null references public.files (id) on delete cascade,
    asker uuid not null default auth.uid() references auth.users (id), decider uuid references auth.users (id), deciders uuid[], status ${status});
  alter table public.files enable row level security; alter table public.requests enable row level security;
  grant select, insert, update, delete on public.files to authenticated; grant select, update on public.requests to authenticated;
  grant insert (file_id, asker) on public.requests to authenticated;
  create policy own on public.files to authenticated using (keeper = ${me}) with check (keeper = ${me});
  create policy granted on public.files for select to authenticated
    using (exists (select 1 from public.requests q where q.file_id = files.id and q.asker = ${me} and q.status = ${granted}));
  create policy r on public.requests for select to authenticated using (asker = ${me} or decider = ${me});
  create policy i on public.requests for insert to authenticated with check (asker = ${me});
  create policy u on public.requests for update to authenticated using (asker = ${me} or decider = ${me}) with check (asker = ${me} or decider = ${me});
  create function public.guard() returns trigger language plpgsql as $$ begin
    if new.file_id <> old.file_id or new.asker <> old.asker or new.decider is distinct from old.decider or new.deciders is distinct from old.deciders
    then raise exception 'fixed'; end if;
    ${guard} return new; end $$;
  create trigger guard before update on public.requests for each row execute function public.guard();`;

const stop = "then raise exception 'only the decider'; end if;";
const changed = 'if new.status is distinct from old.status and';
const byNumber = 'smallint not null default 0 check (status in (0, 1, 2))';

const flag = 'boolean not null default false';

const pairs: Pair[] = [
  [
    'a state that is a flag',
    requests(`${changed} not coalesce(old.decider = ${me}, false) ${stop}`, flag, 'true'),
    requests(`${changed} not (old.decider = ${me}) ${stop}`, flag, 'true'),
    'isolation-escalation public.requests',
  ],
  [
    'who decides is not set',
    requests(`${changed} ${me} is distinct from old.decider ${stop}`),
    requests(`${changed} ${me} <> old.decider ${stop}`),
    'isolation-escalation public.requests',
  ],
  [
    'a test that is turned round',
    requests(`${changed} (old.decider = ${me}) is not true ${stop}`),
    requests(`${changed} not (old.decider = ${me}) ${stop}`),
    'isolation-escalation public.requests',
  ],
  [
    'a list of those who decide is not set',
    requests(`${changed} not coalesce(${me} = any (old.deciders), false) ${stop}`),
    requests(`${changed} not (${me} = any (old.deciders)) ${stop}`),
    'isolation-escalation public.requests',
  ],
  [
    'a state that is a number',
    requests(`${changed} ${me} is distinct from old.decider ${stop}`, byNumber, '1'),
    requests(`${changed} ${me} <> old.decider ${stop}`, byNumber, '1'),
    'isolation-escalation public.requests',
  ],
];

testPairs(pairs);
