import { columnOf } from '../../sql/catalog/tables.ts';
import { findTable } from '../../sql/catalog/lookup.ts';
import type { Catalog, Table } from '../../sql/catalog/model.ts';
import { allOf, fieldsOf, stringsOf } from '../../sql/nodes.ts';
import type { Fields, RangeVar } from '../../sql/nodes.ts';
import type { Piece } from '../../sql/piece.ts';
import { newQualified } from '../../sql/catalog/lookup.ts';
import { schemaOf } from './tables.ts';

/** What an extension does to a core table: add a column, or make a change that may break core. */
export interface Change {
  table: string;
  location?: number | undefined;
  /** The added column, if the change is nothing else. */
  column?: { name: string; harmless: boolean };
  what: string;
}

/** The core table that a relation refers to. A table that no file creates counts as core's. */
function coreTable(catalog: Catalog, relation: RangeVar): string | undefined {
  const lookup = findTable(catalog, relation);
  if ('foreign' in lookup || ('missing' in lookup && lookup.schema === true)) return undefined;
  if ('missing' in lookup) return lookup.missing;
  return isCore(lookup.found) ? lookup.found.name : undefined;
}

function isCore(table: Table): boolean {
  if (table.site === undefined) return !['storage', 'realtime'].includes(schemaOf(table));
  return table.site.piece.source.migration.layer === 'core';
}

const breaking: Record<string, string> = {
  AT_DropColumn: 'drops a column of',
  AT_AlterColumnType: "changes a column's type in",
  AT_DropConstraint: 'drops a constraint of',
  AT_SetNotNull: 'makes a column required in',
  AT_DropNotNull: 'makes a column optional in',
  AT_ColumnDefault: 'changes a default of',
  AT_DisableRowSecurity: 'turns row-level security off on',
  AT_EnableRowSecurity: 'turns row-level security on for',
  AT_ForceRowSecurity: 'forces row-level security on',
  AT_ChangeOwner: 'changes the owner of',
  AT_AddConstraint: 'adds a constraint to',
};

function tableChanges(catalog: Catalog, piece: Piece<'AlterTableStmt'>): Change[] {
  const table = coreTable(catalog, piece.node.relation);
  if (table === undefined) return [];
  const changes: Change[] = [];
  const known = catalog.tables.get(table);
  for (const { subtype, name = '', def } of allOf(piece.node.cmds, 'AlterTableCmd')) {
    const definition = fieldsOf(def, 'ColumnDef');
    const own = known?.columns.get(name)?.site?.piece.source.migration.layer === 'extension';
    if (subtype === 'AT_AddColumn' && definition !== undefined) {
      const { notNull, default: value, generated } = columnOf(definition, { piece, offset: 0 });
      changes.push({
        table,
        location: definition.location,
        column: { name: definition.colname, harmless: !notNull || value !== undefined || generated },
        what: 'adds a column to',
      });
    } else if (breaking[subtype] !== undefined && !own) {
      changes.push({ table, what: breaking[subtype] });
    }
  }
  return changes;
}

/** The changes that a statement makes to core. */
export function changesOf(catalog: Catalog, piece: Piece): Change[] {
  const { type, node } = piece;
  if (piece.type === 'AlterTableStmt') return piece.node.objtype === 'OBJECT_TABLE' ? tableChanges(catalog, piece) : [];
  if (type === 'CreatePolicyStmt' || type === 'AlterPolicyStmt') {
    const table = coreTable(catalog, node.table);
    return table === undefined ? [] : [{ table, what: 'changes privileges on' }];
  }
  if (type === 'RenameStmt') {
    const { relation } = node;
    const table = relation === undefined ? undefined : coreTable(catalog, relation);
    return table === undefined ? [] : [{ table, what: 'renames something of' }];
  }
  if (type === 'DropStmt') return dropped(catalog, node);
  if (type === 'CreateFunctionStmt') {
    const name = newQualified(catalog, node.funcname);
    const known = catalog.routines
      .get(name)
      ?.some(({ site }) => site?.piece.source.migration.layer === 'core' && site.piece.source !== piece.source);
    const arity = (parameters: unknown): number => (Array.isArray(parameters) ? parameters.length : 0);
    const same = catalog.routines
      .get(name)
      ?.some(
        ({ site }) =>
          site !== undefined &&
          site.piece.type === 'CreateFunctionStmt' &&
          arity(site.piece.node.parameters) === arity(node.parameters),
      );
    return known === true && same === true ? [{ table: name, what: 'replaces the function' }] : [];
  }
  return [];
}

function dropped(catalog: Catalog, { objects, removeType }: Fields<'DropStmt'>): Change[] {
  const kinds: Record<string, string> = {
    OBJECT_TABLE: 'drops',
    OBJECT_VIEW: 'drops',
    OBJECT_POLICY: 'drops a policy of',
    OBJECT_TRIGGER: 'drops a trigger of',
  };
  const what = kinds[removeType];
  if (what === undefined) return [];
  return objects.flatMap((object) => {
    const names = stringsOf(object).slice(0, what === 'drops' ? undefined : -1);
    const [relname = '', schemaname] = names.toReversed();
    const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
    if (!('found' in lookup) || !isCore(lookup.found)) return [];
    // A trigger or policy that an extension added belongs to the extension.
    const last = stringsOf(object).at(-1)!;
    const owner = (lookup.found.triggers.get(last) ?? lookup.found.policies.get(last))?.site.piece.source.migration
      .layer;
    return what !== 'drops' && owner !== 'core' ? [] : [{ table: lookup.found.name, what }];
  });
}

/** Returns whether a statement is in an extension file and runs when that file runs. */
export const fromExtension = (piece: Piece): boolean =>
  piece.source.migration.layer === 'extension' && piece.inside !== 'routine';
