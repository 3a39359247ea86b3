-- Rollback of 013 social: drops the accounts and posts, with all their rows.
drop table if exists public.social_posts;
drop table if exists public.social_accounts;
