/** Names in libpg-query's trees. */
import { allOf, open, stringsOf } from './nodes.ts';
import type { Node, RangeVar } from './nodes.ts';

/** `schema.name` of a RangeVar's fields; `public` where it names no schema. */
export function relationName(relation: Pick<RangeVar, 'schemaname' | 'relname'>): string {
  return `${relation.schemaname ?? 'public'}.${relation.relname}`;
}

/** `schema.name` of a list of String nodes. */
export function qualifiedName(parts: unknown): string {
  const names = stringsOf(parts);
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
  const [type, fields] = open(tree);
  if (type === 'GrantStmt') {
    const relations = fields['targtype'] === 'ACL_TARGET_OBJECT' ? allOf<RangeVar>(fields['objects'], 'RangeVar') : [];
    return relations.length === 1 ? relationName(relations[0]!) : undefined;
  }
  if (type === 'CommentStmt') return fields['objtype'] === 'OBJECT_TABLE' ? qualifiedName(fields['object']) : undefined;
  if (type === 'DropStmt') {
    const names = stringsOf((fields['objects'] as Node[])[0]);
    return fields['removeType'] === 'OBJECT_POLICY' ? names.slice(0, -1).join('.').replace(/^([^.]*)$/, 'public.$1') : undefined;
  }
  const relation = fields[tableFields[type] ?? ''];
  return relation === undefined ? undefined : relationName(relation as RangeVar);
}
