import { describe, expect, it } from 'vitest';
import { MuseError } from '../../src/shared/error.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';

/** The error for a text. */
function refusal(text: string): MuseError {
  try {
    parseTable(text);
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseTable', () => {
  it('reads every part of a specification', () => {
    expect(
      parseTable(
        "mls_listings: address text!, price numeric(12,2), listed_at timestamptz, status text(active|pending|sold) = 'active', agent -> profiles, owner user",
      ),
    ).toEqual({
      name: 'mls_listings',
      columns: [
        { name: 'address', type: 'text', required: true },
        { name: 'price', type: 'numeric(12,2)' },
        { name: 'listed_at', type: 'timestamptz' },
        { name: 'status', type: 'text', choices: ['active', 'pending', 'sold'], default: 'active' },
        { name: 'agent_id', type: 'uuid', references: 'profiles' },
      ],
      scope: 'owner',
      scopeColumn: 'owner_id',
    });
  });

  it.each<[string, object]>([
    ['n: a text', { scope: 'owner', columns: [{ name: 'a', type: 'text' }] }],
    ['n: a text, organization', { scope: 'organization', scopeColumn: 'organization_id' }],
    ['n: a text, team organization', { scope: 'organization', scopeColumn: 'team_id' }],
    ['n: a text, public-read', { scope: 'public-read', columns: [{ name: 'a', type: 'text' }] }],
    ['n: a text, public, seller user', { scope: 'public-read', scopedBy: 'owner', scopeColumn: 'seller_id' }],
    [
      'n: a text, organization, service-only',
      { scope: 'service-only', scopedBy: 'organization', scopeColumn: 'organization_id' },
    ],
    ['n: a text,', { columns: [{ name: 'a', type: 'text' }] }],
    ['N: A Text', { name: 'n', columns: [{ name: 'a', type: 'text' }] }],
    ['"N": "A" text', { name: 'N', columns: [{ name: 'A', type: 'text' }] }],
    [
      'order: select text, "user" text',
      {
        name: 'order',
        columns: [
          { name: 'select', type: 'text' },
          { name: 'user', type: 'text' },
        ],
      },
    ],
    ['größe: länge numeric', { name: 'größe', columns: [{ name: 'länge', type: 'numeric' }] }],
    [
      'n: a timestamp with time zone = now()',
      { columns: [{ name: 'a', type: 'timestamptz', defaultExpression: 'now()' }] },
    ],
    ['n: a date = current_date', { columns: [{ name: 'a', type: 'date', defaultExpression: 'current_date' }] }],
    [
      'n: a uuid = gen_random_uuid()',
      { columns: [{ name: 'a', type: 'uuid', defaultExpression: 'gen_random_uuid()' }] },
    ],
    ['n: a int8 unique! = -5', { columns: [{ name: 'a', type: 'bigint', unique: true, required: true, default: -5 }] }],
    ['n: a bigint = 9223372036854775807', { columns: [{ name: 'a', type: 'bigint', default: '9223372036854775807' }] }],
    ['n: a bool = true', { columns: [{ name: 'a', type: 'boolean', default: true }] }],
    ["n: a text[] = '{}'", { columns: [{ name: 'a', type: 'text[]', default: '{}' }] }],
    ['n: a varchar(20)[]', { columns: [{ name: 'a', type: 'varchar(20)[]' }] }],
    ["n: a text = 'it''s; -- {{x}}, (y)'", { columns: [{ name: 'a', type: 'text', default: "it's; -- {{x}}, (y)" }] }],
    [
      "n: a text(In-Progress|'on hold'|2024) = In-Progress",
      { columns: [{ name: 'a', type: 'text', choices: ['In-Progress', 'on hold', '2024'], default: 'In-Progress' }] },
    ],
    ['n: a->b', { columns: [{ name: 'a_id', type: 'uuid', references: 'b' }] }],
    [
      'n: a_id -> auth.users! on delete cascade',
      { columns: [{ name: 'a_id', type: 'uuid', references: 'auth.users', required: true, onDelete: 'cascade' }] },
    ],
    [
      'n: a -> b set null unique',
      { columns: [{ name: 'a_id', type: 'uuid', references: 'b', onDelete: 'set null', unique: true }] },
    ],
    ['n: a text, b text, unique(a, b), index(b)', { unique: [['a', 'b']], indexes: [['b']] }],
  ])('%s', (text, expected) => {
    expect(parseTable(text)).toMatchObject(expected);
  });

  // The position of the caret, a part of the message, a part of the suggestion.
  it.each<[string, number, string, string]>([
    ['', 0, 'the name of the table', 'notes: title'],
    ['n', 1, 'a colon', 'notes: title'],
    ['n:', 2, 'a column', 'notes: title'],
    ['n: ,', 3, 'a column', ''],
    ['../n: a text', 0, 'the name of the table', ''],
    ['-rf: a text', 0, '"-" has no meaning here', ''],
    ['n: a text; -- b', 9, '";" has no meaning here', ''],
    ["n'; drop table x;--: a text", 1, 'a colon', ''],
    ['{{n}}: a text', 0, '"{" has no meaning here', ''],
    ['🏠: a text', 0, '"🏠" has no meaning here', ''],
    ['"a🏠b": a text', 0, 'cannot be a name', 'a_b'],
    ['"a; drop table x": a text', 0, 'cannot be a name', 'a_drop_table_x'],
    ['mls-listings: a text', 0, 'cannot be a name', 'mls_listings'],
    [`${'x'.repeat(300)}: a text`, 0, 'too long', 'x'.repeat(63)],
    ['n: address txt', 11, '"txt" is not a type', 'address text'],
    ['n: a string!', 5, 'is not a type', 'a text'],
    ['n: a datetime', 5, 'is not a type', 'a timestamptz'],
    ['n: a text required', 10, 'a comma or the end', '!'],
    ['n: a text(', 10, 'a choice', 'quotes'],
    ['n: a text(x|x)', 10, 'duplicate', ''],
    ["n: a text(x|y) = 'z'", 17, 'not one of the choices', '"x"'],
    ['n: a integer(x|y)', 13, 'only text can have choices', ''],
    ['n: a numeric(5,9)', 5, 'not a type', 'numeric'],
    ["n: a text = 'x", 12, 'has no closing', ''],
    ["n: a integer = 'x'", 15, 'not a valid default for integer', '= 0'],
    ['n: a smallint = 70000', 16, 'not a valid default', ''],
    ["n: a date = '2026-02-30'", 12, 'not a valid default', '2026-01-31'],
    ["n: a timestamptz = 'tomorrow'", 19, 'not a valid default', 'now()'],
    ['n: a text = now()', 12, 'not a valid default for text', ''],
    ['n: a json unique', 10, 'no order', 'jsonb'],
    ['n: a text, a integer', 11, 'there are two columns "a"', ''],
    ['n: id text', 3, 'automatically', ''],
    ['n: ctid text', 3, 'system column', 'ctid_value'],
    ['n: a user, b user', 11, 'already has a column for the owner', 'b -> user'],
    ['n: public, service-only', 11, 'one scope', ''],
    ['n: a uuid -> b', 10, 'gets the type of the key', 'a -> b'],
    ['n: a ->', 7, 'a table after', ''],
    ['n: a -> b! set null', 11, 'cannot be set to null', 'cascade'],
    ['n: a text, unique(b)', 11, 'no column "b"', 'a'],
  ])('refuses %s', (text, caret, message, suggestion) => {
    const error = refusal(text);
    expect(error.code).toBe('bad-table');
    expect(error.message).toContain(message);
    expect(error.suggestion).toContain(suggestion);
    const [shown, mark] = (error.detail ?? '').split('\n');
    expect(mark).toBe(`${' '.repeat(caret)}^`);
    expect(shown?.length).toBeLessThanOrEqual(80);
  });

  it('shows the place in a long line, and control characters as spaces', () => {
    const [shown = '', mark = ''] = (
      refusal(`n: ${'a'.repeat(20)} text,\n\t${' '.repeat(200)} b txt`).detail ?? ''
    ).split('\n');
    expect(shown).not.toMatch(/\p{Cc}/u);
    expect(shown.slice(mark.length - 1)).toMatch(/^txt/);
    expect(refusal('n\u001b[31m: a text').detail).toBe('n [31m: a text\n ^');
  });
});
