-- Rollback of 008 products, subscriptions: takes the plans away, and who has which.
drop function if exists private.current_product_id(uuid);
drop table if exists public.subscriptions;
drop table if exists public.products;
