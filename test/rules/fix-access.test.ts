/** How `--fix` changes who can do what: cases from real kits, and every broken kit of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { measureAccess } from '../../src/rehearsal/measure.ts';
import { rehearseWhere } from '../../src/rehearsal/rehearse.ts';
import { compareAccess } from '../../src/rules/engine/fix/access.ts';
import { repair } from '../../src/rules/registry.ts';
import type { Repair } from '../../src/rules/registry.ts';
import { parseSql } from '../../src/sql/split.ts';
import { databases } from '../migrations/databases.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { builtinKit } from './kit.ts';
import type { Kit } from './kit.ts';
import { broken } from './broken.ts';
import { isWhole } from '../support/sample.ts';

const builtin = Object.entries(builtinKit()).map(([file, sql]) => ({ file, sql }));
const shared = databases('embedded');
/** A new session without a kit. */
const fresh = async (): Promise<Database> => {
  const database = await shared();
  await database.script('DISCARD TEMP');
  return database;
};

async function fix(kit: Kit, allow = false): Promise<Repair> {
  const journal = Object.keys(kit).find((file) => file.endsWith('_journal.json'));
  const sql = Object.fromEntries(Object.entries(kit).filter(([file]) => file.endsWith('.sql')));
  const folder = Object.keys(sql)[0]!.replace(/\/[^/]*$/, '');
  return repair({
    migrations: migrationsOf(sql),
    rollbacks: new Map(),
    kit: 'case',
    builtin,
    folders: { ...folders, core: [folder], order: journal === undefined ? 'number' : 'journal' },
    ...(journal === undefined
      ? {}
      : { journals: new Map([[folder, { file: journal, text: kit[journal]!, beside: [] }]]) }),
    measure: async (migrations) => measureAccess(await fresh(), migrations),
    mayWiden: () => allow,
    rehearse: async (migrations, rollbacks, isGood) => {
      const own = migrations.filter(({ file }) => rollbacks.has(file)).map(({ file }) => file);
      const rehearsed = await rehearseWhere(await fresh(), { migrations, rollbacks, own }, isGood);
      return rehearsed && { findings: rehearsed.report.findings, measured: rehearsed.measured };
    },
  });
}

const root = join(import.meta.dirname, 'fix-cases');

/** The kit of a case. Files in `extensions` run on the built-in core. */
function kitOf(name: string): Kit {
  const folder = join(root, name);
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => /\.(?:sql|json)$/.test(path))
    .sort();
  const own = Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  return paths.some((path) => path.includes('/extensions/'))
    ? { ...builtinKit(), 'migrations/core/900_notes.sql': notes, ...own }
    : own;
}

const notes =
  '-- Notes.\ncreate table if not exists public.notes (id uuid primary key, user_id uuid, title text, body text);\nalter table public.notes enable row level security;\n';

/** The text of a file after the repair. */
const textOf = ({ migrations }: Repair, end: string): string => migrations.find(({ file }) => file.endsWith(end))!.sql;
const rulesOf = (fixed: Repair, severity: string): string[] => [
  ...new Set(fixed.remaining.filter((finding) => finding.severity === severity).map(({ rule }) => rule)),
];

