import { MuseError } from '../shared/error.ts';
import { quoteIdentifier } from '../shared/quote.ts';
import { accessOf, currentOrganization, currentUser, isOwn } from './access.ts';
import { scopeColumnOf, scopedByOf } from './check-table.ts';
import { type Key, organizationKey } from './core.ts';
import { defaultSql, textSql } from './literals.ts';
import type { ForeignKey, ResolvedColumn, ResolvedTable } from './model.ts';
import { fitName, nameGiver, nameProblem } from './names.ts';
import { alias, type Draft, type Reference, type ReferenceContext, resolveReference } from './references.ts';
import type { ColumnSpecification, CoreFacts, TableSpecification } from './table.ts';
import { readType } from './types.ts';

/** A reference whose target is known. */
interface Link {
  column: ColumnSpecification;
  reference: Reference;
}

/**
 * Gives every table its prefix.
 * @throws MuseError `bad-table` if a name is used twice, exists already, or is too long
 */
export function draftTables(tables: readonly TableSpecification[], prefix: string, core: CoreFacts): Draft[] {
  const drafts: Draft[] = [];
  for (const specification of tables) {
    const name = specification.name.startsWith(prefix) ? specification.name : `${prefix}${specification.name}`;
    const problem = nameProblem(name);
    if (problem !== undefined)
      throw refused(`${problem.message}.`, `Shorten the name${prefix === '' ? '' : ` or the prefix ${prefix}`}.`);
    if (core.tables[`public.${name}`] !== undefined) {
      const file = core.extensionTables?.[`public.${name}`];
      throw refused(
        file === undefined
          ? `Core already has a table "${name}", and an extension never changes it.`
          : `The extension already has a table "${name}": ${file} creates it.`,
        file === undefined
          ? `Give the table another name, or reference core's table: -> ${name}`
          : 'Give the table another name, or add columns to the one that exists: muse new, then ' +
              `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS …`,
      );
    }
    if (drafts.some((draft) => draft.name === name))
      throw refused(`There are two tables "${name}".`, 'Remove one, or give it another name.');
    drafts.push({ specification, name });
  }
  return drafts;
}

/** Tables in the order in which they can be created, ready for the templates. */
export function resolveTables(context: ReferenceContext): ResolvedTable[] {
  const linked = context.drafts.map((draft) => {
    const links = draft.specification.columns
      .filter((column) => column.references !== undefined)
      .map((column): Link => ({ column, reference: resolveReference(context, draft, column) }));
    return {
      name: draft.name,
      draft,
      links,
      needs: links.flatMap(({ reference }) => (reference.draft === undefined ? [] : [reference.draft.name])),
    };
  });
  const pairs = new Set(
    linked.flatMap(({ links }) =>
      links.filter(({ reference }) => reference.withScope).map(({ reference }) => reference.key.table),
    ),
  );
  const names = nameGiver([
    ...context.drafts.map(({ name }) => name),
    ...Object.keys(context.core.tables).map((name) => name.replace(/^public\./, '')),
  ]);
  return inOrder(linked).map(({ draft, links }) => resolveTable(context, draft, links, pairs.has(draft.name), names));
}

