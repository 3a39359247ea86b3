import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Answers } from '../../src/create/answers.ts';
import { createMuse } from '../../src/create/create.ts';
import type { CreateReport } from '../../src/create/create-report.ts';
import { newDataInMuse, newInMuse } from '../../src/muse/new.ts';
import { openMuse } from '../../src/muse/open.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import { rehearseMuse } from '../../src/muse/rehearse.ts';
import { verifyMuse } from '../../src/muse/verify.ts';
import { sessionOf } from '../../src/create/tenancy.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { isWhole } from '../support/sample.ts';
import { type Files, repository, temporary } from '../kit/repository.ts';

const environment = { ...process.env, CREATE_MUSE_CACHE: undefined };

async function create(
  changes: Partial<Answers>,
): Promise<{ report: CreateReport; directory: string; file: (path: string) => Promise<string>; museFile: MuseFile }> {
  const directory = join(temporary('tenancy'), 'sessionmuse');
  const answers: Answers = {
    name: 'sessionmuse',
    directory,
    kit: 'builtin',
    kitExtensions: 'archive',
    presets: [],
    tables: [],
    prefix: '',
    target: 'embedded',
    environment: 'development',
    supabaseBaseline: false,
    supabase: {},
    fix: false,
    git: false,
    install: false,
    ...changes,
  };
  const report = await createMuse(answers, {}, { signal: new AbortController().signal, environment });
  const file = (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
  const museFile = report.ok ? (JSON.parse(await file('muse.json')) as MuseFile) : ({} as MuseFile);
  return { report, directory, file, museFile };
}

/** A correct kit like StartKit: Drizzle's journal, no roles, policies that read its own variables. */
const folder = 'packages/database/src/migrations/sql';
const policy = (
  table: string,
  column: string,
  setting: string,
  verb = 'all',
): string => `alter table public.${table} enable row level security;
drop policy if exists own on public.${table};
create policy own on public.${table} for ${verb} using (${column} = (select app.${setting}()));`;
const sessionKit: Files = {
  'package.json': '{\n  "name": "kit"\n}\n',
  'packages/database/src/tenant.ts': 'export const theirs = true;\n',
  [`${folder}/0000_init.sql`]: `-- Users, organizations and who belongs to them.
create schema if not exists app;
create or replace function app.org_id() returns uuid language sql stable as $$ select nullif(current_setting('tenant.org', true), '')::uuid $$;
create or replace function app.person() returns uuid language sql stable as $$ select nullif(current_setting('tenant.user_id', true), '')::uuid $$;
create table if not exists public.users (id uuid primary key, email text not null, created_at timestamptz not null default now());
create table if not exists public.organizations (id uuid primary key, name text not null);
create table if not exists public.organization_members (id uuid primary key, organization_id uuid not null references public.organizations (id), user_id uuid not null references public.users (id));
create index if not exists members_organization on public.organization_members (organization_id);
create index if not exists members_user on public.organization_members (user_id);
${policy('users', 'id', 'person')}
${policy('organizations', 'id', 'org_id', 'select')}
${policy('organization_members', 'organization_id', 'org_id')}
`,
  [`${folder}/meta/_journal.json`]: JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: [{ idx: 0, version: '7', when: 1, tag: '0000_init', breakpoints: true }],
  }),
};

/** The actors that read the row of A, or of A's organization. */
const readersOfA = ({ tables }: IsolationReport, name: string): string[] =>
  tables
    .find(({ table }) => table === name)
    ?.checks.filter(({ verb, outcome, rows }) => verb === 'select' && outcome === 'allowed' && rows?.includes('a'))
    .map(({ actor }) => actor) ?? [];

const errors = (findings: readonly { severity: string; rule: string; object?: string | undefined }[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule, object }) => `${rule} ${object}`);

