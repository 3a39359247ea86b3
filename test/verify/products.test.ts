/** Parts of products as they are often written, each with a hole close to it, which is found. */
import { describe } from 'vitest';
import { callable, helper, mine, ofTeams, opened, ours, owned } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const uid = '(select auth.uid())';

/** A view with its owner's rights over what is the caller's, and what more it shows. */
const shown = (more: string): string => `${owned('notes', 'archived_at timestamptz')}
  create view public.all_notes as select id, title from public.notes where owner_id = auth.uid()
    union all select id, title from public.notes where archived_at is not null ${more}; grant select on public.all_notes to authenticated;`;

/** Members who change their own row, but for what a trigger compares. */
const seats = (isOther: string): string => `${ofTeams('invoices', ours)}
  alter table public.team_users drop constraint team_users_pkey, add column id uuid primary key default gen_random_uuid(), alter team_id drop not null;
  grant update on public.team_users to authenticated;
  create policy me on public.team_users for select to authenticated using (user_id = ${uid});
  create policy u on public.team_users for update to authenticated using (user_id = ${uid}) with check (user_id = ${uid});
  create function private.keep() returns trigger language plpgsql as
    $$ begin if new.team_id ${isOther} old.team_id or new.role ${isOther} old.role then raise exception 'no'; end if; return new; end $$;
  create trigger keep before update on public.team_users for each row execute function private.keep();`;

/** Comments on documents, which open them to whom they mention by name. */
const mentions = (adds: string): string => `${owned('documents')}
  create table public.people (id uuid primary key references auth.users (id), handle text not null unique);
  create table public.mentions (document_id uuid references public.documents (id) on delete cascade, user_id uuid references auth.users (id), primary key (document_id, user_id));
  create index on public.mentions (user_id);
  create table public.comments (id uuid primary key default gen_random_uuid(), document_id uuid not null references public.documents (id) on delete cascade,
    author_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create index on public.comments (document_id); create index on public.comments (author_id);
  ${helper('owns(d uuid)', 'boolean', 'select exists (select 1 from public.documents where id = d and owner_id = auth.uid())')}
  ${helper('mentioned(d uuid)', 'boolean', 'select exists (select 1 from public.mentions where document_id = d and user_id = auth.uid())')}
  create function private.mention() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.mentions select new.document_id, p.id from regexp_matches(new.body, '@(\\w+)', 'g') m join public.people p on p.handle = m[1]
      on conflict do nothing; return new; end $$;
  create trigger mention after insert on public.comments for each row execute function private.mention();
  ${opened('people', 'select')} ${opened('mentions', 'select')} ${opened('comments', 'select, insert')}
  create policy r on public.people for select to authenticated using (id = ${uid});
  create policy r on public.mentions for select to authenticated using (user_id = ${uid} or private.owns(document_id));
  create policy m on public.documents for select to authenticated using (private.mentioned(id));
  create policy r on public.comments for select to authenticated using (author_id = ${uid} or private.owns(document_id) or private.mentioned(document_id));
  create policy i on public.comments for insert to authenticated with check (author_id = ${uid} ${adds});`;

/** Flags of teams, one of which opens what is of all. */
const flags = (rights: string): string => `${ofTeams('parcels', ours)}
  create table public.flags (team_id uuid references public.teams (id), name text not null, enabled boolean not null default false, primary key (team_id, name));
  ${opened('flags', rights)} create policy f on public.flags to authenticated using (${ours}) with check (${ours});
  ${helper('has_flag(f text)', 'boolean', 'select exists (select 1 from public.flags x join public.team_users m using (team_id) where m.user_id = auth.uid() and x.name = f and x.enabled)')}
  alter policy r on public.parcels using (${ours} or (select private.has_flag('search_all')));`;

/** Codes that are sent to a number, and whose number that is. */
const codes = (isOther: string): string => `
  create table public.accounts (id uuid primary key references auth.users (id), phone text not null unique, pin text);
  ${opened('accounts', 'select')} create policy r on public.accounts for select to authenticated using (id = ${uid});
  create table public.codes (phone text primary key, code text not null default lpad((random() * 999999)::int::text, 6, '0'));
  alter table public.codes enable row level security;
  ${callable(
    'public.sign_in(p_phone text, p_code text)',
    'public.accounts',
    `declare c public.codes; a public.accounts; begin select * into c from public.codes where phone = p_phone;
      if not found then raise exception 'no code'; end if; if c.code ${isOther} p_code then raise exception 'wrong code'; end if;
      select * into a from public.accounts where phone = p_phone; return a; end`,
    'plpgsql',
  )}`;