function resolveTable(
  context: ReferenceContext,
  { specification, name }: Draft,
  links: Link[],
  pair: boolean,
  giveName: ReturnType<typeof nameGiver>,
): ResolvedTable {
  const scopeColumn = scopeColumnOf(specification) ?? null;
  const scopedBy = scopedByOf(specification) ?? null;
  const scopeKey =
    scopedBy === 'owner' ? context.people : scopedBy === 'organization' ? organizationKey(context.core) : undefined;
  const uniques = [
    ...specification.columns.filter((column) => column.unique === true).map((column) => [column.name]),
    ...(specification.unique ?? []),
    ...(pair && scopeColumn !== null ? [['id', scopeColumn]] : []),
  ].filter((columns, index, all) => all.findIndex((other) => other.join('\0') === columns.join('\0')) === index);
  const foreignKeys = links.flatMap(({ column, reference }) =>
    foreignKeysOf(name, column, reference, scopeColumn, giveName),
  );
  const { publicWhere } = specification;
  const wanted = [
    ...foreignKeys.map((key) => key.columns),
    ...(publicWhere === undefined ? [] : [[publicWhere.column, 'created_at']]),
    // With the time after it, one index serves the policy and a page of the newest rows; one row per user needs
    // neither.
    ...(scopeColumn === null || uniques.some((columns) => columns.join() === scopeColumn)
      ? []
      : [[scopeColumn, 'created_at']]),
    ...(specification.indexes ?? []),
  ];
  if (scopeKey !== undefined && scopeColumn !== null) {
    foreignKeys.unshift({
      name: giveName([name, scopeColumn], 'fkey'),
      columns: [scopeColumn],
      schema: scopeKey.schema,
      table: scopeKey.table,
      targetColumns: [scopeKey.column],
      onDelete: 'CASCADE',
      setNull: null,
    });
  }
  const isMine = (by: 'owner' | 'organization', column: string, writing: boolean): string =>
    isOwn(context.access, by, quoteIdentifier(column), writing);
  const own =
    scopedBy === null || scopeColumn === null
      ? undefined
      : {
          read: isMine(scopedBy, scopeColumn, false),
          write: isMine(scopedBy, scopeColumn, true),
          open: publicWhere === undefined ? undefined : isOneOf(publicWhere.column, publicWhere.values),
          visitor: visitorOf(context, { specification, name }, links, scopeColumn),
        };
  const conditions = links.flatMap(({ reference }) => reference.condition ?? []);
  const columns = [
    ...scopeColumns(context, scopeColumn, scopedBy, scopeKey),
    ...specification.columns.map((column) => ({
      ...resolveColumn(column, links),
      ...(column.self === true && { default: currentUser(context.access) }),
    })),
  ];
  return {
    schema: 'public',
    name,
    scope: specification.scope,
    scopeColumn,
    scopedBy,
    whose: whose(specification),
    directive:
      specification.scope === 'public-read' || specification.scope === 'service-only'
        ? `muse: ${specification.scope}`
        : null,
    comment: specification.comment ?? null,
    columns,
    checks: specification.columns.flatMap((column) =>
      columnChecks(column).map((expression) => ({ name: fitName([name, column.name], 'check'), expression })),
    ),
    uniques: uniques.map((list) => ({ name: giveName([name, ...list], 'key'), columns: list })),
    foreignKeys,
    indexes: indexesOf(wanted, [['id'], ...uniques]).map((list) => ({
      name: giveName([name, ...list], 'idx'),
      columns: list,
    })),
    realtime: context.access.isolation === 'auth-uid' && specification.scope !== 'service-only',
    ...accessOf(context.access, specification.scope, own, conditions),
  };
}

function scopeColumns(
  { access, people }: ReferenceContext,
  name: string | null,
  scopedBy: 'owner' | 'organization' | null,
  key: Key | undefined,
): ResolvedColumn[] {
  if (name === null) return [];
  // The owner of a new row is the user who inserts it, unless stated otherwise.
  const owner = scopedBy === 'owner';
  return [
    {
      name,
      type: owner ? (people?.type ?? 'uuid') : key === undefined ? access.organizationType : keyType(key),
      notNull: true,
      default: (owner ? currentUser(access) : currentOrganization(access)) ?? null,
      comment: owner ? 'The user who owns the row.' : 'The organization that owns the row.',
    },
  ];
}

/** One column as SQL, apart from its keys and checks. */
export function resolveColumn(column: ColumnSpecification, links: readonly Link[]): ResolvedColumn {
  const link = links.find((candidate) => candidate.column === column);
  const type = readType(column.type);
  return {
    name: column.name,
    type: link === undefined ? (type?.sql ?? column.type) : keyType(link.reference.key),
    notNull: column.required === true,
    default: link === undefined && type !== undefined ? (defaultSql(column, type) ?? null) : null,
    comment: column.comment ?? null,
  };
}

/** The CHECK of a column's choices and bounds, as SQL; empty if it has none. */
export function columnChecks(column: ColumnSpecification): string[] {
  const name = quoteIdentifier(column.name);
  const bounds = [
    column.min === undefined ? [] : `${name} >= ${column.min}`,
    column.max === undefined ? [] : `${name} <= ${column.max}`,
  ].flat();
  const choices = column.choices === undefined ? [] : [isOneOf(column.name, column.choices)];
  return choices.length + bounds.length === 0 ? [] : [[...choices, ...bounds].join(' and ')];
}

/**
 * SQL for what visitors may do.
 * @throws MuseError `bad-table` if what they add rows under is not open to them
 */
function visitorOf(
  { access }: ReferenceContext,
  { specification, name }: Draft,
  links: readonly Link[],
  scopeColumn: string,
): { read: string; add: string } | undefined {
  const { visitors } = specification;
  if (visitors === undefined) return undefined;
  const { reference } = links.find(({ column }) => column.name === visitors.under) ?? {};
  const target = reference?.draft;
  const open = target?.specification.publicWhere;
  if (target === undefined || open === undefined || reference?.withScope !== true) {
    throw refused(
      `Visitors cannot add rows to "${name}": what ${visitors.under} references has no publicWhere, or another owner.`,
      'Add publicWhere to that table, with the same scope.',
    );
  }
  const as = alias({ name });
  const read = isOwn(access, 'owner', quoteIdentifier(visitors.user));
  const pairs = [
    ['id', visitors.under],
    [scopeColumnOf(target.specification) ?? '', scopeColumn],
  ].map(([theirs, ours]) => `${as}.${quoteIdentifier(theirs!)} = ${quoteIdentifier(name)}.${quoteIdentifier(ours!)}`);
  const conditions = [...pairs, `${as}.${isOneOf(open.column, open.values)}`].join(' and ');
  const exists = `exists (select 1 from public.${quoteIdentifier(target.name)} as ${as} where ${conditions})`;
  const has = isOneOf(visitors.having.column, [visitors.having.value]);
  return { read, add: `(${[read, has, exists].join(' and ')})` };
}

