-- The registry of a portfolio: its muses and their environments, runs with one item for each muse, workers, and the audit.
-- Holds no secret. Only its owner reads it: nothing is granted, and row-level security has no policy.

create schema if not exists portfolio;
revoke all on schema portfolio from public;

create table if not exists portfolio.muses (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  -- The name in lower case, letters and digits only: two names that differ in nothing else are one too many.
  key text not null unique,
  -- An absolute path on `host`, or the URL of a repository without credentials.
  source text not null,
  is_remote boolean not null default false,
  host text not null,
  tags text[] not null default '{}',
  kit jsonb not null default '{}',
  state text not null default 'planned'
    check (state in ('planned', 'created', 'healthy', 'migrated', 'seeded', 'verified')),
  error jsonb,
  added_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  seen_at timestamptz,
  archived_at timestamptz
);

create table if not exists portfolio.environments (
  muse uuid not null references portfolio.muses (id) on delete cascade,
  name text not null check (name in ('development', 'staging', 'production')),
  target text not null,
  ref text,
  region text,
  -- What `status` found: the numbers of files, and of differences from them.
  files jsonb not null default '{}',
  -- Of the last look at the migrations; null where that did not compare.
  drift integer check (drift >= 0),
  isolation jsonb,
  error jsonb,
  checked_at timestamptz,
  -- When its migrations were seen.
  seen_at timestamptz,
  primary key (muse, name)
);
-- Letters and digits only, as in `muses.key`: no two environments share a project.
create unique index if not exists environments_ref_key
  on portfolio.environments (regexp_replace(lower(ref), '[^a-z0-9]', '', 'g'));

create table if not exists portfolio.runs (
  number bigint generated always as identity primary key,
  kind text not null,
  environment text not null check (environment in ('development', 'staging', 'production')),
  -- The same for the same call: a second start of a live run attaches to it.
  signature text not null,
  options jsonb not null,
  state text not null default 'running' check (state in ('running', 'done', 'failed', 'stopped', 'cancelled')),
  -- The wave that is open; waves count from 1.
  wave integer not null default 1 check (wave >= 1),
  waves integer not null check (waves >= 1),
  tool text not null,
  started_by text not null,
  host text not null,
  created_at timestamptz not null default now(),
  -- The next wave does not open before this.
  paused_until timestamptz,
  ended_at timestamptz
);
create unique index if not exists runs_live_signature on portfolio.runs (signature) where state = 'running';

create table if not exists portfolio.workers (
  id uuid primary key,
  host text not null,
  pid integer not null,
  tool text not null,
  concurrency integer not null,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now(),
  ended_at timestamptz
);

create table if not exists portfolio.items (
  id uuid primary key default gen_random_uuid(),
  run bigint not null references portfolio.runs (number),
  muse uuid not null references portfolio.muses (id),
  wave integer not null check (wave >= 1),
  position integer not null,
  state text not null default 'waiting'
    check (state in ('waiting', 'queued', 'running', 'done', 'failed', 'unknown', 'blocked', 'cancelled')),
  queue text not null,
  job uuid,
  worker uuid references portfolio.workers (id),
  attempts integer not null default 0,
  -- The worker holds the item no longer than until then, even if it is alive.
  expires_at timestamptz,
  input jsonb,
  journal jsonb,
  result jsonb,
  error jsonb,
  queued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  unique (run, muse)
);
create index if not exists items_run_state on portfolio.items (run, state, wave, position);
create index if not exists items_worker on portfolio.items (worker) where state = 'running';
-- A muse is in one live run at most.
create unique index if not exists items_live_muse on portfolio.items (muse)
  where state in ('waiting', 'queued', 'running');

create table if not exists portfolio.audit (
  number bigint primary key,
  at text not null,
  who text not null,
  host text not null,
  tool text not null,
  action text not null,
  muse text,
  run bigint,
  before jsonb,
  after jsonb,
  previous text not null,
  hash text not null
);
create index if not exists audit_muse on portfolio.audit (muse, number);
-- The newest row of the audit: shows when the last rows were taken away.
create table if not exists portfolio.audit_head (
  one boolean primary key default true check (one),
  number bigint not null,
  hash text not null
);
insert into portfolio.audit_head (number, hash) values (0, '') on conflict do nothing;

create or replace function portfolio.refuse_change() returns trigger
language plpgsql set search_path = '' as $refuse$
begin
  raise exception 'portfolio.audit is append-only: % is refused', tg_op using errcode = '42501';
end
$refuse$;
drop trigger if exists audit_is_append_only on portfolio.audit;
create trigger audit_is_append_only before update or delete or truncate on portfolio.audit
  for each statement execute function portfolio.refuse_change();

alter table portfolio.muses enable row level security;
alter table portfolio.environments enable row level security;
alter table portfolio.runs enable row level security;
alter table portfolio.workers enable row level security;
alter table portfolio.items enable row level security;
alter table portfolio.audit enable row level security;
alter table portfolio.audit_head enable row level security;

-- Where the server gives new tables to the roles of an API, these are taken from them again.
do $api$
declare api text;
begin
  for api in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute pg_catalog.format('revoke all on schema portfolio from %I', api);
    execute pg_catalog.format('revoke all on all tables in schema portfolio from %I', api);
    execute pg_catalog.format('revoke all on all functions in schema portfolio from %I', api);
  end loop;
end
$api$;
revoke all on all tables in schema portfolio from public;
revoke all on all functions in schema portfolio from public;
