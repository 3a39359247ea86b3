import { parseField, parseName, type Field } from './fields.ts';
import { Scanner } from './scan.ts';

/** Operators with one value, and what they are in SQL. */
export const comparisons = {
  eq: '=',
  neq: '<>',
  gte: '>=',
  gt: '>',
  lte: '<=',
  lt: '<',
  like: 'LIKE',
  ilike: 'ILIKE',
  match: '~',
  imatch: '~*',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxr: '&<',
  nxl: '&>',
  adj: '-|-',
} as const;
export type Comparison = keyof typeof comparisons;

/** The comparisons that take `(any)` and `(all)`. */
const quantified: ReadonlySet<string> = new Set<Comparison>([
  'eq',
  'gte',
  'gt',
  'lte',
  'lt',
  'like',
  'ilike',
  'match',
  'imatch',
]);

/** Full text operators, and the function that reads their query. */
export const searches = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
} as const;
export type Search = keyof typeof searches;

export const truths = { not_null: 'NOT NULL', null: 'NULL', true: 'TRUE', false: 'FALSE', unknown: 'UNKNOWN' } as const;
export type Truth = keyof typeof truths;

export type Operation =
  | { kind: 'compare'; operator: Comparison; quantifier?: 'any' | 'all' | undefined; value: string }
  | { kind: 'in'; values: readonly string[] }
  | { kind: 'is'; value: Truth }
  | { kind: 'distinct'; value: string }
  | { kind: 'search'; operator: Search; language?: string | undefined; value: string };

export interface Filter {
  kind: 'filter';
  field: Field;
  not: boolean;
  operation: Operation;
}

export interface LogicGroup {
  kind: 'group';
  not: boolean;
  operator: 'and' | 'or';
  items: readonly LogicTree[];
}

export type LogicTree = Filter | LogicGroup;

const operatorLabel = 'operator (eq, gt, ...)';
const deepest = 100;

/**
 * Reads what follows a column's name, e.g. `not.eq.1`.
 * @returns undefined where the text has no operator at all and `optional` is set: it is the argument of a function
 * @throws RestFailure PGRST100
 */
export function parseOperation(text: string, optional = false): { not: boolean; operation: Operation } | undefined {
  const scanner = new Scanner(text, `failed to parse filter (${text})`);
  const parse = (): { not: boolean; operation: Operation } | undefined => {
    const not = takeNot(scanner);
    if (optional && !not) {
      const operation = scanner.attempt(() => parseOperator(scanner, () => scanner.takeRest()));
      return operation === undefined ? undefined : { not, operation };
    }
    return { not, operation: parseOperator(scanner, () => scanner.takeRest()) };
  };
  return scanner.run(parse);
}

function takeNot(scanner: Scanner): boolean {
  return (
    scanner.attempt(() => {
      if (!scanner.take('not')) scanner.fail();
      scanner.need('.');
      return true;
    }) ?? false
  );
}

function parseOperator(scanner: Scanner, parseValue: () => string): Operation {
  return (
    scanner.attempt(() => {
      const start = scanner.rest;
      const name = /^[a-z]+/.exec(start)?.[0] ?? '';
      if (!isOperator(name)) scanner.fail(operatorLabel);
      scanner.take(name);
      if (name === 'in') return parseIn(scanner);
      if (name === 'is') return parseIs(scanner);
      return parseWithValue(scanner, name, parseValue);
    }) ?? scanner.fail(operatorLabel)
  );
}

type ValueOperator = Comparison | Search | 'isdistinct';

function isOperator(name: string): name is ValueOperator | 'in' | 'is' {
  return name === 'in' || name === 'is' || name === 'isdistinct' || Object.hasOwn(comparisons, name) || isSearch(name);
}

function isSearch(name: string): name is Search {
  return Object.hasOwn(searches, name);
}

function parseWithValue(scanner: Scanner, operator: ValueOperator, parseValue: () => string): Operation {
  if (isSearch(operator)) {
    const language = parseParenthesized(scanner, () => scanner.needIdentifier('letter or digit'));
    scanner.need('.');
    return { kind: 'search', operator, language, value: parseValue() };
  }
  if (operator === 'isdistinct') {
    scanner.need('.');
    return { kind: 'distinct', value: parseValue() };
  }
  const quantifier = quantified.has(operator)
    ? parseParenthesized(scanner, () => scanner.takeOne(['any', 'all'] as const) ?? scanner.fail())
    : undefined;
  scanner.need('.');
  return { kind: 'compare', operator, quantifier, value: parseValue() };
}

