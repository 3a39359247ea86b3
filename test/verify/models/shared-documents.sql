-- Documents of a user, that it shares with others, to read or to write, by a share or by an address; comments of those who read.
create schema private;
grant usage on schema private to authenticated;

create table public.documents (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  body text,
  deleted_at timestamptz
);
create index on public.documents (owner_id);
create table public.document_shares (
  document_id uuid not null references public.documents (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  can_write boolean not null default false,
  primary key (document_id, user_id)
);
create index on public.document_shares (user_id);
create table public.document_comments (
  id uuid primary key default gen_random_uuid(),
  document_id uuid not null references public.documents (id) on delete cascade,
  author_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null
);
create index on public.document_comments (document_id);
create index on public.document_comments (author_id);

create function private.owns_document(document uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.documents d where d.id = document and d.owner_id = (select auth.uid())) $$;
create function private.reads_document(document uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.documents d where d.id = document and d.owner_id = (select auth.uid()))
    or exists (select 1 from public.document_shares s where s.document_id = document and s.user_id = (select auth.uid())) $$;
create function private.writes_document(document uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.document_shares s where s.document_id = document and s.user_id = (select auth.uid()) and s.can_write) $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;

alter table public.documents enable row level security;
alter table public.document_shares enable row level security;
alter table public.document_comments enable row level security;
create policy documents_read on public.documents for select to authenticated using (owner_id = (select auth.uid()) or private.reads_document(id));
create policy documents_add on public.documents for insert to authenticated with check (owner_id = (select auth.uid()));
create policy documents_change on public.documents for update to authenticated
  using (owner_id = (select auth.uid()) or private.writes_document(id)) with check (owner_id = (select auth.uid()) or private.writes_document(id));
create policy documents_remove on public.documents for delete to authenticated using (owner_id = (select auth.uid()));
create policy shares_read on public.document_shares for select to authenticated using (user_id = (select auth.uid()) or private.owns_document(document_id));
create policy shares_add on public.document_shares for insert to authenticated with check (private.owns_document(document_id));
create policy shares_change on public.document_shares for update to authenticated using (private.owns_document(document_id)) with check (private.owns_document(document_id));
create policy shares_remove on public.document_shares for delete to authenticated using (user_id = (select auth.uid()) or private.owns_document(document_id));
create policy comments_read on public.document_comments for select to authenticated using (private.reads_document(document_id));
create policy comments_add on public.document_comments for insert to authenticated with check (author_id = (select auth.uid()) and private.reads_document(document_id));
create policy comments_remove on public.document_comments for delete to authenticated using (author_id = (select auth.uid()) or private.owns_document(document_id));
grant select, insert, delete on public.documents to authenticated;
grant update (title, body, deleted_at) on public.documents to authenticated;
grant select, insert, delete on public.document_shares to authenticated;
grant update (can_write) on public.document_shares to authenticated;
grant select, insert, delete on public.document_comments to authenticated;
grant all on all tables in schema public to service_role;
