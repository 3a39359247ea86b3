// Holes that are planted into the built-in kit with all presets, one at a time: what people get wrong, as SQL.

const redo = (name, table, rest) => `drop policy ${name} on ${table}; create policy ${name} on ${table} ${rest}`;
const ofMembers = 'organization_id = any ((select private.user_organization_ids())::uuid[])';

/** @type {{ name: string, sql: string }[]} */
export const holes = [
  { name: 'SELECT policy dropped', sql: 'drop policy organization_select on public.leads' },
  { name: 'all policies dropped', sql: 'drop policy owner_select on public.brand_preferences; drop policy owner_insert on public.brand_preferences; drop policy owner_update on public.brand_preferences; drop policy owner_delete on public.brand_preferences' },
  { name: 'row-level security off', sql: 'alter table public.brand_settings disable row level security' },
  { name: 'SELECT USING (true)', sql: redo('organization_select', 'public.deals', 'for select to authenticated using (true)') },
  { name: 'UPDATE USING (true)', sql: redo('organization_update', 'public.inventory_items', 'for update to authenticated using (true) with check (true)') },
  { name: 'DELETE USING (true)', sql: redo('organization_delete', 'public.deal_collaborators', 'for delete to authenticated using (true)') },
  { name: 'INSERT WITH CHECK (true)', sql: redo('owner_insert', 'public.alert_logs', 'for insert to authenticated with check (true)') },
  { name: 'UPDATE without a check of the new row', sql: redo('owner_update', 'public.mls_listings', 'for update to authenticated using ((select auth.uid()) = owner_id) with check (true)') },
  { name: '… OR true', sql: redo('owner_select', 'public.deliverables', 'for select to authenticated using ((select auth.uid()) = user_id or true)') },
  { name: 'signed in is enough', sql: redo('owner_select', 'public.property_alerts', 'for select to authenticated using ((select auth.uid()) is not null)') },
  { name: 'policy and grant for anon', sql: 'create policy open on public.showings for select to anon using (true); grant select on public.showings to anon' },
  { name: 'policy without a role, and a grant to anon', sql: 'create policy "service role writes" on public.products for all using (true); grant all on public.products to anon' },
  { name: 'policy on another column', sql: redo('organization_select', 'public.activities', 'for select to authenticated using (assigned_to = (select auth.uid()))') },
  { name: 'policy by user_metadata', sql: "create policy by_claim on public.leads for select to authenticated using (organization_id::text = (select auth.jwt() -> 'user_metadata' ->> 'organization_id'))" },
  { name: 'viewers may write', sql: redo('organization_update', 'public.deals', `for update to authenticated using (${ofMembers}) with check (${ofMembers})`) },
  { name: 'every member reads the keys', sql: `drop policy "Owners and admins read the keys" on public.api_keys; create policy "Owners and admins read the keys" on public.api_keys for select to authenticated using (${ofMembers})` },
  { name: 'anybody joins any organization', sql: 'create policy "join" on public.organization_members for insert to authenticated with check (user_id = (select auth.uid())); grant insert on public.organization_members to authenticated' },
  { name: 'a user sets its own role', sql: 'create policy own on public.user_roles for update to authenticated using (user_id = (select auth.uid())); grant update on public.user_roles to authenticated' },
  { name: 'policy that reads its own table', sql: 'create policy peers on public.organization_members for select to authenticated using (organization_id in (select organization_id from public.organization_members where user_id = (select auth.uid())))' },
  { name: 'helper that returns all', sql: "create or replace function private.user_organization_ids() returns uuid[] language sql stable security definer set search_path = '' as 'select array_agg(id) from public.organizations'" },
  { name: 'helper that forgets the roles', sql: "create or replace function private.user_organization_ids(roles text[]) returns uuid[] language sql stable security definer set search_path = '' as 'select array_agg(organization_id) from public.organization_members where user_id = auth.uid()'" },
  { name: 'view without security_invoker', sql: 'create view public.all_leads as select * from public.leads; grant select on public.all_leads to authenticated' },
  { name: 'materialized view', sql: 'create materialized view public.deal_list as select * from public.deals; grant select on public.deal_list to authenticated' },
  { name: 'view of auth.users', sql: 'create view public.people as select id, email from auth.users; grant select on public.people to authenticated' },
  { name: 'definer function that reads', sql: "create function public.all_posts() returns setof public.social_posts language sql stable security definer set search_path = '' as 'select * from public.social_posts'; grant execute on function public.all_posts() to authenticated" },
  { name: 'definer function that writes', sql: "create function public.take_listing(listing uuid) returns void language sql security definer set search_path = '' as 'update public.mls_listings set owner_id = auth.uid() where id = listing'; grant execute on function public.take_listing(uuid) to authenticated" },
  { name: 'definer function without search_path', sql: "create function public.my_posts() returns setof public.social_posts language sql stable security definer as 'select * from public.social_posts where user_id = auth.uid()'; grant execute on function public.my_posts() to authenticated" },
  { name: 'bucket open to everybody', sql: "create policy open on storage.objects for select to authenticated using (bucket_id = 'private')" },
];