/** The expectation of each case. */
const cases: Record<string, (fixed: Repair, kit: Kit) => void> = {
  'auth-tables-closed'(fixed) {
    const sql = textOf(fixed, '0000_auth.sql');
    for (const table of ['accounts', 'sessions', 'jobs'])
      expect(sql).toContain(`ALTER TABLE public.${table} ENABLE ROW LEVEL SECURITY;`);
    expect(sql).not.toMatch(/grant|policy|service_role/i);
    expect(fixed.access).toEqual({ widened: [], narrowed: [], withheld: [] });
  },
  'revoked-on-purpose'(fixed) {
    expect(fixed.classes).toEqual([]);
    expect(rulesOf(fixed, 'error')).toEqual([]);
  },
  'team-shared-crm'(fixed) {
    expect(fixed.classes).toEqual([]);
    expect(rulesOf(fixed, 'error')).toEqual(['policy-always-true']);
    expect(fixed.left.map(({ rule, why }) => `${rule}: ${why}`)).toContainEqual(
      expect.stringMatching(
        /^policy-always-true: policy "colleagues add" on public\.leads .* no column tells who owns a row/,
      ),
    );
  },
  'bucket-public-read'(fixed) {
    expect(fixed.classes).toEqual([]);
    expect(fixed.remaining).toEqual([]);
  },
  'drizzle-lib-db'(fixed) {
    const sql = textOf(fixed, '0000_init.sql');
    expect(sql).not.toMatch(/service_role|authenticated|anon\b|auth\./);
    // Drizzle sends everything between two breakpoints as one query.
    const { statements } = parseSql(sql);
    expect(sql.split('--> statement-breakpoint')).toHaveLength(statements.length);
    expect(sql).toContain('ALTER TABLE public.visits ENABLE ROW LEVEL SECURITY;');
  },
  'rename-then-index'(fixed, kit) {
    expect(textOf(fixed, '000_base.sql')).toBe(kit['supabase/migrations/20250101000000_base.sql']);
    expect(textOf(fixed, '_rename.sql')).toBe(
      `${kit['supabase/migrations/20250103000000_rename.sql']}\nCREATE INDEX IF NOT EXISTS idx_team_notes_author ON public.team_notes (author);\n`,
    );
  },
  'row-constructor-seed'(fixed) {
    expect(textOf(fixed, '_rel.sql')).toContain(
      "insert into app.releases (no, notes) values ((1, 0), 'first'), ((1, 1), 'second');",
    );
  },
  'temp-table'(fixed, kit) {
    expect(textOf(fixed, '002_temp.sql')).toBe(kit['migrations/extensions/002_temp.sql']);
    expect(fixed.remaining.filter(({ object }) => object?.includes('tmp_') === true)).toEqual([]);
  },
  'private-comment'(fixed) {
    expect(fixed.remaining).toEqual([]);
    expect(fixed.access).toEqual({ widened: [], narrowed: [], withheld: [] });
  },
  'private-table-rehearsal'(fixed) {
    expect(fixed.remaining).toEqual([]);
    expect(fixed.access).toEqual({ widened: [], narrowed: [], withheld: [] });
  },
  'nonrecursive-helper'(fixed) {
    expect(textOf(fixed, '_rooms.sql')).toContain("set search_path = '' SECURITY DEFINER as");
    expect(fixed.remaining).toEqual([]);
  },
};

/** Access gained to tables that existed before, except those whose statements could not run. */
async function gained(before: Kit, fixed: Repair): Promise<unknown[]> {
  const sql = Object.fromEntries(Object.entries(before).filter(([file]) => file.endsWith('.sql')));
  const was = (await measureAccess(await fresh(), migrationsOf(sql)))!;
  const is = (await measureAccess(await fresh(), fixed.migrations))!;
  const worse = [...is.failed].filter(([file, count]) => count > (was.failed.get(file) ?? 0));
  return [...worse, ...compareAccess(was.access, is.access).widened.filter(({ table }) => !was.doubtful.has(table))];
}

const errorsOf = ({ remaining }: Repair): number => remaining.filter(({ severity }) => severity === 'error').length;

describe('cases from real kits', { timeout: 120_000 }, () => {
  it('are all tested', () => {
    expect(readdirSync(root).sort()).toEqual(Object.keys(cases).sort());
  });

  // The last tests of this file are about temporary tables too, on a smaller core.
  it.each(Object.keys(cases).filter((name) => isWhole || name !== 'temp-table'))('%s', async (name) => {
    const kit = kitOf(name);
    const fixed = await fix(kit);
    cases[name]!(fixed, kit);
    expect(fixed.access.widened).toEqual([]);
    expect(await gained(kit, fixed)).toEqual([]);
  });
});

const users =
  '-- Users write here.\ncreate table if not exists public.notes (id uuid primary key, user_id uuid references auth.users (id), body text);\ncreate index if not exists i on public.notes (user_id);\n';
const secured = `${users}alter table public.notes enable row level security;\n`;
const policy = (text: string): string => `drop policy if exists p on public.notes;\ncreate policy ${text};\n`;

