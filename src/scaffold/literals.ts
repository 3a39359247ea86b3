import { quoteLiteral } from '../shared/quote.ts';
import type { ColumnSpecification } from './table.ts';
import type { ColumnType, LiteralKind } from './types.ts';

type Check = (text: string, type: ColumnType) => boolean;

const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const time = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$/;

/** Says whether a text is a literal that PostgreSQL accepts for the type, in one plain form each. */
const checks: Readonly<Record<LiteralKind, Check>> = {
  text: (text, { modifiers: [length] }) =>
    !/[\0\p{Cs}]/u.test(text) && (length === undefined || [...text].length <= length),
  integer: (text, { bits }) => /^-?\d{1,20}$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text),
  number: (text, { name, modifiers }) => /^-?\d{1,100}(\.\d{1,100})?$/.test(text) && numberFits(text, name, modifiers),
  boolean: (text) => text === 'true' || text === 'false',
  uuid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
  date: isDate,
  time: (text) => time.test(text),
  timestamp: (text) => {
    const [, day = '', clock = '', zone = ''] =
      /^(\S{10})(?:[T ]([\d:.]+?)(Z|[+-](?:0\d|1[0-4])(?::[0-5]\d)?)?)?$/.exec(text) ?? [];
    return isDate(day) && (clock === '' ? zone === '' : time.test(clock));
  },
  json: (text) => {
    try {
      JSON.parse(text);
      // jsonb cannot store these two, though JSON's grammar allows them (documentation, "JSON Types").
      return !/\\u0000|\\ud[89a-f]/i.test(text) && !/\p{Cs}/u.test(text);
    } catch {
      return false;
    }
  },
  none: () => false,
};

function isDate(text: string): boolean {
  const [, year, month, day] = date.exec(text) ?? [];
  if (year === undefined || Number(year) === 0) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return (
    !Number.isNaN(parsed.getTime()) && parsed.getUTCMonth() + 1 === Number(month) && parsed.getUTCDate() === Number(day)
  );
}

function numberFits(text: string, name: string, [precision, scale = 0]: number[]): boolean {
  if (name === 'real') return Number.isFinite(Math.fround(Number(text)));
  if (precision === undefined) return true;
  const [, whole = '', fraction = ''] = /^-?0*(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  return whole.length <= precision - scale && fraction.replace(/0+$/, '').length <= scale;
}

/** Says whether the value may be the default of a column of this type. */
export function literalFits(value: string | number | boolean | null, type: ColumnType): boolean {
  if (value === null) return true;
  const text = literalText(value);
  return type.array ? text === '{}' : checks[type.literal](text, type);
}

/** A number without an exponent, so that each type accepts it. */
function literalText(value: string | number | boolean): string {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

const nowBy: Partial<Record<LiteralKind, ColumnSpecification['defaultExpression']>> = {
  timestamp: 'now()',
  date: 'current_date',
  uuid: 'gen_random_uuid()',
};

/** The one expression that may be the default of this type, or undefined. */
export function expressionOf(type: ColumnType): ColumnSpecification['defaultExpression'] {
  return type.array ? undefined : nowBy[type.literal];
}

/** An example of a default, for messages. */
export function literalExample(type: ColumnType): string {
  const examples: Record<LiteralKind, string> = {
    text: "= 'new'",
    integer: '= 0',
    number: '= 0.5',
    boolean: '= true',
    uuid: '= gen_random_uuid()',
    date: "= '2026-01-31', or = current_date",
    time: "= '09:30'",
    timestamp: "= '2026-01-31 09:30', or = now()",
    json: "= '{}'",
    none: 'no default',
  };
  return type.array ? "= '{}'" : examples[type.literal];
}

/** A text as a literal on one line, so that the layout of the file cannot change it. */
export function textSql(text: string): string {
  const quoted = quoteLiteral(text);
  if (!/[\n\r\u2028\u2029]/.test(quoted)) return quoted;
  const escaped = quoted
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  return escaped.startsWith('E') ? escaped : `E${escaped}`;
}

/** The column's default as SQL, or undefined if it has none. The default was checked by {@link literalFits}. */
export function defaultSql(column: ColumnSpecification, type: ColumnType): string | undefined {
  if (column.defaultExpression !== undefined) return column.defaultExpression;
  if (column.default === undefined || column.default === null) return undefined;
  const bare = typeof column.default !== 'string' && ['integer', 'number', 'boolean'].includes(type.literal);
  return bare ? literalText(column.default) : textSql(literalText(column.default));
}
