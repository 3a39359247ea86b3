import type { Kit } from './kit.ts';

/** A small kit with common mistakes of real ones. */
export const broken: Kit = {
  'migrations/core/001_social.sql': `-- Social accounts
create extension if not exists "pgcrypto";
create table if not exists accounts (
  id uuid default gen_random_uuid() primary key,
  user_id uuid references auth.users(id) on delete cascade not null,
  ticket_number serial,
  code text not null unique default encode(gen_random_bytes(12), 'hex')
);
alter table accounts enable row level security;
create policy if not exists "Users can view own accounts"
  on accounts for select
  using (auth.uid() = user_id);
create policy if not exists "Users add accounts" on accounts for insert with check (auth.uid() = user_id);`,
  'migrations/core/002_products.sql': `-- Products
BEGIN;
CREATE TABLE products_sold (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id UUID REFERENCES organizations(id) ON DELETE CASCADE,
  slug TEXT NOT NULL,
  published BOOLEAN NOT NULL DEFAULT false
);
CREATE INDEX idx_products_sold_slug ON products_sold(slug);
ALTER TABLE products_sold ENABLE ROW LEVEL SECURITY;
CREATE POLICY products_read ON products_sold FOR SELECT USING (published = true);
-- Only service role can modify
CREATE POLICY products_write ON products_sold FOR ALL USING (true) WITH CHECK (true);
INSERT INTO products_sold (slug, published) VALUES ('basic', true), ('pro', false) ON CONFLICT DO NOTHING;
COMMIT;`,
  'migrations/core/003_late.sql': `-- Late
ALTER TABLE discounts ADD COLUMN IF NOT EXISTS renamed_at TIMESTAMPTZ;
CREATE TABLE IF NOT EXISTS products_sold (id UUID, note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS idx_products_note ON products_sold(note);
CREATE OR REPLACE FUNCTION sold() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM products_sold $$;
CREATE TABLE IF NOT EXISTS plain (id UUID PRIMARY KEY, affiliate_user_id UUID NOT NULL);
CREATE TABLE IF NOT EXISTS hidden (id UUID PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS team_members (team_id UUID, user_id UUID REFERENCES auth.users(id), PRIMARY KEY (team_id, user_id));`,
  'migrations/core/004_roles.sql': `-- Roles
CREATE POLICY "Admins view roles" ON user_roles FOR SELECT USING (
  EXISTS (SELECT 1 FROM user_roles ur WHERE ur.user_id = auth.uid() AND ur.role = 'admin')
);`,
  'migrations/extensions/001_discounts.sql': `-- Discounts
CREATE TABLE IF NOT EXISTS discounts (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL);
CREATE INDEX IF NOT EXISTS idx_discounts ON discounts(user_id);
CREATE TYPE app_level AS ENUM ('low', 'high');
CREATE TABLE trips (id UUID PRIMARY KEY, level app_level, user_id UUID REFERENCES auth.users(id));`,
  'migrations/extensions/002_mail.sql': `-- Mail
ALTER TABLE email_templates ADD COLUMN IF NOT EXISTS category text DEFAULT 'general';`,
};
