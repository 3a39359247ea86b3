import { policyOf } from '../sql/catalog/effects.ts';
import { findTable, isTemporary, newName, newQualified, temporarySchema } from '../sql/catalog/lookup.ts';
import type { Catalog } from '../sql/catalog/model.ts';
import { allOf, fieldsOf, open, stringsOf } from '../sql/nodes.ts';
import type { Node, NodeType, RangeVar } from '../sql/nodes.ts';
import type { Piece, Source } from '../sql/piece.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { here } from './engine/check.ts';
import { makeIdempotent } from './engine/fix/idempotent.ts';
import type { Rule } from './engine/rule.ts';

/** Why a statement fails when it runs again, and what to write instead. */
interface RepeatFailure {
  message: string;
  suggestion: string;
  location?: number | undefined;
}

/** Statements that take IF NOT EXISTS, and what they create. */
const creates: Record<string, { what: string; title: string }> = {
  CreateStmt: { what: 'CREATE TABLE', title: 'table' },
  IndexStmt: { what: 'CREATE INDEX', title: 'index' },
  CreateSchemaStmt: { what: 'CREATE SCHEMA', title: 'schema' },
  CreateExtensionStmt: { what: 'CREATE EXTENSION', title: 'extension' },
  CreateSeqStmt: { what: 'CREATE SEQUENCE', title: 'sequence' },
};

/** Whether something was dropped: its kind as a parse tree has it, and its name with the schema if it is in one. */
type Dropped = (kind: string, name: string) => boolean;

/** What a file drops, as `<kind> <name>` with the name as it is written, with the first place of each. */
const drops = new WeakMap<Source, Map<string, number>>();

function dropsOf(source: Source): Map<string, number> {
  const known = drops.get(source);
  if (known !== undefined) return known;
  const first = new Map<string, number>();
  const note = (key: string, start: number): void => void (first.has(key) || first.set(key, start));
  for (const { tree, start } of source.parsed.statements) {
    const drop = tree === undefined ? undefined : fieldsOf(tree, 'DropStmt');
    for (const object of drop?.objects ?? []) note(`${drop!.removeType} ${objectName(object)}`, start);
    const alter = tree === undefined ? undefined : fieldsOf(tree, 'AlterTableStmt');
    for (const { subtype, name } of allOf(alter?.cmds, 'AlterTableCmd')) {
      if (subtype === 'AT_DropConstraint') note(`constraint ${name ?? ''}`, start);
    }
  }
  drops.set(source, first);
  return first;
}

/** Returns whether the file itself drops an object before this place, with its schema or by the search path. */
function droppedBefore({ searchPath }: Catalog, source: Source, before: number): Dropped {
  const first = dropsOf(source);
  const has = (kind: string, name: string): boolean => (first.get(`${kind} ${name}`) ?? Infinity) <= before;
  return (kind, name) => {
    const dot = name.indexOf('.');
    return has(kind, name) || (searchPath.includes(name.slice(0, dot)) && has(kind, name.slice(dot + 1)));
  };
}

function objectName(object: Node): string {
  const [type, fields] = open(object);
  if (type === 'TypeName') return stringsOf(fields.names).join('.');
  if (type === 'ObjectWithArgs') return stringsOf(fields.objname).join('.');
  return stringsOf(object).join('.') || stringsOf([object]).join();
}

const plain = (name: string): string => name.replace(/^public\./, '');

const renamed: RepeatFailure = {
  message: 'An object is renamed: running it again fails, because the old name is gone.',
  suggestion: 'Wrap it in a DO block that checks whether the old name still exists.',
};

type RepeatCheck<Type extends NodeType> = (
  catalog: Catalog,
  piece: Piece<Type>,
  dropped: Dropped,
) => RepeatFailure | undefined;