function parseParenthesized<T>(scanner: Scanner, parse: () => T): T | undefined {
  return scanner.attempt(() => {
    scanner.need('(');
    const value = parse();
    scanner.need(')');
    return value;
  });
}

function parseIs(scanner: Scanner): Operation {
  scanner.need('.');
  const word = scanner.takeWhile((character) => /[a-z_]/i.test(character)).toLowerCase();
  if (!Object.hasOwn(truths, word)) scanner.fail('isVal: (null, not_null, true, false, unknown)');
  return { kind: 'is', value: word as Truth };
}

function parseIn(scanner: Scanner): Operation {
  scanner.need('.');
  scanner.skipSpace();
  scanner.need('(');
  scanner.skipSpace();
  const values: string[] = [];
  do values.push(parseListValue(scanner));
  while (scanner.take(','));
  scanner.need(')');
  scanner.skipSpace();
  return { kind: 'in', values };
}

/** A value in a list or a logic tree: quoted, or up to the next `,` or `)`. */
function parseListValue(scanner: Scanner): string {
  const quoted = scanner.attempt(() => {
    const value = scanner.takeQuoted() ?? scanner.fail();
    if (!scanner.sees(',') && !scanner.sees(')') && !scanner.atEnd()) scanner.fail();
    return value;
  });
  return quoted ?? scanner.takeWhile((character) => character !== ',' && character !== ')');
}

/** As {@link parseListValue}; also an array or range in braces, commas and all. */
function parseLogicValue(scanner: Scanner): string {
  const array = scanner.attempt(() => {
    scanner.need('{');
    const inside = scanner.takeWhile((character) => character !== '{' && character !== '}');
    scanner.need('}');
    return `{${inside}}`;
  });
  return array ?? parseListValue(scanner);
}

/**
 * Reads an `and` or `or` parameter, e.g. key `posts.not.or`, value `(a.eq.1,and(b.gt.2,c.is.null))`.
 * @returns the embedded levels, and the tree
 * @throws RestFailure PGRST100
 */
export function parseLogic(key: string, text: string): { path: string[]; tree: LogicTree } {
  const keyScanner = new Scanner(key, `failed to parse logic path (${key})`);
  const names = keyScanner.run(() => {
    const parts = [parseName(keyScanner)];
    while (keyScanner.take('.')) parts.push(parseName(keyScanner));
    return parts;
  });
  const operator = names.at(-1) === 'or' ? 'or' : 'and';
  const path = names.slice(0, -1);
  const scanner = new Scanner(`${operator}${text}`, `failed to parse logic tree (${text})`);
  const tree = scanner.run(() => {
    scanner.take(operator);
    const group = parseGroup(scanner, path.includes('not'), operator, 0);
    if (!scanner.atEnd()) scanner.fail();
    return group;
  });
  return { path: path.filter((name) => name !== 'not'), tree };
}

function parseGroup(scanner: Scanner, not: boolean, operator: 'and' | 'or', depth: number): LogicGroup {
  if (depth > deepest) scanner.fail();
  scanner.skipSpace();
  scanner.need('(');
  const items: LogicTree[] = [];
  do {
    scanner.skipSpace();
    items.push(parseTree(scanner, depth + 1));
    scanner.skipSpace();
  } while (scanner.take(','));
  scanner.need(')');
  scanner.skipSpace();
  return { kind: 'group', not, operator, items };
}

function parseTree(scanner: Scanner, depth: number): LogicTree {
  const filter = scanner.attempt((): Filter => {
    const field = parseField(scanner);
    scanner.need('.');
    const not = takeNot(scanner);
    return { kind: 'filter', field, not, operation: parseOperator(scanner, () => parseLogicValue(scanner)) };
  });
  if (filter) return filter;
  const not = takeNot(scanner);
  const operator = scanner.takeOne(['and', 'or'] as const) ?? scanner.fail('logic operator (and, or)');
  return parseGroup(scanner, not, operator, depth);
}
