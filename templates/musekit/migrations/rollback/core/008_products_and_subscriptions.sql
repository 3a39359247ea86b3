-- Rollback of 008 products, subscriptions: drops the plans and subscriptions.
drop function if exists private.current_product_id(uuid, timestamptz);
drop table if exists public.subscriptions;
drop table if exists public.products;
