import { builtinFunctions } from '../../../sql/catalog/builtins.ts';
import { findTable } from '../../../sql/catalog/lookup.ts';
import type { Catalog, Policy, Table } from '../../../sql/catalog/model.ts';
import { allOf, fieldsOf, stringsOf, walk } from '../../../sql/nodes.ts';
import type { Fields } from '../../../sql/nodes.ts';
import { wordsOf } from '../../../sql/recover.ts';
import { quoteIdentifier } from '../../../shared/quote.ts';
import { correlationOf } from './correlation.ts';

/** A subquery of a policy, cut out of the file. */
export interface Subquery {
  /** Position of `EXISTS (…)` or `IN (…)` in the file. */
  start: number;
  end: number;
  /** The query inside the parentheses, with schema-qualified tables. */
  text: string;
  /** Whether every name in it is qualified. */
  qualified: boolean;
}

/** A helper that returns the subquery's result and bypasses the policies of the tables that it reads. */
export interface Helper {
  returns: string;
  body: string;
  qualified: boolean;
  /** What replaces the subquery; `()` is added after the name. */
  call(name: string): string;
}

/** Extracts a subquery of a policy from its file; undefined if its parentheses are not found. */
export function cut(
  policy: Policy,
  catalog: Catalog,
  location: number | undefined,
  select: Fields<'SelectStmt'>,
): Subquery | undefined {
  const { piece } = policy.site;
  const { sql } = piece.source.migration;
  const start = piece.at(location);
  let depth = 0;
  let open = -1;
  let close = -1;
  for (const word of wordsOf(sql.slice(start, piece.statement.end))) {
    if (word.text === '(') {
      if (depth === 0) open = start + word.end;
      depth += 1;
    } else if (word.text === ')') {
      depth -= 1;
      if (depth === 0) {
        close = start + word.start;
        break;
      }
    }
  }
  if (open === -1 || close === -1) return undefined;
  const inserts: { at: number; text: string }[] = [];
  let qualified = true;
  walk([{ SelectStmt: select }], (type, fields) => {
    const relation = type === 'RangeVar' ? fields : undefined;
    if (relation !== undefined && relation.schemaname === undefined) {
      const lookup = findTable(catalog, relation);
      const name = 'found' in lookup ? lookup.found.name : undefined;
      if (name === undefined) qualified = false;
      else inserts.push({ at: piece.at(relation.location) - open, text: `${quoteIdentifier(name.split('.')[0]!)}.` });
    }
    const call = type === 'FuncCall' ? stringsOf(fields.funcname) : [];
    if (call.length === 1 && !builtinFunctions.has(call[0]!)) qualified = false;
  });
  let text = sql.slice(open, close);
  for (const { at, text: schema } of inserts.sort((a, b) => b.at - a.at))
    text = text.slice(0, at) + schema + text.slice(at);
  return { start, end: close + 1, text: withoutComments(text), qualified };
}

/** A text without its comments: one that ends in a line of comment would hide what is written after it. */
function withoutComments(text: string): string {
  const words = wordsOf(text);
  return words
    .map(({ start, end }, index) => {
      const gap = text.slice(end, words[index + 1]?.start ?? end);
      return text.slice(start, end) + (gap.trim() === '' ? gap : ' ');
    })
    .join('');
}

/** The type of the single column that a subquery returns. */
function answerType(catalog: Catalog, select: Fields<'SelectStmt'>, outer: Table, test: unknown): string {
  const [target] = allOf(select.targetList, 'ResTarget');
  const type = columnType(catalog, select, target?.val);
  if (type !== undefined) return type;
  return outer.columns.get(stringsOf(fieldsOf(test, 'ColumnRef')?.fields).at(-1) ?? '')?.type ?? 'uuid';
}

/** The type of the single value that a subquery returns: how many rows there are, or a column; undefined for anything else. */
function valueType(catalog: Catalog, select: Fields<'SelectStmt'>): string | undefined {
  const [target, ...others] = allOf(select.targetList, 'ResTarget');
  if (target === undefined || others.length > 0) return undefined;
  const called = fieldsOf(target.val, 'FuncCall');
  if (called !== undefined)
    return stringsOf(called.funcname).at(-1) === 'count' && called.over === undefined ? 'bigint' : undefined;
  return fieldsOf(target.val, 'ColumnRef') === undefined ? undefined : columnType(catalog, select, target.val);
}

