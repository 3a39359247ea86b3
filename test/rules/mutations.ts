/** The defects, each planted at a random place in the built-in kit. */
import type { RuleName } from '../../src/rules/registry.ts';
import { lineAt, statements } from './kit.ts';
import type { Found, Kit } from './kit.ts';

export interface Mutant {
  kit: Kit;
  file: string;
  line: number;
}

type Plant = (kit: Kit, random: () => number) => Mutant;

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!;
}

/** Replaces part of a statement. The defect is at offset `at` of the new text, relative to the statement. */
function rewrite(kit: Kit, { file, statement }: Found, from: number, to: number, text: string, at = from): Mutant {
  const sql = kit[file]!;
  const changed = sql.slice(0, statement.start + from) + text + sql.slice(statement.start + to);
  return { kit: { ...kit, [file]: changed }, file, line: lineAt(changed, statement.start + at) };
}

/** Inserts text after a statement. The defect is in its last statement. */
function behind(kit: Kit, { file, statement }: Found, text: string): Mutant {
  const at = text.lastIndexOf(';\n') + 2;
  const sql = kit[file]!;
  const place = statement.end + 1;
  const changed = `${sql.slice(0, place)}\n${text}${sql.slice(place)}`;
  return { kit: { ...kit, [file]: changed }, file, line: lineAt(changed, place + 1 + at) };
}

/** Removes a statement. */
function without(kit: Kit, { file, statement }: Found): Kit {
  const sql = kit[file]!;
  return { ...kit, [file]: sql.slice(0, statement.start) + sql.slice(statement.end + 1) };
}

const any = /^[^]/;
const tables = /^create table/;
const policies = /^create policy/;
const tableName = ({ statement }: Found): string => /\bpublic\.(\w+)/.exec(statement.sql)![1]!;
const created = (kit: Kit, random: () => number): Found => pick(statements(kit, tables), random);
const last = (kit: Kit): Found => statements(kit, any).at(-1)!;

function inPlace(kit: Kit, found: Found, pattern: RegExp, text: string, shift = 0): Mutant {
  const match = pattern.exec(found.statement.sql)!;
  return rewrite(kit, found, match.index, match.index + match[0].length, text, match.index + shift);
}

function extension(kit: Kit, sql: string): Mutant {
  return {
    kit: { ...kit, 'migrations/extensions/001_ours.sql': sql },
    file: 'migrations/extensions/001_ours.sql',
    line: 2,
  };
}

/** Removes every matching statement, and returns where the table is created or its row-level security turned on. */
function strip(kit: Kit, table: string, pattern: (name: string) => RegExp, at: RegExp): Mutant {
  let result = kit;
  for (
    let found = statements(result, pattern(table))[0];
    found !== undefined;
    [found] = statements(result, pattern(table))
  )
    result = without(result, found);
  const place = statements(result, at).find((found) => tableName(found) === table)!;
  return { kit: result, file: place.file, line: place.statement.line };
}

/** Those of tables; Storage has policies as well. */
const userPolicies = (kit: Kit): Found[] =>
  statements(kit, /^create policy[^;]*\bon public\.[^;]*\bto authenticated\b/);