describe('--tenancy session', () => {
  // With a small kit below, and with the built-in one in test/scaffold/tenancy.test.ts.
  it.runIf(isWhole)(
    'works for the built-in kit from the scaffold to the proof, including new tables and data migrations',
    async () => {
      const { report, directory, file, museFile } = await create({
        tenancy: 'session',
        presets: isWhole ? ['realty'] : [],
        tables: [
          'notes: x text, organization',
          'posts: post -> social_posts, owner user',
          'plans: x text, service-only',
        ],
        // It is proven below, with what is added to it.
        verify: false,
      });
      expect(report.error).toBeUndefined();
      expect(museFile).toMatchObject({
        isolation: 'session',
        session: {
          role: 'app_user',
          superadminRole: 'app_superadmin',
          organization: 'app.current_org_id',
          user: 'app.current_user_id',
        },
      });
      expect(await file('src/lib/tenant.ts')).toContain("role: 'app_user'");
      expect(await file('migrations/extensions/002_sessionmuse_tables.sql')).not.toMatch(
        /auth\.uid|authenticated|service_role/,
      );
      const muse = await openMuse(directory);
      await newInMuse(muse, 'legacy', ['legacy_notes: name text!, email text, organization']);
      expect(
        await newDataInMuse(muse, 'notes from legacy', { from: 'legacy_notes', to: 'notes', map: [['x', 'name']] }),
      ).toEqual([
        'migrations/extensions/004_notes_from_legacy.sql',
        'migrations/rollback/extensions/004_notes_from_legacy.sql',
      ]);
      await expect(newDataInMuse(muse, 'x', { from: 'legacy_note', to: 'notes', map: [] })).rejects.toMatchObject({
        code: 'bad-data-migration',
        suggestion: 'Write --data-from legacy_notes.',
      });
      // Migrating rehearses as well.
      if (isWhole) expect(errors((await rehearseMuse(muse)).findings)).toEqual([]);
      const { notes } = await migrateMuse(muse, 'development', environment);
      expect(notes).toContain('migrations/extensions/004_notes_from_legacy.sql: 0 rows read, 0 written, 0 skipped.');
      const proof = await verifyMuse(muse, 'development', environment);
      expect(errors(proof.findings)).toEqual([]);
      const cell = (table: string, actor: string, verb: string): unknown =>
        proof.tables
          .find((one) => one.table === `public.${table}`)
          ?.checks.find((check) => check.actor === actor && check.verb === verb)?.outcome;
      expect(cell('notes', 'anon', 'select')).toBe('filtered');
      expect(readersOfA(proof, 'public.notes')).toEqual([
        'owner',
        'member:owner',
        'member:admin',
        'member:member',
        'member:viewer',
      ]);
      expect(cell('plans', 'owner', 'select')).toBe('refused');
      expect(cell('organizations', 'owner', 'select')).toBe('allowed');
      expect(cell('api_keys', 'owner', 'select')).toBe('refused');
    },
    240_000,
  );

  it('is recognized in a kit by its own variables, and its files stay unchanged', async () => {
    const { report, directory, file, museFile } = await create({
      kit: repository(sessionKit).directory,
      tables: ['notes: x text, organization', 'mine: x text, owner user'],
      // It is proven below.
      verify: isWhole,
    });
    expect(report.error).toBeUndefined();
    expect(museFile).toMatchObject({
      isolation: 'session',
      session: { organization: 'tenant.org', user: 'tenant.user_id' },
    });
    expect(await file('packages/database/src/tenant.ts')).toBe(sessionKit['packages/database/src/tenant.ts']);
    expect(await file('packages/database/src/muse-tenant.ts')).toContain("organization: 'tenant.org'");
    const proof = await verifyMuse(await openMuse(directory), 'development', environment);
    expect(proof.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    const tables = Object.fromEntries(proof.tables.map(({ table }) => [table, readersOfA(proof, table)]));
    expect(tables).toMatchObject({
      'public.notes': ['owner', 'member'],
      'public.mine': ['owner'],
      'public.users': ['owner'],
      'public.organizations': ['owner', 'member'],
    });
  });

  it('does not add findings to those of a broken kit', async () => {
    const broken = {
      ...sessionKit,
      [`${folder}/0000_init.sql`]: String(sessionKit[`${folder}/0000_init.sql`]).replace(
        'create schema if not exists app;',
        '',
      ),
    };
    const { report } = await create({ kit: repository(broken).directory, tables: ['notes: x text, organization'] });
    expect(report.error?.code).toBe('findings');
    expect([
      ...new Set(report.findings.filter(({ severity }) => severity === 'error').map(({ file }) => file)),
    ]).toEqual([`${folder}/0000_init.sql`]);
  });

  it('can be turned off', async () => {
    const { report, museFile } = await create({
      tenancy: 'auth-uid',
      kit: repository(sessionKit).directory,
      tables: ['mine: x text, owner user'],
      target: 'embedded',
      verify: isWhole,
    });
    expect(museFile.session).toBeUndefined();
    expect(report.ok ? museFile.isolation : 'auth-uid').toBe('auth-uid');
  });
});

describe("the names of a kit's variables", () => {
  it.each([
    [
      "current_setting('app.current_org_id', true), current_setting('app.is_superadmin', true)",
      { organization: 'app.current_org_id', user: 'app.current_user_id', superadmin: 'app.is_superadmin' },
    ],
    [
      "current_setting( 'jwt.tenant_id')::int; current_setting('auth.user')",
      { organization: 'jwt.tenant_id', user: 'auth.user' },
    ],
    [
      "current_setting('request.jwt.claims.user'), current_setting('app.settings.team')",
      { organization: 'app.current_org_id', user: 'app.current_user_id' },
    ],
    [
      "current_setting('tenant.id'), current_setting('tenant.user_id'), current_setting('app.org_role')",
      { organization: 'tenant.id', user: 'tenant.user_id' },
    ],
    ['select 1', { organization: 'app.current_org_id', user: 'app.current_user_id' }],
  ])('%s', (sql, session) => {
    expect(sessionOf([{ sql }])).toEqual({ role: 'app_user', superadminRole: 'app_superadmin', ...session });
  });
});
