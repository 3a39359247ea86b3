import { describe, expect, it } from 'vitest';
import { MuseError } from '../../src/shared/error.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { readSpecification } from '../../src/scaffold/read-spec.ts';

const yaml = `
tables:
  - name: leads
    comment: People that may buy
    scope: organization
    columns:
      - { name: email, type: text, required: true, unique: true }
      - { name: status, type: text, choices: [new, won], default: new }
      - { name: score, type: smallint, min: 0, max: 100, default: 0 }
      - { name: due_on, type: date, default: 2026-01-31 }
      - { name: seen_at, type: timestamptz, defaultExpression: now() }
      - { name: agent_id, references: user, onDelete: restrict }
    indexes: [[status, due_on]]
  - "notes: body text!, owner user"
`;

const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefgh'].map((key, index) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(', ')}]`).join('\n')}\ntables: *h`;

describe('readSpecification', () => {
  it('reads YAML', async () => {
    const [leads, notes] = await readSpecification(yaml, 'yaml');
    expect(leads).toMatchObject({ name: 'leads', scope: 'organization', indexes: [['status', 'due_on']] });
    expect(leads?.columns[3]).toEqual({ name: 'due_on', type: 'date', default: '2026-01-31' });
    expect(leads?.columns[5]).toEqual({ name: 'agent_id', type: 'uuid', references: 'user', onDelete: 'restrict' });
    expect(notes).toEqual(parseTable('notes: body text!, owner user'));
  });

  it('reads JSON, and a bare list', async () => {
    const tables = [{ name: 'a', scope: 'owner', columns: [{ name: 'x', type: 'text' }] }];
    expect(await readSpecification(JSON.stringify(tables), 'json')).toEqual(tables);
    expect(await readSpecification(JSON.stringify({ tables }), 'json')).toEqual(tables);
  });

  it('uses organization as the scope if a column of that name is requested', async () => {
    expect(
      await readSpecification(
        '[{name: a, columns: [{name: organization, type: uuid}, {name: x, type: text}]}]',
        'yaml',
      ),
    ).toEqual([{ name: 'a', scope: 'organization', columns: [{ name: 'x', type: 'text' }] }]);
  });

  it.each<[string, 'yaml' | 'json', string, string]>([
    ['', 'yaml', 'an object was expected', ''],
    ['tables: 5', 'yaml', 'at tables: a list was expected', ''],
    ['table: []', 'yaml', 'at table: unknown key', 'Did you mean "tables"?'],
    ['{', 'json', 'it is not valid JSON', ''],
    ['tables: [', 'yaml', 'at line 1', ''],
    ['a: 1\na: 2', 'yaml', 'unique', ''],
    ['tables: [{}]', 'yaml', 'at tables[0]: name is missing', 'Add name'],
    ['tables: [{name: a, columns: [{name: x}]}]', 'yaml', 'at tables[0].columns[0]: type is missing', ''],
    ['tables: [{name: a, columns: [{name: x, type: txt}]}]', 'yaml', 'at tables[0].columns[0].type', 'Write text'],
    [
      'tables: [{name: a, columns: [{name: x, type: text, requird: true}]}]',
      'yaml',
      'at tables[0].columns[0].requird',
      'Did you mean "required"?',
    ],
    [
      'tables: [{name: a, columns: [{name: x, type: text, required: "yes"}]}]',
      'yaml',
      'true or false was expected',
      '',
    ],
    ['tables: [{name: "a; drop table b", columns: []}]', 'yaml', 'at tables[0].name', 'a_drop_table_b'],
    ['tables: [{name: a, scope: all, columns: []}]', 'yaml', 'at tables[0].scope', 'owner, organization'],
    ['tables: [{name: a, scope: owner, scopedBy: organization, columns: []}]', 'yaml', 'at tables[0].scopedBy', ''],
    [
      'tables: [{name: a, scope: public-read, scopeColumn: b, columns: []}]',
      'yaml',
      'at tables[0].scopeColumn',
      'scopedBy',
    ],
    ['tables: [{name: a, unique: [[b]], columns: []}]', 'yaml', 'at tables[0].unique[0]', ''],
    [
      'tables: [{name: a, columns: [{name: x, type: integer, default: 1.5}]}]',
      'yaml',
      'at tables[0].columns[0].default',
      '',
    ],
    ['tables: [{name: a, columns: [{name: x, references: "b; c"}]}]', 'yaml', 'at tables[0].columns[0].references', ''],
    ['[{"name": "a", "columns": [], "__proto__": {"scope": "owner"}}]', 'json', '__proto__', ''],
    ['[{"name": "a", "columns": [], "constructor": 1}]', 'json', 'constructor', ''],
    ['tables: !!js/function "function () {}"', 'yaml', 'tag', ''],
    ['tables: !include /etc/passwd', 'yaml', 'tag', ''],
    [bomb, 'yaml', 'alias', 'alias'],
    ['x'.repeat(1_000_001), 'yaml', '1000001 characters', ''],
    ['tables: [5]', 'yaml', 'at tables[0]: an object', ''],
  ])('refuses %.60s', async (text, form, message, suggestion) => {
    const error: unknown = await readSpecification(text, form).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MuseError);
    expect(error).toMatchObject({
      code: 'bad-spec',
      message: expect.stringContaining(message),
      suggestion: expect.stringContaining(suggestion),
    });
  });
});
