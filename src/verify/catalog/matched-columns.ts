/**
 * Columns of rows of users that policies match with a column of the rows that they let through, other than by equality: an address in a
 * list, a list that has something in common with another, a number in a range, a path that begins with another, a place in a tree.
 */
import { type ColumnRow, isPlatformSchema, type PolicyRow, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { columnOf, constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { givenColumn } from './given-columns.ts';
import { isFreeText, isTextList } from './joined-by-call.ts';
import type { Model } from './model.ts';
import { primaryKey } from './tenancy.ts';
import { stripped } from './verb-policies.ts';

/**
 * How a value is matched: it is in the list of the row; it has an element that is in the row's; the row's is in its list or range; the
 * row's begins with it; the row's is a place below it in a tree, or above it.
 */
type How = 'in list' | 'overlaps' | 'holds' | 'starts' | 'below' | 'above';

/** A column of the rows that a policy lets through, and the one of a user's row that decides about it. */
export interface Match {
  table: RelationRow;
  column: ColumnRow;
  of: RelationRow;
  by: ColumnRow;
  how: How;
  /** What stands between the start and the rest, as the `/` after a folder. */
  apart: string;
}

const known = new WeakMap<Model, readonly Match[]>();

function allIn(model: Model): readonly Match[] {
  const found = known.get(model) ?? [...model.tables.values()].flatMap((table) => matchesOf(table, model));
  known.set(model, found);
  return found;
}

const isTenant = ({ of, by }: Match, model: Model): boolean => model.meaningOf(of, by) === 'organization';

/** The matches in the policies of all tables, or in the helpers that those give a column to. Cached per model. */
export function matchesIn(model: Model): readonly Match[] {
  return allIn(model).filter((match) => !isTenant(match, model));
}

/** Says whether policies let through what belongs to an organization whose key begins with that of the user's own. */
export function takesLongerTenants(model: Model): boolean {
  return allIn(model).some((match) => isTenant(match, model) && match.apart === '');
}

/** Says whether rows of a table are read by a text that begins with the reader's own, or by a place in a tree. */
export function isReadByStart(table: RelationRow, model: Model): boolean {
  return matchesIn(model).some(({ table: one, how }) => one === table && (how === 'starts' || isInTree(how)));
}

/** What a name means where an expression stands. */
interface Names {
  /** Of the table with the policy: by itself, by the name of an argument. */
  own: (node: unknown) => string | undefined;
  /** Names of rows and of functions in FROM: the name of the table, or the call. */
  ranges: ReadonlyMap<string, unknown>;
  /** In a query, the columns of the table with the policy are named with it. */
  isQualified: boolean;
}

/** How deep helpers are followed. */
const deepest = 2;

function matchesOf(table: RelationRow, model: Model): Match[] {
  const found: Match[] = [];
  const others = [...model.tables.values()].filter((other) => other !== table && mayDecide(other, model));
  const note = (
    one: unknown,
    other: unknown,
    how: (row: ColumnRow, by: ColumnRow) => How | undefined,
    names: Names,
    apart = '',
  ): void => {
    const column = table.columns.find(({ name }) => name === names.own(stripped(one)));
    if (column === undefined) return;
    for (const [of, by] of decidingIn(other, others, names, model)) {
      const way = how(column, by);
      if (way !== undefined && fits(column, by, way) && isFree(by, of, way, model))
        found.push({ table, column, of, by, how: way, apart });
    }
  };
  const noteStart = (whole: unknown, start: unknown, names: Names): void => {
    const { before, text } = endOf(start);
    note(whole, before, () => 'starts', names, text.split('%')[0]);
  };
  const visit = (tree: unknown, names: Names, depth: number): void => {
    walk(tree, (type, node) => {
      if (type === 'SelectStmt') {
        const inner = rangesOf(node, names);
        visit(node, inner, depth);
        return false;
      }
      if (type === 'FuncCall') follow(node, names, depth);
      if (type === 'FuncCall' && nameParts(node['funcname']).at(-1) === 'starts_with') {
        const [whole, start] = (node['args'] ?? []) as unknown[];
        noteStart(whole, start, names);
      }
      if (type !== 'A_Expr') return undefined;
      const operator = nameParts(node['name']).at(-1) ?? '';
      const [left, right] = [node['lexpr'], node['rexpr']];
      if (operator === '=' && node['kind'] === 'AEXPR_OP_ANY') {
        note(right, left, () => 'in list', names);
        note(left, right, () => 'holds', names);
      } else if (operator === '&&') {
        note(left, right, () => 'overlaps', names);
        note(right, left, () => 'overlaps', names);
      } else if (operator === '@>' || operator === '<@') {
        const [whole, part] = operator === '@>' ? [left, right] : [right, left];
        note(part, whole, (row) => (isTree(row) ? 'below' : isWhole(row) ? 'overlaps' : 'holds'), names);
        note(whole, part, (_, by) => (isTree(by) ? 'above' : isWhole(by) ? 'overlaps' : 'in list'), names);
      } else if (operator === '~~' || operator === '^@') {
        if (operator === '^@') noteStart(left, right, names);
        else if (endOf(right).text.endsWith('%')) noteStart(left, right, names);
      }
      return undefined;
    });
  };
  /** A helper that gets a column. */
  const follow = (call: Node, names: Names, depth: number): void => {
    const args = ((call['args'] ?? []) as unknown[]).map((arg) => names.own(stripped(arg)));
    const parts = nameParts(call['funcname']);
    if (depth >= deepest || args.every((arg) => arg === undefined)) return;
    for (const routine of model.catalog.functions.filter(
      ({ name, schema }) =>
        name === parts.at(-1) && !isPlatformSchema(schema) && (parts.length < 2 || schema === parts.at(-2)),
    )) {
      const own: Names['own'] = (node) => {
        const number = fields(node, 'ParamRef')?.['number'];
        if (number !== undefined) return args[Number(number) - 1];
        const { name, qualifier } = columnOf(node) ?? {};
        const isArgument = qualifier === undefined || qualifier === routine.name;
        return isArgument && name !== undefined ? args[routine.argumentNames.indexOf(name)] : undefined;
      };
      visit(model.sources.body(routine).trees, { own, ranges: new Map(), isQualified: false }, depth + 1);
    }
  };
  const isOwn: Names['own'] = (node) => {
    const { name, qualifier } = columnOf(node) ?? {};
    return qualifier === undefined || qualifier === table.name ? name : undefined;
  };
  for (const tree of readingOf(table.policies, model))
    visit(tree, { own: isOwn, ranges: new Map(), isQualified: true }, 0);
  return found;
}

/** The conditions by which rows are read. */
function readingOf(policies: readonly PolicyRow[], { parse }: Model): unknown[] {
  return policies.flatMap(({ command, permissive, using }) =>
    permissive && (command === 'r' || command === '*') && using !== null ? [parse(using)] : [],
  );
}

/** Its rows are of users. */
function mayDecide(table: RelationRow, model: Model): boolean {
  return table.query === null && table.columns.some((column) => model.meaningOf(table, column) === 'user');
}

/** The column says neither whose the row is nor to which it belongs: its user may have chosen what is in it. */
function isFree(column: ColumnRow, table: RelationRow, how: How, model: Model): boolean {
  const meaning = model.meaningOf(table, column);
  if (how === 'starts' && meaning === 'organization') return true;
  const isText = how === 'starts' || isInTree(how);
  const isKey = !isText && primaryKey(table).includes(column.name);
  return (
    !column.generated &&
    column.identity === '' &&
    column.labels === null &&
    !isKey &&
    meaning !== 'user' &&
    meaning !== 'organization' &&
    !table.constraints.some(
      ({ type, columns }) => ((type === 'f' && !isText) || type === 'c') && columns.includes(column.name),
    )
  );
}

/** The types go together so. */
function fits(column: ColumnRow, by: ColumnRow, how: How): boolean {
  switch (how) {
    case 'in list':
      return column.base === `${by.base}[]`;
    case 'overlaps':
      return isWhole(column) && column.base === by.base;
    case 'holds':
      return !isWhole(column) && isWhole(by);
    case 'starts':
      return column.category === 'S' && by.category === 'S';
    case 'below':
    case 'above':
      return isTree(column) && column.base === by.base;
  }
}

/** A list or a range. */
function isWhole({ base }: ColumnRow): boolean {
  return base.endsWith('[]') || base.endsWith('range');
}

/** A place in a tree: `company.north.sales`. */
export function isTree({ base }: Pick<ColumnRow, 'base'>): boolean {
  return /(^|\.)ltree$/.test(base);
}

function isInTree(how: How): boolean {
  return how === 'below' || how === 'above';
}

/** The place above that of a literal; undefined where there is none. */
export function placeAbove(column: Pick<ColumnRow, 'base'>, sql: string): string | undefined {
  const above = isTree(column) ? /^'(\w+(?:\.\w+)*)\.\w+'$/.exec(sql)?.[1] : undefined;
  return above === undefined ? undefined : quoteLiteral(above);
}

/** Of `y || '/%'`, the expression and the text after it. */
function endOf(node: unknown): { before: unknown; text: string } {
  const inner = fields(stripped(node), 'A_Expr');
  const text = nameParts(inner?.['name']).at(-1) === '||' ? constantOf(inner?.['rexpr']) : undefined;
  return text === undefined ? { before: node, text: '' } : { before: inner!['lexpr'], text };
}

/** The names in a query, besides those around it. */
function rangesOf(select: Node, { own, ranges, isQualified }: Names): Names {
  const inner = new Map(ranges);
  walk(select['fromClause'], (type, range) => {
    if (type === 'RangeSubselect' || type === 'SubLink') return false;
    const alias = (range['alias'] as Node | undefined)?.['aliasname'];
    if (type === 'RangeVar') inner.set(String(alias ?? range['relname']), String(range['relname']));
    if (type !== 'RangeFunction') return undefined;
    const [first] = (range['functions'] ?? []) as unknown[];
    const [call] = (fields(first, 'List')?.['items'] ?? []) as unknown[];
    const name = nameParts(fields(call, 'FuncCall')?.['funcname']).at(-1);
    if (name !== undefined) inner.set(String(alias ?? name), call);
    return false;
  });
  return {
    own: (node) => {
      const { qualifier } = columnOf(node) ?? {};
      const isOther = qualifier === undefined ? isQualified : inner.has(qualifier);
      return isOther && fields(node, 'ColumnRef') !== undefined ? undefined : own(node);
    },
    isQualified,
    ranges: inner,
  };
}

/** The columns of other tables whose value an expression has. */
function decidingIn(
  node: unknown,
  others: readonly RelationRow[],
  { ranges }: Names,
  model: Model,
): [RelationRow, ColumnRow][] {
  const inner = stripped(node);
  const { name, qualifier } = columnOf(inner) ?? {};
  const range = ranges.get(qualifier ?? name ?? '');
  return others.flatMap((of): [RelationRow, ColumnRow][] => {
    const isNamed = [...(qualifier === undefined ? ranges.values() : [range])].includes(of.name);
    const given =
      name === undefined
        ? givenColumn(inner, of, model)
        : isNamed
          ? name
          : typeof range === 'object'
            ? givenColumn(range, of, model)
            : undefined;
    return of.columns.filter((column) => column.name === given).map((column) => [of, column]);
  });
}

/** SQL of what the row has in its column, from what the user's row has: of the same person, it is let through. */
export function matchingSql({ how, by, apart }: Match, sql: string, text: string): string {
  if (how === 'overlaps') return sql;
  if (how === 'in list') return `array[${sql}]::${by.base}[]`;
  if (how === 'above') return placeAbove(by, sql) ?? sql;
  const rest = quoteLiteral(`${how === 'below' ? '.' : apart}${text}`);
  if (how === 'below') return /^'[\w.]+'$/.test(sql) ? `${sql.slice(0, -1)}${rest.slice(1)}` : sql;
  if (how === 'starts') return /^'[^'\\]*'$/.test(sql) ? `${sql.slice(0, -1)}${rest.slice(1)}` : `${sql} || ${rest}`;
  return by.base.endsWith('[]') ? `(${sql}::${by.base})[1]` : `lower(${sql}::${by.base})`;
}

/** Something in a column of a user's row that other users have not, so that no row of theirs is matched; undefined for a plain column. */
export function distinctValue(column: ColumnRow, text: string, seed: number): string | undefined {
  const { base } = column;
  if (isTree(column)) return quoteLiteral(`${text}.${text}`);
  if (/^(?:text|character varying)\[\]$/.test(base)) return `'{${text}}'`;
  const number = 1 + (seed % 20_000);
  const day = `2026-01-01'::date + ${number}`;
  const kind = /^(int4|int8|num|date|ts|tstz)(multi)?range$/.exec(base)?.[1];
  if (kind === undefined) return /^(?:smallint|integer|bigint|numeric)\[\]$/.test(base) ? `'{${number}}'` : undefined;
  const [from, to] = /^(int|num)/.test(kind) ? [`${number}`, `${number + 1}`] : [`'${day}`, `'${day} + 1`];
  const range = `${kind}range(${from}, ${to})`;
  return base.includes('multi') ? `${kind}multirange(${range})` : range;
}

/** The user who has the row may have chosen what is in the column, by which policies let rows of others through. */
export function isChosen(table: RelationRow, name: string, model: Model): boolean {
  return (
    isFreeText(table, name) ||
    isTextList(table, name) ||
    matchesIn(model).some(({ of, by }) => of === table && by.name === name)
  );
}
