import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import { scopedByOf } from './check-table.ts';
import { textSql } from './literals.ts';
import type { ResolvedTable } from './model.ts';
import type { Draft } from './references.ts';
import type { ColumnSpecification } from './table.ts';
import { type ColumnType, readType } from './types.ts';

const [ada, ben, cleo] = [1, 2, 3].map((n) => `a0000000-0000-4000-8000-00000000000${n}`) as [string, string, string];

/** The organizations of the built-in kit's seed, each with members who write. */
const organizations = [
  { id: 'c0000000-0000-4000-8000-000000000001', people: [ada, cleo] },
  { id: 'c0000000-0000-4000-8000-000000000002', people: [ben] },
];
const users = [ada, ben, cleo].map((id) => ({ id, people: [id] }));

/** About so many rows for all tables together. */
const wantedRows = 36;

/** Values of texts by the name of the column; the first that fits is taken. */
const texts: readonly [RegExp, readonly string[]][] = [
  [/e_?mail/, ['mia@example.com', 'noah@example.com', 'olivia@example.com', 'liam@example.com', 'emma@example.com']],
  [/phone|mobile/, ['+1 555 0100', '+1 555 0112', '+1 555 0135', '+1 555 0147', '+1 555 0168']],
  [/colou?r/, ['#2A3EB1', '#0F766E', '#B45309']],
  [/url|website|link/, ['https://example.com/one', 'https://example.com/two', 'https://example.com/three']],
  [/city|location/, ['Austin', 'Denver', 'Portland', 'Raleigh', 'Boise']],
  [/address|street/, ['12 Oak Street', '48 Cedar Avenue', '7 Hillcrest Road', '230 Lake Drive', '91 Maple Court']],
  [/region|state/, ['TX', 'CO', 'OR', 'NC', 'ID']],
  [/postal|zip/, ['78701', '80202', '97201', '27601', '83702']],
  [/company|client/, ['Northwind', 'Bluebird Coffee', 'Harbor Dental', 'Alder & Co.', 'Summit Cycles']],
  [
    /(visitor|contact|person|customer|lead|first|last|full)_?name/,
    ['Mia Moore', 'Noah Nash', 'Olivia Ortiz', 'Liam Lee'],
  ],
  [/title|subject/, ['Kick-off', 'First draft', 'Follow-up', 'Review', 'Final version', 'Open questions']],
  [
    /description|notes?|body|message|content|comment/,
    ['Looks good so far.', 'Needs another look.', 'Agreed by phone.'],
  ],
];

/** Columns that say how something ended or failed: empty is the believable value. */
const seldom = /error|reason|deleted|cancel|closed|sold|done|delivered|last_|feedback|_path$|zoom/;

/**
 * The seed of the extension's tables: rows that belong to the users and organizations of the built-in kit's seed. Running
 * it again changes nothing. Undefined if no table can have any.
 * @param tables in the order in which they are created
 */
export function seedSql(tables: readonly ResolvedTable[], drafts: readonly Draft[]): string | undefined {
  const seeded = new Map<string, Seeded>();
  const open = tables.filter(({ scope }) => scope !== 'service-only');
  const perTable = Math.max(4, Math.min(24, Math.round(wantedRows / Math.max(open.length, 1))));
  const parts = open.flatMap((table): string[] => {
    const draft = drafts.find(({ name }) => name === table.name);
    if (draft === undefined) return [];
    const rows = rowsOf(table, draft, perTable, seeded);
    if (rows === undefined) return [];
    const columns = Object.keys(rows[0]!).map(quoteIdentifier).join(', ');
    const values = rows.map((row) => `  (${Object.values(row).join(', ')})`).join(',\n');
    return [
      `insert into public.${quoteIdentifier(table.name)} (${columns})\nvalues\n${values}\non conflict do nothing;\n`,
    ];
  });
  if (parts.length === 0) return undefined;
  const header =
    "-- Development data for the extension's tables, for the users and organizations of development.sql. Never for production.\n" +
    '-- Running it again changes nothing.\n';
  return `${header}\n${parts.join('\n')}`;
}

interface Seeded {
  owners: readonly { id: string }[];
  scopedBy: 'owner' | 'organization' | undefined;
  count: number;
}

