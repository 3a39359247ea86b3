-- Rollback of 020 social: drops the accounts and posts, with all their rows. Tokens in the vault stay.
drop table if exists public.social_posts;
drop function if exists private.keep_post_status();
drop table if exists public.social_accounts;
drop function if exists private.delete_social_secrets();
