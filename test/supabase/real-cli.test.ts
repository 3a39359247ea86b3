import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, supabaseCli } from '../support/supabase-cli.ts';
import { isWhole } from '../support/sample.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

const cli = await supabaseCli();
if ('reason' in cli) process.stderr.write(`\nSKIPPED: the real Supabase CLI against the fakeApi. ${cli.reason}\n\n`);

describe.skipIf('reason' in cli)('the real Supabase CLI works with the fake API', () => {
  const script = 'script' in cli ? cli.script : '';
  const password = 'CliMadeThisOne2026';
  let fakeApi: FakeApi;
  let directory: string;
  let env: Record<string, string>;
  const run = (...words: string[]): Promise<string> => runCli(script, words, { cwd: directory, env });
  beforeAll(async () => {
    fakeApi = await openFakeApi();
    directory = await mkdtemp(join(tmpdir(), 'real-cli-'));
    env = { SUPABASE_ACCESS_TOKEN: fakeApi.state.token, SUPABASE_PROFILE: await fakeApi.writeProfile(directory) };
  });
  afterAll(async () => {
    await fakeApi.close();
    await rm(directory, { recursive: true, force: true });
  });
  const made = () => {
    const project = [...fakeApi.state.projects.values()].find((one) => one.name === 'by-the-cli');
    if (!project) throw new Error('the CLI made no project');
    return project;
  };

  it('projects create', async () => {
    await run(
      'projects',
      'create',
      'by-the-cli',
      '--org-id',
      'acme',
      '--region',
      'eu-central-1',
      '--db-password',
      password,
      '--yes',
    );
    expect(made()).toMatchObject({ organization: 'acme', region: 'eu-central-1', password });
  });

  // The answer to the creation has the same fields.
  it.runIf(isWhole)('projects list', async () => {
    expect(await run('projects', 'list')).toContain(made().ref);
  });

  it('projects api-keys', async () => {
    const printed = await run('projects', 'api-keys', '--remote', made().ref);
    expect(printed).toContain(made().keys.anon);
  });

  it('db push, through the pooler', async () => {
    const { ref } = made();
    await mkdir(join(directory, 'supabase', 'migrations'), { recursive: true });
    await writeFile(
      join(directory, 'supabase', 'migrations', '20260101000000_notes.sql'),
      'create table public.notes (id int primary key);\n',
    );
    const [row] = await poolers(ref);
    const url = `postgresql://${row?.db_user}:${password}@${row?.db_host}:${row?.db_port}/postgres?sslmode=disable`;
    await run('db', 'push', `--remote=${url}`, '--yes');
    const database = await fakeApi.databases.superuser(ref);
    const { rows } = await database.query(
      "select to_regclass('public.notes')::text as notes, (select array_agg(version) from supabase_migrations.schema_migrations) as versions",
    );
    expect(rows).toEqual([{ notes: 'notes', versions: ['20260101000000'] }]);
  });

  async function poolers(ref: string): Promise<{ db_user: string; db_host: string; db_port: number }[]> {
    const answer = await fetch(`${fakeApi.url}/v1/projects/${ref}/config/database/pooler`, {
      headers: { authorization: `Bearer ${fakeApi.state.token}` },
    });
    return (await answer.json()) as { db_user: string; db_host: string; db_port: number }[];
  }
});
