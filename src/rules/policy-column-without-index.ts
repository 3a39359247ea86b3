import type { Policy, Table } from '../sql/catalog/model.ts';
import { fieldsOf, holds, stringsOf, walk } from '../sql/nodes.ts';
import { at, policyObject } from './engine/check.ts';
import { addIndexes, indexStatement, isIndexed } from './engine/indexes.ts';
import { qualifiedName } from './engine/live/catalog.ts';
import type { PolicyRow, RelationRow } from './engine/live/catalog.ts';
import {
  columnOf,
  constantOf,
  fields as fieldsOfExpression,
  nameParts,
  readsColumn,
  walk as walkExpression,
} from './engine/live/expression.ts';
import type { Node as ExpressionNode, ParseExpression } from './engine/live/expression.ts';
import { isForUsers } from './engine/policies.ts';
import type { Rule } from './engine/rule.ts';
import { ownTables } from './engine/tables.ts';

/** Columns of the table that a policy compares with the current user, or with the result of a subquery or function. */
function comparedColumns({ using }: Policy, table: Table): string[] {
  const columns: string[] = [];
  const own = (node: unknown): string | undefined => {
    const names = stringsOf(fieldsOf(node, 'ColumnRef')?.fields);
    const name = names.at(-1);
    const mine = names.length === 1 || `${names.at(-2)}` === table.name.slice(table.name.indexOf('.') + 1);
    return mine && name !== undefined && table.columns.has(name) ? name : undefined;
  };
  walk([using], (type, fields) => {
    if (
      type === 'A_Expr' &&
      (fields.kind === 'AEXPR_OP' || fields.kind === 'AEXPR_OP_ANY') &&
      stringsOf(fields.name)[0] === '='
    ) {
      for (const [side, other] of [
        [fields.lexpr, fields.rexpr],
        [fields.rexpr, fields.lexpr],
      ]) {
        const column = own(side);
        if (column !== undefined && holds(other, 'FuncCall', 'SubLink')) columns.push(column);
      }
    }
    if (type === 'SubLink') {
      const column = fields.testexpr === undefined ? undefined : own(fields.testexpr);
      if (column !== undefined) columns.push(column);
      return false;
    }
    return undefined;
  });
  return columns;
}

/**
 * Columns of the table that its policies compare with a value that is the same for the whole query, so that an index on
 * the column helps; each with the first such policy. Constants do not count: a status or a flag has too few values for
 * an index to help.
 */
function comparedLive(table: RelationRow, parse: ParseExpression): Map<string, PolicyRow> {
  const own = new Set(table.columns.map((column) => column.name));
  const found = new Map<string, PolicyRow>();
  for (const policy of table.policies) {
    for (const sql of [policy.using, policy.check]) {
      // The check of an INSERT reads only the new row, so it uses no index.
      if (sql === null || (sql === policy.check && policy.command === 'a')) continue;
      for (const name of comparisons(parse(sql))) if (own.has(name) && !found.has(name)) found.set(name, policy);
    }
  }
  return found;
}

function comparisons(expression: ExpressionNode | undefined): string[] {
  const names: string[] = [];
  walkExpression(expression, (type, node) => {
    if (type === 'A_Expr' && nameParts(node['name']).at(-1) === '=') {
      names.push(
        ...[
          [node['lexpr'], node['rexpr']],
          [node['rexpr'], node['lexpr']],
        ].flatMap(([column, other]) => bareColumn(column, other)),
      );
    }
    if (type === 'SubLink') {
      if (node['subLinkType'] === 'ANY_SUBLINK' && !isCorrelated(node))
        names.push(...bareColumn(node['testexpr'], undefined));
      return false;
    }
    return undefined;
  });
  return names;
}

/** The column on one side of `=`, if it is not wrapped (a cast would need an index on the cast). */
function bareColumn(column: unknown, other: unknown): string[] {
  if (fieldsOfExpression(column, 'ColumnRef') === undefined || constantOf(other) !== undefined || readsOwnColumn(other))
    return [];
  const constants =
    fieldsOfExpression(other, 'A_ArrayExpr') ??
    fieldsOfExpression(fieldsOfExpression(other, 'TypeCast')?.['arg'], 'A_ArrayExpr');
  if (constants !== undefined || Array.isArray(fieldsOfExpression(other, 'List')?.['items'])) return [];
  return [columnOf(column)!.name];
}

/** Columns inside a sub-select with FROM belong to another table. */
function readsOwnColumn(node: unknown): boolean {
  let found = false;
  walkExpression(node, (type) => {
    if (type === 'ColumnRef') found = true;
    return type !== 'SubLink' && !found;
  });
  return found;
}

function isCorrelated(link: ExpressionNode): boolean {
  const select = fieldsOfExpression(link['subselect'], 'SelectStmt');
  return select?.['fromClause'] === undefined && readsColumn(select);
}

export const rule: Rule = {
  name: 'policy-column-without-index',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'a policy compares a column that has no index: every query reads the whole table',
  doc: {
    why:
      'The condition of a policy is part of every query. Without an index on the column that it compares, every ' +
      'query of every user reads the whole table.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL);\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS own ON notes;\n' +
      'CREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);\n' +
      'GRANT SELECT ON notes TO authenticated;',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL);\n' +
      'CREATE INDEX IF NOT EXISTS idx_notes_user_id ON notes (user_id);\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS own ON notes;\n' +
      'CREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);\n' +
      'GRANT SELECT ON notes TO authenticated;',
  },
  check: {
    end(catalog, report) {
      for (const table of ownTables(catalog)) {
        const seen = new Set<string>();
        for (const policy of table.policies.values()) {
          if (!isForUsers(policy)) continue;
          for (const column of comparedColumns(policy, table)) {
            if (seen.has(column) || isIndexed(table, [column])) continue;
            seen.add(column);
            report({
              ...at(policy.site),
              object: policyObject(policy),
              message: `Policy "${policy.name}" compares ${table.name}.${column}, which has no index: every query reads the whole table.`,
              suggestion: indexStatement(table.name, [column]),
            });
          }
        }
      }
    },
  },
  live: {
    table(table, { parse }, report) {
      const name = qualifiedName(table);
      const leading = new Set(table.indexes.filter((index) => index.valid).map((index) => index.columns[0]));
      for (const [column, policy] of comparedLive(table, parse)) {
        if (leading.has(column)) continue;
        report({
          object: policyObject({ name: policy.name, table: name }),
          message: `Policy "${policy.name}" compares ${name}.${column}, which has no index: every query reads the whole table.`,
          suggestion: indexStatement(name, [column]),
        });
      }
    },
  },
  fix: {
    does: 'adds the index',
    stage: 'details',
    apply: (situation) => addIndexes(situation, 'policy-column-without-index'),
  },
};
