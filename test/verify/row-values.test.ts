/** What made-up rows and objects hold: keys of bytes, folders of the user's own clinic; and what the names of columns tell. */
import { describe, expect, it } from 'vitest';
import { isAddressName, isPersonalName } from '../../src/verify/catalog/personal-names.ts';
import { callable, helper, owned } from './designs.ts';
import { testPairs } from './pairs.ts';
import { findingsProver } from './prove-files.ts';

/** Links to notes, by the digest of what is sent. */
const links = (asks: string): string => `${owned('notes')}
  create table public.links (id uuid primary key default gen_random_uuid(), note_id uuid not null references public.notes (id) on delete cascade, digest bytea not null unique,
    ends_at timestamptz not null default now() + interval '30 days');
  create index on public.links (note_id); alter table public.links enable row level security; grant select, insert, delete on public.links to authenticated;
  create policy a on public.links for all to authenticated using (exists (select from public.notes n where n.id = note_id and n.owner_id = (select auth.uid())))
    with check (exists (select from public.notes n where n.id = note_id and n.owner_id = (select auth.uid())));
  ${callable('public.shared(p_key text)', 'setof text', `select n.title from public.links l join public.notes n on n.id = l.note_id where l.ends_at > now() and ${asks}`)}`;

/** Files of a clinic, which is in the profile of who asks. */
const files = (folder: string): string => `
  create table public.clinics (id int generated always as identity primary key, name text not null);
  create table public.people (id uuid primary key references auth.users (id) on delete cascade, clinic_id int references public.clinics (id), name text);
  create table public.patients (id int generated always as identity primary key, clinic_id int not null references public.clinics (id) on delete cascade, name text not null);
  create index on public.people (clinic_id); create index on public.patients (clinic_id);
  ${callable('public.my_clinic()', 'int', 'select p.clinic_id from public.people p where p.id = auth.uid()')}
  alter table public.clinics enable row level security; alter table public.people enable row level security; alter table public.patients enable row level security;
  grant select on public.clinics, public.people to authenticated; grant select, insert, update, delete on public.patients to authenticated;
  create policy r on public.clinics for select to authenticated using (id = (select public.my_clinic()));
  create policy r on public.people for select to authenticated using (id = (select auth.uid()));
  create policy a on public.patients for all to authenticated using (clinic_id = (select public.my_clinic())) with check (clinic_id = (select public.my_clinic()));
  insert into storage.buckets (id, name, public) values ('scans', 'scans', false) on conflict do nothing;
  create policy scans on storage.objects for all to authenticated using (bucket_id = 'scans' and ${folder}) with check (bucket_id = 'scans' and ${folder});`;

/** Tasks of projects: helpers and queries look up whose a project is, and in which state. */
const tasks = (
  verb: 'select' | 'delete',
  reads: string,
  looks = '',
): string => `${owned('projects', "state text not null default 'open'")}
  create table public.tasks (id bigint generated always as identity primary key, project_id uuid not null references public.projects (id) on delete cascade, what text);
  create index on public.tasks (project_id); alter table public.tasks enable row level security; grant select, delete on public.tasks to authenticated;
  ${helper('owner_of(p uuid)', 'uuid', 'select owner_id from public.projects where id = p')} grant execute on function private.owner_of(uuid) to authenticated;
  ${looks} create policy own on public.tasks for all to authenticated using (private.owner_of(project_id) = (select auth.uid()));
  create policy more on public.tasks for ${verb} to authenticated using (${reads});`;

const ofOwner = 'private.owner_of(project_id) = (select auth.uid())';
const stateOf = `${helper('state_of(p uuid)', 'text', 'select state from public.projects where id = p')} grant execute on function private.state_of(uuid) to authenticated;`;
const stateQuery = '(select p.state from public.projects p where p.id = project_id)';

/** Photos in the order in which they were taken, and a function that picks one. */
const photos = (returns: string, asks: string): string =>
  `${owned('photos', "nr bigint generated always as identity, pixels bytea not null default 'x'")} ${callable('public.pick()', returns, asks)}`;

const own = '(storage.foldername(name))[1] = (select public.my_clinic())::text';

