-- Rollback of 015 notifications: drops the messages, and with them their place in Realtime's publication.
drop table if exists public.notifications;
