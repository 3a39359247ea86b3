import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { serveEnvironment, type Served } from '../../src/dev/dashboard-only.ts';
import { serve, type ServeOptions } from '../../src/dev/dev.ts';
import { openMuse } from '../../src/muse/open.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import { museOnDisk } from '../muse/muse-on-disk.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';

const ann = '00000000-0000-4000-8000-00000000000a';

const schema = `
  CREATE TABLE public.notes (id int PRIMARY KEY, owner uuid);
  ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON public.notes FOR SELECT TO authenticated USING (owner = (SELECT auth.uid()));
  GRANT SELECT ON public.notes TO authenticated, service_role;
  INSERT INTO auth.users (id, email) VALUES ('${ann}', 'ann@example.com');
  INSERT INTO public.notes VALUES (1, '${ann}'), (2, NULL);
  INSERT INTO storage.buckets (id, name) VALUES ('avatars', 'avatars');
  INSERT INTO storage.objects (bucket_id, name) VALUES ('avatars', 'ann/face.png');
  CREATE FUNCTION public.grow() RETURNS int LANGUAGE sql VOLATILE SECURITY DEFINER
    AS $$ INSERT INTO public.notes VALUES (3, NULL) RETURNING id $$;
  CREATE VIEW public.growing AS SELECT public.grow() AS id;
  GRANT SELECT ON public.growing TO service_role;`;

let fakeApi: FakeApi;
beforeAll(async () => {
  fakeApi = await openFakeApi();
});
afterAll(() => fakeApi.close());

/** A muse whose staging is a project with some rows. */
async function museWithProject(): Promise<Muse> {
  fakeApi.conditions.poolerClosed = false;
  const password = 'of-the-project-itself';
  const { ref } = fakeApi.addProject({ password });
  const { directory, museFile } = await museOnDisk({ '.env.staging.local': `SUPABASE_DB_PASSWORD=${password}\n` });
  museFile.environments.staging = { target: 'supabase', ref };
  await writeFile(join(directory, 'muse.json'), JSON.stringify(museFile));
  const muse = await openMuse(directory);
  const { database } = await openEnvironment(muse, 'staging', fakeApi.env);
  await database.script(schema);
  await database.close();
  return muse;
}

const options = (more: Partial<ServeOptions> = {}): ServeOptions => ({
  environment: 'staging',
  variables: fakeApi.env,
  port: 0,
  databasePort: 0,
  ...more,
});

describe('an environment on Supabase', () => {
  it('has its dashboard alone, which reads and cannot write', async () => {
    const muse = await museWithProject();
    const served: Served = await serveEnvironment(muse, options({ consent: { confirmed: 'staging' } }));
    onTestFinished(() => served.close());
    const token = new URL(served.dashboardUrl!).searchParams.get('t')!;
    const ask = async (path: string): Promise<unknown> =>
      (await fetch(`${served.url}/_muse/${path}`, { headers: { 'x-muse-token': token } })).json();

    expect(await ask('about')).toEqual({ name: 'guarded', environment: 'staging', services: false });
    const tables = (await ask('tables')) as { id: string; name: string }[];
    const idOf = (name: string): string => tables.find((table) => table.name === name)!.id;
    const rows = async (name: string, as: string): Promise<unknown> => {
      const { rows: found, message } = (await ask(`rows?table=${idOf(name)}&as=${as}`)) as Record<string, unknown>;
      return found ?? message;
    };
    expect(await rows('notes', 'service')).toEqual([
      ['1', ann],
      ['2', null],
    ]);
    expect(await rows('notes', ann)).toEqual([['1', ann]]);
    expect(await rows('notes', 'anon')).toBe('permission denied for table notes (42501)');
    expect(await rows('growing', 'service')).toBe('cannot execute INSERT in a read-only transaction (25006)');
    expect(await ask('users')).toMatchObject([{ id: ann, email: 'ann@example.com' }]);
    expect(await ask('folder?bucket=avatars')).toMatchObject({ folders: ['ann/'], objects: [] });
    expect(await ask('diagram')).toEqual({ svg: expect.stringContaining('data-table="notes"') });
    for (const path of ['mails', 'requests', 'object?bucket=avatars&name=ann/face.png'])
      expect(await ask(path), path).toEqual({ message: 'There is no such page.' });

    for (const path of ['/', '/rest/v1/notes', '/auth/v1/health']) {
      const answer = await fetch(served.url + path);
      expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('is a Supabase project')]);
    }
    expect(existsSync(join(muse.directory, '.muse', 'dev-staging.json')), 'keys').toBe(false);
    await expect(serveEnvironment(muse, options())).rejects.toMatchObject({
      code: 'dev-running',
      running: { url: served.url, only: 'dashboard' },
    });
  });

  it('is not shown without its name typed, nor where it is reached by HTTPS only, nor served as a local Supabase', async () => {
    const muse = await museWithProject();
    const consent = { confirmed: 'staging' };
    await expect(serveEnvironment(muse, options())).rejects.toMatchObject({
      code: 'bad-confirmation',
      suggestion: expect.stringContaining('muse dev --env staging --confirm staging'),
    });
    for (const run of [
      () => serve(muse, options({ consent })),
      () => serveEnvironment(muse, options({ dashboard: false })),
    ])
      await expect(run()).rejects.toMatchObject({
        code: 'bad-target',
        suggestion: expect.stringContaining('--env staging'),
      });
    fakeApi.conditions.poolerClosed = true;
    await expect(serveEnvironment(muse, options({ consent }))).rejects.toMatchObject({
      code: 'no-interactive-transaction',
      message: expect.stringContaining('staging can only be reached by SQL over HTTPS'),
    });
  });
});
