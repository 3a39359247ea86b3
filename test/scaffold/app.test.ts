import { runInNewContext } from 'node:vm';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { codeOf, columnEntry, textCode } from '../../src/scaffold/app/columns.ts';
import { componentName, label, phrase, singular, valueName } from '../../src/scaffold/app/words.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import type { CoreFacts } from '../../src/scaffold/table.ts';
import { folders } from './support.ts';

describe('names as people write them', () => {
  it.each([
    ['mls_listings', 'MLS listings', 'MLS listings', 'MLS listing'],
    ['activities', 'Activities', 'activities', 'activity'],
    ['inventory_items', 'Inventory items', 'inventory items', 'inventory item'],
    ['addresses', 'Addresses', 'addresses', 'address'],
    ['news', 'News', 'news', 'new'],
    ['status', 'Status', 'status', 'status'],
    ['children', 'Children', 'children', 'children'],
    ['__', '__', '__', '__'],
    ['ünder_über', 'Ünder über', 'ünder über', 'ünder über'],
  ])('%s', (name, title, words, one) => {
    expect([label(name), phrase(name), singular(phrase(name))]).toEqual([title, words, one]);
  });

  it.each([
    ['deal_comments', 'dealComments', 'DealComments'],
    ['class', 'classTable', 'Class'],
    ['Order', 'order', 'Order'],
    ['ünder', 'ünder', 'Ünder'],
    ['表', 'table表', 'Table表'],
    ['_x', 'x', 'X'],
  ])('%s is the value %s and the component %s', (name, value, component) => {
    expect([valueName(name), componentName(name)]).toEqual([value, component]);
  });
});

it.each([
  ["it's", `"it's"`],
  [`'"`, String.raw`'\'"'`],
  ['a "b"', `'a "b"'`],
  ['\\', String.raw`'\\'`],
  ['\u2028\n', String.raw`'\u2028\n'`],
])('writes %j as the literal %s', (text, literal) => {
  expect(textCode(text)).toBe(literal);
  expect(runInNewContext(literal)).toBe(text);
});

describe('a column by its type', () => {
  const entryOf = (column: string): string => {
    const [specification] = parseTable(`t: ${column}`).columns;
    return codeOf(columnEntry(specification!, undefined) ?? 'none');
  };
  it.each([
    ['name text!', "{ kind: 'text', label: 'Name', required: true }"],
    ['notes text', "{ kind: 'longText', label: 'Notes' }"],
    ['code varchar(8)', "{ kind: 'text', label: 'Code', maxLength: 8 }"],
    ['contact_email text', "{ kind: 'text', label: 'Contact email', format: 'email' }"],
    ['state text(a|b) = b', "{ kind: 'choice', label: 'State', choices: ['a', 'b'], initial: 'b' }"],
    ['size int! = 3', "{ kind: 'integer', label: 'Size', required: true, initial: 3 }"],
    ['price numeric(8,2)', "{ kind: 'number', label: 'Price' }"],
    ['done boolean! = true', "{ kind: 'checkbox', label: 'Done', initial: true }"],
    ['due date', "{ kind: 'date', label: 'Due' }"],
    ['at timestamptz', "{ kind: 'dateTime', label: 'At' }"],
    ['at timestamp', "{ kind: 'localDateTime', label: 'At' }"],
    ['tags text[]', "{ kind: 'list', label: 'Tags', of: 'text' }"],
    ['sizes int[]', "{ kind: 'list', label: 'Sizes', of: 'number' }"],
    ['data jsonb', "{ kind: 'json', label: 'Data' }"],
    ['address inet', "{ kind: 'text', label: 'Address' }"],
    ['file bytea', "'none'"],
  ])('%s', (column, entry) => {
    expect(entryOf(column)).toBe(entry);
  });
});

const uuid = { columns: { id: 'uuid', name: 'text' }, primaryKey: ['id'] };
const core: CoreFacts = {
  tables: {
    'auth.users': uuid,
    'public.profiles': uuid,
    'public.products': uuid,
    'public.organizations': uuid,
    'public.social_posts': uuid,
    'public.organization_members': {
      columns: { id: 'uuid', organization_id: 'uuid', user_id: 'uuid' },
      primaryKey: ['id'],
    },
  },
  functions: ['private.set_updated_at()', 'private.user_organization_ids()', 'private.user_organization_ids(text[])'],
};

async function pagesOf(tables: string[], presets: string[] = []) {
  const made = await scaffold({
    name: 'shop',
    prefix: '',
    presets: await Promise.all(presets.map(loadPreset)),
    tables: tables.map(parseTable),
    core,
    number: '001',
    folders,
    isolation: 'auth-uid',
  });
  return made.pages;
}

describe('the pages of a table', () => {
  it('say whose rows are listed and who may write them', async () => {
    const pages = await pagesOf([
      'mine: x text, owner user',
      'ours: x text, organization',
      'open: x text, public',
      'shown: x text, public, seller user',
      'hidden: x text, service-only',
    ]);
    const settings = pages.map(({ folder, files }) => [
      folder,
      ...(files[0]?.content.match(/(?<=(lists|ownedBy|authorColumn|writable): ).*(?=,)/g) ?? []),
    ]);
    expect(settings).toEqual([
      ['mine', "'own'", "'user'", 'true'],
      ['ours', "'organization'", "'organization'", 'true'],
      ['open', "'all'", 'false'],
      ['shown', "'all'", "'user'", 'true'],
    ]);
  });

  it('leave a comment to its author', async () => {
    const comments = (await pagesOf([], ['crm'])).find(({ folder }) => folder === 'deal-comments');
    const [table, , form] = comments?.files ?? [];
    expect(table?.content).toContain("authorColumn: 'author_id',");
    expect(form?.content).not.toContain('author_id');
  });

  it('refer to people, to other pages, to themselves, and to tables of core', async () => {
    const [a, b] = await pagesOf([
      'a: who -> user, parent -> a, plan -> products, owner user',
      'b: a -> a!, owner user',
    ]);
    const text = a?.files[0]?.content ?? '';
    expect(text).toContain("import { defineTable, type Target } from '../../lib/table';");
    expect(text).toMatch(/kind: 'person'/);
    expect(text).toContain("kind: 'reference', label: 'Parent', to: (): Target => a");
    expect(text).toContain("to: () => ({ name: 'products', titleColumn: 'name' })");
    expect(b?.files[0]?.content).toContain("import { a } from '../a/table';");
  });

  it('have names of their own, also where the tables differ in capitals alone', async () => {
    const pages = await pagesOf([
      'ab: x text, owner user',
      '"AB": x text, owner user',
      'a_b: x text, owner user',
      '"aB": x text, owner user',
    ]);
    expect(new Set(pages.map(({ folder }) => folder)).size).toBe(4);
    expect(new Set(pages.map(({ identifier }) => identifier)).size).toBe(4);
    expect(new Set(pages.map(({ component }) => component)).size).toBe(4);
  });

  it.each(['crm', 'realty', 'social', 'deliverables'])('are formatted, for %s', async (preset) => {
    for (const { files } of await pagesOf([], [preset])) {
      for (const { path, content } of files) {
        const formatted = await format(content, { filepath: path, printWidth: 120, singleQuote: true });
        expect(content).toBe(formatted);
      }
    }
  });
});
