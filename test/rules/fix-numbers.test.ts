import { describe, expect, it } from 'vitest';
import type { JournalFile } from '../../src/migrations/drizzle-journal.ts';
import { repair } from '../../src/rules/registry.ts';
import type { Repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';

const path = 'drizzle/meta/_journal.json';

/** A journal as drizzle-kit writes it, with entries for these tags. */
function journal(tags: readonly string[], beside: readonly string[] = []): Map<string, JournalFile> {
  const entries = tags.map((tag, idx) => ({ idx, version: '7', when: 1000 + idx, tag, breakpoints: true }));
  return new Map([
    [
      'drizzle',
      { file: path, text: JSON.stringify({ version: '7', dialect: 'postgresql', entries }, undefined, 2), beside },
    ],
  ]);
}

function fix(
  files: readonly string[],
  order: 'number' | 'timestamp' | 'journal',
  more: { journals?: Map<string, JournalFile>; applied?: Set<string>; rollbacks?: Record<string, string> } = {},
): Promise<Repair> {
  const migrations = migrationsOf(Object.fromEntries(files.map((file) => [file, `-- ${file}\nselect 1;\n`])));
  const rollbacks = new Map(
    Object.entries(more.rollbacks ?? {}).map(([of, file]) => [of, { file, sql: `-- back of ${of}\nselect 1;\n` }]),
  );
  return repair({
    migrations,
    rollbacks,
    folders: { ...folders, core: ['drizzle'], order },
    kit: 'kit',
    builtin: [],
    ...(more.journals === undefined ? {} : { journals: more.journals }),
    ...(more.applied === undefined ? {} : { applied: more.applied }),
  });
}

const names = ({ migrations }: Repair): string[] => migrations.map(({ file }) => file.slice(file.lastIndexOf('/') + 1));

describe('files that share a number', () => {
  it('get the next numbers all at once, so that one can take the old name of another', async () => {
    const fixed = await fix(['drizzle/001_a.sql', 'drizzle/001_b.sql', 'drizzle/002_b.sql'], 'number', {
      rollbacks: {
        'drizzle/001_b.sql': 'drizzle/rollback_001_b.sql',
        'drizzle/002_b.sql': 'drizzle/rollback_002_b.sql',
      },
    });
    expect(names(fixed)).toEqual(['001_a.sql', '002_b.sql', '003_b.sql']);
    expect(fixed.migrations.map(({ sql }) => sql)).toEqual(
      ['a', 'b', 'b'].map((name, index) => expect.stringContaining(`-- drizzle/00${[1, 1, 2][index]}_${name}.sql`)),
    );
    expect(fixed.rollbacks.get('drizzle/002_b.sql')).toEqual({
      file: 'drizzle/rollback_002_b.sql',
      sql: '-- back of drizzle/001_b.sql\nselect 1;\n',
    });
    expect(fixed.removed.sort()).toEqual(['drizzle/001_b.sql', 'drizzle/rollback_001_b.sql']);
    const [change] = fixed.classes;
    expect([...change!.files.keys()].sort()).toEqual([
      'drizzle/002_b.sql',
      'drizzle/003_b.sql',
      'drizzle/rollback_002_b.sql',
      'drizzle/rollback_003_b.sql',
    ]);
    expect(change!.removed.sort()).toEqual(['drizzle/001_b.sql', 'drizzle/rollback_001_b.sql']);
  });

  it('keep the order of timestamps, and stay if numbers of several lengths would not', async () => {
    expect(
      names(
        await fix(
          ['drizzle/20260101000000_a.sql', 'drizzle/20260101000000_b.sql', 'drizzle/20260101000001_c.sql'],
          'timestamp',
        ),
      ),
    ).toEqual(['20260101000000_a.sql', '20260101000001_b.sql', '20260101000002_c.sql']);
    const left = await fix(
      ['drizzle/20260101_a.sql', 'drizzle/20260101_b.sql', 'drizzle/202601010000_c.sql'],
      'timestamp',
    );
    expect(left.left).toMatchObject([{ rule: 'duplicate-number', file: 'drizzle/20260101_b.sql' }]);
  });

  it('stay if a database has one that would move, and report that', async () => {
    const fixed = await fix(['drizzle/001_a.sql', 'drizzle/001_b.sql', 'drizzle/002_c.sql'], 'number', {
      applied: new Set(['drizzle/002_c.sql']),
    });
    expect(fixed.classes).toEqual([]);
    expect(fixed.left.map(({ file, why }) => `${file}: ${why}`)).toContain(
      'drizzle/001_b.sql: drizzle/002_c.sql would get another number, but a database already has it under this one.',
    );
  });
});

describe("under Drizzle's journal", () => {
  const listed = ['0000_init', '0001_tables'];

  it('an unlisted file becomes the last one, and is added', async () => {
    const before = journal(listed);
    const fixed = await fix(['drizzle/0000_init.sql', 'drizzle/0001_tables.sql', 'drizzle/0001_rls.sql'], 'journal', {
      journals: before,
    });
    expect(names(fixed)).toEqual(['0000_init.sql', '0001_tables.sql', '0002_rls.sql']);
    const text = fixed.edits.get(path)!;
    expect(text).toBe(
      JSON.stringify(
        {
          version: '7',
          dialect: 'postgresql',
          entries: [...listed, '0002_rls'].map((tag, idx) => ({
            idx,
            version: '7',
            when: 1000 + idx,
            tag,
            breakpoints: true,
          })),
        },
        undefined,
        2,
      ),
    );
    expect(fixed.classes.map(({ rule, removed }) => [rule, removed])).toEqual([
      ['duplicate-number', ['drizzle/0001_rls.sql']],
    ]);
  });

  it('listed files get new tags, unless a snapshot would not match', async () => {
    const tags = ['0000_init', '0001_a', '0001_b', '0002_c'];
    const files = tags.map((tag) => `drizzle/${tag}.sql`);
    const fixed = await fix(files, 'journal', { journals: journal(tags) });
    expect(names(fixed)).toEqual(['0000_init.sql', '0001_a.sql', '0002_b.sql', '0003_c.sql']);
    expect(
      (JSON.parse(fixed.edits.get(path)!) as { entries: { tag: string }[] }).entries.map(({ tag }) => tag),
    ).toEqual(['0000_init', '0001_a', '0002_b', '0003_c']);
    const left = await fix(files, 'journal', { journals: journal(tags, ['0001_snapshot.json', '_journal.json']) });
    expect(left.classes).toEqual([]);
    expect(left.left[0]?.why).toContain('which of the files 0001_snapshot.json beside it belongs to is unknown');
  });

  it.each([
    [
      'has no entries',
      new Map([['drizzle', { file: path, text: '{"entries":[]}', beside: [] }]]),
      ['0000_a', '0000_b'],
      'has no entries',
    ],
    [
      'would run the file before another that it does not list',
      journal(listed),
      ['0000_init', '0001_tables', '0000_z', '0007_other', '0007_rls'],
      'it would run before drizzle/0007_other.sql',
    ],
  ])('a file stays if the journal %s, and the reason is reported', async (_, journals, tags, why) => {
    const { classes, left } = await fix(
      tags.map((tag) => `drizzle/${tag}.sql`),
      'journal',
      { journals },
    );
    expect(classes).toEqual([]);
    expect(left.map((each) => each.why).join()).toContain(why);
  });

  it('missing tables are added to the first file, since nothing runs before it', async () => {
    const files = {
      'drizzle/0000_init.sql':
        '-- Starts.\ncreate table if not exists later (id uuid primary key, p uuid references things_of_ours (id));\n',
    };
    const fixed = await repair({
      migrations: migrationsOf(files),
      rollbacks: new Map(),
      folders: { ...folders, core: ['drizzle'], order: 'journal' },
      kit: 'kit',
      builtin: [],
      journals: journal(['0000_init']),
    });
    expect(fixed.newFiles.size).toBe(0);
    expect(fixed.migrations[0]?.sql).toMatch(
      /^-- Starts\.\n-- Tables that[^]*CREATE TABLE IF NOT EXISTS public\.things_of_ours[^]*create table if not exists later/,
    );
  });

  it('the migration that fixes applied ones is added', async () => {
    const files = { 'drizzle/0000_init.sql': '-- a\ncreate table notes (id uuid primary key, user_id uuid);\n' };
    const fixed = await repair({
      migrations: migrationsOf(files),
      rollbacks: new Map(),
      folders: { ...folders, core: ['drizzle'], order: 'journal' },
      kit: 'kit',
      builtin: [],
      journals: journal(['0000_init']),
      applied: new Set(['drizzle/0000_init.sql']),
    });
    expect([...fixed.newFiles.keys()]).toEqual(['drizzle/0001_repair.sql']);
    expect(fixed.edits.get(path)).toContain('"tag": "0001_repair"');
  });
});
