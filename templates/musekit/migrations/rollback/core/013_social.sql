-- Rollback of 013 social: takes the accounts and posts away, with everything in them.
drop table if exists public.social_posts;
drop table if exists public.social_accounts;
