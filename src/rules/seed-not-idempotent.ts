import { findTable } from '../sql/catalog/lookup.ts';
import type { Catalog } from '../sql/catalog/model.ts';
import { allOf, fieldsOf, holds, walk } from '../sql/nodes.ts';
import type { Node } from '../sql/nodes.ts';
import { wordsOf } from '../sql/recover.ts';
import type { Statement } from '../sql/statement.ts';
import { quoteIdentifier } from '../shared/quote.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import type { Rule } from './engine/rule.ts';
import { statementAt } from './engine/statements.ts';

/** Returns whether the expression has the same value on every run: constants, casts, arrays of them. */
function isConstant(node: Node): boolean {
  return !JSON.stringify(node).match(/"(?:FuncCall|SubLink|SQLValueFunction|ColumnRef|SetToDefault)"/);
}

function hasEmptyArray(item: Node): boolean {
  let found = false;
  walk(item, (type, fields) => {
    if (type === 'TypeCast') return false;
    if (type === 'A_ArrayExpr' && (fields.elements ?? []).length === 0) found = true;
    return undefined;
  });
  return found;
}

/**
 * Rewrites `INSERT … VALUES` as `INSERT … SELECT … WHERE NOT EXISTS` on the row's own values. Undefined for other
 * forms, and if a column's type is not known.
 */
function guarded(statement: Statement, catalog: Catalog): { start: number; end: number; text: string }[] | undefined {
  const insert = fieldsOf(statement.tree, 'InsertStmt');
  const lists = allOf(fieldsOf(insert?.selectStmt, 'SelectStmt')?.valuesLists, 'List').map(({ items = [] }) => items);
  const columns = allOf(insert?.cols, 'ResTarget').map(({ name = '' }) => name);
  const lookup = insert === undefined ? undefined : findTable(catalog, insert.relation);
  const words = wordsOf(statement.sql);
  const values = words.findIndex(({ text }) => text === 'values');
  if (
    insert === undefined ||
    lists.length === 0 ||
    columns.length === 0 ||
    lookup === undefined ||
    !('found' in lookup) ||
    values === -1
  )
    return undefined;
  const table = lookup.found;
  // A row constructor or an empty array gets its column's type only directly in the VALUES of an INSERT.
  if (lists.some((items) => items.some((item) => holds(item, 'RowExpr') || hasEmptyArray(item)))) return undefined;
  const types = columns.map((column) => table.columns.get(column)?.type);
  if (
    types.some((type) => type === undefined) ||
    lists.some((items) => items.some((item) => fieldsOf(item, 'SetToDefault') !== undefined))
  )
    return undefined;
  const compared = columns.filter(
    (_, index) => types[index] !== 'json' && lists.every((items) => isConstant(items[index]!)),
  );
  if (compared.length === 0) return undefined;
  let depth = 0;
  const after = words.findIndex(({ text }, index) => {
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    return index > values && depth === 0 && (text === 'on' || text === 'returning');
  });
  const end = after === -1 ? statement.sql.length : words[after]!.start;
  const trimmed = statement.sql.slice(0, end).trimEnd().length;
  const name = statement.sql.slice(words[2]!.start, words[words[3]?.text === '.' ? 4 : 2]!.end);
  const select = columns.map((column, index) => `given.${quoteIdentifier(column)}::${types[index]}`).join(', ');
  const same = compared.map(
    (column) =>
      `known.${quoteIdentifier(column)} IS NOT DISTINCT FROM given.${quoteIdentifier(column)}::${types[columns.indexOf(column)]}`,
  );
  const start = words[values]!.start;
  return [
    { start, end: start, text: `SELECT ${select}\nFROM (` },
    {
      start: trimmed,
      end: trimmed,
      text:
        `) AS given (${columns.map(quoteIdentifier).join(', ')})\n` +
        'WHERE NOT EXISTS (\n' +
        `  SELECT 1 FROM ${name} AS known\n` +
        `  WHERE ${same.join('\n    AND ')}\n` +
        ')',
    },
  ];
}

/** What a second run ends in: rows that are there twice, or a key that refuses them. */
const repeating: readonly string[] = ['seed-not-idempotent', 'not-idempotent'];

/** Makes inserts that repeat on a second run insert only missing rows. */
function apply(situation: Situation): FixResult {
  const edits: Edit[] = [];
  const seen = new Set<Statement>();
  for (const { rule, file, line, column } of situation.rehearsed) {
    // If a key refuses a duplicate row, the second run fails instead.
    if (!repeating.includes(rule) || file === undefined || line === undefined || situation.applied.has(file)) continue;
    const source = situation.examined.sources.find(({ migration }) => migration.file === file);
    const statement =
      source === undefined ? undefined : statementAt(source, offsetAt(source.migration.sql, line, column ?? 1));
    if (statement === undefined || seen.has(statement)) continue;
    seen.add(statement);
    for (const edit of guarded(statement, situation.catalog) ?? [])
      edits.push({ file, start: statement.start + edit.start, end: statement.start + edit.end, text: edit.text });
  }
  return { edits };
}

function offsetAt(sql: string, line: number, column: number): number {
  let start = 0;
  for (let count = 1; count < line; count += 1) start = sql.indexOf('\n', start) + 1;
  return start + column - 1;
}

export const rule: Rule = {
  name: 'seed-not-idempotent',
  severity: 'error',
  unless: "a warning outside a muse's own extensions",
  found: ['rehearsal'],
  means: 'row counts differ after the second run',
  doc: {
    why:
      'Rows are inserted again on each run: a second tier "Gold", or a second settings row, so that the app reads ' +
      'one of the two at random. ON CONFLICT DO NOTHING does not help if no column of the row is unique.',
    bad: "INSERT INTO tiers (name, price) VALUES ('Gold', 30) ON CONFLICT DO NOTHING;",
    good:
      'INSERT INTO tiers (name, price)\n' +
      'SELECT given.name::text, given.price::integer\n' +
      "FROM (VALUES ('Gold', 30)) AS given (name, price)\n" +
      'WHERE NOT EXISTS (SELECT 1 FROM tiers AS known WHERE known.name = given.name::text);',
  },
  fix: { does: "WHERE NOT EXISTS on the row's own values", stage: 'details', fromRehearsal: repeating, apply },
};
