import { relationName } from '../names.ts';
import { allOf, fieldsOf, stringsOf } from '../nodes.ts';
import type { ColumnDef, Constraint, Fields, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { chosenExclusionName, chosenName } from './chosen-names.ts';
import { findTable, newName } from './lookup.ts';
import type { Catalog, Column, Site, Table } from './model.ts';
import { newTable } from './start.ts';
import { isSerial, typeText } from './types.ts';

/** Records that this place creates an object. */
export function note(catalog: Catalog, kind: string, name: string, site: Site): void {
  const key = `${kind} ${name}`;
  const sites = catalog.created.get(key);
  if (sites === undefined) catalog.created.set(key, [site]);
  else sites.push(site);
}

/** The full name of the table that a reference resolves to, or would resolve to if it existed. */
function referenced(catalog: Catalog, relation: RangeVar): string {
  const lookup = findTable(catalog, relation);
  return 'found' in lookup
    ? lookup.found.name
    : relation.schemaname === undefined
      ? newName(catalog, relation)
      : relationName(relation);
}

/** A column as a CREATE TABLE or ADD COLUMN defines it. Its constraints are applied separately. */
export function columnOf(definition: ColumnDef, site: Site): Column {
  const constraints = allOf(definition.constraints, 'Constraint');
  const { typeName: type } = definition;
  const serial = type !== undefined && isSerial(type);
  const has = (...kinds: string[]): boolean => constraints.some(({ contype }) => kinds.includes(contype));
  return {
    name: definition.colname,
    // A partition lists columns with their constraints only.
    type: type === undefined ? 'unknown' : typeText(type),
    notNull: has('CONSTR_NOTNULL', 'CONSTR_PRIMARY', 'CONSTR_IDENTITY') || serial,
    default: constraints.find(({ contype }) => contype === 'CONSTR_DEFAULT')?.raw_expr,
    generated: has('CONSTR_GENERATED', 'CONSTR_IDENTITY') || serial,
    site,
  };
}

/** Adds a constraint to a table; `column` if it is part of a column's definition. */
function addConstraint(catalog: Catalog, table: Table, constraint: Constraint, site: Site, column?: string): void {
  const keys = column === undefined ? stringsOf(constraint.keys) : [column];
  if (constraint.conname !== undefined) table.constraints.add(constraint.conname);
  if (constraint.contype === 'CONSTR_PRIMARY') {
    if (constraint.conname === undefined) table.ownNames.add(chosenName(bare(table.name), '', 'pkey'));
    table.primaryKey = keys;
    for (const key of keys) {
      const known = table.columns.get(key);
      if (known !== undefined) known.notNull = true;
    }
  } else if (constraint.contype === 'CONSTR_UNIQUE') {
    if (constraint.conname === undefined) {
      const all = [...keys, ...stringsOf(constraint.including)];
      table.ownNames.add(chosenName(bare(table.name), all.join('_'), 'key'));
    }
    table.unique.push(keys);
  } else if (constraint.contype === 'CONSTR_EXCLUSION' && constraint.conname === undefined) {
    table.constraints.add(chosenExclusionName(bare(table.name), constraint));
  } else if (constraint.contype === 'CONSTR_FOREIGN' && constraint.pktable !== undefined) {
    table.foreignKeys.push({
      name: constraint.conname,
      columns: column === undefined ? stringsOf(constraint.fk_attrs) : [column],
      table: referenced(catalog, constraint.pktable),
      targets: stringsOf(constraint.pk_attrs),
      site: { ...site, offset: site.piece.at(constraint.location) },
    });
  }
}

function addColumn(catalog: Catalog, table: Table, definition: ColumnDef, piece: Piece): void {
  const site = { piece, offset: piece.at(definition.location) };
  const column = columnOf(definition, site);
  table.columns.set(definition.colname, column);
  if (column.generated) table.ownNames.add(chosenName(bare(table.name), column.name, 'seq'));
  for (const constraint of allOf(definition.constraints, 'Constraint')) {
    addConstraint(catalog, table, constraint, site, definition.colname);
  }
}

/** The table that a CREATE TABLE defines, whether or not one of that name already exists. */
export function describedTable(catalog: Catalog, piece: Piece<'CreateStmt'>): Table {
  const statement = piece.node;
  const table = newTable(newName(catalog, statement.relation));
  table.site = { piece, offset: piece.at(statement.relation.location) };
  const elements = statement.tableElts ?? [];
  for (const definition of allOf(elements, 'ColumnDef')) addColumn(catalog, table, definition, piece);
  for (const constraint of allOf(elements, 'Constraint')) addConstraint(catalog, table, constraint, table.site);
  const parents = [
    ...allOf(elements, 'TableLikeClause').map(({ relation }) => relation),
    ...allOf(statement.inhRelations, 'RangeVar'),
  ];
  for (const parent of parents) {
    const lookup = findTable(catalog, parent);
    if (!('found' in lookup) || lookup.found.open) table.open = true;
    if ('found' in lookup)
      for (const [name, column] of lookup.found.columns) table.columns.set(name, { ...column, site: table.site });
  }
  table.copied = parents.length > 0;
  table.parents = allOf(statement.inhRelations, 'RangeVar').map((parent) => referenced(catalog, parent));
  if (statement.partbound !== undefined && parents[0] !== undefined)
    table.partitionOf = referenced(catalog, parents[0]);
  if (statement.ofTypename !== undefined) table.open = true;
  else if (elements.length === 0 && parents.length === 0) table.open = false;
  return table;
}

/** The table that a command attaches or detaches. */
function partitionIn(catalog: Catalog, command: Fields<'AlterTableCmd'>): Table | undefined {
  const { relname, schemaname } = fieldsOf(command.def, 'PartitionCmd')?.name ?? {};
  if (relname === undefined) return undefined;
  const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
  return 'found' in lookup ? lookup.found : undefined;
}

const alters: Record<string, (catalog: Catalog, table: Table, command: Fields<'AlterTableCmd'>, piece: Piece) => void> =
  {
    AT_AddColumn(catalog, table, command, piece) {
      const definition = fieldsOf(command.def, 'ColumnDef');
      if (definition === undefined) return;
      const site = { piece, offset: piece.at(definition.location) };
      note(catalog, 'column', `${table.name}.${definition.colname}`, site);
      if (!table.columns.has(definition.colname)) addColumn(catalog, table, definition, piece);
    },
    AT_DropColumn(catalog, table, command, piece) {
      const { name = '' } = command;
      table.columns.delete(name);
      // Those that inherit lose the column too, unless they define it themselves.
      for (const heir of heirsOf(catalog, table.name)) heir.open = true;
      catalog.dropped.set(`column ${table.name}.${name}`, { piece, offset: piece.at() });
      table.foreignKeys = table.foreignKeys.filter(({ columns }) => !columns.includes(name));
      table.unique = table.unique.filter((columns) => !columns.includes(name));
      for (const [index, { columns, uses }] of table.indexes)
        if (columns.includes(name) || uses.includes(name)) table.indexes.delete(index);
      table.ownNames.delete(chosenName(bare(table.name), name, 'seq'));
      dropOwned(catalog, table, { piece, offset: piece.at() }, name);
    },
    AT_AddConstraint(catalog, table, command, piece) {
      const constraint = fieldsOf(command.def, 'Constraint');
      if (constraint === undefined) return;
      const index = constraint.indexname === undefined ? undefined : table.indexes.get(constraint.indexname);
      const keyed =
        index === undefined ? constraint : { ...constraint, keys: index.columns.map((sval) => ({ String: { sval } })) };
      addConstraint(catalog, table, keyed, { piece, offset: piece.at(constraint.location) });
    },
    AT_DropConstraint(_, table, { name = '' }) {
      table.constraints.delete(name);
      table.foreignKeys = table.foreignKeys.filter(
        (key) => (key.name ?? `${bare(table.name)}_${key.columns.join('_')}_fkey`) !== name,
      );
    },
    AT_AlterColumnType(_, table, command) {
      const column = table.columns.get(command.name ?? '');
      const definition = fieldsOf(command.def, 'ColumnDef');
      if (column !== undefined && definition?.typeName !== undefined) column.type = typeText(definition.typeName);
    },
    AT_SetNotNull(_, table, command) {
      const column = table.columns.get(command.name ?? '');
      if (column !== undefined) column.notNull = true;
    },
    AT_DropNotNull(_, table, command) {
      const column = table.columns.get(command.name ?? '');
      if (column !== undefined) column.notNull = false;
    },
    AT_ColumnDefault(_, table, command) {
      const column = table.columns.get(command.name ?? '');
      if (column !== undefined) column.default = command.def;
    },
    AT_AttachPartition(catalog, table, command) {
      const partition = partitionIn(catalog, command);
      if (partition === undefined) return;
      partition.partitionOf = table.name;
      partition.parents.push(table.name);
    },
    AT_DetachPartition(catalog, table, command) {
      const partition = partitionIn(catalog, command);
      if (partition === undefined) return;
      partition.partitionOf = undefined;
      partition.parents = partition.parents.filter((each) => each !== table.name);
    },
    AT_AddInherit(catalog, table, command) {
      const parent = fieldsOf(command.def, 'RangeVar');
      if (parent !== undefined) table.parents.push(referenced(catalog, parent));
    },
    AT_DropInherit(catalog, table, command) {
      const parent = fieldsOf(command.def, 'RangeVar');
      const name = parent === undefined ? '' : referenced(catalog, parent);
      table.parents = table.parents.filter((each) => each !== name);
    },
    AT_AddIdentity(_, table, { name = '' }) {
      table.ownNames.add(chosenName(bare(table.name), name, 'seq'));
    },
    AT_DropIdentity(_, table, { name = '' }) {
      table.ownNames.delete(chosenName(bare(table.name), name, 'seq'));
    },
    AT_EnableRowSecurity(_, table, __, piece) {
      table.rls ??= { piece, offset: piece.at() };
    },
    AT_DisableRowSecurity(_, table) {
      table.rls = undefined;
    },
  };

/** The tables that inherit from a table, and those that inherit from them. */
export function heirsOf(catalog: Catalog, name: string): Table[] {
  const heirs = [...catalog.tables.values()].filter(({ parents }) => parents.includes(name));
  return heirs.flatMap((heir) => [heir, ...heirsOf(catalog, heir.name)]);
}

/** The sequences that go with a table, or with one of its columns, by full name. */
export function ownedBy(catalog: Catalog, table: Table, column?: string): string[] {
  return [...catalog.sequenceOwners]
    .filter(([, owner]) => owner.table === table && (column === undefined || owner.column === column))
    .map(([name]) => name);
}

/** Drops the sequences that go with a table, or with one of its columns. */
function dropOwned(catalog: Catalog, table: Table, site: Site, column?: string): void {
  for (const name of ownedBy(catalog, table, column)) {
    catalog.sequenceOwners.delete(name);
    catalog.sequences.delete(name);
    catalog.dropped.set(`sequence ${name}`, site);
  }
}

/** Applies OWNED BY among the options of a sequence. */
export function own(catalog: Catalog, sequence: string, options: unknown): void {
  const option = allOf(options, 'DefElem').find(({ defname }) => defname === 'owned_by');
  if (option === undefined) return;
  catalog.sequenceOwners.delete(sequence);
  const [column = '', relname, schemaname] = stringsOf(option.arg).toReversed();
  // NONE is the only part then.
  if (relname === undefined) return;
  const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
  if ('found' in lookup) catalog.sequenceOwners.set(sequence, { table: lookup.found, column });
}

/** The name without its schema. */
export function bare(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

/** What an ALTER TABLE also does to the tables that inherit. */
const ofHeirs = new Set(['AT_AddColumn', 'AT_AlterColumnType']);

/** Applies an ALTER TABLE to the catalog. */
export function alterTable(catalog: Catalog, piece: Piece<'AlterTableStmt'>): void {
  const lookup = findTable(catalog, piece.node.relation);
  if ('missing' in lookup)
    for (const { def } of allOf(piece.node.cmds, 'AlterTableCmd')) {
      const added = fieldsOf(def, 'ColumnDef')?.colname;
      if (added !== undefined) catalog.broken.add(`${lookup.missing}.${added}`);
    }
  if (!('found' in lookup)) return;
  for (const command of allOf(piece.node.cmds, 'AlterTableCmd')) {
    alters[command.subtype]?.(catalog, lookup.found, command, piece);
    if (ofHeirs.has(command.subtype))
      for (const heir of heirsOf(catalog, lookup.found.name)) alters[command.subtype]?.(catalog, heir, command, piece);
  }
}
