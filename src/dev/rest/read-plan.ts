import { fitName } from '../../shared/quote.ts';
import { castType } from './casts.ts';
import { isToOne, keyOf, type Catalog, type Qualified, type Table } from './catalog.ts';
import { RestFailure } from './failure.ts';
import type { Field } from './fields.ts';
import type { Filter, LogicTree } from './filters.ts';
import { findRelationship } from './find-relationship.ts';
import type { OrderItem } from './order.ts';
import type { Condition, Embed, Level, PlannedField, PlannedOrder, PlannedSelect, RowRange } from './plan.ts';
import type { Placed, Query } from './query.ts';
import type { SelectedEmbed, SelectedField, SelectItem } from './select.ts';

/** The parts of a query that still have levels to go. */
type Scope = Pick<Query, 'filters' | 'logic' | 'order' | 'limits' | 'offsets'>;

export interface ReadRequest {
  catalog: Catalog;
  /** The table, view or function; where embeds start. */
  origin: Qualified;
  /** Undefined for the rows that the request wrote or a function returned. */
  from: Qualified | undefined;
  query: Query;
  /** Of the outermost level. */
  range: RowRange;
  /** At most so many rows at each level. */
  maxRows: number | undefined;
}

interface Place {
  request: ReadRequest;
  alias: string;
  origin: Qualified;
  depth: number;
  /** The mode of the embed; undefined for the outermost level. */
  mode: Embed['mode'] | undefined;
  /** An outer level aggregates, so that every `*` must be spelled out. */
  aggregated: boolean;
}

/**
 * Plans what a request reads.
 * @throws RestFailure for an embed that cannot be resolved, and what refers to one that is not there
 */
export function planRead(request: ReadRequest): Level {
  const { query, origin, from } = request;
  const place: Place = { request, alias: origin.name, origin, depth: 0, mode: undefined, aggregated: false };
  return { ...planLevel(place, query.select, query), from, range: request.range };
}

function planLevel(place: Place, items: readonly SelectItem[], scope: Scope): Omit<Level, 'from'> {
  const { request, alias, origin, depth, mode } = place;
  const table = request.catalog.tables.get(keyOf(origin));
  const fields = items.filter((item) => item.kind === 'field');
  const embedded = items.filter((item) => item.kind === 'embed');
  const scopes = splitScope(scope, embedded);
  const aggregated =
    place.aggregated || mode === 'spread-many' || fields.some((field) => field.aggregate) || spreadsAggregate(embedded);
  const embeds = embedded.map((item, nr) =>
    planEmbed({ ...place, depth: depth + 1, aggregated }, item, scopes[nr] as Scope, nr),
  );
  const own = <T>(placed: readonly Placed<T>[]): T[] =>
    placed.filter(({ path }) => path.length === 0).map(({ value }) => value);
  const range = { offset: own(scope.offsets)[0] ?? 0, limit: own(scope.limits)[0] };
  return {
    alias,
    table,
    select: fields.flatMap((field) => planSelect(field, table, mode, aggregated)),
    embeds,
    where: [...own(scope.filters), ...own(scope.logic)].map((tree) => planCondition(tree, table, embeds)),
    order: own(scope.order)
      .flat()
      .map((item) => planOrder(item, table, embeds, origin)),
    range: restrict(range, request.maxRows),
  };
}

/** As PostgREST's `max-rows`: no level gives more rows. */
export function restrict(range: RowRange, maxRows: number | undefined): RowRange {
  if (maxRows === undefined) return range;
  return { offset: range.offset, limit: Math.min(range.limit ?? maxRows, maxRows) };
}

function spreadsAggregate(items: readonly SelectItem[]): boolean {
  return items.some(
    (item) =>
      item.kind === 'embed' &&
      item.spread &&
      (item.select.some((inner) => inner.kind === 'field' && inner.aggregate) || spreadsAggregate(item.select)),
  );
}

/** One scope for each embed; a level's name means the first embed with that name. */
function splitScope(scope: Scope, embedded: readonly SelectedEmbed[]): Scope[] {
  const parts = {
    filters: splitPlaced(scope.filters, embedded),
    logic: splitPlaced(scope.logic, embedded),
    order: splitPlaced(scope.order, embedded),
    limits: splitPlaced(scope.limits, embedded),
    offsets: splitPlaced(scope.offsets, embedded),
  };
  return embedded.map((_, nr) => ({
    filters: parts.filters[nr] ?? [],
    logic: parts.logic[nr] ?? [],
    order: parts.order[nr] ?? [],
    limits: parts.limits[nr] ?? [],
    offsets: parts.offsets[nr] ?? [],
  }));
}

function splitPlaced<T>(placed: readonly Placed<T>[], embedded: readonly SelectedEmbed[]): Placed<T>[][] {
  const parts: Placed<T>[][] = embedded.map(() => []);
  for (const { path, value } of placed) {
    const [first, ...rest] = path;
    if (first === undefined) continue;
    const part = parts[embedded.findIndex((item) => item.target === first || item.alias === first)];
    if (part === undefined) throw notEmbedded(first);
    part.push({ path: rest, value });
  }
  return parts;
}

function notEmbedded(name: string): RestFailure {
  return new RestFailure({
    status: 400,
    code: 'PGRST108',
    message: `'${name}' is not an embedded resource in this request`,
    hint: `Verify that '${name}' is included in the 'select' query parameter.`,
  });
}