const repeatChecks: { [Type in NodeType]?: RepeatCheck<Type> } = {
  CreatePolicyStmt(catalog, piece, dropped) {
    const { name, table } = policyOf(catalog, piece);
    if (dropped('OBJECT_POLICY', `${table}.${name}`)) return undefined;
    return {
      message: `Policy "${name}" is created without being dropped first: running it again fails.`,
      suggestion: `DROP POLICY IF EXISTS ${quoteIdentifier(name)} ON ${quoteQualified(table)};\n${piece.statement.sql};`,
    };
  },
  CreateTrigStmt(catalog, { node, statement }, dropped) {
    const { trigname, relation } = node;
    if (node.replace === true) return undefined;
    const table = findTable(catalog, relation);
    const name = 'found' in table ? table.found.name : newName(catalog, relation);
    if (dropped('OBJECT_TRIGGER', `${name}.${trigname}`)) return undefined;
    return {
      message: `Trigger ${trigname} is created without being dropped first: running it again fails.`,
      suggestion: `DROP TRIGGER IF EXISTS ${quoteIdentifier(trigname)} ON ${quoteQualified(name)};\n${statement.sql};`,
    };
  },
  CreateFunctionStmt(catalog, piece, dropped) {
    const { replace } = piece.node;
    const name = newQualified(catalog, piece.node.funcname);
    if (replace === true || dropped('OBJECT_FUNCTION', name)) return undefined;
    return {
      message: `Function ${plain(name)} is created without OR REPLACE: running it again fails.`,
      suggestion: piece.statement.sql.replace(/^create\s+/i, (word) => `${word.trimEnd()} OR REPLACE `),
    };
  },
  ViewStmt(catalog, { node, statement }, dropped) {
    const name = newName(catalog, node.view);
    if (node.replace === true || isTemporary(node.view) || dropped('OBJECT_VIEW', name)) return undefined;
    return {
      message: `View ${plain(name)} is created without OR REPLACE: running it again fails.`,
      suggestion: statement.sql.replace(/^create\s+/i, (word) => `${word.trimEnd()} OR REPLACE `),
    };
  },
  AlterTableStmt(_, piece, dropped) {
    const table = piece.node.relation.relname;
    for (const { subtype, def, missing_ok: missingOk, name } of allOf(piece.node.cmds, 'AlterTableCmd')) {
      const column = fieldsOf(def, 'ColumnDef');
      const constraint = fieldsOf(def, 'Constraint');
      if (subtype === 'AT_AddColumn' && missingOk !== true && column !== undefined) {
        return {
          location: column.location,
          message: `Column ${column.colname} is added without IF NOT EXISTS: running it again fails.`,
          suggestion: `ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column.colname)} …`,
        };
      }
      if (subtype === 'AT_DropColumn' && missingOk !== true)
        return {
          message: `Column ${name} is dropped without IF EXISTS: running it again fails.`,
          suggestion: `DROP COLUMN IF EXISTS ${quoteIdentifier(name ?? '')}`,
        };
      if (subtype === 'AT_DropConstraint' && missingOk !== true)
        return {
          message: `Constraint ${name} is dropped without IF EXISTS: running it again fails.`,
          suggestion: `DROP CONSTRAINT IF EXISTS ${quoteIdentifier(name ?? '')}`,
        };
      if (
        subtype === 'AT_AddConstraint' &&
        constraint !== undefined &&
        !dropped('constraint', constraint.conname ?? '')
      ) {
        const known = constraint.conname ?? 'name_of_it';
        return {
          location: constraint.location,
          message:
            `Constraint ${constraint.conname ?? ''} is added without being dropped first: running it again fails.`.replace(
              '  ',
              ' ',
            ),
          suggestion: `ALTER TABLE ${quoteIdentifier(table)} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(known)};\n${piece.statement.sql};`,
        };
      }
    }
    return undefined;
  },
  RenameStmt(_, { node }) {
    return node.missing_ok === true ? undefined : renamed;
  },
  DropStmt(_, { node, statement }) {
    return node.missing_ok === true
      ? undefined
      : {
          message: 'Dropped without IF EXISTS: running it again fails.',
          suggestion: statement.sql.replace(
            /^(drop\s+(?:materialized\s+view|foreign\s+table|event\s+trigger|\w+))\s+(?:concurrently\s+)?/i,
            '$1 IF EXISTS ',
          ),
        };
  },
  CreateEnumStmt: (catalog, piece, dropped) => createdType(piece, newQualified(catalog, piece.node.typeName), dropped),
  CompositeTypeStmt: (catalog, piece, dropped) => createdType(piece, newName(catalog, piece.node.typevar), dropped),
  CreateDomainStmt: (catalog, piece, dropped) =>
    createdType(piece, newQualified(catalog, piece.node.domainname), dropped),
  AlterEnumStmt(_, { node }) {
    if (node.oldVal !== undefined) return renamed;
    return node.newVal === undefined || node.skipIfNewValExists === true
      ? undefined
      : {
          message: 'A value is added to an enum without IF NOT EXISTS: running it again fails.',
          suggestion: 'ALTER TYPE … ADD VALUE IF NOT EXISTS …',
        };
  },
  AlterPublicationStmt(_, { node, statement }) {
    if (node.action !== 'AP_AddObjects') return undefined;
    return {
      message: 'A table is added to a publication: running it again fails.',
      suggestion: `DO $$ BEGIN\n  ${statement.sql};\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $$;`,
    };
  },
  CreateRoleStmt(_, { statement }) {
    return {
      message: 'A role is created: running it again fails.',
      suggestion: `DO $$ BEGIN\n  ${statement.sql};\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $$;`,
    };
  },
};

