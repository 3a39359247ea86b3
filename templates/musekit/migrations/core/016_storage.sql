-- 016 storage: the buckets `avatars` (pictures of users) and `branding` (logos of organizations), and who may write to them.
-- Both are public: anyone who knows the URL of a file sees it. Listing the files of others is not possible.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values
  ('avatars', 'avatars', true, 2097152, array['image/png', 'image/jpeg', 'image/webp']),
  ('branding', 'branding', true, 5242880, array['image/png', 'image/jpeg', 'image/webp'])
on conflict (id) do nothing;

-- The files of a user are in the folder avatars/<user id>. No SVG: it may contain scripts.
drop policy if exists "Users list their own avatars" on storage.objects;
create policy "Users list their own avatars" on storage.objects
  for select to authenticated
  using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);

drop policy if exists "Users upload their own avatars" on storage.objects;
create policy "Users upload their own avatars" on storage.objects
  for insert to authenticated
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);

drop policy if exists "Users replace their own avatars" on storage.objects;
create policy "Users replace their own avatars" on storage.objects
  for update to authenticated
  using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text)
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);

drop policy if exists "Users delete their own avatars" on storage.objects;
create policy "Users delete their own avatars" on storage.objects
  for delete to authenticated
  using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);

-- The files of an organization are in the folder branding/<organization id>.
drop policy if exists "Owners and admins list their branding" on storage.objects;
create policy "Owners and admins list their branding" on storage.objects
  for select to authenticated
  using (
    bucket_id = 'branding'
    and (storage.foldername(name))[1] = any ((select private.user_organization_ids(array['owner', 'admin']))::text[])
  );

drop policy if exists "Owners and admins upload their branding" on storage.objects;
create policy "Owners and admins upload their branding" on storage.objects
  for insert to authenticated
  with check (
    bucket_id = 'branding'
    and (storage.foldername(name))[1] = any ((select private.user_organization_ids(array['owner', 'admin']))::text[])
  );

drop policy if exists "Owners and admins replace their branding" on storage.objects;
create policy "Owners and admins replace their branding" on storage.objects
  for update to authenticated
  using (
    bucket_id = 'branding'
    and (storage.foldername(name))[1] = any ((select private.user_organization_ids(array['owner', 'admin']))::text[])
  )
  with check (
    bucket_id = 'branding'
    and (storage.foldername(name))[1] = any ((select private.user_organization_ids(array['owner', 'admin']))::text[])
  );

drop policy if exists "Owners and admins delete their branding" on storage.objects;
create policy "Owners and admins delete their branding" on storage.objects
  for delete to authenticated
  using (
    bucket_id = 'branding'
    and (storage.foldername(name))[1] = any ((select private.user_organization_ids(array['owner', 'admin']))::text[])
  );
