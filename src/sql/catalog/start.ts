import { platformExtensions, platformFunctions, platformSchemas, platformTables, searchPath } from './platform.ts';
import type { PlatformTable } from './platform-table.ts';
import type { Catalog, Column, Routine, Table } from './model.ts';

/** An empty table, to be filled in with what is known about it. */
export function newTable(name: string): Table {
  return {
    name,
    kind: 'table',
    columns: new Map(),
    open: false,
    primaryKey: [],
    unique: [],
    foreignKeys: [],
    indexes: new Map(),
    policies: new Map(),
    triggers: new Map(),
    constraints: new Set(),
    ownNames: new Set(),
    parents: [],
    grants: new Map(),
    wideGrants: new Map(),
    columnGrants: new Map(),
    columnRevokes: [],
  };
}

/** A table that no file creates, with what is known about it. */
export function tableOf(name: string, { columns, primaryKey, open = false, isView = false }: PlatformTable): Table {
  const known = Object.entries(columns).map(([column, type]): [string, Column] => [
    column,
    { name: column, type, notNull: primaryKey.includes(column), generated: false },
  ]);
  return { ...newTable(name), kind: isView ? 'view' : 'table', columns: new Map(known), primaryKey, open };
}

function platformRoutine(name: string, returns: string): Routine {
  return {
    name,
    arguments: [],
    returns,
    language: 'internal',
    definer: false,
    searchPath: '',
    volatility: 'stable',
    body: [],
  };
}

/** The catalog before the first migration: what a Supabase project starts with. */
export function startingCatalog(): Catalog {
  return {
    tables: new Map(Object.entries(platformTables).map(([name, table]) => [name, tableOf(name, table)])),
    redefinitions: [],
    ghosts: new Map(),
    routines: new Map(
      Object.entries(platformFunctions).map(([name, returns]) => [name, [platformRoutine(name, returns)]]),
    ),
    types: new Map(),
    schemas: new Map(platformSchemas.map((name) => [name, undefined])),
    extensions: new Map(platformExtensions.map((name) => [name, undefined])),
    sequences: new Map(),
    sequenceOwners: new Map(),
    buckets: new Map(),
    created: new Map(),
    dropped: new Map(),
    drops: new Map(),
    ended: new Map(),
    unreadGrants: new Set(),
    needs: [],
    broken: new Set(),
    madeByRoutines: new Set(),
    defaultGrants: new Map(),
    searchPath: [...searchPath],
    imported: new Set(),
    madeByCalls: new Map(),
    madeByTexts: new Map(),
    unknownExtension: false,
  };
}
