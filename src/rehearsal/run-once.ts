import { qualifiedName, relationName } from '../sql/names.ts';
import { type Fields, fieldsOf, walk } from '../sql/nodes.ts';
import type { Piece } from '../sql/piece.ts';
import type { Statement } from '../sql/statement.ts';

/**
 * The files that a second run would tell nothing of: they name what a later statement renames or moves to another
 * schema. Run again, they would make it anew under the name that it had, beside the one that has the new name.
 * @param pieces the statements of all files and of the bodies in them, in the order of a run
 * @returns their paths, each with the statements in it that rename or move something
 */
export function filesThatRunOnce(pieces: readonly Piece[]): Map<string, Statement[]> {
  const files = new Map<string, Statement[]>();
  for (const [index, piece] of pieces.entries()) {
    const old = renamedBy(piece);
    if (old === undefined) continue;
    for (const earlier of pieces.slice(0, index + 1)) {
      const { file } = earlier.source.migration;
      if (!files.has(file) && mentions(earlier, old)) files.set(file, []);
    }
    if (piece.inside === undefined) files.get(piece.source.migration.file)?.push(piece.statement);
  }
  return files;
}

/** The name that something has until the statement; undefined if the statement renames and moves nothing. */
function renamedBy({ type, node }: Piece): string | undefined {
  if (type !== 'RenameStmt' && type !== 'AlterObjectSchemaStmt') return undefined;
  return node.relation === undefined ? nameOf(node.object) : relationName(node.relation);
}

/** The name of a function or type. */
function nameOf(object: Fields<'RenameStmt'>['object']): string | undefined {
  const names = fieldsOf(object, 'ObjectWithArgs')?.objname ?? fieldsOf(object, 'List')?.items;
  return names === undefined ? undefined : qualifiedName(names);
}

function mentions({ type, node }: Piece, name: string): boolean {
  if (type === 'CreateFunctionStmt' && qualifiedName(node.funcname) === name) return true;
  if (type === 'CreateEnumStmt' && qualifiedName(node.typeName) === name) return true;
  if (type === 'CreateDomainStmt' && qualifiedName(node.domainname) === name) return true;
  if (type === 'IndexStmt' && relationName({ ...node.relation, relname: node.idxname ?? '' }) === name) return true;
  let found = false;
  walk({ [type]: node }, (...[inner, fields]) => {
    found ||=
      (inner === 'RangeVar' && relationName(fields) === name) ||
      (inner === 'TypeName' && fields.names !== undefined && qualifiedName(fields.names) === name);
    return !found;
  });
  return found;
}
