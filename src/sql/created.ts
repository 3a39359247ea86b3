import { allOf, open, stringsOf } from './nodes.ts';
import type { ColumnDef, Node, RangeVar } from './nodes.ts';
import { recovered } from './recover.ts';
import type { Statement } from './statement.ts';

/** The kinds of object that can be missing because another statement has not run. */
export type Kind = 'relation' | 'column' | 'function' | 'type' | 'schema' | 'role' | 'wrapper' | 'server';

/** The key of an object, without `public`, which is the default schema. A column is named with its table. */
export function keyOf(kind: Kind, name: readonly string[]): string {
  return `${kind} ${(name.length > 1 && name[0] === 'public' ? name.slice(1) : name).join('.')}`;
}

function nameOf(relation: RangeVar): string[] {
  return relation.schemaname === undefined ? [relation.relname] : [relation.schemaname, relation.relname];
}

const relationKey = (relation: RangeVar): string => keyOf('relation', nameOf(relation));
const typeKey = (name: readonly Node[] | undefined): string => keyOf('type', stringsOf(name));
const columnKeys = (table: RangeVar, columns: readonly ColumnDef[]): string[] =>
  columns.map((column) => keyOf('column', [...nameOf(table), column.colname]));

/** The key of a relation that is named without a schema and is in its table's schema. */
const besideKey = ({ schemaname }: RangeVar, name: string): string =>
  keyOf('relation', schemaname === undefined ? [name] : [schemaname, name]);

/** The sequences that come with serial and identity columns, as PostgreSQL names them. */
const sequenceKeys = (table: RangeVar, columns: readonly ColumnDef[]): string[] =>
  columns
    .filter(
      ({ typeName, constraints }) =>
        serial.has(stringsOf(typeName?.names).at(-1) ?? '') ||
        allOf(constraints, 'Constraint').some(({ contype }) => contype === 'CONSTR_IDENTITY'),
    )
    .map(({ colname }) => besideKey(table, `${table.relname}_${colname}_seq`));
const serial: ReadonlySet<string> = new Set(['serial', 'serial4', 'bigserial', 'serial8', 'smallserial', 'serial2']);

/** Keys of the objects that a parsed statement creates. */
export function createdByTree(tree: Node): string[] {
  const [type, fields] = open(tree);
  switch (type) {
    case 'CreateStmt':
      return [
        relationKey(fields.relation),
        ...columnKeys(fields.relation, allOf(fields.tableElts, 'ColumnDef')),
        ...sequenceKeys(fields.relation, allOf(fields.tableElts, 'ColumnDef')),
      ];
    case 'CreateRoleStmt':
      return [keyOf('role', [fields.role ?? ''])];
    case 'CreateFdwStmt':
      return [keyOf('wrapper', [fields.fdwname ?? ''])];
    case 'CreateForeignServerStmt':
      return [keyOf('server', [fields.servername ?? ''])];
    case 'CreateForeignTableStmt':
      return [relationKey(fields.base.relation)];
    case 'CreateTableAsStmt':
      return [relationKey(fields.into.rel)];
    case 'ViewStmt':
      return [relationKey(fields.view)];
    case 'CreateSeqStmt':
      return [relationKey(fields.sequence)];
    case 'IndexStmt':
      return fields.idxname === undefined ? [] : [besideKey(fields.relation, fields.idxname)];
    case 'CreateFunctionStmt':
      return [keyOf('function', stringsOf(fields.funcname))];
    case 'CreateEnumStmt':
    case 'CreateRangeStmt':
      return [typeKey(fields.typeName)];
    case 'CreateDomainStmt':
      return [typeKey(fields.domainname)];
    case 'CompositeTypeStmt':
      return [keyOf('type', nameOf(fields.typevar))];
    case 'CreateSchemaStmt':
      return fields.schemaname === undefined ? [] : [keyOf('schema', [fields.schemaname])];
    case 'AlterTableStmt': {
      const added = allOf(fields.cmds, 'AlterTableCmd').filter(({ subtype }) => subtype === 'AT_AddColumn');
      return columnKeys(
        fields.relation,
        allOf(
          added.map(({ def }) => def),
          'ColumnDef',
        ),
      );
    }
    case 'RenameStmt':
      if (fields.relation === undefined) return [];
      return fields.renameType === 'OBJECT_COLUMN'
        ? [keyOf('column', [...nameOf(fields.relation), fields.newname])]
        : [besideKey(fields.relation, fields.newname)];
    default:
      return [];
  }
}

/** Keys of the objects that the statement creates or, if it does not parse, obviously was meant to create. */
export function createdBy(statement: Statement): string[] {
  const { tree, creates } = statement.tree === undefined ? recovered(statement) : { tree: statement.tree };
  if (creates !== undefined) return [keyOf('relation', creates.split('.'))];
  return tree === undefined ? [] : createdByTree(tree);
}
