/** Files in folders that are named after a row: of a chat, of a patient, of an album; and files that a row names. */
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';
const folder = (place: number): string => `(storage.foldername(name))[${place}]`;

interface Policies {
  see: string;
  put: string;
  remove?: string;
}

/** A bucket and the policies of its objects. */
const bucket = (id: string, { see, put, remove = put }: Policies): string => `
  insert into storage.buckets (id, name, public) values ('${id}', '${id}', false);
  create policy see on storage.objects for select to authenticated using (bucket_id = '${id}' and (${see}));
  create policy put on storage.objects for insert to authenticated with check (bucket_id = '${id}' and (${put}));
  create policy remove on storage.objects for delete to authenticated using (bucket_id = '${id}' and (${remove}));`;

/** A helper with the rights of its owner. */
const helper = (head: string, query: string): string =>
  `create function public.${head} language sql stable security definer set search_path = '' as $$ ${query} $$;`;

const rooms = (policies: Policies): string => `
  create table public.rooms (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.room_members (room_id uuid not null references public.rooms (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (room_id, user_id));
  create index on public.room_members (user_id);
  alter table public.rooms enable row level security; alter table public.room_members enable row level security;
  ${helper('in_room(r uuid) returns boolean', 'select exists (select 1 from public.room_members where room_id = r and user_id = auth.uid())')}
  ${helper('is_room(r uuid) returns boolean', 'select exists (select 1 from public.rooms where id = r)')}
  create policy s on public.rooms for select to authenticated using (public.in_room(id));
  create policy s on public.room_members for select to authenticated using (public.in_room(room_id));
  grant select on public.rooms, public.room_members to authenticated;
  ${bucket('rooms', policies)}`;
const inRoom = (place: number): string => `public.in_room(${folder(place)}::uuid)`;
const isRoom = (place: number): string => `public.is_room(${folder(place)}::uuid)`;
const mine = (place: number): string => `${folder(place)} = ${me}::text`;

const clinic = (policies: Policies): string => `
  create table public.patients (id bigint generated always as identity primary key,
    doctor_id uuid not null default auth.uid() references auth.users (id) on delete cascade, name text not null);
  create index on public.patients (doctor_id); alter table public.patients enable row level security;
  grant select, insert, update, delete on public.patients to authenticated;
  create policy a on public.patients for all to authenticated using (doctor_id = ${me}) with check (doctor_id = ${me});
  ${helper('is_patient(p text) returns boolean', 'select exists (select 1 from public.patients where id::text = p)')}
  ${bucket('scans', policies)}`;
const ofDoctor = `exists (select 1 from public.patients p where p.id::text = split_part(objects.name, '/', 1) and p.doctor_id = ${me})`;
const ofAnyDoctor = `public.is_patient(${folder(1)})`;

const projects = (further: string, policies: Policies): string => `
  create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.org_members (org_id uuid not null references public.orgs (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member', primary key (org_id, user_id));
  create table public.projects (id uuid primary key default gen_random_uuid(), slug text not null unique,
    org_id uuid not null references public.orgs (id) on delete cascade, title text not null);
  create index on public.org_members (user_id); create index on public.projects (org_id);
  alter table public.orgs enable row level security; alter table public.org_members enable row level security;
  alter table public.projects enable row level security;
  ${helper('my_orgs() returns setof uuid', 'select org_id from public.org_members where user_id = auth.uid()')}
  create policy s on public.orgs for select to authenticated using (id in (select public.my_orgs()));
  create policy s on public.org_members for select to authenticated using (org_id in (select public.my_orgs()));
  create policy s on public.projects for select to authenticated using (org_id in (select public.my_orgs()));
  grant select on public.orgs, public.org_members, public.projects to authenticated;
  ${further} ${bucket('plans', policies)}`;
const bySlug = (asked: string): string => {
  const held = `${folder(1)} = 'plans' and public.may_see(name)`;
  const body = `declare wanted text; begin wanted := split_part(path, '/', 2);
    return exists (select 1 from public.projects p where p.slug = wanted ${asked}); end`;
  return projects(
    `create function public.may_see(path text) returns boolean language plpgsql stable security definer set search_path = '' as $$ ${body} $$;`,
    { see: held, put: held },
  );
};
const byStart = (asked: string): string => {
  const body = `select exists (select 1 from public.projects p where starts_with(path, 'of/' || p.id || '/') ${asked})`;
  const held = `exists (select 1 from public.projects p where objects.name like 'of/' || p.id || '/%')`;
  return projects(helper('in_project(path text) returns boolean', body), { see: 'public.in_project(name)', put: held });
};
const inOrgs = 'and p.org_id in (select public.my_orgs())';

const albums = (policies: Policies): string => `
  create table public.albums (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null);
  create table public.album_shares (album_id uuid not null references public.albums (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (album_id, user_id));
  create index on public.albums (owner_id); create index on public.album_shares (user_id);
  alter table public.albums enable row level security; alter table public.album_shares enable row level security;
  ${helper('owns_album(a uuid) returns boolean', 'select exists (select 1 from public.albums where id = a and owner_id = auth.uid())')}
  ${helper(
    'sees_album(a uuid) returns boolean',
    `select public.owns_album(a) or exists (select 1 from public.album_shares where album_id = a and user_id = auth.uid())`,
  )}
  create policy s on public.albums for select to authenticated using (public.sees_album(id));
  create policy i on public.albums for insert to authenticated with check (owner_id = ${me});
  create policy s on public.album_shares for select to authenticated using (public.owns_album(album_id));
  create policy i on public.album_shares for insert to authenticated with check (public.owns_album(album_id));
  grant select, insert on public.albums, public.album_shares to authenticated;
  ${bucket('photos', policies)}`;