/** Contacts of teams, which come out of what a member has uploaded. */
const imports = (team: string): string => `${ofTeams('contacts', ours)}
  create table public.imports (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams (id), rows jsonb not null);
  create index on public.imports (team_id); ${opened('imports', 'select, insert')} create policy i on public.imports to authenticated using (${ours}) with check (${ours});
  ${callable(
    'public.run_import(p_import uuid)',
    'void',
    `declare i public.imports; begin select * into i from public.imports where id = p_import and ${ours}; if not found then raise exception 'no'; end if;
      insert into public.contacts (team_id, title) select ${team}, r ->> 'title' from jsonb_array_elements(i.rows) r; end`,
    'plpgsql',
  )}`;

/** Secrets that the server keeps, and what users get of them. */
const vaulted = (gives: string): string => `create schema if not exists vault;
  do $$ begin
    create extension if not exists supabase_vault with schema vault;
  exception when others then
    create table if not exists vault.decrypted_secrets (id uuid primary key, name text, decrypted_secret text);
  end $$;
  ${callable('public.signed(p_name text)', 'text', `select ${gives} from vault.decrypted_secrets where name = p_name`)}`;

/** People whom everyone sees, without what is noted about them. */
const noted = (text: string): string => `
  -- muse: public-read
  create table public.candidates (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    name text not null, note text, found text generated always as (${text}) stored);
  create index on public.candidates (owner_id); alter table public.candidates enable row level security;
  grant select (id, owner_id, name, found), insert (name, note) on public.candidates to authenticated;
  create policy r on public.candidates for select to authenticated using (true);
  create policy i on public.candidates for insert to authenticated with check (${mine});`;

/** Issues by what people call them: the name of the team, and a number within it. */
const issues = (
  whose: string,
): string => `${ofTeams('issues', ours)} alter table public.teams add column slug text not null unique;
  alter table public.issues add column number integer not null, add unique (team_id, number);
  ${callable('public.issue(p_key text)', 'setof public.issues', `select i.* from public.issues i join public.teams t on t.id = i.team_id where t.slug = lower(split_part(p_key, '-', 1)) and i.number = split_part(p_key, '-', 2)::int ${whose}`)}`;

/** Mails that a link ends, whose token is the row's key in other letters. */
const mails = (whose: string): string => `${owned('mails', 'active boolean not null default true')}
  ${callable('public.unsubscribe(p_token text)', 'void', `update public.mails set active = false where id = convert_from(decode(translate(p_token, '-_', '+/'), 'base64'), 'utf8')::uuid ${whose}`)}`;

/** Links whose key is the token, and what the caller gets by it. */
const links = (isMeant: string): string => `${owned('documents')}
  create table public.links (token text primary key default encode(extensions.gen_random_bytes(24), 'hex'),
    document_id uuid not null references public.documents (id) on delete cascade, created_by uuid not null default auth.uid() references auth.users (id));
  create index on public.links (document_id); create index on public.links (created_by); ${opened('links', 'select')} grant insert (document_id) on public.links to authenticated;
  create policy r on public.links for select to authenticated using (created_by = ${uid});
  create policy i on public.links for insert to authenticated with check (created_by = ${uid}
    and exists (select 1 from public.documents d where d.id = document_id and d.owner_id = ${uid}));
  ${callable('public.open_link(p_token text)', 'text', `select d.title from public.documents d join public.links l on l.document_id = d.id where l.token ${isMeant} p_token`)}`;

/** Seats that their holders hand on. */
const handedOn = (which: string): string => `${owned('seats')}
  ${callable(
    'public.hand_on(p_seat uuid, p_to uuid)',
    'void',
    `begin if not exists (select 1 from public.seats where ${which} owner_id = auth.uid()) then raise exception 'no seat'; end if;
      update public.seats set owner_id = p_to where id = p_seat; end`,
    'plpgsql',
  )}`;

/** Staff that acts in the place of a customer for an hour. */
const acting = (
  adds: string,
): string => `${owned('tickets')} create table public.staff (user_id uuid primary key references auth.users (id));
  create table public.acting (id uuid primary key default gen_random_uuid(), actor_id uuid not null default auth.uid() references auth.users (id),
    target_id uuid not null references auth.users (id), until timestamptz not null default now() + interval '1 hour');
  create index on public.acting (actor_id); create index on public.acting (target_id); alter table public.staff enable row level security;
  ${helper('acts_as()', 'uuid', 'select coalesce((select target_id from public.acting where actor_id = auth.uid() and until > now() order by until desc limit 1), auth.uid())')}
  ${helper('is_staff()', 'boolean', 'select exists (select 1 from public.staff where user_id = auth.uid())')}
  ${opened('acting', 'select, insert, delete')} create policy r on public.acting for select to authenticated using (actor_id = ${uid});
  create policy d on public.acting for delete to authenticated using (actor_id = ${uid});
  create policy i on public.acting for insert to authenticated with check (actor_id = ${uid} ${adds});
  alter policy r on public.tickets using (owner_id = (select private.acts_as()));`;