function createdType({ statement }: Piece, name: string, dropped: Dropped): RepeatFailure | undefined {
  if (dropped('OBJECT_TYPE', name) || dropped('OBJECT_DOMAIN', name)) return undefined;
  return {
    message: `Type ${plain(name)} is created without checking whether it exists: running it again fails.`,
    suggestion: `DO $$ BEGIN\n  ${statement.sql};\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $$;`,
  };
}

type Creation = Piece<'CreateStmt' | 'IndexStmt' | 'CreateSchemaStmt' | 'CreateExtensionStmt' | 'CreateSeqStmt'>;

function isCreation(piece: Piece): piece is Creation {
  return piece.type in creates;
}

/** The name of what a statement creates, with its schema; empty if the statement does not name it. */
function nameOf(catalog: Catalog, piece: Creation): string {
  switch (piece.type) {
    case 'IndexStmt': {
      const { idxname = '', relation } = piece.node;
      const table = findTable(catalog, relation);
      const name = 'found' in table ? table.found.name : newName(catalog, relation);
      return idxname === '' ? '' : `${name.slice(0, name.indexOf('.'))}.${idxname}`;
    }
    case 'CreateSchemaStmt':
      return piece.node.schemaname ?? '';
    case 'CreateExtensionStmt':
      return piece.node.extname;
    case 'CreateSeqStmt':
      return newName(catalog, piece.node.sequence);
    case 'CreateStmt':
      return newName(catalog, piece.node.relation);
  }
}

