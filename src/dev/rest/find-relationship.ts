import type { Catalog, KeyRelationship, Qualified, Relationship } from './catalog.ts';
import { keyOf } from './catalog.ts';
import { RestFailure } from './failure.ts';
import { noRelationshipHint } from './hints.ts';

/**
 * The relationship that an embed means.
 * @param target the name in the request: a table, view, constraint, column or function
 * @throws RestFailure PGRST200 where there is none, PGRST201 where there are several
 */
export function findRelationship(
  catalog: Catalog,
  origin: Qualified,
  target: string,
  hint: string | undefined,
): Relationship {
  const candidates = catalog.relationships.get(keyOf(origin)) ?? [];
  const found = candidates.filter((relationship) => matches(relationship, target, hint));
  const [only, another] = found;
  if (only === undefined) throw noneFound(catalog, origin, target, hint);
  if (another !== undefined) throw several(origin, target, found);
  return only;
}

function matches(relationship: Relationship, target: string, hint: string | undefined): boolean {
  if (relationship.kind === 'computed') return target === relationship.function.name;
  const isForeign = target === relationship.foreign.name;
  if (relationship.kind === 'many-to-many') {
    return !relationship.self && isForeign && (hint === undefined || hint === relationship.junction.table.name);
  }
  if (relationship.self) return matchesSelf(relationship, isForeign, target, hint);
  const { constraint, foreignIsView } = relationship;
  if (hint === undefined) {
    return isForeign || (!foreignIsView && (target === constraint || isColumn(relationship, 0, target)));
  }
  return isForeign && (hint === constraint || isColumn(relationship, 0, hint) || isColumn(relationship, 1, hint));
}

/** One key of a table to itself is two relationships: by the table's name to the many, by the column to the one. */
function matchesSelf(
  relationship: KeyRelationship,
  isForeign: boolean,
  target: string,
  hint: string | undefined,
): boolean {
  const toMany = isForeign && relationship.kind === 'one-to-many';
  if (hint !== undefined) return toMany && isColumn(relationship, 1, hint);
  return toMany || (relationship.kind === 'many-to-one' && isColumn(relationship, 0, target));
}

/** Only the column of a key of one column names it. */
function isColumn({ columns }: KeyRelationship, side: 0 | 1, name: string): boolean {
  return columns.length === 1 && columns[0]?.[side] === name;
}

function noneFound(catalog: Catalog, origin: Qualified, target: string, hint: string | undefined): RestFailure {
  const using = hint === undefined ? '' : ` using the hint '${hint}'`;
  return new RestFailure({
    status: 400,
    code: 'PGRST200',
    message: `Could not find a relationship between '${origin.name}' and '${target}' in the schema cache`,
    details:
      `Searched for a foreign key relationship between '${origin.name}' and '${target}'${using} ` +
      `in the schema '${origin.schema}', but no matches were found.`,
    hint: noRelationshipHint(catalog, origin, target),
  });
}

function several(origin: Qualified, target: string, found: readonly Relationship[]): RestFailure {
  const names = found.map((relationship) => `'${relationship.foreign.name}!${hintOf(relationship)}'`);
  return new RestFailure({
    status: 300,
    code: 'PGRST201',
    message: `Could not embed because more than one relationship was found for '${origin.name}' and '${target}'`,
    details: found.map(describe),
    hint:
      `Try changing '${target}' to one of the following: ${names.join(', ')}. ` +
      "Find the desired relationship in the 'details' key.",
  });
}

function hintOf(relationship: Relationship): string {
  if (relationship.kind === 'computed') return relationship.function.name;
  return relationship.kind === 'many-to-many' ? relationship.junction.table.name : relationship.constraint;
}

function describe(relationship: Relationship): Record<string, string> {
  const { kind, table, foreign } = relationship;
  const embedding = `${table.name} with ${foreign.name}`;
  if (relationship.kind === 'computed') return { cardinality: kind, embedding, relationship: hintOf(relationship) };
  if (relationship.kind === 'many-to-many') {
    const { junction } = relationship;
    const list = (side: 'source' | 'target') => `(${junction[side].map(([, column]) => column).join(', ')})`;
    return {
      cardinality: kind,
      embedding,
      relationship:
        `${junction.table.name} using ${junction.constraint1}${list('source')} ` +
        `and ${junction.constraint2}${list('target')}`,
    };
  }
  const list = (side: 0 | 1) => `(${relationship.columns.map((pair) => pair[side]).join(', ')})`;
  return {
    cardinality: kind,
    embedding,
    relationship: `${relationship.constraint} using ${table.name}${list(0)} and ${foreign.name}${list(1)}`,
  };
}