/** The type of a column of the tables that a subquery reads; undefined where it is not known. */
function columnType(catalog: Catalog, select: Fields<'SelectStmt'>, node: unknown): string | undefined {
  const column = stringsOf(fieldsOf(node, 'ColumnRef')?.fields).at(-1) ?? '';
  for (const relation of allOf(select.fromClause, 'RangeVar')) {
    const lookup = findTable(catalog, relation);
    const type = 'found' in lookup ? lookup.found.columns.get(column)?.type : undefined;
    if (type !== undefined) return type;
  }
  return undefined;
}

/** The helper that replaces a subquery; undefined if no helper without arguments can. */
export function helperFor(
  policy: Policy,
  outer: Table,
  catalog: Catalog,
  link: Fields<'SubLink'>,
  subquery: Subquery,
): Helper | undefined {
  const select = fieldsOf(link.subselect, 'SelectStmt');
  if (select === undefined) return undefined;
  const { qualified } = subquery;
  const correlation = correlationOf(catalog, select, outer, subquery.text);
  if (correlation === 'other') return undefined;
  if (link.subLinkType === 'EXISTS_SUBLINK') {
    if (correlation === 'none') {
      return {
        returns: 'boolean',
        body: `SELECT EXISTS (${subquery.text})`,
        qualified,
        call: (name) => `(SELECT ${name}())`,
      };
    }
    const { inner, column, text } = correlation;
    const type = outer.columns.get(column)?.type ?? 'uuid';
    return {
      returns: `${type}[]`,
      body: `SELECT ARRAY(SELECT ${inner} ${text})`,
      qualified,
      call: (name) =>
        `${quoteIdentifier(outer.name.slice(outer.name.indexOf('.') + 1))}.${quoteIdentifier(column)} = ANY ` +
        `((SELECT ${name}())::${type}[])`,
    };
  }
  if (link.subLinkType === 'EXPR_SUBLINK') {
    const type = correlation === 'none' ? valueType(catalog, select) : undefined;
    if (type === undefined) return undefined;
    return { returns: type, body: subquery.text, qualified, call: (name) => `(SELECT ${name}())` };
  }
  const { sql } = policy.site.piece.source.migration;
  if (
    link.subLinkType !== 'ANY_SUBLINK' ||
    correlation !== 'none' ||
    !/^in\b/i.test(sql.slice(subquery.start)) ||
    /\bnot\s+$/i.test(sql.slice(0, subquery.start))
  )
    return undefined;
  const type = answerType(catalog, select, outer, link.testexpr);
  return {
    returns: `${type}[]`,
    body: `SELECT ARRAY(${subquery.text})`,
    qualified,
    call: (name) => `= ANY ((SELECT ${name}())::${type}[])`,
  };
}

/**
 * The statements that create a helper.
 * @param roles who may call it; undefined if the app connects as a role of its own
 */
export function functionText(name: string, { returns, body, qualified }: Helper, roles: string | undefined): string {
  return [
    'CREATE SCHEMA IF NOT EXISTS private;',
    `GRANT USAGE ON SCHEMA private TO ${roles ?? 'PUBLIC'};`,
    `-- Runs as its owner, so that the policy that calls it does not read its own table again.`,
    `CREATE OR REPLACE FUNCTION ${name}() RETURNS ${returns}`,
    `LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ${qualified ? "''" : 'pg_catalog, public'}`,
    `AS $$ ${body} $$;`,
    ...(roles === undefined
      ? []
      : [`REVOKE ALL ON FUNCTION ${name}() FROM PUBLIC;`, `GRANT EXECUTE ON FUNCTION ${name}() TO ${roles};`]),
    '',
  ].join('\n');
}

/** A free name for the helper of a policy. */
export function nameFor(policy: Policy, catalog: Catalog, taken: ReadonlySet<string>): string {
  const slug =
    policy.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
      .slice(0, 50) || 'helper';
  for (let number = 1; ; number += 1) {
    const name = `private.${/^\d/.test(slug) ? `f_${slug}` : slug}${number === 1 ? '' : `_${number}`}`;
    if (!taken.has(name) && !catalog.routines.has(name)) return name;
  }
}
