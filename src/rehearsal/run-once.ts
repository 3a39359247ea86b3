import { qualifiedName, relationName } from '../sql/names.ts';
import { type Fields, fieldsOf, walk } from '../sql/nodes.ts';
import type { Piece } from '../sql/piece.ts';
import type { Statement } from '../sql/statement.ts';

/**
 * The files that a second run would tell nothing of: they name what a later statement renames or moves to another
 * schema. Run again, they would make it anew under the name that it had, beside the one that has the new name. The same holds for
 * what such a file drops: another one that makes it would leave it behind.
 * @param pieces the statements of all files and of the bodies in them, in the order of a run
 * @returns their paths, each with the statements in it that rename or move something
 */
export function filesThatRunOnce(pieces: readonly Piece[]): Map<string, Statement[]> {
  const files = new Map<string, Statement[]>();
  const naming = new Map<string, Set<string>>();
  /** By file: those that name something before it drops that. */
  const makers = new Map<string, Set<string>>();
  for (const piece of pieces) {
    const { file } = piece.source.migration;
    for (const name of namesIn(piece)) naming.set(name, (naming.get(name) ?? new Set()).add(file));
    for (const name of droppedBy(piece))
      makers.set(file, new Set([...(makers.get(file) ?? []), ...(naming.get(name) ?? [])]));
    const old = renamedBy(piece);
    if (old === undefined) continue;
    for (const each of naming.get(old) ?? []) if (!files.has(each)) files.set(each, []);
    if (piece.inside === undefined) files.get(file)?.push(piece.statement);
  }
  // Those that are added on the way are visited as well.
  for (const [file] of files) for (const maker of makers.get(file) ?? []) if (!files.has(maker)) files.set(maker, []);
  return files;
}

/** The name that something has until the statement; undefined if the statement renames and moves nothing. */
function renamedBy({ type, node }: Piece): string | undefined {
  if (type !== 'RenameStmt' && type !== 'AlterObjectSchemaStmt') return undefined;
  return node.relation === undefined ? nameOf(node.object) : relationName(node.relation);
}

/** The tables, views and types that a statement drops. */
function droppedBy({ type, node }: Piece): string[] {
  if (type !== 'DropStmt') return [];
  return (node.objects ?? []).flatMap((object) => {
    const names = fieldsOf(object, 'List')?.items ?? fieldsOf(object, 'TypeName')?.names;
    return names === undefined ? [] : [qualifiedName(names)];
  });
}

/** The name of a function or type. */
function nameOf(object: Fields<'RenameStmt'>['object']): string | undefined {
  const names = fieldsOf(object, 'ObjectWithArgs')?.objname ?? fieldsOf(object, 'List')?.items;
  return names === undefined ? undefined : qualifiedName(names);
}

/** The tables, views, indexes, types and functions that a statement creates or names. */
function namesIn({ type, node }: Piece): Set<string> {
  const names = new Set<string>();
  if (type === 'CreateFunctionStmt') names.add(qualifiedName(node.funcname));
  if (type === 'CreateEnumStmt') names.add(qualifiedName(node.typeName));
  if (type === 'CreateDomainStmt') names.add(qualifiedName(node.domainname));
  if (type === 'IndexStmt' && node.idxname !== undefined)
    names.add(relationName({ ...node.relation, relname: node.idxname }));
  const renamed = renamedBy({ type, node } as Piece);
  if (renamed !== undefined) names.add(renamed);
  walk({ [type]: node }, (...[inner, fields]) => {
    if (inner === 'RangeVar') names.add(relationName(fields));
    if (inner === 'TypeName' && fields.names !== undefined) names.add(qualifiedName(fields.names));
  });
  return names;
}