function planEmbed(place: Place, item: SelectedEmbed, scope: Scope, nr: number): Embed {
  const { request, depth, alias: parentAlias, origin } = place;
  const relationship = findRelationship(request.catalog, origin, item.target, item.hint);
  const toOne = isToOne(relationship);
  const mode = item.spread ? (toOne ? 'spread-one' : 'spread-many') : toOne ? 'object' : 'array';
  const { foreign } = relationship;
  const name = item.alias ?? item.target;
  const level = planLevel(
    { ...place, origin: foreign, alias: aliasOf(foreign.name, `_${depth}`, nr), mode },
    item.select,
    scope,
  );
  if (mode === 'spread-many') refuseAggregates(level);
  return {
    ...level,
    from: foreign,
    relationship,
    parentAlias,
    junctionAlias:
      relationship.kind === 'many-to-many' ? aliasOf(relationship.junction.table.name, `_j${depth}`, nr) : '',
    resultAlias: aliasOf(`${relationship.table.name}_${name}`, `_${depth}`, nr),
    name,
    names: item.alias === undefined ? [item.target] : [item.alias],
    inner: item.join === 'inner',
    mode,
  };
}

/** An alias as PostgreSQL's messages should name it; where that is too long, one that no sibling has. */
function aliasOf(name: string, suffix: string, nr: number): string {
  const alias = name + suffix;
  return Buffer.byteLength(alias) <= longestAlias ? alias : fitName(name, `_${nr}${suffix}`);
}

/** So that what is put after it still fits. */
const longestAlias = 50;

function refuseAggregates({ select, embeds }: Omit<Level, 'from'>): void {
  const spreads = embeds.filter((embed) => embed.mode === 'spread-one');
  if (select.some((item) => item.aggregate)) {
    throw new RestFailure({
      status: 400,
      code: 'PGRST127',
      message: 'Feature not implemented',
      details: 'Aggregates are not implemented for one-to-many or many-to-many spreads.',
    });
  }
  for (const spread of spreads) refuseAggregates(spread);
}

function planField({ name, path }: Field, table: Table | undefined): PlannedField {
  return { name, path, type: table?.columns.get(name)?.type };
}

function planSelect(
  item: SelectedField,
  table: Table | undefined,
  mode: Embed['mode'] | undefined,
  aggregated: boolean,
): PlannedSelect[] {
  const spread = mode === 'spread-one' || mode === 'spread-many';
  const { field, aggregate } = item;
  const planned: PlannedSelect = {
    field: planField(field, table),
    cast: item.cast === undefined ? undefined : castType(item.cast),
    aggregate,
    aggregateCast: item.aggregateCast === undefined ? undefined : castType(item.aggregateCast),
    // The parent of a spread must know what an aggregate is called.
    alias: item.alias ?? (aggregate ? (spread ? aggregate : undefined) : lastKey(field)),
  };
  if (field.name !== '*') return [planned];
  if (aggregate) return [spread ? { ...planned, field: { ...planned.field, wholeRow: true } } : planned];
  if (!aggregated || table === undefined) return [planned];
  return [...table.columns.values()].map((column) => ({
    ...planned,
    field: { name: column.name, path: [], type: column.type },
  }));
}

/** What a JSON path is called in the result: its last key or, where it has only indexes, the column. */
function lastKey({ name, path }: Field): string | undefined {
  if (path.length === 0) return undefined;
  return path.findLast((step) => step.key !== undefined)?.key ?? name;
}

function planCondition(tree: LogicTree, table: Table | undefined, embeds: readonly Embed[]): Condition {
  if (tree.kind === 'filter') return planFilter(tree, table, embeds);
  return { ...tree, items: tree.items.map((item) => planCondition(item, table, embeds)) };
}

function planFilter(filter: Filter, table: Table | undefined, embeds: readonly Embed[]): Condition {
  const { field, not, operation } = filter;
  const embed = embeds.find(({ names }) => field.path.length === 0 && names.includes(field.name));
  if (
    embed !== undefined &&
    operation.kind === 'is' &&
    (operation.value === 'null' || operation.value === 'not_null')
  ) {
    return { kind: 'missing', embed, not: not !== (operation.value === 'not_null') };
  }
  if (embed !== undefined && !table?.columns.has(field.name)) {
    throw new RestFailure({
      status: 400,
      code: 'PGRST120',
      message: `Bad operator on the '${field.name}' embedded resource`,
      details: 'Only is null or not is null filters are allowed on embedded resources',
    });
  }
  return { kind: 'filter', field: planField(field, table), not, operation };
}

/** The conditions of a write, which knows no embeds. */
export function planConditions({ filters, logic }: Query, table: Table): Condition[] {
  const own = [...filters, ...logic].filter(({ path }) => path.length === 0);
  return own.map(({ value }) => planCondition(value, table, []));
}

function planOrder(
  item: OrderItem,
  table: Table | undefined,
  embeds: readonly Embed[],
  origin: Qualified,
): PlannedOrder {
  const { relation, direction, nulls } = item;
  if (relation === undefined) return { embed: undefined, field: planField(item.field, table), direction, nulls };
  const embed = embeds.find(({ names }) => names.includes(relation));
  if (embed === undefined) throw notEmbedded(relation);
  if (!isToOne(embed.relationship)) {
    throw new RestFailure({
      status: 400,
      code: 'PGRST118',
      message: `A related order on '${relation}' is not possible`,
      details: `'${origin.name}' and '${relation}' do not form a many-to-one or one-to-one relationship`,
    });
  }
  return { embed, field: planField(item.field, embed.table), direction, nulls };
}
