import type { Policy, Table } from '../../sql/catalog/model.ts';
import { fieldsOf, holds, stringsOf, walk } from '../../sql/nodes.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { isForUsers } from './policies.ts';
import { ident, policyObject, qualified } from './sql.ts';
import { ownTables } from './tables.ts';

/** Says whether an index, a key or a unique constraint begins with these columns, in any order. */
function isIndexed(table: Table, columns: readonly string[]): boolean {
  const lists = [table.primaryKey, ...table.unique, ...[...table.indexes.values()].filter(({ partial, columns: [first] }) => !partial || first === undefined).map((index) => index.columns), ...partialOnNotNull(table)];
  return lists.some((list) => columns.every((column) => list.slice(0, columns.length).includes(column)));
}

/** A partial index on rows where its own column is not null serves foreign keys too. */
function partialOnNotNull(table: Table): string[][] {
  return [...table.indexes.values()].filter(({ partial, site }) => partial && site?.piece.type === 'IndexStmt' && notNullOnly(site.piece.node.whereClause)).map(({ columns }) => columns);
}

function notNullOnly(clause: unknown): boolean {
  return fieldsOf(clause, 'NullTest')?.nulltesttype === 'IS_NOT_NULL';
}

function indexStatement(table: string, columns: readonly string[]): string {
  const bare = table.slice(table.indexOf('.') + 1);
  const name = `idx_${bare}_${columns.join('_')}`.slice(0, 63);
  return `CREATE INDEX IF NOT EXISTS ${ident(name)} ON ${qualified(table)} (${columns.map(ident).join(', ')});`;
}

export const fkWithoutIndex: Check = {
  rule: 'fk-without-index',
  doc: {
    why: 'PostgreSQL does not index a foreign key by itself. Deleting the row it points at reads the whole table to find who refers to it, and so does every join.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));\nCREATE INDEX IF NOT EXISTS idx_notes_folder_id ON notes (folder_id);',
  },
  end(catalog, report) {
    for (const table of ownTables(catalog)) {
      for (const { columns, table: target, site } of table.foreignKeys) {
        if (isIndexed(table, columns)) continue;
        report({
          ...at(site),
          object: table.name,
          message: `Foreign key ${table.name} (${columns.join(', ')}) to ${target} has no index: deleting there reads this whole table.`,
          suggestion: indexStatement(table.name, columns),
        });
      }
    }
  },
};

export const policyColumnWithoutIndex: Check = {
  rule: 'policy-column-without-index',
  doc: {
    why: 'The condition of a policy is part of every query. Without an index on the column that it compares, every query of every user reads the whole table.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL);\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS own ON notes;\nCREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);\nGRANT SELECT ON notes TO authenticated;',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL);\nCREATE INDEX IF NOT EXISTS idx_notes_user_id ON notes (user_id);\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS own ON notes;\nCREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);\nGRANT SELECT ON notes TO authenticated;',
  },
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
};

/** Columns of the table that a policy compares with who asks, or with what a subquery or function answers. */
function comparedColumns({ using }: Policy, table: Table): string[] {
  const columns: string[] = [];
  const own = (node: unknown): string | undefined => {
    const names = stringsOf(fieldsOf(node, 'ColumnRef')?.fields);
    const name = names.at(-1);
    const mine = names.length === 1 || `${names.at(-2)}` === table.name.slice(table.name.indexOf('.') + 1);
    return mine && name !== undefined && table.columns.has(name) ? name : undefined;
  };
  walk([using], (type, fields) => {
    if (type === 'A_Expr' && (fields.kind === 'AEXPR_OP' || fields.kind === 'AEXPR_OP_ANY') && stringsOf(fields.name)[0] === '=') {
      for (const [side, other] of [[fields.lexpr, fields.rexpr], [fields.rexpr, fields.lexpr]]) {
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

