/**
 * The nodes of PostgreSQL's parse trees, as `@pgsql/types` describes them, and functions to read them. A node is an
 * object with one key, its type, that holds its fields. Fields with their zero value are omitted.
 */
import type * as pg from '@pgsql/types';

/** A node: `{ RangeVar: { relname: 'leads' } }`. */
export type Node = pg.Node;

type KeyOf<Union> = Union extends unknown ? keyof Union : never;

/** The name of a type of node: `RangeVar`, `CreateStmt`. */
export type NodeType = KeyOf<Node>;

/** Fields that PostgreSQL's grammar sets in every node of the type. In the package's types, all fields are optional. */
interface AlwaysSet {
  AlterObjectSchemaStmt: { relation?: RangeVar };
  AlterPolicyStmt: { policy_name: string; table: RangeVar };
  AlterTableCmd: { subtype: pg.AlterTableType };
  AlterTableStmt: { relation: RangeVar };
  ColumnDef: { colname: string };
  CompositeTypeStmt: { typevar: RangeVar };
  Constraint: { contype: pg.ConstrType; pktable?: RangeVar };
  CreateExtensionStmt: { extname: string };
  CreateForeignTableStmt: { base: Fields<'CreateStmt'> };
  CreatePolicyStmt: { policy_name: string; table: RangeVar };
  CreateSeqStmt: { sequence: RangeVar };
  CreateStmt: { relation: RangeVar };
  CreateTableAsStmt: { into: { rel: RangeVar } };
  CreateTrigStmt: { trigname: string; relation: RangeVar };
  DefElem: { defname: string };
  DeleteStmt: { relation: RangeVar };
  DropStmt: { objects: Node[]; removeType: pg.ObjectType };
  FunctionParameter: { argType: TypeName; mode: pg.FunctionParameterMode };
  GrantStmt: { objtype: pg.ObjectType; targtype: pg.GrantTargetType };
  IndexStmt: { relation: RangeVar };
  InsertStmt: { relation: RangeVar };
  RangeVar: { relname: string };
  RenameStmt: { renameType: pg.ObjectType; newname: string; relation?: RangeVar };
  TableLikeClause: { relation: RangeVar };
  UpdateStmt: { relation: RangeVar };
  ViewStmt: { view: RangeVar };
}

/**
 * The union as one object type: for the compiler, looking up a type of node in it is far cheaper than narrowing the
 * union.
 */
type PackageFields = { [Each in Node as KeyOf<Each>]: Each[keyof Each] };

/** The fields of a node of a type: `Fields<'CreateStmt'>`. */
export type Fields<Type extends NodeType> = PackageFields[Type] &
  (Type extends keyof AlwaysSet ? AlwaysSet[Type] : unknown);

export type RangeVar = Fields<'RangeVar'>;
export type TypeName = Fields<'TypeName'>;
export type ColumnDef = Fields<'ColumnDef'>;
export type Constraint = Fields<'Constraint'>;
export type DefElem = Fields<'DefElem'>;

/** A node as type and fields, so that comparing the type narrows the fields. */
export type OpenNode = { [Type in NodeType]: [type: Type, fields: Fields<Type>] }[NodeType];

/** The type and the fields of a node. For `{}`, which represents NULL in a list, the type equals no other. */
export function open(node: Node): OpenNode {
  return (Object.entries(node)[0] ?? ['', {}]) as OpenNode;
}

/** The fields of a node of the given type; undefined for a node of another type and for anything that is not a node. */
export function fieldsOf<Type extends NodeType>(node: unknown, type: Type): Fields<Type> | undefined {
  return typeof node === 'object' && node !== null ? (node as { [Each in Type]?: Fields<Type> })[type] : undefined;
}

/** The fields of those nodes of a list that are of the given type. */
export function allOf<Type extends NodeType>(nodes: unknown, type: Type): Fields<Type>[] {
  if (!Array.isArray(nodes)) return [];
  const all: Fields<Type>[] = [];
  for (const node of nodes) {
    const fields = fieldsOf(node, type);
    if (fields !== undefined) all.push(fields as Fields<Type>);
  }
  return all;
}

/** The text of a `String` node; empty for any other node. */
export function stringOf(node: unknown): string {
  return fieldsOf(node, 'String')?.sval ?? '';
}

/** The texts of a list of `String` nodes, or of a `List` node that holds them. */
export function stringsOf(nodes: unknown): string[] {
  const items: unknown[] = Array.isArray(nodes) ? nodes : (fieldsOf(nodes, 'List')?.items ?? []);
  return items.map(stringOf);
}

/** The text of a string constant, with or without casts; undefined for anything else. */
export function literalOf(node: unknown): string | undefined {
  const constant = fieldsOf(node, 'A_Const');
  if (constant?.sval !== undefined) return constant.sval.sval ?? '';
  const cast = fieldsOf(node, 'TypeCast');
  return cast === undefined ? undefined : literalOf(cast.arg);
}

/** Types of the fields that hold another node's fields directly, without the key for the type. */
const typeOfField: Record<string, NodeType> = {
  relation: 'RangeVar',
  pktable: 'RangeVar',
  table: 'RangeVar',
  view: 'RangeVar',
  rel: 'RangeVar',
  typeName: 'TypeName',
  argType: 'TypeName',
  returnType: 'TypeName',
  ofTypename: 'TypeName',
  withClause: 'WithClause',
  onConflictClause: 'OnConflictClause',
  funccall: 'FuncCall',
};

/** Fields that hold a relation's fields in most nodes; in some, such as TABLESAMPLE's, they hold a node. */
const isRelation = new Set(Object.keys(typeOfField).filter((field) => typeOfField[field] === 'RangeVar'));

/**
 * Calls `visit` with the type and fields of every node in `value`, outermost first.
 * @param value a node, a list of nodes, or the fields of one
 * @param visit returns `false` to skip what is inside the node
 */
export function walk(value: unknown, visit: (...node: OpenNode) => boolean | void): void {
  // Called with two arguments: to spread a pair would make a list of every node, and this is the hottest loop of all readers.
  walkInto(value, visit as Visit);
}

type Visit = (type: string, fields: object) => boolean | void;

function walkInto(value: unknown, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const item of value) walkInto(item, visit);
  } else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>;
    // So would Object.entries.
    for (const key in fields) {
      const inner = fields[key];
      if (typeof inner !== 'object' || inner === null) continue;
      // FOR UPDATE OF names the aliases of the query's own FROM, as if they were tables.
      if (key === 'lockingClause') continue;
      // A type starts with a capital letter, a field does not.
      const type =
        key.charCodeAt(0) < 91 ? key : 'relname' in inner || !isRelation.has(key) ? typeOfField[key] : undefined;
      if (type === undefined || Array.isArray(inner) || visit(type, inner) !== false) walkInto(inner, visit);
    }
  }
}

/** Returns whether `value` contains a node of one of the types. */
export function holds(value: unknown, ...types: readonly NodeType[]): boolean {
  let found = false;
  walk(value, (...[type]) => {
    found ||= types.includes(type);
    return !found;
  });
  return found;
}