const sees = 'public.sees_album(path_tokens[1]::uuid)';
const owns = 'public.owns_album(path_tokens[1]::uuid)';

const posts = (policies: Policies): string => `
  create table public.posts (id uuid primary key default gen_random_uuid(),
    author_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null);
  create index on public.posts (author_id); alter table public.posts enable row level security;
  -- muse: public-read
  create policy s on public.posts for select to anon, authenticated using (true);
  create policy i on public.posts for insert to authenticated with check (author_id = ${me});
  grant select on public.posts to anon; grant select, insert on public.posts to authenticated;
  ${bucket('images', policies)}`;
const onPost = `exists (select 1 from public.posts p where p.id::text = (storage.foldername(objects.name))[1])`;
const onOwnPost = `exists (select 1 from public.posts p where p.id::text = (storage.foldername(objects.name))[1] and p.author_id = ${me})`;

const documents = (see: string): string => `
  create table public.documents (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, path text not null unique);
  create index on public.documents (owner_id); alter table public.documents enable row level security;
  create policy s on public.documents for select to authenticated using (owner_id = ${me});
  grant select on public.documents to authenticated;
  ${helper('is_named(file text) returns boolean', 'select exists (select 1 from public.documents where path = file)')}
  ${bucket('documents', { see, put: mine(1) })}`;

const avatar = (condition: string): string => `name ${condition} '/avatar.png'`;
const avatars = (see: string, put: string): string => bucket('avatars', { see: avatar(see), put: avatar(put) });
const two = 'array_length(storage.foldername(name), 1) = 2';

const member: Policies = { see: inRoom(1), put: inRoom(1) };
const doctor: Policies = { see: ofDoctor, put: ofDoctor };
const pairs: Pair[] = [
  [
    'it is enough to read that the chat is there',
    rooms(member),
    rooms({ ...member, see: isRoom(1) }),
    'isolation-read storage.objects[rooms]',
  ],
  [
    'it is enough to add a file that the chat is there',
    rooms(member),
    rooms({ ...member, put: isRoom(1) }),
    'isolation-insert storage.objects[rooms]',
  ],
  [
    'another folder is asked to add a file than to read it',
    rooms(member),
    rooms({ ...member, put: inRoom(2) }),
    'isolation-insert storage.objects[rooms]',
  ],
  [
    "one's own folder below that of any chat",
    rooms({ see: inRoom(1), put: `${inRoom(1)} and ${mine(2)}` }),
    rooms({ see: inRoom(1), put: mine(2) }),
    'isolation-insert storage.objects[rooms]',
  ],
  [
    "any chat below one's own folder",
    rooms({ see: inRoom(2), put: `${mine(1)} and ${inRoom(2)}` }),
    rooms({ see: inRoom(2), put: mine(1) }),
    'isolation-insert storage.objects[rooms]',
  ],
  [
    "a label below one's own folder, which says nothing of whose it is",
    rooms({ see: mine(1), put: mine(1) }),
    rooms({ see: `${mine(1)} or ${isRoom(2)}`, put: `${mine(1)} and ${inRoom(2)}` }),
    'isolation-read storage.objects[rooms]',
  ],
  [
    "one's own folder or that of a chat, in the same place",
    rooms({
      see: `${mine(1)} or ${folder(1)} in (select room_id::text from public.room_members where user_id = ${me})`,
      put: mine(1),
    }),
    rooms({ see: `${mine(1)} or public.is_room(nullif(${folder(1)}, ${me}::text)::uuid)`, put: mine(1) }),
    'isolation-read storage.objects[rooms]',
  ],
  [
    'a number before the first slash',
    clinic(doctor),
    clinic({ ...doctor, see: ofAnyDoctor }),
    'isolation-read storage.objects[scans]',
  ],
  [
    'files of others are removed',
    clinic(doctor),
    clinic({ ...doctor, remove: ofAnyDoctor }),
    'isolation-write storage.objects[scans]',
  ],
  [
    'a helper gets the whole name, and finds the organization by a short name',
    bySlug(inOrgs),
    bySlug(''),
    'isolation-read storage.objects[plans]',
  ],
  ['the beginning of the name', byStart(inOrgs), byStart(''), 'isolation-read storage.objects[plans]'],
  [
    'guests of an album',
    albums({ see: sees, put: owns }),
    albums({ see: `exists (select 1 from public.album_shares s where s.user_id = ${me}) or ${sees}`, put: owns }),
    'isolation-read storage.objects[photos]',
  ],
  [
    'pictures of what everyone reads',
    posts({ see: onPost, put: onOwnPost }),
    posts({ see: onPost, put: onPost }),
    'isolation-insert storage.objects[images]',
  ],
  [
    'as many folders as are asked for',
    rooms({ see: `${inRoom(1)} and ${two}`, put: `${inRoom(1)} and ${mine(2)} and ${two}` }),
    rooms({ see: `${inRoom(1)} and ${two}`, put: `${mine(2)} and ${two}` }),
    'isolation-insert storage.objects[rooms]',
  ],
  [
    'one file of a user',
    avatars(`= ${me}::text ||`, `= ${me}::text ||`),
    avatars("like '%' ||", `= ${me}::text ||`),
    'isolation-read storage.objects[avatars]',
  ],
  [
    'one file of a user, which anyone puts there',
    avatars(`= ${me}::text ||`, `= ${me}::text ||`),
    avatars(`= ${me}::text ||`, "like '%' ||"),
    'isolation-insert storage.objects[avatars]',
  ],
  [
    'a row that names the file',
    documents(`exists (select 1 from public.documents d where d.path = objects.name and d.owner_id = ${me})`),
    documents('public.is_named(name)'),
    'isolation-read storage.objects[documents]',
  ],
];
testPairs(pairs);
