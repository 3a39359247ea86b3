import { policyOf, routineOf } from '../../../sql/catalog/effects.ts';
import { newName, newQualified } from '../../../sql/catalog/lookup.ts';
import { startingCatalog } from '../../../sql/catalog/start.ts';
import type { Catalog } from '../../../sql/catalog/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/quote.ts';
import { allOf, fieldsOf } from '../../../sql/nodes.ts';
import type { NodeType } from '../../../sql/nodes.ts';
import { bodyPieces } from '../../../sql/bodies.ts';
import { pieceOf } from '../../../sql/piece.ts';
import type { Piece, Source } from '../../../sql/piece.ts';

/** The order in which objects are dropped, whatever the order of their creation: dependents first. */
const ranks: readonly RegExp[] = [
  /^DROP POLICY /,
  /^DROP TRIGGER /,
  /^DROP (?:MATERIALIZED )?VIEW /,
  /^ALTER TABLE [^;]* DROP CONSTRAINT /,
  /^DROP INDEX /,
  /^ALTER TABLE /,
  /^DROP TABLE /,
  /^DROP (?:FUNCTION|PROCEDURE) /,
  /^DROP SEQUENCE /,
  /^DROP (?:TYPE|DOMAIN) /,
  /^DROP SCHEMA /,
];

const rankOf = (line: string): number => ranks.findIndex((rank) => rank.test(line));

type Undo<Type extends NodeType> = (piece: Piece<Type>, catalog: Catalog) => string[];

/** The rollback of each kind of statement; none for objects that are dropped with their table. */
const undos: { [Type in NodeType]?: Undo<Type> } = {
  CreateStmt: ({ node }, catalog) => [
    `DROP TABLE IF EXISTS ${quoteQualified(newName(catalog, node.relation))} CASCADE;`,
  ],
  CreateTableAsStmt({ node }, catalog) {
    const name = quoteQualified(newName(catalog, node.into.rel));
    return [`DROP ${node.objtype === 'OBJECT_MATVIEW' ? 'MATERIALIZED VIEW' : 'TABLE'} IF EXISTS ${name};`];
  },
  ViewStmt: ({ node }, catalog) => [`DROP VIEW IF EXISTS ${quoteQualified(newName(catalog, node.view))};`],
  IndexStmt({ node }, catalog) {
    const schema = newName(catalog, node.relation).split('.')[0]!;
    return node.idxname === undefined ? [] : [`DROP INDEX IF EXISTS ${quoteQualified(`${schema}.${node.idxname}`)};`];
  },
  CreatePolicyStmt(piece, catalog) {
    const { name, table } = policyOf(catalog, piece);
    return [`DROP POLICY IF EXISTS ${quoteIdentifier(name)} ON ${quoteQualified(table)};`];
  },
  CreateTrigStmt: ({ node }, catalog) => [
    `DROP TRIGGER IF EXISTS ${quoteIdentifier(node.trigname)} ON ${quoteQualified(newName(catalog, node.relation))};`,
  ],
  CreateFunctionStmt(piece, catalog) {
    const { name, arguments: types } = routineOf(catalog, piece);
    return [
      `DROP ${piece.node.is_procedure === true ? 'PROCEDURE' : 'FUNCTION'} IF EXISTS ${quoteQualified(name)}(${types.join(', ')});`,
    ];
  },
  CreateEnumStmt: ({ node }, catalog) => [
    `DROP TYPE IF EXISTS ${quoteQualified(newQualified(catalog, node.typeName))};`,
  ],
  CreateDomainStmt: ({ node }, catalog) => [
    `DROP DOMAIN IF EXISTS ${quoteQualified(newQualified(catalog, node.domainname))};`,
  ],
  CompositeTypeStmt: ({ node }, catalog) => [`DROP TYPE IF EXISTS ${quoteQualified(newName(catalog, node.typevar))};`],
  CreateSeqStmt: ({ node }, catalog) => [`DROP SEQUENCE IF EXISTS ${quoteQualified(newName(catalog, node.sequence))};`],
  CreateSchemaStmt: ({ node }) => [`DROP SCHEMA IF EXISTS ${quoteIdentifier(node.schemaname ?? '')};`],
  AlterTableStmt({ node }, catalog) {
    const table = quoteQualified(newName(catalog, node.relation));
    return allOf(node.cmds, 'AlterTableCmd').flatMap(({ subtype, def }) => {
      const column = fieldsOf(def, 'ColumnDef');
      const constraint = fieldsOf(def, 'Constraint');
      if (subtype === 'AT_AddColumn' && column !== undefined)
        return [`ALTER TABLE IF EXISTS ${table} DROP COLUMN IF EXISTS ${quoteIdentifier(column.colname)};`];
      if (subtype === 'AT_AddConstraint' && constraint?.conname !== undefined)
        return [`ALTER TABLE IF EXISTS ${table} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(constraint.conname)};`];
      return [];
    });
  },
};

/** The table whose DROP also drops a statement's object. */
function tableOfPiece({ type, node }: Piece, catalog: Catalog): string | undefined {
  if (type === 'CreatePolicyStmt' || type === 'AlterPolicyStmt') return newName(catalog, node.table);
  if (type === 'CreateTrigStmt' || type === 'IndexStmt' || type === 'AlterTableStmt')
    return newName(catalog, node.relation);
  return undefined;
}

/** Returns whether an object existed before this file, so that its rollback must not drop it. */
function wasThere(catalog: Catalog, kind: string, name: string, order: number): boolean {
  return (catalog.created.get(`${kind} ${name}`) ?? []).some(({ piece }) => piece.order < order);
}

/** The rollback of a file: by kind, and within a kind in reverse order. */
export function rollbackOf(source: Source, catalog: Catalog): string {
  const names = startingCatalog();
  const lines: string[] = [];
  const made = new Set<string>();
  const order = Math.min(
    ...[...catalog.created.values()]
      .flat()
      .filter(({ piece }) => piece.source.migration.file === source.migration.file)
      .map(({ piece }) => piece.order),
    Infinity,
  );
  const pieces = source.parsed.statements.flatMap((statement) => {
    if (statement.tree === undefined) return [];
    const piece = pieceOf(source, statement, 0, statement.tree);
    return piece.type === 'DoStmt' ? bodyPieces(piece).pieces : [piece];
  });
  for (const piece of pieces) {
    const table = tableOfPiece(piece, names);
    if (piece.type === 'CreateStmt') made.add(newName(names, piece.node.relation));
    // An object on a table of this file is dropped with it.
    if (table !== undefined && made.has(table)) continue;
    if (piece.type === 'CreateStmt' && wasThere(catalog, 'table', newName(names, piece.node.relation), order)) continue;
    if (piece.type === 'CreateFunctionStmt' && wasThere(catalog, 'function', routineOf(names, piece).name, order))
      continue;
    if (piece.type === 'CreateSchemaStmt' && wasThere(catalog, 'schema', String(piece.node['schemaname']), order))
      continue;
    const undo = undos[piece.type] as Undo<NodeType> | undefined;
    lines.unshift(...(undo?.(piece, names) ?? []));
  }
  const name = source.migration.file.slice(source.migration.file.lastIndexOf('/') + 1);
  const body = [...new Set(lines)].sort((a, b) => rankOf(a) - rankOf(b));
  return `-- Rolls back ${name}.\n${body.length === 0 ? '-- That file leaves nothing to roll back.\nSELECT 1;' : body.join('\n')}\n`;
}
