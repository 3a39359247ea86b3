-- Rollback of 016 storage: drops the policies, and the buckets if they are empty; files are deleted through the Storage API.
drop policy if exists "Owners and admins delete their branding" on storage.objects;
drop policy if exists "Owners and admins replace their branding" on storage.objects;
drop policy if exists "Owners and admins upload their branding" on storage.objects;
drop policy if exists "Owners and admins list their branding" on storage.objects;
drop policy if exists "Users delete their own avatars" on storage.objects;
drop policy if exists "Users replace their own avatars" on storage.objects;
drop policy if exists "Users upload their own avatars" on storage.objects;
drop policy if exists "Users list their own avatars" on storage.objects;
-- Storage refuses deletes by SQL unless this is set.
select set_config('storage.allow_delete_query', 'true', true);
delete from storage.buckets
where buckets.id in ('avatars', 'branding')
  and not exists (select 1 from storage.objects where objects.bucket_id = buckets.id);
