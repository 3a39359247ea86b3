import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { ensureAdmin, grantRole } from '../../src/supabase/admin.ts';
import { adoptProject } from '../../src/supabase/adopt.ts';
import { openClient, type ProjectKeys, readKeys } from '../../src/supabase/keys.ts';
import { configureAuth, ensureBuckets } from '../../src/supabase/configure.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import { MuseError } from '../../src/shared/error.ts';
import { makePassword, secret } from '../../src/supabase/secret.ts';
import { proveProject, type ProofRequest } from '../../src/supabase/prove.ts';
import { readTableAccess } from '../../src/supabase/table-access.ts';
import { openQueryDatabase } from '../../src/supabase/query-database.ts';
import { fastClock } from '../support/fast-clock.ts';
import type { HttpFault } from '../support/fake-api/faults.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { isWhole } from '../support/sample.ts';
import { kitSchema } from '../support/fake-api/schema.ts';
import type { FakeProject } from '../support/fake-api/state.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

let fakeApi: FakeApi;
let http: Http;
let project: FakeProject;
let url: string;
let keys: ProjectKeys;
let service: SupabaseClient;
const clock = fastClock();

beforeAll(async () => {
  fakeApi = await openFakeApi();
  project = fakeApi.addProject();
  http = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock });
  keys = await readKeys(http, project.ref);
  url = `${fakeApi.url}/project/${project.ref}`;
  service = await openClient(url, keys.server);
  await openQueryDatabase(http, project.ref).script(kitSchema);
});
afterAll(() => fakeApi.close());

describe('configureAuth', () => {
  it('sets the Site URL, adds redirects, and does nothing the second time', async () => {
    project.authConfig['uri_allow_list'] = 'https://preview.example.com/**';
    expect(await configureAuth(http, project.ref, 'https://realty.example.com/')).toBe(true);
    expect(project.authConfig).toMatchObject({
      site_url: 'https://realty.example.com',
      uri_allow_list:
        'https://preview.example.com/**,https://realty.example.com/**,http://localhost:3000/**,http://127.0.0.1:3000/**',
    });
    expect(await configureAuth(http, project.ref, 'https://realty.example.com')).toBe(false);
    expect(fakeApi.count('PATCH', '/v1/projects/{ref}/config/auth')).toBe(1);
  });
});

describe('ensureBuckets', () => {
  const photos = {
    id: 'photos',
    public: false,
    fileSizeLimit: 1_000_000,
    allowedMimeTypes: ['image/png', 'text/plain'],
  };
  it('creates missing buckets, corrects different ones, and does nothing the second time', async () => {
    expect(await ensureBuckets(service, [photos, { id: 'logos', public: true }], clock)).toEqual(['photos', 'logos']);
    expect(await ensureBuckets(service, [photos], clock)).toEqual([]);
    expect(await ensureBuckets(service, [{ ...photos, fileSizeLimit: 2_000_000 }], clock)).toEqual(['photos']);
  });

  it('accepts a bucket that was created by an unanswered request', async () => {
    fakeApi.http.add('answer-lost', 'POST /project/{ref}/storage/v1/bucket');
    expect(await ensureBuckets(service, [{ id: 'papers', public: false }], clock)).toEqual(['papers']);
  });
});

describe('ensureAdmin', () => {
  it('creates the user once, with a role and a profile', async () => {
    const password = makePassword();
    const first = await ensureAdmin(service, { email: 'Ada@example.com', password }, clock);
    expect(first.created).toBe(true);
    expect(await ensureAdmin(service, { email: 'ada@example.com', password }, clock)).toEqual({
      userId: first.userId,
      created: false,
    });
    expect(await grantRole(service, first.userId, { table: 'user_roles', value: 'admin' }, clock)).toBe('granted');
    expect(await grantRole(service, first.userId, { table: 'user_roles', value: 'admin' }, clock)).toBe('there');
    expect(await grantRole(service, first.userId, { table: 'roles_of_users', value: 'admin' }, clock)).toBe('no-table');
  });

  it.each<HttpFault>(['answer-lost', 'applied-502', 'html-503', 'reset'])(
    'creates one user through %s',
    async (fault) => {
      fakeApi.http.add(fault, 'POST /project/{ref}/auth/v1/admin/users');
      const email = `${fault}@example.com`;
      const made = await ensureAdmin(service, { email, password: makePassword() }, clock);
      expect(made.created).toBe(true);
      const { data } = await service.auth.admin.listUsers();
      expect(data.users.filter((user) => user.email === email)).toHaveLength(1);
    },
  );

  it('invites without a password, and sets the password of an interrupted run', async () => {
    const invited = await ensureAdmin(
      service,
      { email: 'invited@example.com', redirectTo: 'https://realty.example.com' },
      clock,
    );
    expect(invited.created).toBe(true);
    const password = makePassword();
    await ensureAdmin(service, { email: 'invited@example.com', password, resetPassword: true }, clock);
    const user = await openClient(url, keys.client);
    const { error } = await user.auth.signInWithPassword({ email: 'invited@example.com', password: password.reveal() });
    expect(error).toBeNull();
  });
});

