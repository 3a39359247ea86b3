/**
 * Every class of repair restores the intended schema: compares the built-in kit, broken and fixed, with the original
 * kit.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { readSchema } from '../../src/database/schema.ts';
import { once } from '../../src/shared/lazy.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';
import { allRules, repair } from '../../src/rules/registry.ts';
import type { Repair, RuleName } from '../../src/rules/registry.ts';
import { databases } from '../migrations/databases.ts';
import { folders, migrationsOf, readFrom } from '../migrations/files.ts';
import { builtinKit, seeded } from './kit.ts';
import type { Kit } from './kit.ts';
import { mutations } from './mutations.ts';

const kit = builtinKit();
const builtin = Object.entries(kit).map(([file, sql]) => ({ file, sql }));
// Half the time of the embedded one, in which `fix-run.test.ts` repairs a kit too.
const fresh = databases('native', true);
const ours = 'migrations/extensions/001_ours.sql';
const first = 'migrations/core/001_foundation.sql';

async function schemaOf(database: Database): Promise<string[]> {
  return (await readSchema(database)).map(({ kind, name, definition }) => `${kind} ${name}: ${definition}`);
}

/** The schema of the built-in kit with these statements appended. */
async function meant(good: string): Promise<string[]> {
  const database = await fresh();
  for (const sql of [...Object.values(kit), good]) await database.script(`${sql}\nreset all;`);
  return schemaOf(database);
}

beforeAll(loadParser);

const asItIs = once(() => meant(''));

/** What the defect added or removed: the text that only one of the two has, and the table it is about. */
function difference(broken: Kit): { text: string; table: string } {
  for (const [file, sql] of Object.entries(broken)) {
    const old = kit[file] ?? '';
    if (old === sql) continue;
    const [longer, shorter] = old.length > sql.length ? [old, sql] : [sql, old];
    let from = 0;
    while (from < shorter.length && longer[from] === shorter[from]) from += 1;
    let end = 0;
    while (end < shorter.length - from && longer.at(-1 - end) === shorter.at(-1 - end)) end += 1;
    const text = longer.slice(from, longer.length - end);
    const table =
      /\bpublic\.(\w+)/.exec(text)?.[1] ?? [...longer.slice(0, from).matchAll(/\bpublic\.(\w+)/g)].at(-1)?.[1];
    return { text, table: table ?? '' };
  }
  return { text: '', table: '' };
}

interface Case {
  rule: RuleName;
  /** Breaks the kit. */
  plant(random: () => number): Kit;
  /** The rollbacks that it has; none unless said. */
  rollbacks?: Map<string, { file: string; sql: string }>;
  /** What is broken shows only in the files as they are read. */
  isRead?: true;
  /** What the broken kit means beyond the kit as it is. */
  good?(difference: string, table: string): string;
  /** Lines of the schema that the repair chooses itself. */
  chosen?(difference: string, table: string): RegExp;
  /** A check of the lines that it chose. */
  check?(lines: readonly string[], fixed: Repair): void;
}

const more = 'migrations/extensions/002_more.sql';

const planted = (title: string): Pick<Case, 'rule' | 'plant'> => {
  const [rule, plant] = mutations[title]!;
  return { rule: rule as Case['rule'], plant: (random) => plant(kit, random).kit };
};
const index = (text: string, table: string): string =>
  `${text}\ncreate index idx_${table}_extra_id on public.${table} (extra_id);`;
/** The lines implied by a policy for users who may read. */
const readable = (text: string, table: string): string => `${text}\ngrant select on public.${table} to authenticated;`;

