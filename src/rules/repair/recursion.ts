import { builtinFunctions } from '../../sql/catalog/builtins.ts';
import { findTable } from '../../sql/catalog/lookup.ts';
import type { Catalog, Policy, Table } from '../../sql/catalog/model.ts';
import { isForSessions } from '../lint/policies.ts';
import { ident, policyObject } from '../lint/sql.ts';
import { allOf, fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Fields } from '../../sql/nodes.ts';
import { wordsOf } from '../../sql/recover.ts';
import { correlationOf } from './correlation.ts';
import { mayEdit, noteText, placed } from './place.ts';
import type { Texts } from './place.ts';
import { policyOf, problemsOf } from './plan.ts';
import type { Decision, Edit, Mended, Situation } from './plan.ts';
import { restated } from './policies.ts';

/** A subquery of a policy, cut out of the file. */
interface Subquery {
  /** The place of `EXISTS (…)` or `IN (…)` in the file. */
  start: number;
  end: number;
  /** The query inside the parentheses, its tables written with their schemas. */
  text: string;
  /** Whether every name in it is qualified. */
  qualified: boolean;
}

/** A helper that answers what the subquery asked, without the policies of the tables that it reads. */
interface Helper {
  returns: string;
  body: string;
  qualified: boolean;
  /** What stands in the place of the subquery; `()` behind the name is added. */
  call(name: string): string;
}

function cut(policy: Policy, catalog: Catalog, location: number | undefined, select: Fields<'SelectStmt'>): Subquery | undefined {
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
      else inserts.push({ at: piece.at(relation.location) - open, text: `${ident(name.split('.')[0]!)}.` });
    }
    const call = type === 'FuncCall' ? stringsOf(fields.funcname) : [];
    if (call.length === 1 && !builtinFunctions.has(call[0]!)) qualified = false;
  });
  let text = sql.slice(open, close);
  for (const { at, text: schema } of inserts.sort((a, b) => b.at - a.at)) text = text.slice(0, at) + schema + text.slice(at);
  return { start, end: close + 1, text: text.trim(), qualified };
}

/** The type of the one column that a subquery answers with. */
function answerType(catalog: Catalog, select: Fields<'SelectStmt'>, outer: Table, test: unknown): string {
  const [target] = allOf(select.targetList, 'ResTarget');
  const column = stringsOf(fieldsOf(target?.val, 'ColumnRef')?.fields).at(-1) ?? '';
  for (const relation of allOf(select.fromClause, 'RangeVar')) {
    const lookup = findTable(catalog, relation);
    const type = 'found' in lookup ? lookup.found.columns.get(column)?.type : undefined;
    if (type !== undefined) return type;
  }
  return outer.columns.get(stringsOf(fieldsOf(test, 'ColumnRef')?.fields).at(-1) ?? '')?.type ?? 'uuid';
}

function helperFor(policy: Policy, outer: Table, catalog: Catalog, link: Fields<'SubLink'>, subquery: Subquery): Helper | undefined {
  const select = fieldsOf(link.subselect, 'SelectStmt');
  if (select === undefined) return undefined;
  const { qualified } = subquery;
  const correlation = correlationOf(catalog, select, outer, subquery.text);
  if (correlation === 'other') return undefined;
  if (link.subLinkType === 'EXISTS_SUBLINK') {
    if (correlation === 'none') {
      return { returns: 'boolean', body: `SELECT EXISTS (${subquery.text})`, qualified, call: (name) => `(SELECT ${name}())` };
    }
    const { inner, column, text } = correlation;
    const type = outer.columns.get(column)?.type ?? 'uuid';
    return { returns: `${type}[]`, body: `SELECT ARRAY(SELECT ${inner} ${text})`, qualified, call: (name) => `${ident(outer.name.split('.')[1]!)}.${ident(column)} = ANY ((SELECT ${name}())::${type}[])` };
  }
  const { sql } = policy.site.piece.source.migration;
  if (link.subLinkType !== 'ANY_SUBLINK' || correlation !== 'none' || !/^in\b/i.test(sql.slice(subquery.start)) || /\bnot\s+$/i.test(sql.slice(0, subquery.start))) return undefined;
  const type = answerType(catalog, select, outer, link.testexpr);
  return { returns: `${type}[]`, body: `SELECT ARRAY(${subquery.text})`, qualified, call: (name) => `= ANY ((SELECT ${name}())::${type}[])` };
}

