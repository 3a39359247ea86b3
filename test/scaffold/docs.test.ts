import { describe, expect, it } from 'vitest';
import { replaceSection, tableDocs } from '../../src/scaffold/docs.ts';
import { newMigration } from '../../src/scaffold/new.ts';
import type { TableSummary } from '../../src/scaffold/scaffold.ts';
import { folders } from './support.ts';

const tables: TableSummary[] = [
  {
    name: 'posts',
    scope: 'organization',
    open: true,
    columns: [{ name: 'id', type: 'uuid' }],
    comment: '',
  },
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
        "| `posts` | each organization's members; everyone reads some | `id` uuid |  |",
        '| `showings` | each user their own | `id` uuid | Seen \\| \\<b\\>often\\</b\\> by \\`many\\` |',
        '',
        'All tables, core and extensions, as a picture: [docs/schema.svg](docs/schema.svg).',
        '<!-- /muse:tables -->',
      ].join('\n'),
    );
    expect(tableDocs([])).toContain('no tables yet');
  });

  it.each([
    [6, '`a` text, `b` text, `c` text, `d` text, `e` text, `f` text', 0],
    [7, '`a` text, `b` text, `c` text, `d` text, `e` text, 2 more', 7],
    [25, '`a` text, `b` text, `c` text, `d` text, `e` text, 20 more', 25],
  ])('of %i columns shows %s, and folds %i below', (count, list, folded) => {
    const columns = [...'abcdefghijklmnopqrstuvwxy'].slice(0, count).map((name) => ({ name, type: 'text' }));
    const text = tableDocs([{ name: 'a<b>', scope: 'owner', columns, comment: '' }]);
    expect(text).toContain(`| \`a<b>\` | each user their own | ${list} |  |`);
    const [, below = ''] = /<details>\n<summary>(.*)<\/details>/s.exec(text) ?? [];
    expect(below.match(/^\| `/gm) ?? []).toHaveLength(folded);
    expect(below.includes('columns of <code>a&lt;b&gt;</code></summary>\n\n|')).toBe(folded > 0);
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
