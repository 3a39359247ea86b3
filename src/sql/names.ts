/** Names in libpg-query's trees. */
import { allOf, open, stringsOf } from './nodes.ts';
import type { Node, RangeVar } from './nodes.ts';

/** `schema.name` of a RangeVar's fields; `public` if it names no schema. */
export function relationName(relation: Pick<RangeVar, 'schemaname' | 'relname'>): string {
  return `${relation.schemaname ?? 'public'}.${relation.relname}`;
}

/** `schema.name` of a list of String nodes. */
export function qualifiedName(parts: unknown): string {
  const names = stringsOf(parts);
  return names.length === 1 ? `public.${names[0]}` : names.slice(-2).join('.');
}

/** The table that a statement is about, as `schema.name`; undefined if it is about none or several. */
export function tableOf(tree: Node): string | undefined {
  const [type, fields] = open(tree);
  switch (type) {
    case 'CreateStmt':
    case 'AlterTableStmt':
    case 'IndexStmt':
    case 'CreateTrigStmt':
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
      return relationName(fields.relation);
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
      return relationName(fields.table);
    case 'ViewStmt':
      return relationName(fields.view);
    case 'GrantStmt': {
      const relations = fields.targtype === 'ACL_TARGET_OBJECT' ? allOf(fields.objects, 'RangeVar') : [];
      return relations.length === 1 ? relationName(relations[0]!) : undefined;
    }
    case 'CommentStmt':
      return fields.objtype === 'OBJECT_TABLE' ? qualifiedName(fields.object) : undefined;
    case 'DropStmt': {
      const names = stringsOf(fields.objects[0]);
      return fields.removeType === 'OBJECT_POLICY'
        ? names
            .slice(0, -1)
            .join('.')
            .replace(/^([^.]*)$/, 'public.$1')
        : undefined;
    }
    default:
      return undefined;
  }
}
