-- Development data: three users, two organizations with members, plans and subscriptions. Never for production.
-- Sign in as ada@example.com, ben@example.com or cleo@example.com; the password of all three is below.
-- Running it again adds nothing and changes nothing. Triggers create profiles, settings and the owners' memberships.

insert into auth.users (
  instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
  confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at
)
select
  '00000000-0000-0000-0000-000000000000',
  people.id,
  'authenticated',
  'authenticated',
  people.email,
  extensions.crypt('musekit-development', extensions.gen_salt('bf')),
  now(),
  '{"provider": "email", "providers": ["email"]}'::jsonb,
  jsonb_build_object('full_name', people.full_name),
  -- The Auth server reads these four as text and fails on null.
  '', '', '', '',
  now(),
  now()
from (
  values
    ('a0000000-0000-4000-8000-000000000001'::uuid, 'ada@example.com', 'Ada Adams'),
    ('a0000000-0000-4000-8000-000000000002'::uuid, 'ben@example.com', 'Ben Brown'),
    ('a0000000-0000-4000-8000-000000000003'::uuid, 'cleo@example.com', 'Cleo Clark')
) as people (id, email, full_name)
where not exists (select 1 from auth.users where users.id = people.id);

-- Signing in with a password needs an identity of the provider `email`.
insert into auth.identities (id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, updated_at)
select
  users.id,
  users.id,
  'email',
  users.id::text,
  jsonb_build_object('sub', users.id::text, 'email', users.email, 'email_verified', true),
  now(),
  now(),
  now()
from auth.users
where users.id in (
    'a0000000-0000-4000-8000-000000000001',
    'a0000000-0000-4000-8000-000000000002',
    'a0000000-0000-4000-8000-000000000003'
  )
  and not exists (select 1 from auth.identities where identities.user_id = users.id and identities.provider = 'email');

-- Ada also runs the product.
insert into public.user_roles (user_id, role)
values ('a0000000-0000-4000-8000-000000000001', 'superadmin')
on conflict (user_id) do nothing;

insert into public.products (id, slug, name, description, price_cents, feature_defaults, limits, sort_order)
values
  ('b0000000-0000-4000-8000-000000000001', 'free', 'Free', 'To look around', 0,
    '{"social_scheduler": false}', '{"api_calls": 1000, "seats": 3}', 1),
  ('b0000000-0000-4000-8000-000000000002', 'pro', 'Pro', 'For a team that means it', 2900,
    '{"social_scheduler": true}', '{"api_calls": 100000, "seats": 25}', 2)
on conflict do nothing;

insert into public.organizations (id, name, slug, created_by)
values
  ('c0000000-0000-4000-8000-000000000001', 'Acme', 'acme', 'a0000000-0000-4000-8000-000000000001'),
  ('c0000000-0000-4000-8000-000000000002', 'Globex', 'globex', 'a0000000-0000-4000-8000-000000000002')
on conflict do nothing;

-- Cleo belongs to both, with different roles.
insert into public.organization_members (organization_id, user_id, role)
values
  ('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'owner'),
  ('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000002', 'owner'),
  ('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000003', 'member'),
  ('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000003', 'viewer')
on conflict (organization_id, user_id) do nothing;

insert into public.subscriptions (id, organization_id, product_id, status, current_period_start, current_period_end)
select
  plans.id,
  plans.organization_id,
  products.id,
  plans.status,
  date_trunc('month', now()),
  date_trunc('month', now()) + interval '1 month'
from (
  values
    ('d0000000-0000-4000-8000-000000000001'::uuid, 'c0000000-0000-4000-8000-000000000001'::uuid, 'pro', 'active'),
    ('d0000000-0000-4000-8000-000000000002'::uuid, 'c0000000-0000-4000-8000-000000000002'::uuid, 'free', 'trialing')
) as plans (id, organization_id, slug, status)
join public.products on products.slug = plans.slug
on conflict (id) do nothing;

insert into public.feature_flag_definitions (id, key, description, enabled, rollout_percentage)
values
  ('e0000000-0000-4000-8000-000000000001', 'social_scheduler', 'Posts at a set time; part of Pro', null, 100),
  ('e0000000-0000-4000-8000-000000000002', 'new_dashboard', 'The redesigned start page, for half of all', true, 50)
on conflict (key) do nothing;

insert into public.organization_feature_flags (organization_id, flag_id, enabled, reason)
select
  'c0000000-0000-4000-8000-000000000002',
  definitions.id,
  true,
  'Tries Pro before buying'
from public.feature_flag_definitions as definitions
where definitions.key = 'social_scheduler'
on conflict (organization_id, flag_id) do nothing;

-- Not in a product without the module: create-muse --without social.
do $$
begin
  if to_regclass('public.social_posts') is not null then
    insert into public.social_posts (id, user_id, platform, content)
    values
      ('f0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'linkedin', 'Our first post, still a draft')
    on conflict (id) do nothing;
  end if;
end;
$$;