/** Answers that anyone hands in to a form that is open, which everyone sees. */
const answers = (reads: string): string => `${owned('forms', 'accepting boolean not null default true')}
  -- muse: public-read
  create policy open on public.forms for select to anon, authenticated using (accepting); grant select on public.forms to anon;
  create table public.answers (id uuid primary key default gen_random_uuid(), form_id uuid not null references public.forms (id) on delete cascade, said text not null);
  create index on public.answers (form_id); ${opened('answers', 'select')} grant insert (form_id, said) on public.answers to anon, authenticated;
  create policy i on public.answers for insert to anon, authenticated with check (exists (select 1 from public.forms f where f.id = form_id and f.accepting));
  create policy r on public.answers for select to authenticated using (exists (select 1 from public.forms f where f.id = form_id ${reads}));`;

/** Members who may have left, with a role in words of another language. */
const firms = (changes: string): string => `
  create table public.firmen (id uuid primary key default gen_random_uuid(), bezeichnung text not null);
  create table public.mitarbeiter (firma_id uuid references public.firmen (id) on delete cascade, benutzer_id uuid references auth.users (id) on delete cascade,
    funktion text not null default 'helfer' check (funktion in ('inhaber', 'leitung', 'helfer')), ausgeschieden_am date, primary key (firma_id, benutzer_id));
  create index on public.mitarbeiter (benutzer_id);
  create table public.angebote (id uuid primary key default gen_random_uuid(), firma_id uuid not null references public.firmen (id) on delete cascade,
    kunde text not null, erstellt_von uuid not null default auth.uid() references auth.users (id));
  create index on public.angebote (firma_id); create index on public.angebote (erstellt_von);
  ${helper('meine()', 'setof uuid', 'select firma_id from public.mitarbeiter where benutzer_id = auth.uid() and ausgeschieden_am is null')}
  ${helper('geleitete()', 'setof uuid', "select firma_id from public.mitarbeiter where benutzer_id = auth.uid() and ausgeschieden_am is null and funktion in ('inhaber', 'leitung')")}
  ${opened('firmen', 'select')} ${opened('mitarbeiter', 'select')} ${opened('angebote', 'select, insert, update')}
  create policy r on public.firmen for select to authenticated using (id in (select private.meine()));
  create policy r on public.mitarbeiter for select to authenticated using (firma_id in (select private.meine()));
  create policy r on public.angebote for select to authenticated using (firma_id in (select private.meine()));
  create policy i on public.angebote for insert to authenticated with check (erstellt_von = ${uid} and firma_id in (select private.meine()));
  create policy u on public.angebote for update to authenticated using (firma_id in (select private.geleitete())) with check (${changes});`;

const cases: Pair[] = [
  [
    'answers to a form that is open',
    answers(`and f.${mine}`),
    answers(''),
    'isolation-read public.answers',
    'public.answers',
  ],
  [
    'members who may have left, in another language',
    firms('firma_id in (select private.geleitete())'),
    firms('true'),
    'isolation-reassign public.angebote',
  ],
  ['both sides of a UNION', shown('and owner_id = auth.uid()'), shown(''), 'isolation-read public.all_notes'],
  [
    'a trigger that compares keys, which may be NULL',
    seats('is distinct from'),
    seats('<>'),
    'isolation-escalation public.team_users',
  ],
  [
    'people whom a comment mentions',
    mentions('and (private.owns(document_id) or private.mentioned(document_id))'),
    mentions(''),
    'isolation-escalation public.comments',
  ],
  ['a flag by its name', flags('select'), flags('select, insert, update'), 'isolation-escalation public.flags'],
  ['a code for a phone number', codes('is distinct from'), codes('<>'), 'isolation-read public.sign_in(text, text)'],
  [
    'rows out of an upload',
    imports('i.team_id'),
    imports("(r ->> 'team_id')::uuid"),
    'isolation-escalation public.imports',
  ],
  [
    'a secret of Vault',
    vaulted("encode(extensions.hmac(p_name, decrypted_secret, 'sha256'), 'hex')"),
    vaulted('decrypted_secret'),
    'isolation-read public.signed(text)',
  ],
  [
    'a generated column',
    noted('lower(name)'),
    noted("lower(name || ' ' || coalesce(note, ''))"),
    'isolation-read public.candidates',
  ],
  ['a name and a number within it', issues(`and i.${ours}`), issues(''), 'isolation-read public.issue(text)'],
  [
    'a token that is the key of a row',
    mails('and owner_id = auth.uid()'),
    mails(''),
    'isolation-write public.unsubscribe(text)',
  ],
  ['a token as the key of a link', links('='), links('like'), 'isolation-read public.open_link(text)'],
  ['a seat that is handed on', handedOn('id = p_seat and'), handedOn(''), 'isolation-write public.hand_on(uuid, uuid)'],
  [
    'staff in the place of a customer',
    acting('and (select private.is_staff())'),
    acting(''),
    'isolation-escalation public.acting',
  ],
];

describe('parts of products', () => {
  testPairs(cases);
});
