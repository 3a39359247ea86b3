import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';

/** What a listener wants to hear of changes in tables. */
export interface ChangeRequest {
  event: '*' | 'INSERT' | 'UPDATE' | 'DELETE';
  schema: string;
  /** `*` for all of the schema. */
  table: string;
  filters: readonly Filter[];
}

/** One condition of a filter, e.g. `id=not.eq.5`. */
export interface Filter {
  column: string;
  operator: Operator;
  negated: boolean;
  values: readonly string[];
}

/** How an operator compares, given the column's value and the other, both as SQL of the column's type. */
const operators = {
  eq: (left, right) => `${left} = ${right}`,
  neq: (left, right) => `${left} <> ${right}`,
  lt: (left, right) => `${left} < ${right}`,
  lte: (left, right) => `${left} <= ${right}`,
  gt: (left, right) => `${left} > ${right}`,
  gte: (left, right) => `${left} >= ${right}`,
  in: (left, right) => `${left} = ANY (${right})`,
  like: (left, right) => `${left}::text LIKE ${right}::text`,
  ilike: (left, right) => `${left}::text ILIKE ${right}::text`,
  match: (left, right) => `${left}::text ~ ${right}::text`,
  imatch: (left, right) => `${left}::text ~* ${right}::text`,
  isdistinct: (left, right) => `${left} IS DISTINCT FROM ${right}`,
} as const satisfies Readonly<Record<string, (left: string, right: string) => string>>;
type Operator = keyof typeof operators | 'is';

const isValues = ['null', 'true', 'false', 'unknown'];

/** A request as it can be read, or what is wrong with it. */
export type ReadRequest = ChangeRequest | { problem: string };

/** Reads one entry of `postgres_changes` in the message by which a channel is joined. */
export function readChangeRequest(entry: Readonly<Record<string, unknown>>): ReadRequest {
  const { event, schema, table, filter } = entry;
  if (typeof schema !== 'string' && typeof table !== 'string') {
    return {
      problem: 'No subscription params provided. Please provide at least a `schema` or `table` to subscribe to',
    };
  }
  const named = typeof event === 'string' ? event.toUpperCase() : '*';
  const filters = readFilters(typeof filter === 'string' ? filter : '');
  if ('problem' in filters) return { problem: `Error parsing \`filter\` params: ${filters.problem}` };
  return {
    event: named === 'INSERT' || named === 'UPDATE' || named === 'DELETE' ? named : '*',
    schema: typeof schema === 'string' ? schema : 'public',
    table: typeof table === 'string' ? table : '*',
    filters: filters.list,
  };
}

function readFilters(text: string): { list: Filter[] } | { problem: string } {
  const list: Filter[] = [];
  if (text.trim() === '') return { list };
  for (const segment of splitOutsideQuotes(text, ['.', '(', ','])) {
    const [, column, not, operator = '', value = ''] = /^\s*([^=]+)=(not\.)?([a-z]+)\.(.*)$/s.exec(segment) ?? [];
    if (column === undefined) return { problem: `${JSON.stringify(segment)} is not <column>=<operator>.<value>` };
    if (!isOperator(operator)) return { problem: `${JSON.stringify(operator)} is not an operator` };
    const values = readValues(operator, value.trim());
    if (values === undefined) {
      return {
        problem:
          operator === 'in'
            ? '`in` filter value must be wrapped by parentheses'
            : 'invalid value for is filter: must be null, true, false, or unknown',
      };
    }
    list.push({ column: column.trim(), operator, negated: not !== undefined, values });
  }
  return { list };
}

const isOperator = (text: string): text is Operator => text === 'is' || Object.hasOwn(operators, text);

function readValues(operator: Operator, value: string): readonly string[] | undefined {
  if (operator === 'is') return isValues.includes(value) ? [value] : undefined;
  if (operator !== 'in') return [unquote(value)];
  const [, list] = /^\((.*)\)$/s.exec(value) ?? [];
  if (list === undefined) return undefined;
  return list === '' ? [] : splitOutsideQuotes(list, [',']).map((item) => unquote(item.trim()));
}

/** Splits at commas that are neither in parentheses nor in quotes; a quote begins only after one of some characters. */
function splitOutsideQuotes(text: string, quoteAfter: readonly string[]): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    const before = parts.at(-1)!.at(-1) ?? ',';
    if (quoted && character === '\\') {
      parts[parts.length - 1] += character + (text[(at += 1)] ?? '');
      continue;
    }
    if (character === '"' && (quoted || quoteAfter.includes(before))) quoted = !quoted;
    else if (!quoted && character === '(') depth += 1;
    else if (!quoted && character === ')') depth -= 1;
    if (character === ',' && !quoted && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function unquote(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value;
}

/**
 * The condition of filters as SQL.
 * @param row SQL for the row, a jsonb
 * @param typeOf the type of a column as SQL, from the catalog; undefined where there is no such column
 * @param bind adds a value and returns its `$1`
 * @throws Error for a column that the table has not
 */
export function filterSql(
  filters: readonly Filter[],
  row: string,
  typeOf: (column: string) => string | undefined,
  bind: (value: unknown) => string,
): string {
  const conditions = filters.map(({ column, operator, negated, values }) => {
    const type = typeOf(column);
    if (type === undefined) throw new Error(`invalid column for filter ${column}`);
    const left = `(${row} ->> ${quoteLiteral(column)})::${type}`;
    if (operator === 'is') return `${left} IS ${negated ? 'NOT ' : ''}${values[0]!.toUpperCase()}`;
    const right = operator === 'in' ? `${bind(values)}::text[]::${type}[]` : `${bind(values[0])}::text::${type}`;
    const condition = operators[operator](left, right);
    return negated ? `NOT (${condition})` : condition;
  });
  return conditions.length === 0 ? 'true' : conditions.map((condition) => `(${condition})`).join(' AND ');
}

/** The condition that a row of a table is this one, by its key. */
export function sameRowSql(
  alias: string,
  row: string,
  key: readonly string[],
  typeOf: (column: string) => string | undefined,
): string {
  const parts = key.map(
    (column) => `${alias}.${quoteIdentifier(column)} = (${row} ->> ${quoteLiteral(column)})::${typeOf(column)}`,
  );
  return parts.join(' AND ');
}
