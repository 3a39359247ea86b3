import { parseTree } from '../parser.ts';
import { allOf, fieldsOf, literalOf, stringsOf } from '../nodes.ts';
import type { Fields, Node, NodeType, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findRelation, findRoutines, findTable, findType, isOtherRelation } from './lookup.ts';
import type { Lookup } from './lookup.ts';
import type { Catalog, NeedKind, Report } from './model.ts';

/** Reports what a lookup did not find: the thing, or its schema. */
export function missing(
  kind: NeedKind,
  lookup: Lookup<unknown>,
  location: number | undefined,
  report: Report,
  name?: string,
): void {
  if ('missing' in lookup) report(lookup.schema === true ? 'schema' : kind, name ?? lookup.missing, location);
}

/** The relation that a list of names names. */
function rangeOf(names: readonly string[]): RangeVar {
  const [relname = '', schemaname] = names.toReversed();
  return schemaname === undefined ? { relname } : { relname, schemaname };
}

function tableOnly(catalog: Catalog, names: readonly string[], report: Report): void {
  const relation = rangeOf(names);
  if (!isOtherRelation(catalog, relation)) missing('table', findTable(catalog, relation), undefined, report);
}

function indexNeeded(catalog: Catalog, relation: RangeVar, report: Report): void {
  const lookup = findRelation(catalog, relation);
  // What an index is called does not depend on a schema that is not written.
  missing(
    'index',
    lookup,
    relation.location,
    report,
    'missing' in lookup && lookup.schema === true ? undefined : relation.relname,
  );
}

const sequenceNeeded = (catalog: Catalog, relation: RangeVar, report: Report): void =>
  missing(
    'sequence',
    catalog.unknownExtension ? { foreign: true } : findRelation(catalog, relation),
    relation.location,
    report,
  );

const routineNeeded = (catalog: Catalog, object: unknown, report: Report): void =>
  missing('function', findRoutines(catalog, fieldsOf(object, 'ObjectWithArgs')?.objname), undefined, report);

function typeNeeded(catalog: Catalog, object: unknown, report: Report): void {
  const names = fieldsOf(object, 'TypeName')?.names ?? fieldsOf(object, 'List')?.items;
  if (names !== undefined) missing('type', findType(catalog, { names }), undefined, report);
}

/** By the word that a DROP, COMMENT or ALTER has for what it names. */
const kinds: Record<string, (catalog: Catalog, object: Node, report: Report) => void> = {
  OBJECT_TABLE: (catalog, object, report) => tableOnly(catalog, stringsOf(object), report),
  OBJECT_VIEW: (catalog, object, report) => tableOnly(catalog, stringsOf(object), report),
  OBJECT_MATVIEW: (catalog, object, report) => tableOnly(catalog, stringsOf(object), report),
  OBJECT_FOREIGN_TABLE: (catalog, object, report) => tableOnly(catalog, stringsOf(object), report),
  OBJECT_COLUMN: partOfTable,
  OBJECT_POLICY: partOfTable,
  OBJECT_RULE: partOfTable,
  OBJECT_TABCONSTRAINT: partOfTable,
  OBJECT_TRIGGER: partOfTable,
  OBJECT_INDEX: (catalog, object, report) => indexNeeded(catalog, rangeOf(stringsOf(object)), report),
  OBJECT_SEQUENCE: (catalog, object, report) => sequenceNeeded(catalog, rangeOf(stringsOf(object)), report),
  OBJECT_AGGREGATE: routineNeeded,
  OBJECT_FUNCTION: routineNeeded,
  OBJECT_PROCEDURE: routineNeeded,
  OBJECT_ROUTINE: routineNeeded,
  OBJECT_DOMAIN: typeNeeded,
  OBJECT_TYPE: typeNeeded,
  OBJECT_SCHEMA(catalog, object, report) {
    const name = fieldsOf(object, 'String')?.sval ?? '';
    if (!catalog.schemas.has(name) && !catalog.unknownExtension) report('schema', name, undefined);
  },
};

function partOfTable(catalog: Catalog, object: Node, report: Report): void {
  tableOnly(catalog, stringsOf(object).slice(0, -1), report);
}

/** An ALTER of an object that is not a table, although the tree has it as a relation. */
function relationNeeded(catalog: Catalog, type: string, relation: RangeVar, report: Report): void {
  if (type === 'OBJECT_INDEX') indexNeeded(catalog, relation, report);
  else if (type === 'OBJECT_SEQUENCE') sequenceNeeded(catalog, relation, report);
  else if (type === 'OBJECT_TYPE' || type === 'OBJECT_ATTRIBUTE')
    typeNeeded(
      catalog,
      {
        List: {
          items: [relation.schemaname, relation.relname].flatMap((sval) =>
            sval === undefined ? [] : [{ String: { sval } }],
          ),
        },
      },
      report,
    );
}

