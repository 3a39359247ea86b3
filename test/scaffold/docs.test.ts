import { describe, expect, it } from 'vitest';
import { replaceSection, tableDocs } from '../../src/scaffold/docs.ts';
import { newMigration } from '../../src/scaffold/new.ts';
import type { TableSummary } from '../../src/scaffold/scaffold.ts';
import { folders } from './support.ts';

const tables: TableSummary[] = [
  {
    name: 'showings',
    scope: 'owner',
    columns: [{ name: 'id', type: 'uuid' }],
    comment: 'Seen | <b>often</b>\nby `many`',
  },
  {
    name: 'listings',
    scope: 'public-read',
    columns: [
      { name: 'id', type: 'uuid' },
      { name: 'tags', type: 'text[]' },
    ],
    comment: '',
  },
];

describe('tableDocs', () => {
  it('lists tables by name, and escapes markup', () => {
    expect(tableDocs(tables)).toBe(
      [
        '<!-- muse:tables -->',
        '## Tables',
        '',
        '| table | whose rows | columns | what it holds |',
        '|---|---|---|---|',
        '| `listings` | everyone reads | `id` uuid, `tags` text\\[\\] |  |',
        '| `showings` | each user their own | `id` uuid | Seen \\| \\<b\\>often\\</b\\> by \\`many\\` |',
        '<!-- /muse:tables -->',
      ].join('\n'),
    );
    expect(tableDocs([])).toContain('no tables yet');
  });
});

describe('replaceSection', () => {
  const section = tableDocs(tables);

  it.each([
    ['at the end where there is none', '# Muse\n\ntext\n', `# Muse\n\ntext\n\n${section}\n`],
    ['into an empty file', '', `${section}\n`],
    ['between the markers alone', `a\n${tableDocs([])}\nb $& $1`, `a\n${section}\nb $& $1`],
    [
      'with the line ends of the file',
      `a\r\n${tableDocs([]).replaceAll('\n', '\r\n')}\r\nb`,
      `a\r\n${section.replaceAll('\n', '\r\n')}\r\nb`,
    ],
  ])('puts it %s', (_, readme, expected) => {
    expect(replaceSection(readme, section)).toBe(expected);
    expect(replaceSection(expected, section)).toBe(expected);
  });
});

describe('newMigration', () => {
  it.each([
    ['Add ünits & more', 'add_units_more'],
    ['../../etc/passwd', 'etc_passwd'],
    ['-rf', 'rf'],
    ['🏠', 'change'],
    ['x'.repeat(300), 'x'.repeat(60)],
  ])('%s', async (title, name) => {
    const files = await newMigration({ title, number: '002', folders });
    expect(files.map(({ path }) => path)).toEqual([
      `migrations/extensions/002_${name}.sql`,
      `migrations/rollback/extensions/002_${name}.sql`,
    ]);
  });

  it('has only comments, whatever the title', async () => {
    for (const { content } of await newMigration({
      title: 'a\n; drop table b; */ \u2028 {{x}}',
      number: '002',
      folders,
    })) {
      expect(content).toMatch(/^(-- .*\n)+$/);
    }
  });
});