/** @param roles who may call it; undefined where the app connects as a role of its own */
function functionText(name: string, { returns, body, qualified }: Helper, roles: string | undefined): string {
  return [
    'CREATE SCHEMA IF NOT EXISTS private;',
    `GRANT USAGE ON SCHEMA private TO ${roles ?? 'PUBLIC'};`,
    `-- Runs as its owner, so that the policy that asks it does not read its own table again.`,
    `CREATE OR REPLACE FUNCTION ${name}() RETURNS ${returns}`,
    `LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ${qualified ? '\'\'' : 'pg_catalog, public'}`,
    `AS $$ ${body} $$;`,
    ...(roles === undefined ? [] : [`REVOKE ALL ON FUNCTION ${name}() FROM PUBLIC;`, `GRANT EXECUTE ON FUNCTION ${name}() TO ${roles};`]),
    '',
  ].join('\n');
}

/** Asks a helper that bypasses the policies, where a policy comes back to its own table. */
export function mendRecursive(situation: Situation): Mended {
  const edits: Edit[] = [];
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  const names = new Map<string, string>();
  for (const problem of problemsOf(situation, 'policy-recursive')) {
    const policy = policyOf(situation, problem);
    const outer = policy === undefined ? undefined : situation.catalog.tables.get(policy.table);
    if (policy === undefined || policy.mixed === true || outer === undefined || policy.site.piece.inside !== undefined) continue;
    const { piece } = policy.site;
    const { file } = piece.source.migration;
    const helpers: string[] = [];
    const asked: Edit[] = [];
    const sessions = policy.roles.length === 0 && isForSessions(policy, situation.catalog);
    const roles = sessions ? undefined : [...new Set([...(policy.roles.length === 0 ? ['anon', 'authenticated'] : policy.roles), 'service_role'])].join(', ');
    walk([policy.using, policy.check], (type, fields) => {
      if (type !== 'SubLink') return undefined;
      const select = fieldsOf(fields.subselect, 'SelectStmt');
      if (select?.fromClause === undefined) return false;
      const subquery = cut(policy, situation.catalog, fields.location, select);
      const helper = subquery === undefined ? undefined : helperFor(policy, outer, situation.catalog, fields, subquery);
      if (subquery === undefined || helper === undefined) return false;
      const key = `${helper.returns} ${helper.body.replaceAll(/\s+/g, ' ')} ${roles}`;
      const known = names.get(key);
      const name = known ?? nameFor(policy, situation.catalog, new Set(names.values()));
      if (known === undefined) {
        names.set(key, name);
        helpers.push(functionText(name, helper, roles));
      }
      asked.push({ file, start: subquery.start, end: subquery.end, text: helper.call(name) });
      return false;
    });
    if (asked.length === 0) continue;
    const { start } = piece.statement;
    if (mayEdit(situation, piece.source)) edits.push(...helpers.map((text): Edit => ({ file, start, end: start, text })), ...asked);
    else noteText(texts, piece.source, [...helpers, restated(policy, asked)].join(''));
    decisions.push({ file, object: policyObject(policy), before: 'every query fails (42P17)', after: 'what the policy says, asked by a helper', reason: 'the policy reads its own table' });
  }
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits], decisions };
}

function nameFor(policy: Policy, catalog: Catalog, taken: ReadonlySet<string>): string {
  const slug = policy.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '').slice(0, 50) || 'helper';
  for (let number = 1; ; number += 1) {
    const name = `private.${/^\d/.test(slug) ? `f_${slug}` : slug}${number === 1 ? '' : `_${number}`}`;
    if (!taken.has(name) && !catalog.routines.has(name)) return name;
  }
}
