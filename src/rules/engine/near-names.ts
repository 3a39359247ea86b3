import { isOneMistake, nearest } from '../../shared/nearest.ts';
import { fitName, quoteIdentifier, quoteQualified } from '../../shared/quote.ts';
import { builtinFunctions, builtinTypes, extensionFunctions } from '../../sql/catalog/builtins.ts';
import type { Catalog, Need } from '../../sql/catalog/model.ts';
import type { Kind } from '../../sql/created.ts';

/** Words for types that PostgreSQL's parser turns into others; people write them all the same. */
const typeWords = ['integer', 'bigint', 'smallint', 'boolean', 'decimal', 'real', 'serial', 'bigserial', 'smallserial'];

/** The names of PostgreSQL's own types, as people write them. */
export const knownTypes: readonly string[] = [
  ...[...builtinTypes].filter((name) => !name.startsWith('pg_')),
  ...typeWords,
];

/** A name as SQL writes it, quoted where it must be; the words for PostgreSQL's own types stay as they are. */
export function asWritten(name: string, kind: Kind | Need['kind']): string {
  if (kind === 'type' && knownTypes.includes(name)) return name;
  if (kind !== 'column') return quoteQualified(name);
  return columnParts(name)
    .map((part) => quoteIdentifier(fitName(part)))
    .join('.');
}

/** The parts of a column's name: schema, table and column, or the column alone, which may have dots of its own. */
export function columnParts(name: string): string[] {
  const [schema = '', table = '', ...column] = name.split('.');
  const parts = column.length === 0 ? [schema, table] : [schema, table, column.join('.')];
  return parts.includes('') ? [name] : parts;
}

/** What there is under the same name in another schema, which the statement's search path lacks: of the files, or of Supabase's own extensions. */
export function inOtherSchema({ kind, name }: Need, catalog: Catalog): string | undefined {
  if (kind === 'index') {
    const table = [...catalog.tables.values()].find(({ indexes, site }) => site !== undefined && indexes.has(name));
    return table === undefined ? undefined : `${table.name.slice(0, table.name.indexOf('.'))}.${name}`;
  }
  if (kind !== 'table' && kind !== 'function' && kind !== 'type') return undefined;
  const last = name.slice(name.indexOf('.'));
  if (kind === 'function' && extensionFunctions.has(last.slice(1)) && name !== `extensions${last}`)
    return `extensions${last}`;
  const made = {
    table: () =>
      [...catalog.tables.values()]
        .filter(({ site, temporary }) => site !== undefined && temporary !== true)
        .map((one) => one.name),
    function: () => [...catalog.routines].filter(([, [one]]) => one?.site !== undefined).map(([key]) => key),
    type: () => [...catalog.types].filter(([, { site }]) => site !== undefined).map(([key]) => key),
  }[kind]();
  return made.find((one) => one !== name && one.slice(one.indexOf('.')) === last);
}

/** By catalog and need: several rules ask the same of each missing name. */
const nearNames = new WeakMap<Catalog, Map<string, string | undefined>>();

/**
 * The thing that was probably meant where a name is missing: one that exists, of the same kind; as the statement would name it.
 * @param catalog what exists in the end: it does not change any more
 */
export function nearName(need: Need, catalog: Catalog): string | undefined {
  const known = nearNames.get(catalog) ?? new Map<string, string | undefined>();
  nearNames.set(catalog, known);
  const key = `${need.kind} ${need.name}`;
  if (!known.has(key)) known.set(key, findNear(need, catalog));
  return known.get(key);
}

function findNear(need: Need, catalog: Catalog): string | undefined {
  const elsewhere = inOtherSchema(need, catalog);
  if (elsewhere !== undefined) return elsewhere;
  const dot = need.name.lastIndexOf('.');
  const [owner, name] = [need.name.slice(0, Math.max(0, dot)), need.name.slice(dot + 1)];
  const inSchema = (names: Iterable<string>): string[] =>
    [...names]
      .filter((one) => one !== need.name && one.slice(0, one.lastIndexOf('.')) === owner)
      .map((one) => one.slice(dot + 1));
  const shown = (near: string | undefined): string | undefined =>
    near === undefined || owner === '' || owner === 'public' ? near : `${owner}.${near}`;
  switch (need.kind) {
    case 'column':
      return nearest(name, catalog.tables.get(owner)?.columns.keys() ?? []);
    case 'table':
      return shown(nearest(name, inSchema(catalog.tables.keys())));
    case 'type':
      return shown(nearest(name, [...inSchema(catalog.types.keys()), ...(owner === 'public' ? knownTypes : [])]));
    case 'function':
      return shown(
        nearest(name, [
          ...inSchema(catalog.routines.keys()),
          ...(owner === 'public' ? [...builtinFunctions, ...extensionFunctions] : []),
        ]),
      );
    case 'schema':
      return nearest(
        need.name,
        [...catalog.schemas.keys()].filter((one) => one !== need.name),
      );
    case 'index':
      return nearest(
        need.name,
        [...catalog.tables.values()].flatMap(({ indexes }) => [...indexes.keys()]),
      );
    case 'sequence':
      return shown(nearest(name, inSchema(catalog.sequences.keys())));
    case 'alias':
      return undefined;
  }
}

/** Says whether a missing name is an existing one with a single mistake: then nothing is to be created. */
export function isTypo(need: Need, catalog: Catalog): boolean {
  const near = nearName(need, catalog);
  return (
    near !== undefined &&
    (near === inOtherSchema(need, catalog) ||
      isOneMistake(need.name.slice(need.name.lastIndexOf('.') + 1), near.slice(near.lastIndexOf('.') + 1)))
  );
}