/** What a statement names as a list of words, not as a relation, call or type of an expression. */
const named: { [Type in NodeType]?: (catalog: Catalog, node: Fields<Type>, report: Report) => void } = {
  AlterFunctionStmt: (catalog, { func }, report) => routineNeeded(catalog, { ObjectWithArgs: func }, report),
  AlterObjectSchemaStmt: altered,
  AlterOwnerStmt: (catalog, { objectType = '', object }, report) => {
    if (object !== undefined) kinds[objectType]?.(catalog, object, report);
  },
  AlterSeqStmt(catalog, { sequence, missing_ok: missingOk }, report) {
    if (sequence !== undefined && missingOk !== true) sequenceNeeded(catalog, sequence as RangeVar, report);
  },
  AlterTableStmt(catalog, { objtype = '', relation, cmds, missing_ok: missingOk }, report) {
    if (missingOk !== true) relationNeeded(catalog, objtype, relation, report);
    for (const { def } of allOf(cmds, 'AlterTableCmd')) {
      const part = fieldsOf(def, 'PartitionCmd')?.name as RangeVar | undefined;
      if (part === undefined) continue;
      if (objtype === 'OBJECT_INDEX') indexNeeded(catalog, part, report);
      else missing('table', findTable(catalog, part), part.location, report);
    }
  },
  CommentStmt(catalog, { objtype = '', object }, report) {
    if (object !== undefined) kinds[objtype]?.(catalog, object, report);
  },
  CreateEventTrigStmt: (catalog, { funcname }, report) =>
    missing('function', findRoutines(catalog, funcname), undefined, report),
  CreateTrigStmt: (catalog, { funcname }, report) =>
    missing('function', findRoutines(catalog, funcname), undefined, report),
  DropStmt(catalog, { objects, removeType, missing_ok: missingOk }, report) {
    if (missingOk !== true) for (const object of objects) kinds[removeType]?.(catalog, object, report);
  },
  GrantStmt(catalog, { objtype, targtype, objects }, report) {
    if (targtype !== 'ACL_TARGET_OBJECT') return;
    for (const object of objects ?? []) {
      const relation = fieldsOf(object, 'RangeVar');
      if (objtype === 'OBJECT_SEQUENCE' && relation !== undefined) sequenceNeeded(catalog, relation, report);
      else if (relation === undefined) kinds[objtype]?.(catalog, object, report);
    }
  },
  RenameStmt: altered,
};

function altered(catalog: Catalog, node: Fields<'RenameStmt'> | Fields<'AlterObjectSchemaStmt'>, report: Report): void {
  if (node.missing_ok === true) return;
  const type = ('renameType' in node ? node.renameType : node.objectType) ?? '';
  if (node.relation !== undefined) relationNeeded(catalog, type, node.relation, report);
  else if (node.object !== undefined) kinds[type]?.(catalog, node.object, report);
  else if (type === 'OBJECT_SCHEMA' && 'subname' in node)
    kinds[type]?.(catalog, { String: { sval: node.subname ?? '' } }, report);
}

/** Reports the things that a statement names outside of expressions, and that are not there. */
export function missingObjects(catalog: Catalog, { type, node }: Piece, report: Report): void {
  (named[type] as ((catalog: Catalog, node: Piece['node'], report: Report) => void) | undefined)?.(
    catalog,
    node,
    report,
  );
}

/** Functions whose first argument is the name of a sequence. */
const ofSequences: ReadonlySet<string> = new Set(['nextval', 'currval', 'setval']);

/** Functions that take the name of a relation, where a constant is one. */
const ofRelations: ReadonlySet<string> = new Set([
  'regclass',
  'pg_indexes_size',
  'pg_relation_size',
  'pg_table_size',
  'pg_total_relation_size',
  'pg_get_serial_sequence',
]);

/** A relation that an expression names in a constant, with the node that holds it. */
export interface Mention {
  kind: 'table' | 'sequence';
  relation: RangeVar;
  location: number | undefined;
}

/** The relation that the first argument of a call names, if it is a constant and the function takes one. */
export function mentionInCall({ funcname, args, location }: Fields<'FuncCall'>): Mention | undefined {
  const name = stringsOf(funcname).at(-1) ?? '';
  const kind = ofSequences.has(name) ? 'sequence' : ofRelations.has(name) ? 'table' : undefined;
  const relation = kind === undefined ? undefined : relationIn(literalOf(args?.[0]));
  return relation === undefined ? undefined : { kind: kind!, relation, location };
}

/** The relation that `'name'::regclass` names. */
export function mentionInCast({ arg, typeName, location }: Fields<'TypeCast'>): Mention | undefined {
  if (stringsOf(typeName?.names).at(-1) !== 'regclass' || typeName?.arrayBounds !== undefined) return undefined;
  const relation = relationIn(literalOf(arg));
  return relation === undefined ? undefined : { kind: 'table', relation, location };
}

/** A text as the name of a relation; undefined if it is none, as the number of one. */
function relationIn(text: string | undefined): RangeVar | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const raw = parseTree(`TABLE ${text}`);
  const from = Array.isArray(raw) && raw.length === 1 ? fieldsOf(raw[0]?.stmt, 'SelectStmt')?.fromClause : undefined;
  const [relation, more] = allOf(from, 'RangeVar');
  if (relation === undefined || more !== undefined || relation.alias !== undefined) return undefined;
  const { relname, schemaname } = relation;
  return schemaname === undefined ? { relname } : { relname, schemaname };
}

/** Reports a relation that is named in a constant, and is not there. */
export function missingMention(catalog: Catalog, { kind, relation, location }: Mention, report: Report): void {
  if (kind === 'sequence') sequenceNeeded(catalog, { ...relation, location } as RangeVar, report);
  else if (!catalog.unknownExtension) missing('table', findRelation(catalog, relation), location, report);
}
