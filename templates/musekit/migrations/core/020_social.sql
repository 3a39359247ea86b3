-- 020 social: the SocioScheduler module. The accounts a user has connected on other platforms, and the posts for them.
-- Access tokens are stored in Supabase Vault; a row here only references them, and only the backend can read or set them.
-- The module is the last file of core: "create-muse --without social" leaves it out.

create table if not exists public.social_accounts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  platform text not null check (char_length(platform) between 1 and 50),
  platform_user_id text,
  platform_username text,
  display_name text,
  access_token_secret_id uuid,
  refresh_token_secret_id uuid,
  token_expires_at timestamptz,
  scopes text[] not null default '{}',
  is_valid boolean not null default true,
  last_validated_at timestamptz,
  last_error text,
  connected_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, platform),
  unique (id, user_id)
);
comment on table public.social_accounts is 'Accounts on other platforms that a user has connected.';
comment on column public.social_accounts.platform is 'E.g. twitter, linkedin or facebook; text, so that a platform can be added without a migration.';
comment on column public.social_accounts.access_token_secret_id is 'Row of vault.secrets that holds the access token; written by the backend only.';
comment on column public.social_accounts.refresh_token_secret_id is 'Row of vault.secrets that holds the refresh token; written by the backend only.';
comment on column public.social_accounts.is_valid is 'False once the platform has refused the token; the user connects again.';

alter table public.social_accounts enable row level security;
revoke all on table public.social_accounts from public, anon, authenticated, service_role;
grant select, delete on table public.social_accounts to authenticated;
-- Not the secret ids: a user who could set them could post with the token of another.
grant insert (id, user_id, platform, platform_user_id, platform_username, display_name) on table public.social_accounts to authenticated;
grant update (platform_username, display_name) on table public.social_accounts to authenticated;
grant all on table public.social_accounts to service_role;

drop policy if exists "Users read their own social accounts" on public.social_accounts;
create policy "Users read their own social accounts" on public.social_accounts
  for select to authenticated
  using ((select auth.uid()) = user_id);

drop policy if exists "Users add their own social accounts" on public.social_accounts;
create policy "Users add their own social accounts" on public.social_accounts
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

drop policy if exists "Users change their own social accounts" on public.social_accounts;
create policy "Users change their own social accounts" on public.social_accounts
  for update to authenticated
  using ((select auth.uid()) = user_id)
  with check ((select auth.uid()) = user_id);

drop policy if exists "Users remove their own social accounts" on public.social_accounts;
create policy "Users remove their own social accounts" on public.social_accounts
  for delete to authenticated
  using ((select auth.uid()) = user_id);

create or replace trigger set_updated_at
  before update on public.social_accounts
  for each row execute function private.set_updated_at();

-- A token nobody references any more could still be read, so it goes with its account, and when another one takes its place.
create or replace function private.delete_social_secrets()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  replaced uuid[] := array_remove(array[old.access_token_secret_id, old.refresh_token_secret_id], null);
begin
  if tg_op = 'UPDATE' then
    replaced := array(
      select secrets.id
      from unnest(replaced) as secrets (id)
      where secrets.id is distinct from new.access_token_secret_id
        and secrets.id is distinct from new.refresh_token_secret_id
    );
  end if;
  -- A database without the vault has no tokens.
  if cardinality(replaced) > 0 and to_regclass('vault.secrets') is not null then
    execute 'delete from vault.secrets where id = any ($1)' using replaced;
  end if;
  return null;
end;
$$;
comment on function private.delete_social_secrets() is 'Trigger: deletes the tokens in the vault that a social account no longer references.';
revoke all on function private.delete_social_secrets() from public, anon, authenticated, service_role;

create or replace trigger delete_social_secrets
  after delete or update of access_token_secret_id, refresh_token_secret_id on public.social_accounts
  for each row execute function private.delete_social_secrets();

