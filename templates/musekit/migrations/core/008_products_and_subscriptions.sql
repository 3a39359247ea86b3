-- 008 products, subscriptions: plans with what they include, and which organization has which plan.
-- Only the backend writes them, from the webhooks of the payment provider.

-- muse: public-read
create table if not exists public.products (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 100),
  name text not null,
  description text not null default '',
  price_cents integer not null default 0 check (price_cents >= 0),
  currency text not null default 'usd' check (currency ~ '^[a-z]{3}$'),
  billing_interval text not null default 'month' check (billing_interval in ('month', 'year', 'once')),
  feature_defaults jsonb not null default '{}'::jsonb,
  limits jsonb not null default '{}'::jsonb,
  stripe_product_id text,
  stripe_price_id text,
  sort_order integer not null default 0,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.products is 'The plans. Public, for the pricing page; inactive plans are hidden.';
comment on column public.products.price_cents is 'In the smallest unit of the currency.';
comment on column public.products.currency is 'ISO 4217 in lower case, as in Stripe.';
comment on column public.products.feature_defaults is 'Flag key to true or false: the default of the plan for a feature; the definition of the flag can override it.';
comment on column public.products.limits is 'Metric to number: how much of it a period of the plan includes. seats: how many members an organization can have.';
create index if not exists products_is_active_idx on public.products (is_active, sort_order);

alter table public.products enable row level security;
revoke all on table public.products from public, anon, authenticated, service_role;
grant select on table public.products to anon, authenticated;
grant all on table public.products to service_role;

-- muse: public-read
drop policy if exists "Anyone reads the plans on sale" on public.products;
create policy "Anyone reads the plans on sale" on public.products
  for select to anon, authenticated
  using (is_active);

create or replace trigger set_updated_at
  before update on public.products
  for each row execute function private.set_updated_at();

create table if not exists public.subscriptions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  product_id uuid not null references public.products (id) on delete restrict,
  status text not null default 'active'
    check (status in ('trialing', 'active', 'past_due', 'canceled', 'incomplete', 'incomplete_expired', 'unpaid', 'paused')),
  quantity integer not null default 1 check (quantity > 0),
  stripe_customer_id text,
  stripe_subscription_id text unique,
  trial_ends_at timestamptz,
  current_period_start timestamptz,
  current_period_end timestamptz,
  cancel_at_period_end boolean not null default false,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.subscriptions is 'Which organization has which plan. Members read it; the backend writes it.';
comment on column public.subscriptions.status is 'As in Stripe; trialing, active and past_due give the features of the plan until the trial or the period ends.';
comment on column public.subscriptions.quantity is 'Seats.';
create index if not exists subscriptions_organization_id_idx on public.subscriptions (organization_id, status);
create index if not exists subscriptions_product_id_idx on public.subscriptions (product_id);
-- A second running subscription would be paid twice, and which plan applies would be a matter of chance.
create unique index if not exists subscriptions_running_key on public.subscriptions (organization_id)
  where status in ('trialing', 'active', 'past_due') and ended_at is null;

alter table public.subscriptions enable row level security;
revoke all on table public.subscriptions from public, anon, authenticated, service_role;
grant select on table public.subscriptions to authenticated;
grant all on table public.subscriptions to service_role;

drop policy if exists "Members read the subscription of their organizations" on public.subscriptions;
create policy "Members read the subscription of their organizations" on public.subscriptions
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

create or replace trigger set_updated_at
  before update on public.subscriptions
  for each row execute function private.set_updated_at();

-- A status is as old as the last webhook; the times say what is true now.
create or replace function private.current_product_id(organization uuid, at_time timestamptz default now())
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
  select subscriptions.product_id
  from public.subscriptions
  where subscriptions.organization_id = current_product_id.organization
    and subscriptions.status in ('trialing', 'active', 'past_due')
    and (subscriptions.ended_at is null or subscriptions.ended_at > at_time)
    and (subscriptions.current_period_end is null or subscriptions.current_period_end > at_time)
    and (subscriptions.status <> 'trialing' or subscriptions.trial_ends_at is null or subscriptions.trial_ends_at > at_time)
  order by subscriptions.created_at desc, subscriptions.id
  limit 1
$$;
comment on function private.current_product_id(uuid, timestamptz) is 'The plan of an organization at a time; null without a subscription that runs then.';
revoke all on function private.current_product_id(uuid, timestamptz) from public, anon, authenticated, service_role;