describe('rows and objects', () => {
  testPairs([
    [
      'of all, of which a function picks the newest',
      photos('text', 'select title from public.photos where owner_id = auth.uid() order by nr desc limit 1'),
      photos('text', 'select title from public.photos order by nr desc limit 1'),
      'isolation-read public.pick()',
    ],
    [
      'of all, of which a function picks bytes',
      photos('bytea', 'select pixels from public.photos where owner_id = auth.uid() order by nr desc limit 1'),
      photos('bytea', 'select pixels from public.photos order by nr desc limit 1'),
      'isolation-read public.pick()',
    ],
    [
      'of all, of which a function picks the greatest text',
      photos('text', 'select max(title) from public.photos where owner_id = auth.uid()'),
      photos('text', 'select max(title) from public.photos'),
      'isolation-read public.pick()',
    ],
    [
      'of all, of which a function deletes the newest',
      photos(
        'void',
        'delete from public.photos where nr = (select nr from public.photos where owner_id = auth.uid() order by nr desc limit 1)',
      ),
      photos('void', 'delete from public.photos where nr = (select nr from public.photos order by nr desc limit 1)'),
      'isolation-write public.pick()',
    ],
    [
      'of all, of which a function changes the last one',
      photos(
        'void',
        "update public.photos set title = 'x' where nr = (select max(nr) from public.photos where owner_id = auth.uid())",
      ),
      photos('void', "update public.photos set title = 'x' where nr = (select max(nr) from public.photos)"),
      'isolation-write public.pick()',
    ],
    [
      'of a project in a state that a helper looks up',
      tasks('select', `private.state_of(project_id) = 'archived' and ${ofOwner}`, stateOf),
      tasks('select', "private.state_of(project_id) = 'archived'", stateOf),
      'isolation-read public.tasks',
    ],
    [
      'of a project whose state has a pattern',
      tasks('delete', `private.state_of(project_id) like 'arch%' and ${ofOwner}`, stateOf),
      `${tasks('delete', "private.state_of(project_id) like 'arch%'", stateOf)} create policy seen on public.tasks for select to authenticated using (private.state_of(project_id) like 'arch%');`,
      'isolation-write public.tasks',
    ],
    [
      'of a project in a state that a query looks up',
      tasks('select', `${stateQuery} = 'archived' and ${ofOwner}`),
      `${tasks('select', `${stateQuery} = 'archived'`)} create policy seen on public.projects for select to authenticated using (state = 'archived');`,
      'isolation-read public.tasks',
    ],
    [
      'of links by a digest',
      links(`l.digest = sha256(p_key::bytea)`),
      links('p_key is not null'),
      'isolation-read public.shared(text)',
    ],
    [
      'of the clinic in the profile',
      files(own),
      files(`${own} or length(name) > 0`),
      'isolation-read storage.objects[scans]',
    ],
  ]);

  it('are proven', async () => {
    const gaps = (found: Awaited<ReturnType<ReturnType<typeof findingsProver>>>): string[] =>
      found.filter(({ rule }) => rule === 'not-proven').map(({ message }) => message);
    expect(gaps(await find(files(own)))).toEqual([]);
    expect(gaps(await find(links('l.digest = sha256(p_key::bytea)')))).toEqual([]);
  });
  const find = findingsProver();
});

describe('names of columns', () => {
  it.each(['email', 'contactEmail', 'courriel', 'mail', 'e_mail', 'email_address'])('tell an address: %s', (name) => {
    expect([isAddressName(name), isPersonalName(name)]).toEqual([true, true]);
  });

  it.each(['telephone', 'phoneNumber', 'Téléphone', 'geburtsdatum', 'dateOfBirth', 'tel', 'handy_nr', 'tax_id'])(
    'tell what is personal: %s',
    (name) => {
      expect([isAddressName(name), isPersonalName(name)]).toEqual([false, true]);
    },
  );

  it.each(['mail_body', 'cell_color', 'title', 'emailed_at', 'headphones_model', 'hotel', 'details'])(
    'tell neither: %s',
    (name) => {
      expect([isAddressName(name), isPersonalName(name)]).toEqual([false, false]);
    },
  );
});