/** SQL that says whether a column has one of the values. */
function isOneOf(column: string, values: readonly string[]): string {
  return `${quoteIdentifier(column)} in (${values.map((value) => textSql(value)).join(', ')})`;
}

/** A key's type for the column that points at it: core's spelling if it is a plain type, else its quoted name. */
function keyType(key: Key): string {
  return (
    readType(key.type)?.sql ??
    key.type
      .split('.')
      .map((part) => quoteIdentifier(part))
      .join('.')
  );
}

/**
 * The key of a reference. One to the same table within the tenant also gets a key of the column alone: PostgREST finds a
 * parent by the name of a column only through such a key (`parent:parent_id(*)`).
 */
function foreignKeysOf(
  table: string,
  column: ColumnSpecification,
  reference: Reference,
  scopeColumn: string | null,
  giveName: ReturnType<typeof nameGiver>,
): ForeignKey[] {
  const isSelf = reference.withScope && reference.draft?.name === table && scopeColumn !== null;
  if (!isSelf) return [foreignKey(giveName([table, column.name], 'fkey'), column, reference, scopeColumn)];
  return [
    foreignKey(giveName([table, column.name], 'fkey'), column, { ...reference, withScope: false }, scopeColumn),
    foreignKey(giveName([table, column.name, scopeColumn], 'fkey'), column, reference, scopeColumn),
  ];
}

function foreignKey(
  name: string,
  column: ColumnSpecification,
  { key, withScope, draft }: Reference,
  scopeColumn: string | null,
): ForeignKey {
  const both = withScope && scopeColumn !== null && draft !== undefined;
  const action = column.onDelete ?? (column.required === true ? 'cascade' : 'set null');
  return {
    name,
    columns: both ? [column.name, scopeColumn] : [column.name],
    schema: key.schema,
    table: key.table,
    targetColumns: both ? [key.column, scopeColumnOf(draft.specification) ?? ''] : [key.column],
    // NO ACTION refuses like RESTRICT, but lets both rows be deleted together with their owner.
    onDelete: { cascade: 'CASCADE', restrict: 'NO ACTION', 'set null': 'SET NULL' }[action],
    setNull: both && action === 'set null' ? column.name : null,
  };
}

/** The wanted indexes, without those that a key or a longer index covers already. */
function indexesOf(wanted: readonly string[][], keys: readonly string[][]): string[][] {
  const serves = (longer: readonly string[], columns: readonly string[]): boolean =>
    columns.every((column, index) => longer[index] === column);
  return wanted.filter(
    (columns, index) =>
      !keys.some((key) => serves(key, columns)) &&
      !wanted.some(
        (other, at) => at !== index && serves(other, columns) && (other.length > columns.length || at < index),
      ),
  );
}

function whose({ scope, scopedBy, publicWhere }: TableSpecification): string {
  const owned = { owner: 'each user', organization: 'each organization' };
  if (publicWhere !== undefined && (scope === 'owner' || scope === 'organization'))
    return `${owned[scope]} its own, everyone reads those whose ${publicWhere.column} is ${publicWhere.values.join(' or ')}`;
  if (scope === 'public-read')
    return `everyone reads, ${scopedBy === undefined ? 'only the service role writes' : `${owned[scopedBy]} writes its own`}`;
  return scope === 'service-only' ? 'only the service role' : `${owned[scope]} its own`;
}

function refused(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-table', message, suggestion });
}

/**
 * Tables in an order in which each comes after those it references; otherwise as given.
 * @param items tables, each with the names of the other tables that it references
 * @throws MuseError `bad-table` naming the cycle
 */
function inOrder<T extends { name: string; needs: readonly string[] }>(items: readonly T[]): T[] {
  const byName = new Map(items.map((item) => [item.name, item]));
  const ordered: T[] = [];
  const done = new Set<string>();
  const visit = (item: T, path: readonly string[]): void => {
    if (done.has(item.name)) return;
    if (path.includes(item.name)) throw circle([...path.slice(path.indexOf(item.name)), item.name]);
    for (const name of item.needs) {
      const needed = byName.get(name);
      if (needed !== undefined && name !== item.name) visit(needed, [...path, item.name]);
    }
    done.add(item.name);
    ordered.push(item);
  };
  for (const item of items) visit(item, []);
  return ordered;
}

function circle(names: string[]): MuseError {
  return new MuseError({
    code: 'bad-table',
    message: `The tables reference each other in a cycle: ${names.join(' -> ')}.`,
    suggestion: 'Remove one of the references, or move it to a separate table that references both.',
  });
}
