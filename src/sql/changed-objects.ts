import { allOf, type Fields, fieldsOf, type Node, open, stringsOf, walk } from './nodes.ts';
import { qualifiedName, relationName, tableOf } from './names.ts';
import { parseSql } from './split.ts';

/**
 * The tables, views and functions that the files create or change, as `schema.name`. The parser must be loaded.
 * @returns undefined if the text does not show all of them: a DO block, a query that may call anything, a change of
 *   roles, schemas or default privileges, a CASCADE
 */
export function changedObjects(files: readonly { sql: string }[]): string[] | undefined {
  const names = new Set<string>();
  for (const { sql } of files) {
    for (const { tree } of parseSql(sql).statements) {
      const changed = tree === undefined ? undefined : changedBy(tree);
      if (changed === undefined) return undefined;
      for (const name of changed) names.add(name);
    }
  }
  return [...names];
}

/** What one statement changes; undefined if it may change anything. */
function changedBy(tree: Node): string[] | undefined {
  const [type, fields] = open(tree);
  switch (type) {
    case 'CreateStmt':
      return [relationName(fields.relation), ...relationsIn(fields.inhRelations)];
    case 'AlterTableStmt':
      return [relationName(fields.relation), ...relationsIn(fields.cmds), ...partitionsIn(fields.cmds)];
    case 'CreateTableAsStmt':
      return [relationName(fields.into.rel)];
    case 'CreateSeqStmt':
      return [relationName(fields.sequence)];
    case 'IndexStmt':
    case 'ViewStmt':
    case 'CreateTrigStmt':
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
      return [tableOf(tree)!];
    case 'RuleStmt':
    case 'RefreshMatViewStmt':
      return relationsIn(fields.relation === undefined ? [] : [{ RangeVar: fields.relation }]);
    case 'TruncateStmt':
      return fields.behavior === 'DROP_CASCADE' ? undefined : relationsIn(fields.relations);
    case 'CreatePublicationStmt':
    case 'AlterPublicationStmt':
      return relationsIn(fields.pubobjects);
    case 'CreateFunctionStmt':
      return [qualifiedName(fields.funcname)];
    case 'AlterFunctionStmt':
      return [qualifiedName(fields.func?.objname)];
    case 'GrantStmt':
      return grantedBy(fields);
    case 'DropStmt':
      return droppedBy(fields);
    case 'RenameStmt':
      return renamedBy(fields);
    case 'CreateSchemaStmt':
      return fields.schemaElts === undefined ? [] : undefined;
    case 'VariableSetStmt':
      return fields.name === 'search_path' ? undefined : [];
    case 'CommentStmt':
    case 'CreateEnumStmt':
    case 'AlterEnumStmt':
    case 'CreateDomainStmt':
    case 'CompositeTypeStmt':
    case 'CreateRangeStmt':
      return [];
    default:
      return undefined;
  }
}

function relationsIn(nodes: unknown): string[] {
  const found: string[] = [];
  walk(nodes, (...[type, fields]) => {
    if (type === 'RangeVar') found.push(relationName(fields));
  });
  return found;
}

/** Attached or detached partitions, whose names are not nodes of their own. */
function partitionsIn(commands: unknown): string[] {
  return allOf(commands, 'AlterTableCmd').flatMap(({ def }) => {
    const partition = fieldsOf(def, 'PartitionCmd')?.name;
    return partition?.relname === undefined ? [] : [relationName({ ...partition, relname: partition.relname })];
  });
}

const routineKinds = new Set(['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE']);

function grantedBy({ targtype, objtype, objects }: Fields<'GrantStmt'>): string[] | undefined {
  if (targtype !== 'ACL_TARGET_OBJECT') return undefined;
  if (objtype === 'OBJECT_TABLE' || objtype === 'OBJECT_SEQUENCE') return relationsIn(objects);
  return routineKinds.has(objtype)
    ? allOf(objects, 'ObjectWithArgs').map(({ objname }) => qualifiedName(objname))
    : undefined;
}

function droppedBy({ behavior, objects, removeType }: Fields<'DropStmt'>): string[] | undefined {
  if (behavior === 'DROP_CASCADE') return undefined;
  if (['OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_TYPE', 'OBJECT_DOMAIN'].includes(removeType)) return [];
  if (['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW'].includes(removeType))
    return objects.map((object) => nameOf(stringsOf(object)));
  // The last name is that of the policy, trigger or rule; those before it are the table's.
  if (['OBJECT_POLICY', 'OBJECT_TRIGGER', 'OBJECT_RULE'].includes(removeType))
    return objects.map((object) => nameOf(stringsOf(object).slice(0, -1)));
  if (!routineKinds.has(removeType)) return undefined;
  return objects.map((object) => qualifiedName(fieldsOf(object, 'ObjectWithArgs')?.objname));
}

function nameOf(parts: readonly string[]): string {
  return parts.length === 1 ? `public.${parts[0]}` : parts.slice(-2).join('.');
}

function renamedBy({ renameType, relation, newname }: Fields<'RenameStmt'>): string[] | undefined {
  if (relation === undefined) return undefined;
  const renamesIt = ['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW'].includes(renameType);
  return [relationName(relation), ...(renamesIt ? [relationName({ ...relation, relname: newname })] : [])];
}