describe('adoptProject', () => {
  it('lists the contents of a project, and changes nothing', async () => {
    const contents = await adoptProject(http, project.ref);
    expect(contents).toMatchObject({ name: 'stranger', status: 'ACTIVE_HEALTHY' });
    expect(contents.tables.map((table) => table.name)).toEqual(['listings', 'plans', 'profiles', 'user_roles']);
    expect(contents.buckets).toEqual(['logos', 'papers', 'photos']);
    expect(contents.users).toBeGreaterThan(0);
  });
});

describe('proveProject', () => {
  const request = async (names: readonly string[] = ['profiles', 'user_roles', 'listings']): Promise<ProofRequest> => {
    const access = await readTableAccess(openQueryDatabase(http, project.ref));
    return {
      ...fixed,
      tables: [...names, 'plans'].map((name) => ({
        schema: 'public',
        name,
        publicRead: name === 'plans',
        access: access.get(`public.${name}`),
      })),
      profile: {
        schema: 'public',
        name: 'profiles',
        userColumn: 'id',
        userMay: access.get('public.profiles')!.userMay,
      },
      url,
      keys,
    };
  };
  const fixed: Omit<ProofRequest, 'tables' | 'url' | 'keys' | 'profile'> = {
    clock,
    buckets: [
      { id: 'photos', public: false, ownerFolder: true },
      { id: 'logos', public: true, ownerFolder: false },
    ],
  };
  const leftovers = async (): Promise<unknown> => {
    const database = await fakeApi.databases.superuser(project.ref);
    const { rows } = await database.query(`select (select count(*)::int from storage.objects) as objects,
      (select count(*)::int from auth.users where email like 'muse-proof%') as users, (select count(*)::int from public.listings) as listings`);
    return rows[0];
  };

  it('finds nothing in a correct project, and leaves nothing behind', async () => {
    const proof = await proveProject(await request());
    expect(proof.findings).toEqual([]);
    expect(proof.checks).toBeGreaterThan(12);
    expect(await leftovers()).toEqual({ objects: 0, users: 0, listings: 1 });
  });

  const flaws: [string, string, string, string, goesWithOther?: true][] = [
    [
      'anon-read',
      'public.listings',
      'grant select on public.listings to anon; create policy hole on public.listings for select to anon using (true)',
      'revoke all on public.listings from anon; drop policy hole on public.listings',
    ],
    [
      'anon-write',
      'public.listings',
      'grant insert on public.listings to anon; create policy hole on public.listings for insert to anon with check (true)',
      'revoke all on public.listings from anon; drop policy hole on public.listings',
    ],
    [
      'anon-write',
      'public.plans',
      'grant insert on public.plans to anon; create policy hole on public.plans for insert to anon with check (true)',
      'revoke insert on public.plans from anon; drop policy hole on public.plans',
      true,
    ],
    [
      'owner-locked-out',
      'public.profiles',
      'revoke select on public.profiles from authenticated',
      'grant select on public.profiles to authenticated',
      true,
    ],
    [
      'owner-locked-out',
      'public.profiles',
      'revoke update (full_name) on public.profiles from authenticated',
      'grant update (full_name) on public.profiles to authenticated',
    ],
    [
      'policy-error',
      'public.listings',
      'grant select on public.listings to anon; create policy hole on public.listings for select to anon using (1 / (id - id) = 1)',
      'revoke all on public.listings from anon; drop policy hole on public.listings',
    ],
    [
      'anon-write',
      'bucket "logos"',
      "create policy hole on storage.objects for insert to anon with check (bucket_id = 'logos')",
      'drop policy hole on storage.objects',
      true,
    ],
    [
      'anon-read',
      'bucket "photos"',
      'create policy hole on storage.objects for select to anon using (true)',
      'drop policy hole on storage.objects',
    ],
    [
      'isolation-insert',
      'bucket "photos"',
      "create policy hole on storage.objects for insert to authenticated with check (bucket_id = 'photos')",
      'drop policy hole on storage.objects',
    ],
    [
      'owner-locked-out',
      'bucket "photos"',
      'alter policy "own folder is written" on storage.objects with check (false)',
      'alter policy "own folder is written" on storage.objects with check (bucket_id = \'photos\' and (storage.foldername(name))[1] = (select auth.uid())::text)',
    ],
  ];
  it.each(flaws.filter(([, , , , goesWithOther]) => isWhole || goesWithOther === undefined))(
    'finds %s on %s',
    async (rule, object, flaw, cure) => {
      const database = openQueryDatabase(http, project.ref);
      await database.script(flaw);
      const proof = await proveProject(await request()).finally(() => database.script(cure));
      expect(proof.findings.map((finding) => [finding.rule, finding.object])).toContainEqual([rule, object]);
      expect(await leftovers()).toEqual({ objects: 0, users: 0, listings: 1 });
    },
  );

  it.each<[string, string, string, readonly string[]]>([
    [
      'no policy lets users change',
      'drop policy own on public.profiles; create policy own on public.profiles for select to authenticated using ((select auth.uid()) = id); revoke update (full_name) on public.profiles from authenticated',
      'drop policy own on public.profiles; create policy own on public.profiles for all to authenticated using ((select auth.uid()) = id) with check ((select auth.uid()) = id); grant update (full_name) on public.profiles to authenticated',
      ['read'],
    ],
    [
      'nothing makes at sign-up',
      'drop trigger new_user on auth.users',
      'create trigger new_user after insert on auth.users for each row execute function public.new_user()',
      [],
    ],
  ])('takes a profile that %s for what it is', async (_, design, former, tried) => {
    const database = openQueryDatabase(http, project.ref);
    await database.script(design);
    const proof = await proveProject(await request()).finally(() => database.script(former));
    expect(proof.findings).toEqual([]);
    expect(proof.profile).toEqual(tried);
    expect(proof.notes).toHaveLength(tried.length === 0 ? 1 : 0);
  });

  describe('leaves no row in a table of 1,500 rows that anyone can write', () => {
    /** Every column has a default, so an insert of anything but NULLs would stay. */
    const wall = (
      trigger = '',
    ): string => `create table public.wall (id bigint generated by default as identity primary key, body text not null default 'hello');
      insert into public.wall (body) select 'note ' || n from generate_series(1, 1500) n;
      alter table public.wall enable row level security;
      create policy open on public.wall for insert to anon with check (true);
      grant insert on public.wall to anon, service_role; grant select, delete on public.wall to service_role; ${trigger}`;
    const filling = `create function public.fill() returns trigger language plpgsql as $$ begin new.id := 7000; new.body := 'filled'; return new; end $$;
      create trigger fill before insert on public.wall for each row execute function public.fill();`;
    const drop = 'drop table public.wall; drop function if exists public.fill();';
    const rows = async (): Promise<number> =>
      (await (await fakeApi.databases.superuser(project.ref)).query('select from public.wall')).rowCount ?? -1;

    it.each([
      ['finds it by a row of NULLs', wall(), 'anon-write', 'error'],
      ['does not try where a trigger may fill the NULLs', wall(filling), 'not-proven', 'warning'],
    ])('%s', async (_, sql, rule, severity) => {
      const database = openQueryDatabase(http, project.ref);
      await database.script(sql);
      try {
        const { findings } = await proveProject(await request(['wall']));
        expect(findings).toContainEqual(expect.objectContaining({ rule, severity, object: 'public.wall' }));
        expect(await rows()).toBe(1500);
      } finally {
        await database.script(drop);
      }
    });

    it('when it is interrupted after any of its requests', async () => {
      const database = openQueryDatabase(http, project.ref);
      await database.script(wall());
      try {
        const wanted = await request(['wall']);
        for (let requests = 1; requests <= 5; requests += 1) {
          const real = globalThis.fetch;
          let left = requests;
          // No further response arrives, as after a kill, but the server's work stays.
          globalThis.fetch = async (...call) => {
            const answer = left >= 0 ? await real(...call) : undefined;
            left -= 1;
            if (left <= 0 || answer === undefined)
              throw new MuseError({ code: 'cancelled', message: 'Killed.', suggestion: '' });
            return answer;
          };
          await expect(
            proveProject(wanted).finally(() => {
              globalThis.fetch = real;
            }),
          ).rejects.toThrow(/Killed|failed/);
          expect(await rows()).toBe(1500);
        }
      } finally {
        await database.script(`${drop} delete from auth.users where email like 'muse-proof%';`);
      }
    });
  });

  it('names what it could not remove', async () => {
    const database = openQueryDatabase(http, project.ref);
    await database.script(`create table public.keeps (user_id uuid references auth.users (id));
      create function public.keep() returns trigger language plpgsql security definer set search_path = '' as $$
      begin insert into public.keeps values (new.id); return new; end $$;
      create trigger keep after insert on auth.users for each row execute function public.keep();`);
    const proof = await proveProject(await request());
    expect(proof.notes.join('\n')).toMatch(/muse-proof-.* could not be deleted/);
    await database.script('drop trigger keep on auth.users; drop table public.keeps');
    await proveProject(await request());
    expect(await leftovers()).toEqual({ objects: 0, users: 0, listings: 1 });
  });

  it('removes what a run that was killed left behind', async () => {
    const database = openQueryDatabase(http, project.ref);
    await database.script(`create function public.keep_files() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger keep_files before delete on storage.objects for each row execute function public.keep_files();
      create function public.keep_guest() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger keep_guest before delete on auth.users for each row execute function public.keep_guest();`);
    await proveProject(await request());
    expect(await leftovers()).toEqual({ objects: 1, users: 1, listings: 1 });
    await database.script('drop trigger keep_files on storage.objects; drop trigger keep_guest on auth.users');
    const proof = await proveProject(await request());
    expect(proof.findings).toEqual([]);
    expect(await leftovers()).toEqual({ objects: 0, users: 0, listings: 1 });
  });

  it('signs in as the admin if the password is known', async () => {
    const password = makePassword();
    await ensureAdmin(service, { email: 'grace@example.com', password }, clock);
    expect(
      (await proveProject({ ...(await request()), admin: { email: 'grace@example.com', password } })).findings,
    ).toEqual([]);
  });
});
