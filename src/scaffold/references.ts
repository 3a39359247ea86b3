import { quoteIdentifier } from '../shared/quote.ts';
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import { isOwn, type AccessContext } from './access.ts';
import { keyOf, organizationKey, type Key } from './core.ts';
import type { ColumnSpecification, CoreFacts, TableSpecification } from './table.ts';
import { scopedByOf, scopeColumnOf } from './check-table.ts';
import { readType } from './types.ts';

/** A table of the extension while it is being resolved to SQL. */
export interface Draft {
  specification: TableSpecification;
  /** With its prefix. */
  name: string;
}

/** What tables are resolved against. */
export interface ReferenceContext {
  core: CoreFacts;
  drafts: readonly Draft[];
  people: Key | undefined;
  access: AccessContext;
}

/** The target of a foreign key, and what prevents a reference to another tenant's row. */
export interface Reference {
  key: Key;
  /** The target, if the extension creates it. */
  draft?: Draft;
  /** Make it a key of two columns, (key, scope column), so that both rows always have the same owner. */
  withScope: boolean;
  /** SQL for WITH CHECK, if the target is not a table of the extension with the same scope. */
  condition?: string;
}

/**
 * Finds the table that a column references, and how to keep the reference within the tenant.
 * @throws MuseError `bad-table` if there is no such table, it has no single key, or only the service role sees it
 */
export function resolveReference(context: ReferenceContext, source: Draft, column: ColumnSpecification): Reference {
  const name = column.references ?? '';
  const draft = context.drafts.find(({ specification, name: full }) =>
    [specification.name, full, `public.${full}`].includes(name),
  );
  if (draft !== undefined) return ownTarget(source, column, draft);
  const target = name.includes('.') ? name : `public.${name}`;
  const key = name === 'user' ? context.people : keyOf(context.core, target);
  if (name === 'user' && key === undefined)
    throw unusable(source, column, 'core has no table of users', 'Reference the table that has them, e.g. users.');
  if (key === undefined) throw unknown(context, source, column, target);
  if (readType(key.type) === undefined && !/^[\p{L}_][\p{L}\p{N}_.]*$/u.test(key.type)) {
    throw unusable(
      source,
      column,
      `its key has the type ${key.type}, which is not supported`,
      'Reference a table with a uuid, number or text key.',
    );
  }
  if (column.self === true)
    return { key, withScope: false, condition: isOwn(context.access, 'owner', quoteIdentifier(column.name)) };
  return { key, withScope: false, ...coreCondition(context, source, column, key) };
}

function ownTarget(source: Draft, column: ColumnSpecification, draft: Draft): Reference {
  const key = { schema: 'public', table: draft.name, column: 'id', type: 'uuid' };
  const [from, to] = [source.specification, draft.specification];
  const scopedBy = scopedByOf(from);
  if (scopedBy === undefined || to.scope === 'public-read') return { key, draft, withScope: false };
  if (scopedBy === scopedByOf(to)) return { key, draft, withScope: true };
  if (from.scope === 'service-only') return { key, draft, withScope: false };
  if (to.scope === 'service-only') {
    throw unusable(
      source,
      column,
      `only the service role can see "${to.name}", so no other role can reference its rows`,
      `Make ${to.name} public-read, or "${from.name}" service-only too.`,
    );
  }
  // Row-level security of the target applies inside: users cannot reference rows that they cannot see.
  return { key, draft, withScope: false, condition: seen(source, column, key, []) };
}

const scopeColumns = { owner: ['user_id', 'owner_id'], organization: ['organization_id', 'org_id'] } as const;

function coreCondition(
  { core, people, access }: ReferenceContext,
  source: Draft,
  column: ColumnSpecification,
  key: Key,
): { condition?: string } {
  const { specification } = source;
  const scopedBy = scopedByOf(specification);
  const same = (other: Key | undefined): boolean => other?.schema === key.schema && other.table === key.table;
  // Only the service role writes to the first kind; and a reference to a user is not one to a row with an owner.
  if (
    scopedBy === undefined ||
    specification.scope === 'service-only' ||
    same(people) ||
    same(keyOf(core, 'auth.users'))
  )
    return {};
  if (same(organizationKey(core)))
    return { condition: orNull(column, isOwn(access, 'organization', outer(source, column.name))) };
  const columns = core.tables[`${key.schema}.${key.table}`]?.columns ?? {};
  const both = scopeColumns[scopedBy].find((name) => columns[name] !== undefined);
  const scope = scopeColumnOf(specification);
  if (both !== undefined && scope !== undefined) {
    return {
      condition: seen(source, column, key, [`${alias(source)}.${quoteIdentifier(both)} = ${outer(source, scope)}`]),
    };
  }
  // The owner of its rows is unknown: users cannot reference rows that they cannot see. Schemas that the Data API does not
  // serve have no grants for such a check.
  return key.schema === 'public' ? { condition: seen(source, column, key, []) } : {};
}

/** What a referenced table is called in a condition on the table that references it. */
export const alias = (source: Pick<Draft, 'name'>): string => (source.name === 'target' ? 'referred' : 'target');
const outer = (source: Draft, column: string): string => `${quoteIdentifier(source.name)}.${quoteIdentifier(column)}`;

function seen(source: Draft, column: ColumnSpecification, key: Key, more: string[]): string {
  const target = alias(source);
  const conditions = [`${target}.${quoteIdentifier(key.column)} = ${outer(source, column.name)}`, ...more].join(
    ' and ',
  );
  return orNull(
    column,
    `exists (select 1 from ${quoteIdentifier(key.schema)}.${quoteIdentifier(key.table)} as ${target} where ${conditions})`,
  );
}

function orNull(column: ColumnSpecification, condition: string): string {
  return column.required === true ? condition : `(${quoteIdentifier(column.name)} is null or ${condition})`;
}

function unknown(
  { core, drafts }: ReferenceContext,
  source: Draft,
  column: ColumnSpecification,
  target: string,
): MuseError {
  if (core.tables[target] !== undefined)
    return unusable(
      source,
      column,
      `${target} has no primary key with a single column`,
      'Reference a table that has one.',
    );
  const known = [
    ...drafts.map(({ specification }) => specification.name),
    ...Object.keys(core.tables).map((name) => name.replace(/^public\./, '')),
  ].sort();
  const meant = nearest(target.replace(/^public\./, ''), known);
  const list = known.join(', ');
  return unusable(
    source,
    column,
    `there is no table ${target}, in core or in this extension`,
    meant === undefined
      ? `Reference one of ${list.length > 300 ? `${list.slice(0, 300)}…` : list}, or user.`
      : `Write ${column.name.replace(/_id$/, '')} -> ${meant}.`,
  );
}

function unusable(source: Draft, column: ColumnSpecification, why: string, suggestion: string): MuseError {
  return new MuseError({
    code: 'bad-table',
    message: `Column "${column.name}" of table "${source.specification.name}" cannot reference ${column.references}: ${why}.`,
    suggestion,
  });
}
