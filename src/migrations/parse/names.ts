/** Names in libpg-query's trees. */

/** A node of a tree: one key, the node's type, and its fields; or those fields themselves. */
export type Node = Record<string, unknown>;

/** The fields of a node of the given type, or undefined where the node is another. */
export function fieldsOf(node: unknown, type: string): Node | undefined {
  return typeof node === 'object' && node !== null ? ((node as Node)[type] as Node | undefined) : undefined;
}

/** The text of a `String` node. */
export function stringOf(node: unknown): string {
  const value = fieldsOf(node, 'String')?.['sval'];
  return typeof value === 'string' ? value : '';
}

/** `schema.name` of a RangeVar's fields; `public` where it names no schema. */
export function relationName(relation: unknown): string | undefined {
  if (typeof relation !== 'object' || relation === null) return undefined;
  const { schemaname, relname } = relation as { schemaname?: string; relname?: string };
  return relname === undefined ? undefined : `${schemaname ?? 'public'}.${relname}`;
}

/** `schema.name` of a list of String nodes. */
export function qualifiedName(parts: unknown): string {
  const names = Array.isArray(parts) ? parts.map(stringOf) : [];
  return names.length === 1 ? `public.${names[0]}` : names.slice(-2).join('.');
}

/** Where each kind of statement names the one table it speaks of. */
const tableFields: Record<string, string> = {
  CreateStmt: 'relation',
  AlterTableStmt: 'relation',
  CreatePolicyStmt: 'table',
  AlterPolicyStmt: 'table',
  IndexStmt: 'relation',
  CreateTrigStmt: 'relation',
  InsertStmt: 'relation',
  UpdateStmt: 'relation',
  DeleteStmt: 'relation',
  ViewStmt: 'view',
};

/** The table that a statement speaks of, as `schema.name`; undefined where it speaks of none or of several. */
export function tableOf(tree: Node): string | undefined {
  const [type, fields] = Object.entries(tree)[0] ?? [];
  if (type === undefined) return undefined;
  const { objects, targtype, object } = fields as { objects?: unknown[]; targtype?: string; object?: unknown };
  if (type === 'GrantStmt' && targtype === 'ACL_TARGET_OBJECT' && objects?.length === 1) {
    return relationName(fieldsOf(objects[0], 'RangeVar'));
  }
  if (type === 'CommentStmt') {
    const names = fieldsOf(object, 'List')?.['items'];
    return Array.isArray(names) && (fields as Node)['objtype'] === 'OBJECT_TABLE' ? qualifiedName(names) : undefined;
  }
  const field = tableFields[type];
  return field === undefined ? undefined : relationName((fields as Node)[field]);
}