function created(catalog: Catalog, piece: Creation, dropped: Dropped): RepeatFailure | undefined {
  const { what, title } = creates[piece.type]!;
  if (piece.node.if_not_exists === true) return undefined;
  const relation =
    piece.type === 'CreateSeqStmt' ? piece.node.sequence : 'relation' in piece.node ? piece.node.relation : undefined;
  if (isTemporary(relation)) return undefined;
  const name = nameOf(catalog, piece);
  const kinds: Record<string, string> = {
    CreateStmt: 'OBJECT_TABLE',
    IndexStmt: 'OBJECT_INDEX',
    CreateSchemaStmt: 'OBJECT_SCHEMA',
    CreateExtensionStmt: 'OBJECT_EXTENSION',
    CreateSeqStmt: 'OBJECT_SEQUENCE',
  };
  if (dropped(kinds[piece.type]!, name)) return undefined;
  if (piece.type === 'IndexStmt') {
    const table = findTable(catalog, piece.node.relation);
    if ('found' in table && table.found.temporary === true) return undefined;
  }
  // Dropping a table drops its indexes: if the file drops the table first, the index is new each time.
  if (piece.type === 'IndexStmt' && dropped('OBJECT_TABLE', newName(catalog, piece.node.relation))) return undefined;
  return {
    message: `The ${title} is created without IF NOT EXISTS: running it again fails.`,
    suggestion: `${what} IF NOT EXISTS ${piece.type === 'IndexStmt' ? (piece.node.idxname ?? '') : plain(name)} …`,
  };
}

const isRelation: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW']);

/** Whether a statement is about things of its own session alone, of which another run of the file finds nothing. */
function isOfSession(catalog: Catalog, { type, node }: Piece): boolean {
  const isTable = (relation: RangeVar | undefined): boolean => {
    const table = relation === undefined ? { missing: '' } : findTable(catalog, relation);
    return 'found' in table && table.found.temporary === true;
  };
  const isDropped = ([first = '', second]: string[], kind: string): boolean => {
    if (second !== undefined) return first === temporarySchema;
    const name = `${temporarySchema}.${first}`;
    return kind === 'OBJECT_SEQUENCE' ? catalog.sequences.has(name) : isRelation.has(kind) && catalog.tables.has(name);
  };
  switch (type) {
    case 'AlterTableStmt':
    case 'RenameStmt':
    case 'CreateTrigStmt':
      return isTable(node.relation);
    case 'CreateFunctionStmt':
      return newQualified(catalog, node.funcname).startsWith(`${temporarySchema}.`);
    case 'CreateEnumStmt':
      return newQualified(catalog, node.typeName).startsWith(`${temporarySchema}.`);
    case 'CreateDomainStmt':
      return newQualified(catalog, node.domainname).startsWith(`${temporarySchema}.`);
    case 'CompositeTypeStmt':
      return isTemporary(node.typevar);
    case 'DropStmt':
      return (node.objects ?? []).every((object) => isDropped(objectName(object).split('.'), node.removeType));
    default:
      return false;
  }
}

/** Why a statement cannot run twice; undefined if it can. */
function failureOnRepeat(catalog: Catalog, piece: Piece): RepeatFailure | undefined {
  if (piece.guarded || piece.inside === 'routine' || isOfSession(catalog, piece)) return undefined;
  const dropped = droppedBefore(catalog, piece.source, piece.statement.start);
  if (isCreation(piece)) return created(catalog, piece, dropped);
  const check = repeatChecks[piece.type] as RepeatCheck<NodeType> | undefined;
  return check?.(catalog, piece, dropped);
}

export const rule: Rule = {
  name: 'not-idempotent',
  severity: 'error',
  unless: "a warning outside a muse's own extensions",
  found: ['static', 'rehearsal'],
  means: 'run again, it fails or changes something',
  doc: {
    why:
      'A file that cannot run twice cannot be rehearsed, resumed after a failure, or applied to a database where ' +
      'part of it was done by hand.',
    bad: '-- Notes.\nCREATE TABLE notes (id uuid PRIMARY KEY);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);',
  },
  check: {
    piece(piece, catalog, report) {
      const again = failureOnRepeat(catalog, piece);
      if (again === undefined) return;
      const { message, suggestion, location } = again;
      report({
        ...here(piece, location),
        message,
        suggestion,
        severity: piece.source.migration.layer === 'extension' ? 'error' : 'warning',
      });
    },
  },
  fix: { does: 'the IF NOT EXISTS, DROP … IF EXISTS or OR REPLACE form', stage: 'repetition', apply: makeIdempotent },
};