-- The foreign key includes the user: a post can only be sent through an account of the same user.
create table if not exists public.social_posts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  social_account_id uuid,
  platform text not null check (char_length(platform) between 1 and 50),
  content text not null,
  media_urls text[] not null default '{}',
  status text not null default 'draft'
    check (status in ('draft', 'queued', 'approved', 'scheduled', 'publishing', 'posted', 'failed')),
  scheduled_at timestamptz,
  posted_at timestamptz,
  platform_post_id text,
  engagement_data jsonb not null default '{}'::jsonb,
  error_message text,
  ai_generated boolean not null default false,
  brand_voice text,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (social_account_id, user_id) references public.social_accounts (id, user_id)
    on delete set null (social_account_id)
);
comment on table public.social_posts is 'Posts of a user: drafts, scheduled and posted.';
comment on column public.social_posts.social_account_id is 'The account that sends it; null for a draft.';
comment on column public.social_posts.status is 'Users set draft, queued, approved and scheduled; publishing, posted and failed are reported by the backend.';
comment on column public.social_posts.engagement_data is 'Likes, shares and comments as the platform reports them; written by the backend only.';
comment on column public.social_posts.deleted_at is 'When the post was moved to the trash; set it to null to restore the post.';
create index if not exists social_posts_user_id_idx on public.social_posts (user_id, status);
create index if not exists social_posts_social_account_id_idx on public.social_posts (social_account_id, user_id);
create index if not exists social_posts_due_idx on public.social_posts (scheduled_at)
  where status = 'scheduled' and deleted_at is null;

alter table public.social_posts enable row level security;
revoke all on table public.social_posts from public, anon, authenticated, service_role;
-- Not posted_at, platform_post_id, engagement_data and error_message: the backend reports them. INSERT and UPDATE on id and
-- user_id let a client upsert; the policies restrict them to the user's own.
grant select, delete on table public.social_posts to authenticated;
grant insert (id, user_id, social_account_id, platform, content, media_urls, status, scheduled_at, ai_generated, brand_voice, deleted_at)
  on table public.social_posts to authenticated;
grant update (id, user_id, social_account_id, platform, content, media_urls, status, scheduled_at, ai_generated, brand_voice, deleted_at)
  on table public.social_posts to authenticated;
grant all on table public.social_posts to service_role;

drop policy if exists "Users read their own posts" on public.social_posts;
create policy "Users read their own posts" on public.social_posts
  for select to authenticated
  using ((select auth.uid()) = user_id);

drop policy if exists "Users add their own posts" on public.social_posts;
create policy "Users add their own posts" on public.social_posts
  for insert to authenticated
  with check ((select auth.uid()) = user_id);

drop policy if exists "Users change their own posts" on public.social_posts;
create policy "Users change their own posts" on public.social_posts
  for update to authenticated
  using ((select auth.uid()) = user_id)
  with check ((select auth.uid()) = user_id);

drop policy if exists "Users delete their own posts" on public.social_posts;
create policy "Users delete their own posts" on public.social_posts
  for delete to authenticated
  using ((select auth.uid()) = user_id);

create or replace trigger set_updated_at
  before update on public.social_posts
  for each row execute function private.set_updated_at();

create or replace function private.keep_post_status()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if private.caller_bypasses_rls() or (tg_op = 'UPDATE' and new.status = old.status) then
    return new;
  end if;
  if new.status in ('publishing', 'posted', 'failed') then
    raise exception 'Only the backend reports that a post is %.', new.status
      using errcode = 'insufficient_privilege', hint = 'Set it to draft, queued, approved or scheduled.';
  end if;
  if tg_op = 'UPDATE' and old.status in ('publishing', 'posted') then
    raise exception 'A post that is % cannot be published again.', old.status
      using errcode = 'insufficient_privilege', hint = 'Make a new post.';
  end if;
  return new;
end;
$$;
comment on function private.keep_post_status() is 'Trigger: users cannot say that a post was published, nor publish one twice.';
revoke all on function private.keep_post_status() from public, anon, authenticated, service_role;

create or replace trigger keep_post_status
  before insert or update of status on public.social_posts
  for each row execute function private.keep_post_status();