/** The rows of a table, SQL by column, or undefined if a required column has no value. */
function rowsOf(
  table: ResolvedTable,
  { specification }: Draft,
  most: number,
  seeded: Map<string, Seeded>,
): Record<string, string>[] | undefined {
  const scopedBy = scopedByOf(specification);
  const owners = scopedBy === 'organization' ? organizations : users;
  const isOneEach = table.uniques.some(({ columns }) => columns.every((name) => name === table.scopeColumn));
  const count = isOneEach ? owners.length : most;
  seeded.set(table.name, { owners, scopedBy, count });
  const rows: Record<string, string>[] = [];
  for (let n = 0; n < count; n += 1) {
    const owner = owners[n % owners.length]!;
    const row: Record<string, string> = { id: quoteLiteral(idOf(table.name, n)) };
    if (table.scopeColumn !== null) row[table.scopeColumn] = quoteLiteral(owner.id);
    for (const column of specification.columns) {
      const value =
        column.references === undefined
          ? plainValue(column, n)
          : referenceValue(table, column, n, owner.people, seeded);
      if (value === undefined && column.required === true && !hasDefault(column)) {
        seeded.delete(table.name);
        return undefined;
      }
      if (value !== undefined || !hasDefault(column)) row[column.name] = value ?? 'null';
    }
    rows.push(row);
  }
  // A column that has its default in one row has it in all.
  const shared = Object.keys(rows[0]!).filter((name) => rows.every((row) => row[name] !== undefined));
  const used = shared.filter((name) => rows.some((row) => row[name] !== 'null'));
  return rows.map((row) => Object.fromEntries(used.map((name) => [name, row[name]!])));
}

const hasDefault = ({ default: value, defaultExpression }: ColumnSpecification): boolean =>
  (value !== undefined && value !== null) || defaultExpression !== undefined;

function referenceValue(
  table: ResolvedTable,
  column: ColumnSpecification,
  n: number,
  people: readonly string[],
  seeded: ReadonlyMap<string, Seeded>,
): string | undefined {
  if (column.references === 'user') return quoteLiteral(people[n % people.length]!);
  const key = table.foreignKeys.find(({ columns }) => columns[0] === column.name);
  const target = key?.schema === 'public' ? seeded.get(key.table) : undefined;
  if (key === undefined || target === undefined) return undefined;
  const own = seeded.get(table.name)!;
  // The first rows of a thread have no parent.
  if (key.table === table.name)
    return n < own.owners.length * 2 ? undefined : quoteLiteral(idOf(table.name, n - own.owners.length));
  const isSame = target.scopedBy === own.scopedBy;
  const step = isSame ? own.owners.length : 1;
  const turns = Math.floor(target.count / step);
  return quoteLiteral(idOf(key.table, (isSame ? n % step : 0) + step * (Math.floor(n / step) % turns)));
}

function plainValue(column: ColumnSpecification, n: number): string | undefined {
  const type = readType(column.type);
  if (type === undefined) return undefined;
  const { samples, choices, name } = column;
  if (samples !== undefined && samples.length > 0)
    return type.array ? `array[${textSql(samples[n % samples.length]!)}]` : textSql(samples[n % samples.length]!);
  if (choices !== undefined) return textSql(choices[n % choices.length]!);
  if (hasDefault(column) || type.array || (column.required !== true && seldom.test(name))) return undefined;
  return valueOfType(column, type, n);
}

function valueOfType(column: ColumnSpecification, type: ColumnType, n: number): string | undefined {
  const { name } = column;
  switch (type.literal) {
    case 'text':
      return textSql(textValue(name, type, n));
    case 'integer':
    case 'number':
      return String(numberValue(column, type, n));
    case 'boolean':
      return n % 3 === 0 ? 'false' : 'true';
    case 'date':
      return `current_date + ${n * 3 - 6}`;
    case 'time':
      return `'${String(9 + (n % 8)).padStart(2, '0')}:30'`;
    case 'timestamp':
      return `date_trunc('day', now()) + interval '${n * 2 - 4} days ${9 + (n % 8)} hours'`;
    case 'json':
      return `'{}'`;
    case 'uuid':
      return column.required === true ? 'gen_random_uuid()' : undefined;
    case 'none':
      return undefined;
  }
}

function textValue(name: string, { modifiers: [length] }: ColumnType, n: number): string {
  const [, values] = texts.find(([pattern]) => pattern.test(name)) ?? [];
  const label = name.replaceAll('_', ' ');
  const numbered = /number|code|sku|slug|key/.test(name) ? `${label.slice(0, 3).toUpperCase()}-${1001 + n}` : undefined;
  const text = numbered ?? values?.[n % values.length] ?? `${label[0]!.toUpperCase()}${label.slice(1)} ${n + 1}`;
  return length === undefined ? text : [...text].slice(0, length).join('');
}

function numberValue(
  { name, min, max }: ColumnSpecification,
  { modifiers: [precision, scale = 0] }: ColumnType,
  n: number,
): number {
  const wanted = /price|amount|cost|value|budget/.test(name) ? 1200 * (n + 2) : n + 1;
  const most = precision === undefined ? Infinity : 10 ** (precision - scale) - 1;
  return Math.max(min ?? -Infinity, Math.min(max ?? Infinity, most, wanted));
}

/** The same id for the same row every time. */
function idOf(table: string, n: number): string {
  const hex = createHash('sha256').update(`${table} ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