export const mutations: Record<string, [RuleName, Plant]> = {
  'a policy if not exists': [
    'policy-if-not-exists',
    (kit, random) =>
      inPlace(kit, pick(statements(kit, policies), random), /^create policy/, 'create policy if not exists', 14),
  ],
  'a stray parenthesis': [
    'syntax-error',
    (kit, random) => {
      const found = pick(statements(kit, any), random);
      const { length } = found.statement.sql;
      return rewrite(kit, found, length, length, ' )', length + 1);
    },
  ],
  'a wrong word': [
    'syntax-error',
    (kit, random) => {
      const found = pick(statements(kit, /^(?:create|alter) table/), random);
      return inPlace(kit, found, /\btable\b/, 'tabel');
    },
  ],
  'a type of SQL Server': [
    'foreign-dialect',
    (kit, random) =>
      inPlace(kit, pick(statements(kit, /^create table[^]*\btext\b/), random), /\w+ text\b/, 'name_x nvarchar'),
  ],
  'an index inside a table': [
    'foreign-dialect',
    (kit, random) => inPlace(kit, created(kit, random), /\(\n/, '(\n  index idx_inside (created_at),\n', 2),
  ],
  'a commit': ['transaction-control', (kit, random) => behind(kit, pick(statements(kit, any), random), 'commit;')],
  'no header': [
    'missing-header',
    (kit, random) => {
      const file = pick(Object.keys(kit), random);
      return { kit: { ...kit, [file]: kit[file]!.slice(kit[file]!.search(/^[^-\n]/m)) }, file, line: 1 };
    },
  ],
  'a reference to nothing': [
    'unknown-relation',
    (kit, random) =>
      inPlace(
        kit,
        pick(statements(kit, /^create table[^]*references public\./), random),
        /references public\.\w+/,
        'references public.gone',
      ),
  ],
  'a column that is not there': [
    'unknown-relation',
    (kit, random) =>
      inPlace(kit, pick(statements(kit, /^create (?:unique )?index[^(]*\(\w+/), random), /\(\w+/, '(gone'),
  ],
  'a table of a later file': [
    'used-before-created',
    (kit, random) => {
      const table = pick(statements(kit, tables).slice(2), random);
      const earlier = statements(kit, any).filter(({ file }) => file < table.file);
      return behind(
        kit,
        pick(earlier, random),
        `alter table public.${tableName(table)} add column if not exists extra integer;`,
      );
    },
  ],
  'a table of an extension': [
    'core-depends-on-extension',
    (kit, random) => {
      const mutant = behind(
        kit,
        pick(statements(kit, any), random),
        'alter table public.theirs add column if not exists extra integer;',
      );
      return {
        ...mutant,
        kit: {
          ...mutant.kit,
          'migrations/extensions/001_ours.sql': '-- ours\ncreate table if not exists public.theirs (id int);',
        },
      };
    },
  ],
  'a table again': [
    'table-redefined',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        `create table if not exists public.${tableName(created(kit, random))} (id uuid, extra integer);`,
      ),
  ],
  'no if not exists': [
    'not-idempotent',
    (kit, random) => {
      const found = pick(statements(kit, /^create (?:table|index|unique index) if not exists/), random);
      return { ...inPlace(kit, found, /if not exists /, ''), line: found.statement.line };
    },
  ],
  'no drop before a policy': [
    'not-idempotent',
    (kit, random) => {
      const drop = pick(statements(kit, /^drop policy if exists/), random);
      const name = /"[^"]+"|exists (\w+)/.exec(drop.statement.sql)![0].replace('exists ', '');
      const changed = without(kit, drop);
      const policy = statements(changed, policies).find(
        ({ file, statement }) =>
          file === drop.file && statement.start >= drop.statement.start && statement.sql.includes(name),
      )!;
      return { kit: changed, file: policy.file, line: policy.statement.line };
    },
  ],
  'no or replace': [
    'not-idempotent',
    (kit, random) => inPlace(kit, pick(statements(kit, /^create or replace/), random), /^create or replace/, 'create'),
  ],
  'an extension on a core table': [
    'extension-alters-core',
    (kit, random) =>
      extension(
        kit,
        `-- ours\nalter table public.${tableName(created(kit, random))} add column if not exists extra integer;`,
      ),
  ],
  'an extension against a core table': [
    'extension-breaks-core',
    (kit, random) =>
      extension(kit, `-- ours\nalter table public.${tableName(created(kit, random))} drop column if exists id;`),
  ],
  'an enum': [
    'enum-type',
    (kit, random) => behind(kit, pick(statements(kit, any), random), "create type public.mood as enum ('good');"),
  ],
  'no row-level security': [
    'rls-missing',
    (kit, random) =>
      strip(
        kit,
        tableName(created(kit, random)),
        (name) => new RegExp(`^alter table public\\.${name} (?:enable|force) row`),
        tables,
      ),
  ],
  'no policy': [
    'policy-missing',
    (kit, random) =>
      strip(
        kit,
        tableName(pick(userPolicies(kit), random)),
        (name) => new RegExp(`^create policy[^;]*?on public\\.${name}\\b`),
        /^alter table \S+ enable row/,
      ),
  ],
  'no role': [
    'policy-without-role',
    (kit, random) => {
      const found = pick(
        userPolicies(kit).filter(({ statement }) => !/session|current_setting/.test(statement.sql)),
        random,
      );
      return { ...inPlace(kit, found, / to authenticated/, ''), line: found.statement.line };
    },
  ],
  'an open policy': [
    'policy-always-true',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        'drop policy if exists open on public.TABLE;\ncreate policy open on public.TABLE for update to authenticated using (true);'.replaceAll(
          'TABLE',
          // Of a table of users: where no column tells whose a row is, --fix leaves it to a person.
          tableName(pick(userPolicies(kit), random)),
        ),
      ),
  ],
  'a recursive policy': [
    'policy-recursive',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        'drop policy if exists round on public.TABLE;\ncreate policy round on public.TABLE for select to authenticated using (id in (select again.id from public.TABLE again));'.replaceAll(
          'TABLE',
          tableName(created(kit, random)),
        ),
      ),
  ],
  'a policy on auth.users': [
    'policy-reads-auth-users',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        'drop policy if exists mail on public.TABLE;\ncreate policy mail on public.TABLE for select to authenticated using (exists (select 1 from auth.users));'.replaceAll(
          'TABLE',
          tableName(created(kit, random)),
        ),
      ),
  ],
  'a bare auth.uid()': [
    'policy-per-row-call',
    (kit, random) =>
      inPlace(
        kit,
        pick(statements(kit, /^create policy[^]*\(select auth\.uid\(\)\)/), random),
        /\(select auth\.uid\(\)\)/,
        'auth.uid()',
      ),
  ],
  'no grant': [
    'grant-missing',
    (kit, random) =>
      strip(
        kit,
        tableName(pick(userPolicies(kit), random)),
        (name) => new RegExp(`^grant [^;]*on table public\\.${name} to authenticated`),
        tables,
      ),
  ],
  'a foreign key without index': [
    'fk-without-index',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        `alter table public.${tableName(created(kit, random))} add column if not exists extra_id uuid references public.profiles (id);`,
      ),
  ],
  'a policy on a column without index': [
    'policy-column-without-index',
    (kit, random) =>
      behind(
        kit,
        last(kit),
        'alter table public.TABLE add column if not exists extra_id uuid;\ndrop policy if exists extra on public.TABLE;\ncreate policy extra on public.TABLE for select to authenticated using (extra_id = (select auth.uid()));'.replaceAll(
          'TABLE',
          tableName(created(kit, random)),
        ),
      ),
  ],
  'a definer without search_path': [
    'definer-without-search-path',
    (kit, random) => {
      const found = pick(
        statements(kit, /^create or replace function[^]*security definer\nset search_path = ''/),
        random,
      );
      return { ...inPlace(kit, found, /\nset search_path = ''/, ''), line: found.statement.line };
    },
  ],
  'a swallowed error': [
    'swallowed-exception',
    (kit, random) =>
      behind(
        kit,
        pick(statements(kit, any), random),
        'do $$ begin perform 1; exception when others then null; end $$;',
      ),
  ],
  'a secret': [
    'secret-literal',
    (kit, random) => behind(kit, pick(statements(kit, any), random), `select 'whsec_${'Zm9vYmFy'.repeat(3)}';`),
  ],
  'an address': [
    'personal-data-literal',
    (kit, random) => behind(kit, pick(statements(kit, any), random), "select 'jane.miller@company.io';"),
  ],
  'a secret in clear': [
    'secret-column',
    (kit, random) => inPlace(kit, created(kit, random), /\(\n/, '(\n  client_secret text,\n', 2),
  ],
  'no rollback': [
    'rollback-missing',
    (kit) => ({
      ...extension({ ...kit, 'migrations/extensions/002_more.sql': '-- more\nselect 1;' }, '-- ours\nselect 1;'),
      file: 'migrations/extensions/002_more.sql',
      line: 1,
    }),
  ],
};
