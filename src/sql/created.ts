import { allOf, open, stringsOf, type AlterTableCmd, type ColumnDef, type Node, type RangeVar } from './nodes.ts';
import { recovered } from './recover.ts';
import type { Statement } from './statement.ts';

/** What kinds of thing a statement can lack because another has not made it. */
export type Kind = 'relation' | 'column' | 'function' | 'type' | 'schema';

/** The key of a thing: `public`, which an unqualified name means, is left out. A column's name has its table in front. */
export function keyOf(kind: Kind, name: readonly string[]): string {
  return `${kind} ${(name.length > 1 && name[0] === 'public' ? name.slice(1) : name).join('.')}`;
}

function nameOf(relation: RangeVar): string[] {
  return relation.schemaname === undefined ? [relation.relname] : [relation.schemaname, relation.relname];
}

const inField = (field: string) => (fields: Node): string[] => [keyOf('relation', nameOf(fields[field] as RangeVar))];
const typeIn = (field: string) => (fields: Node): string[] => [keyOf('type', stringsOf(fields[field]))];
const columnKeys = (table: RangeVar, columns: readonly ColumnDef[]): string[] =>
  columns.map((column) => keyOf('column', [...nameOf(table), column.colname]));

/** Per kind of statement: the keys of what it makes. */
const makers: Record<string, (fields: Node) => string[]> = {
  CreateStmt: (fields) => {
    const table = fields['relation'] as RangeVar;
    return [keyOf('relation', nameOf(table)), ...columnKeys(table, allOf<ColumnDef>(fields['tableElts'], 'ColumnDef'))];
  },
  CreateForeignTableStmt: (fields) => inField('relation')(fields['base'] as Node),
  CreateTableAsStmt: (fields) => inField('rel')(fields['into'] as Node),
  ViewStmt: inField('view'),
  CreateSeqStmt: inField('sequence'),
  IndexStmt: (fields) => {
    const { schemaname } = fields['relation'] as RangeVar;
    const name = fields['idxname'] as string | undefined;
    return name === undefined ? [] : [keyOf('relation', schemaname === undefined ? [name] : [schemaname, name])];
  },
  CreateFunctionStmt: (fields) => [keyOf('function', stringsOf(fields['funcname']))],
  CreateEnumStmt: typeIn('typeName'),
  CreateRangeStmt: typeIn('typeName'),
  CreateDomainStmt: typeIn('domainname'),
  CompositeTypeStmt: (fields) => [keyOf('type', nameOf(fields['typevar'] as RangeVar))],
  CreateSchemaStmt: (fields) => (fields['schemaname'] === undefined ? [] : [keyOf('schema', [fields['schemaname'] as string])]),
  AlterTableStmt: (fields) => {
    const added = allOf<AlterTableCmd>(fields['cmds'], 'AlterTableCmd').filter((command) => command.subtype === 'AT_AddColumn');
    return columnKeys(fields['relation'] as RangeVar, added.map((command) => command.def?.['ColumnDef'] as ColumnDef));
  },
  RenameStmt: (fields) => {
    const table = fields['relation'] as RangeVar | undefined;
    if (table === undefined) return [];
    const newName = fields['newname'] as string;
    if (fields['renameType'] === 'OBJECT_COLUMN') return [keyOf('column', [...nameOf(table), newName])];
    return [keyOf('relation', table.schemaname === undefined ? [newName] : [table.schemaname, newName])];
  },
};

/** Keys of what the statement makes; or was meant to make, as far as that is plain, where it does not parse. */
export function createdBy(statement: Statement): string[] {
  const { tree, creates } = statement.tree === undefined ? recovered(statement) : { tree: statement.tree, creates: undefined };
  if (creates !== undefined) return [keyOf('relation', creates.split('.'))];
  const [type, fields] = tree === undefined ? ['', {}] : open(tree);
  return makers[type]?.(fields) ?? [];
}