describe('who can do what', { timeout: 120_000 }, () => {
  const file = 'migrations/core/001_notes.sql';
  const own = 'p on public.notes to authenticated using ((select auth.uid()) = user_id)';
  it.each<[string, string, (fixed: Repair, sql: string) => void]>([
    [
      'a policy without a grant gets none without a yes',
      secured + policy(own),
      ({ access, remaining }, sql) => {
        expect(sql).not.toMatch(/grant /i);
        expect(
          access.withheld.map(({ actor, verb, table, before, rule }) => `${rule}: ${actor} ${verb} ${table} ${before}`),
        ).toEqual(
          // TRUNCATE is no part of it: no policy is about it, and no grant of these four gives it.
          ['delete', 'insert', 'select', 'update'].map(
            (verb) => `grant-missing: authenticated ${verb} public.notes nothing`,
          ),
        );
        expect(remaining.map(({ rule }) => rule)).toContain('grant-missing');
      },
    ],
    [
      'a REVOKE from a role without privileges is intentional',
      `${secured}${policy(own)}revoke all on public.notes from authenticated;\n`,
      ({ access }, sql) => {
        expect(sql).not.toMatch(/grant /i);
        expect(access.withheld).toEqual([]);
      },
    ],
    [
      "rows stay their owners' where users had a grant, and what users lose is said",
      `${users}grant select, insert on public.notes to authenticated;\n`,
      ({ access }, sql) => {
        expect(sql).toContain('FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id)');
        expect(sql).not.toMatch(/FOR (?:UPDATE|DELETE|ALL)/);
        expect(access.narrowed.map(({ consequence }) => consequence)).toContain(
          'signed-in users can select only rows with (( SELECT auth.uid() AS uid) = user_id) of notes',
        );
      },
    ],
    [
      'a table whose grants name no rows is closed, and that is reported',
      '-- Leads.\ncreate table if not exists public.leads (id uuid primary key, title text);\ngrant select, insert on public.leads to authenticated;\n',
      ({ access }) => {
        expect(access.narrowed.map(({ consequence }) => consequence)).toEqual([
          'no signed-in user can insert leads any more',
          'no signed-in user can select leads any more',
        ]);
      },
    ],
    [
      'the name that the dashboard gives means that everyone reads, and is quoted',
      `${secured}${policy('"Enable read access for all users" on public.notes for select using (true)')}grant select on public.notes to anon, authenticated;\n`,
      ({ access }, sql) => {
        expect(sql).toContain(
          '-- The policy\'s name says: "Enable read access for all users".\n-- muse: public-read\ncreate policy "Enable read access for all users" on public.notes for select TO anon, authenticated using (true)',
        );
        expect(access.narrowed.filter(({ actor }) => actor === 'anon')).toEqual([]);
      },
    ],
    [
      'USING (true) without words is no declaration',
      `${secured}${policy('p on public.notes for select to anon, authenticated using (true)')}grant select on public.notes to anon, authenticated;\n`,
      (_, sql) => {
        expect(sql).not.toContain('muse:');
      },
    ],
    [
      'words that say no are none',
      `${secured}-- Not public.\n${policy('p on public.notes for select to anon, authenticated using (true)')}grant select on public.notes to anon, authenticated;\n`,
      (_, sql) => {
        expect(sql).not.toContain('muse:');
      },
    ],
  ])('%s', async (_, sql, check) => {
    const fixed = await fix({ [file]: sql });
    check(fixed, fixed.migrations[0]!.sql);
    expect(fixed.access.widened).toEqual([]);
    expect(await gained({ [file]: sql }, fixed)).toEqual([]);
  });

  it('is widened with consent, and that is reported', async () => {
    const fixed = await fix({ [file]: secured + policy(own) }, true);
    expect(fixed.access.withheld).toEqual([]);
    expect(fixed.access.widened).toContainEqual(
      expect.objectContaining({
        actor: 'authenticated',
        verb: 'select',
        table: 'public.notes',
        before: 'nothing',
        rule: 'grant-missing',
        file,
      }),
    );
    expect(errorsOf(fixed)).toBe(0);
  });

  it('is not widened by the repair of a kit with every common defect, and no file fails more', async () => {
    expect(await gained(broken, await fix(broken))).toEqual([]);
  });
});

it.each([
  [
    'CREATE TEMP TABLE AS',
    'create temp table t_one on commit drop as select 1 as a;\nupdate public.notes set body = (select a::text from t_one);\n',
  ],
  ['SELECT INTO TEMP', 'select id, body into temp t_one from public.notes;\nselect * from t_one;\n'],
  [
    'in a block',
    'do $$ begin create temporary table t_one (a int); insert into t_one values (1); select 1 as b into temporary t_two; end $$;\n',
  ],
])(
  'a temporary table is not a table of the muse: %s',
  async (_, sql) => {
    const kit = { 'migrations/core/001_notes.sql': secured, 'migrations/core/002_temp.sql': `-- Temporary.\n${sql}` };
    const fixed = await fix(kit);
    expect(textOf(fixed, '002_temp.sql')).not.toMatch(/row level security|grant/i);
    expect(fixed.remaining.filter(({ object, message }) => /t_one|t_two/.test(`${object} ${message}`))).toEqual([]);
  },
  60_000,
);
