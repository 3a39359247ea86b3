/** A column of a table as the app types and shows it. */
import type { ColumnSpecification } from '../table.ts';
import { readType } from '../types.ts';
import { label } from './words.ts';

/** What a column refers to: people, a table whose pages the app has, or another that it can read. */
export type Reference =
  | { kind: 'person' }
  | { kind: 'table'; identifier: string; itself: boolean }
  | { kind: 'core'; name: string; titleColumn: string };

/** A column's entry in the table's definition, by key; undefined for one that no form can hold. */
export type ColumnEntry = Readonly<Record<string, unknown>>;

/** Written as it is: a reference to another table of the app. */
export class Code {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Texts of several lines, by the words of their names. */
const long = /(^|_)(description|details|notes?|body|content|comment|feedback|bio|summary|message|html|caption)$/;

const formats: readonly (readonly [RegExp, string])[] = [
  [/(^|_)e_?mail$/, 'email'],
  [/(^|_)(url|website|homepage)$/, 'url'],
  [/(^|_)phone$/, 'tel'],
];

/** Types that have no form of their own: what is typed goes to the database as it is. */
const asText = new Set([
  'uuid',
  'interval',
  'inet',
  'cidr',
  'macaddr',
  'int4range',
  'numrange',
  'daterange',
  'tstzrange',
]);

const kinds: Readonly<Record<string, string>> = {
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  numeric: 'number',
  real: 'number',
  'double precision': 'number',
  boolean: 'checkbox',
  date: 'date',
  time: 'time',
  timestamp: 'localDateTime',
  timestamptz: 'dateTime',
  json: 'json',
  jsonb: 'json',
};

/** @param reference what it refers to, if anything */
export function columnEntry(column: ColumnSpecification, reference: Reference | undefined): ColumnEntry | undefined {
  const form = kindOf(column, reference);
  if (form === undefined) return undefined;
  const { kind, ...details } = form;
  const { default: literal, required, defaultExpression } = column;
  const initial = ['list', 'person', 'reference'].includes(String(kind)) ? undefined : literal;
  return {
    kind,
    label: label(reference === undefined ? column.name : column.name.replace(/_id$/, '')),
    ...(column.comment === undefined ? {} : { hint: column.comment }),
    // What is left empty gets the database's default.
    ...(required === true && kind !== 'checkbox' && defaultExpression === undefined ? { required } : {}),
    ...details,
    ...(initial === undefined || initial === null ? {} : { initial }),
  };
}

function kindOf(column: ColumnSpecification, reference: Reference | undefined): ColumnEntry | undefined {
  if (reference?.kind === 'person') return { kind: 'person' };
  if (reference?.kind === 'table')
    return { kind: 'reference', to: new Code(`()${reference.itself ? ': Target' : ''} => ${reference.identifier}`) };
  if (reference?.kind === 'core') {
    const target = { name: reference.name, titleColumn: reference.titleColumn };
    return { kind: 'reference', to: new Code(`() => (${codeOf(target)})`) };
  }
  if (column.choices !== undefined) return { kind: 'choice', choices: column.choices };
  const type = readType(column.type);
  if (type === undefined || ['bytea', 'tsvector'].includes(type.name)) return undefined;
  const kind = kinds[type.name];
  if (type.array) {
    if (kind === 'json') return undefined;
    return { kind: 'list', of: kind === 'integer' || kind === 'number' ? 'number' : 'text' };
  }
  if (kind === 'integer' || kind === 'number') return { kind, ...bounds(column) };
  if (kind !== undefined) return { kind };
  if (asText.has(type.name)) return { kind: 'text' };
  const [maxLength] = type.name === 'text' ? [] : [type.modifiers[0] ?? 1];
  const format = formats.find(([pattern]) => pattern.test(column.name))?.[1];
  return {
    kind: long.test(column.name) ? 'longText' : 'text',
    ...(maxLength === undefined || (type.name === 'varchar' && type.modifiers.length === 0) ? {} : { maxLength }),
    ...(format === undefined ? {} : { format }),
  };
}

function bounds({ min, max }: ColumnSpecification): ColumnEntry {
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

const identifier = /^[A-Za-z_$][\w$]*$/;

/** A value as TypeScript, on one line. */
export function codeOf(value: unknown): string {
  if (value instanceof Code) return value.text;
  if (typeof value === 'string') return textCode(value);
  if (Array.isArray(value)) return `[${value.map(codeOf).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${keyCode(key)}: ${codeOf(one)}`)
      .join(', ')} }`;
  return String(value);
}

/** A text as a member of its own line, and its value on the next where both are too long for one. */
export function textMember(key: string, text: string, indent: string): string {
  const line = `${keyCode(key)}: ${textCode(text)},`;
  return indent.length + line.length <= 120 ? line : `${keyCode(key)}:\n${indent}  ${textCode(text)},`;
}

/** A member of an object; on several lines where it is too long for one. */
export function memberCode(key: string, value: ColumnEntry, indent: string): string {
  const line = `${keyCode(key)}: ${codeOf(value)}`;
  if (indent.length + line.length < 119) return line;
  const members = Object.entries(value).map(([name, one]) =>
    typeof one === 'string'
      ? `${indent}  ${textMember(name, one, `${indent}  `)}`
      : `${indent}  ${keyCode(name)}: ${codeOf(one)},`,
  );
  return `${keyCode(key)}: {\n${members.join('\n')}\n${indent}}`;
}

const keyCode = (key: string): string => (identifier.test(key) ? key : textCode(key));

/** A text as a literal, in the quotes that leave more of it as it is; nothing in it ends the line. */
export function textCode(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);
  const quote = inner.split("'").length > inner.split('"').length ? '"' : "'";
  return `${quote}${inner.replaceAll(quote, `\\${quote}`)}${quote}`;
}