const cases: Record<string, Case> = {
  ...Object.fromEntries(
    [
      'a policy if not exists',
      'a commit',
      'no if not exists',
      'no drop before a policy',
      'no or replace',
      'no row-level security',
      'no role',
      'a bare auth.uid()',
      'a definer without search_path',
    ].map((title) => [title, planted(title)]),
  ),
  'an index inside a table': {
    ...planted('an index inside a table'),
    good: (_, table) => `create index idx_inside on public.${table} (created_at);`,
  },
  'a number again': {
    rule: 'duplicate-number',
    plant: () =>
      Object.fromEntries(
        Object.entries(kit).map(([file, sql]) => [file.replace('007_invitations', '006_team_invitations'), sql]),
      ),
    check(_, { migrations }) {
      expect(migrations.map(({ file }) => file)).toEqual(
        Object.keys(kit).map((file) => file.replace('007_invitations', '007_team_invitations')),
      );
    },
  },
  'a table that nothing makes': {
    rule: 'unknown-relation',
    plant: () => Object.fromEntries(Object.entries(kit).filter(([file]) => !file.includes('_profiles'))),
  },
  'a table of a later file': { ...planted('a table of a later file'), good: (text) => text },
  'a table of an extension': {
    ...planted('a table of an extension'),
    good: () =>
      'create table public.theirs (id int, extra integer); alter table public.theirs enable row level security;',
  },
  'a table again': {
    ...planted('a table again'),
    good: (_, table) => `alter table public.${table} add column extra integer;`,
  },
  'rows that are there already': {
    rule: 'not-idempotent',
    plant: () => ({
      ...kit,
      'migrations/core/014_seeds.sql':
        "-- Seeds\ninsert into public.products (slug, name) values ('basic', 'Basic'), ('pro', 'Pro');\n",
    }),
  },
  'rows at every run': {
    rule: 'seed-not-idempotent',
    plant: () => ({
      ...kit,
      'migrations/core/014_seeds.sql':
        "-- Seeds\ninsert into public.audit_logs (action, entity_type) values ('kit.seeded', 'kit'), ('kit.seeded', null);\n",
    }),
  },
  'the lines that pg_dump writes': {
    rule: 'psql-command',
    plant: () => ({ ...kit, [first]: `\\restrict k3y\n\n${kit[first]}\n\\unrestrict k3y\n` }),
  },
  'an index that is built concurrently beside others': {
    rule: 'transaction-mixed',
    plant: () => ({
      ...kit,
      'migrations/core/050_more.sql':
        '-- More.\nselect 1;\ncreate index concurrently if not exists by_name on public.products (name);\nselect 2;\n',
    }),
    good: () => 'create index by_name on public.products (name);',
    check(_, { edits, newFiles }) {
      expect(edits.get('migrations/core/050_more.sql')).toBe('-- More.\nselect 1;\n');
      expect([...newFiles.keys()]).toEqual(['migrations/core/051_more_2.sql', 'migrations/core/052_more_3.sql']);
    },
  },
  'a migration and what undoes it in one file': {
    rule: 'down-section',
    isRead: true,
    plant: () => ({ ...kit, [more]: '-- More\n-- migrate:up\nselect 1;\n\n-- migrate:down\nselect 2;\n' }),
    check(_, { edits, rollbacks, newFiles }) {
      const file = 'migrations/rollback/extensions/002_more.sql';
      expect(edits.get(more)).toBe('-- More\nselect 1;\n');
      expect(newFiles.get(file)).toBe('select 2;\n');
      expect(rollbacks.get(more)).toEqual({ file, sql: 'select 2;\n' });
    },
  },
  'an open policy': {
    ...planted('an open policy'),
    good: (text) => text.replaceAll('using (true)', 'using (false)'),
    chosen: (_, table) => new RegExp(String.raw`^(?:policy "?open"? on|grant relation) public\.${table}:`),
    check(lines) {
      expect(lines.join('\n')).toMatch(/policy "?open"? on/);
      expect(lines.join('\n')).not.toMatch(/to (?:anon|authenticated|public)\b[^\n]* using \(true\)/);
      expect(lines.join('\n')).not.toMatch(/anon=[A-Z,]*(?:INSERT|UPDATE|DELETE)/);
    },
  },
  'a recursive policy': {
    ...planted('a recursive policy'),
    good: readable,
    chosen: () => /^policy round on |^(?:grant )?function private\.round\(\)/,
  },
  'no grant': {
    ...planted('no grant'),
    // Once a grant is gone, nothing shows which columns it was for.
    chosen: (text, table) =>
      /\([a-z_, \n]+\)/.test(text)
        ? new RegExp(String.raw`^(?:column public\.${table}\.|grant relation public\.${table}:)`)
        : /^$/,
  },
  'a foreign key without index': { ...planted('a foreign key without index'), good: index },
  'a policy on a column without index': {
    ...planted('a policy on a column without index'),
    good: (text, table) => index(readable(text, table), table),
  },
  'no rollback': {
    ...planted('no rollback'),
    check(_, { rollbacks }) {
      expect([...rollbacks.keys()].sort()).toEqual([ours, 'migrations/extensions/002_more.sql']);
    },
  },
  'a rollback that does nothing': {
    ...planted('no rollback'),
    rule: 'rollback-empty',
    rollbacks: new Map([[more, { file: 'migrations/rollback/002_more.sql', sql: '-- To be written.\n;\n' }]]),
    check(_, { rollbacks }) {
      expect(rollbacks.get(more)).toEqual({
        file: 'migrations/rollback/002_more.sql',
        sql: expect.stringMatching(/^-- Rolls back 002_more\.sql\.\n[^;]*;\n$/),
      });
    },
  },
};

const isAll = process.env['CREATE_MUSE_ALL'] !== undefined;
/** How many places each defect is planted in. */
const places = isAll ? 5 : 1;
/** Each class of defect where everything is tested, otherwise every fifth one. */
const chosenCases = Object.entries(cases).filter((_, index) => isAll || index % 5 === 0);

describe('the built-in kit, broken and fixed, is green and has the schema that was meant', { timeout: 180_000 }, () => {
  it('covers every repairable rule', () => {
    const repairable = allRules.filter(({ fix }) => fix !== undefined).map(({ name }) => name);
    expect(new Set(Object.values(cases).map(({ rule }) => rule))).toEqual(new Set(repairable));
  });

  it.each(chosenCases)('%s', async (_, { plant, rollbacks = new Map(), isRead, good, chosen, check }) => {
    const random = seeded(20_261_121);
    for (let count = 0; count < places; count += 1) {
      const broken = plant(random);
      const { text, table } = difference(broken);
      const expected = await (good === undefined ? asItIs() : meant(good(text, table)));
      let schema: string[] = [];
      const mended = await repair({
        ...(isRead === true ? await readFrom(broken) : { migrations: migrationsOf(broken), rollbacks }),
        folders,
        kit: 'broken',
        builtin,
        async rehearse(migrations, rollbacks) {
          const database = await fresh();
          const own = migrations.filter(({ file }) => rollbacks.has(file)).map(({ file }) => file);
          const { findings } = await rehearse(database, { migrations, rollbacks: new Map(rollbacks), own });
          schema = await schemaOf(database);
          return { findings, measured: undefined };
        },
      });
      expect(mended.remaining).toEqual([]);
      const free = chosen?.(text, table) ?? /^$/;
      expect(schema.filter((line) => !free.test(line))).toEqual(expected.filter((line) => !free.test(line)));
      check?.(
        schema.filter((line) => free.test(line)),
        mended,
      );
    }
  });
});
