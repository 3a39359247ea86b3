/** Shapes of the nodes of libpg-query's trees that are read here. Fields at their zero value are left out of a tree. */

/** A node: one key, its type, with its fields. */
export type Node = Record<string, unknown>;

export interface RangeVar {
  schemaname?: string;
  relname: string;
  alias?: { aliasname: string };
  relpersistence?: string;
  location?: number;
}

export interface TypeName {
  names?: Node[];
  typmods?: Node[];
  arrayBounds?: Node[];
  setof?: boolean;
  pct_type?: boolean;
  location?: number;
}

export interface Constraint {
  contype: string;
  conname?: string;
  raw_expr?: Node;
  keys?: Node[];
  fk_attrs?: Node[];
  pk_attrs?: Node[];
  pktable?: RangeVar;
  fk_del_action?: string;
  indexname?: string;
  location?: number;
}

export interface ColumnDef {
  colname: string;
  typeName: TypeName;
  constraints?: Node[];
  location?: number;
}

export interface AlterTableCmd {
  subtype: string;
  name?: string;
  def?: Node;
  newowner?: Node;
  behavior?: string;
  missing_ok?: boolean;
}

export interface CreateStmt {
  relation: RangeVar;
  tableElts?: Node[];
  inhRelations?: Node[];
  partbound?: Node;
  constraints?: Node[];
  if_not_exists?: boolean;
}

export interface CreatePolicyStmt {
  policy_name: string;
  table: RangeVar;
  cmd_name?: string;
  permissive?: boolean;
  roles?: Node[];
  qual?: Node;
  with_check?: Node;
}

export interface IndexStmt {
  idxname?: string;
  relation: RangeVar;
  accessMethod?: string;
  indexParams?: Node[];
  whereClause?: Node;
  unique?: boolean;
  concurrent?: boolean;
  if_not_exists?: boolean;
}

export interface CreateFunctionStmt {
  is_procedure?: boolean;
  replace?: boolean;
  funcname: Node[];
  parameters?: Node[];
  returnType?: TypeName;
  options?: Node[];
  sql_body?: Node;
}

export interface FunctionParameter {
  name?: string;
  argType: TypeName;
  mode: string;
  defexpr?: Node;
}

export interface DefElem {
  defname: string;
  arg?: Node;
  location?: number;
}

export interface DropStmt {
  objects: Node[];
  removeType: string;
  behavior?: string;
  missing_ok?: boolean;
}

export interface GrantStmt {
  is_grant?: boolean;
  targtype: string;
  objtype: string;
  objects?: Node[];
  privileges?: Node[];
  grantees?: Node[];
}

export interface RenameStmt {
  renameType: string;
  relation?: RangeVar;
  object?: Node;
  subname?: string;
  newname: string;
  missing_ok?: boolean;
}

export interface InsertStmt {
  relation: RangeVar;
  cols?: Node[];
  selectStmt?: Node;
  onConflictClause?: { action: string; infer?: { indexElems?: Node[]; conname?: string } };
}

export interface VariableSetStmt {
  kind: string;
  name: string;
  args?: Node[];
  is_local?: boolean;
}

/** The type and the fields of a node. */
export function open(node: Node): [type: string, fields: Node] {
  for (const type in node) return [type, node[type] as Node];
  return ['', {}];
}

/** The fields of a node of the given type, or undefined where the node is another. */
export function fieldsOf<T = Node>(node: unknown, type: string): T | undefined {
  return typeof node === 'object' && node !== null ? ((node as Node)[type] as T | undefined) : undefined;
}

/** The fields of those nodes of a list that are of the given type. */
export function allOf<T = Node>(nodes: unknown, type: string): T[] {
  return Array.isArray(nodes) ? nodes.map((node) => fieldsOf<T>(node, type)).filter((fields) => fields !== undefined) : [];
}

/** The text of a `String` node; empty for another. */
export function stringOf(node: unknown): string {
  return fieldsOf<{ sval?: string }>(node, 'String')?.sval ?? '';
}

/** The texts of a list of `String` nodes, or of a `List` node of them. */
export function stringsOf(nodes: unknown): string[] {
  const items = Array.isArray(nodes) ? nodes : fieldsOf<{ items?: unknown[] }>(nodes, 'List')?.items;
  return (items ?? []).map(stringOf);
}

/** The text of a string constant, casts looked through; undefined for anything else. */
export function literalOf(node: unknown): string | undefined {
  const constant = fieldsOf<{ sval?: { sval?: string } }>(node, 'A_Const');
  if (constant?.sval !== undefined) return constant.sval.sval ?? '';
  const cast = fieldsOf<{ arg: Node }>(node, 'TypeCast');
  return cast === undefined ? undefined : literalOf(cast.arg);
}

/** Fields that hold a node's fields without its type. */
const untyped: Record<string, string> = {
  relation: 'RangeVar',
  pktable: 'RangeVar',
  table: 'RangeVar',
  view: 'RangeVar',
  rel: 'RangeVar',
  typeName: 'TypeName',
  argType: 'TypeName',
  returnType: 'TypeName',
  withClause: 'WithClause',
  onConflictClause: 'OnConflictClause',
};

/** Calls `visit` with the type and fields of every node below, outermost first; what answers `false` is not entered. */
export function walk(value: unknown, visit: (type: string, fields: Node) => boolean | void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (typeof value === 'object' && value !== null) {
    for (const key in value) {
      const below = (value as Node)[key];
      if (typeof below !== 'object' || below === null) continue;
      // A type starts with a capital letter, a field does not.
      const type = key.charCodeAt(0) < 91 ? key : untyped[key];
      if (type === undefined || Array.isArray(below) || visit(type, below as Node) !== false) walk(below, visit);
    }
  }
}
