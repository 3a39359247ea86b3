import { aggregateSql, asSql, conditionSql, fieldSql, groupSql, orderSql, rangeSql, selectSql } from './expressions.ts';
import { fitName } from '../../shared/quote.ts';
import { quoted, quotedPath, type Values } from './identifiers.ts';
import type { Condition, Embed, Level, PlannedSelect } from './plan.ts';

/** The name of the rows that a request wrote, or that a function returned. */
export const sourceName = 'pgrst_source';

/** The query of a level with all its embeds. */
export function readSql(level: Level | Embed, values: Values): string {
  const { alias, embeds } = level;
  // An outer level applies the aggregates of a to-one spread, over all of the rows that it joins.
  const hoisted = isEmbed(level) && level.mode === 'spread-one';
  const select = hoisted ? level.select.map(withoutAggregate) : level.select;
  const items = [
    ...(level.select.length === 0 && embeds.length === 0 ? [`${quoted(alias)}.*`] : []),
    ...select.map((item) => selectSql(alias, item, values)),
    ...(isEmbed(level) && level.mode === 'spread-many' ? orderColumns(level, values) : []),
    ...embeds.flatMap((embed) => embedItems(embed, hoisted)),
  ];
  const joins = embeds.map((embed) => joinSql(embed, values));
  const where = whereSql(level, values, ({ embed, not }) => {
    const name = quoted(embed.resultAlias);
    return `${name} IS ${not ? '' : 'NOT '}DISTINCT FROM NULL`;
  });
  const order = isEmbed(level) && level.mode === 'spread-many' ? '' : orderSql(alias, level.order, values);
  return (
    `SELECT ${items.join(', ')} FROM ${fromSql(level)}${joins.join('')}${where}` +
    `${groupBySql(level, select, hoisted, values)}${order}${rangeSql(level.range, values)}`
  );
}

function isEmbed(level: Level): level is Embed {
  return 'relationship' in level;
}

function withoutAggregate(item: PlannedSelect): PlannedSelect {
  return { ...item, aggregate: undefined, aggregateCast: undefined };
}

/** The FROM clause of a level without its embeds. */
function fromSql(level: Level): string {
  const { alias, from } = level;
  if (from === undefined) return `${sourceName} AS ${quoted(alias)}`;
  if (!isEmbed(level)) return `${quotedPath(from)} AS ${quoted(alias)}`;
  const { relationship, parentAlias, junctionAlias } = level;
  if (relationship.kind === 'computed') {
    // The cast chooses among functions of one name, also where the row comes from a common table expression.
    const row = `${quoted(parentAlias)}::${quotedPath(relationship.table)}`;
    return `${quotedPath(relationship.function)}(${row}) AS ${quoted(alias)}`;
  }
  const target = `${quotedPath(from)} AS ${quoted(alias)}`;
  if (relationship.kind !== 'many-to-many') return target;
  return `${target}, ${quotedPath(relationship.junction.table)} AS ${quoted(junctionAlias)}`;
}

/** How an embed's rows belong to the parent's. */
function joinConditions(level: Level): string[] {
  if (!isEmbed(level)) return [];
  const { relationship, alias, parentAlias, junctionAlias } = level;
  const equal = (left: string, leftColumn: string, right: string, rightColumn: string) =>
    `${quoted(left)}.${quoted(leftColumn)} = ${quoted(right)}.${quoted(rightColumn)}`;
  if (relationship.kind === 'computed') return [];
  if (relationship.kind === 'many-to-many') {
    const { source, target } = relationship.junction;
    return [
      ...target.map(([own, other]) => equal(alias, own, junctionAlias, other)),
      ...source.map(([own, other]) => equal(junctionAlias, other, parentAlias, own)),
    ];
  }
  return relationship.columns.map(([own, other]) => equal(alias, other, parentAlias, own));
}

type Missing = Extract<Condition, { kind: 'missing' }>;

function whereSql(
  level: Level,
  values: Values,
  missing: (condition: Missing) => string,
  more: readonly string[] = [],
): string {
  const conditions = level.where.map((condition) => conditionSql(level.alias, condition, values, missing));
  const all = [...conditions, ...joinConditions(level), ...more];
  return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
}

/** Nothing is selected in it, nor in what it embeds: it only filters. */
function isEmpty({ select, embeds }: Level): boolean {
  return select.length === 0 && embeds.every(isEmpty);
}

/** What a spread gives to its parent. */
interface SpreadOutput extends Pick<PlannedSelect, 'aggregate' | 'aggregateCast' | 'alias'> {
  name: string;
}

function outputs({ select, embeds }: Level): SpreadOutput[] {
  const own = select.map(({ field, alias, aggregate, aggregateCast }) => ({
    name: alias ?? field.name,
    aggregate,
    aggregateCast,
    alias: aggregate === undefined ? undefined : alias,
  }));
  const plain = { aggregate: undefined, aggregateCast: undefined, alias: undefined };
  const inner = embeds.flatMap((embed): SpreadOutput[] => {
    if (embed.mode === 'spread-one' || embed.mode === 'spread-many') return outputs(embed);
    return isEmpty(embed) ? [] : [{ name: embed.name, ...plain }];
  });
  return [...own, ...inner];
}

function memberSql(alias: string, name: string): string {
  return name === '*' ? `${quoted(alias)}.*` : `${quoted(alias)}.${quoted(name)}`;
}

/** What the parent's SELECT list has for an embed. */
function embedItems(embed: Embed, hoisted: boolean): string[] {
  const { mode, name, resultAlias } = embed;
  const result = quoted(resultAlias);
  if (mode === 'spread-one' || mode === 'spread-many') {
    return outputs(embed).map((output) => {
      const member = memberSql(resultAlias, output.name);
      return hoisted ? member : aggregateSql(member, output) + asSql(output.alias);
    });
  }
  if (isEmpty(embed)) return [];
  if (mode === 'object') return [`row_to_json(${result}.*)::jsonb AS ${quoted(name)}`];
  return [`coalesce(${result}.${result}, '[]') AS ${quoted(name)}`];
}

function joinSql(embed: Embed, values: Values): string {
  const { mode, inner, resultAlias } = embed;
  const result = quoted(resultAlias);
  const join = `${inner ? ' INNER' : ' LEFT'} JOIN LATERAL`;
  const rows = readSql(embed, values);
  if (mode === 'object' || mode === 'spread-one') return `${join} (${rows}) AS ${result} ON true`;
  // Not the result's own name: where that is taken twice, PostgreSQL should say so.
  const source = quoted(rowsAlias(embed));
  const items = [`json_agg(${source})::jsonb AS ${result}`];
  if (mode === 'spread-many') {
    const order = spreadOrder(embed, values);
    for (const { name } of outputs(embed)) {
      items.push(`coalesce(json_agg(${memberSql(rowsAlias(embed), name)}${order}), '[]')::jsonb AS ${quoted(name)}`);
    }
  }
  const on = inner ? `${result} IS NOT NULL` : 'true';
  return `${join} (SELECT ${items.join(', ')} FROM (${rows}) AS ${source}) AS ${result} ON ${on}`;
}

/** The rows that become an array. */
function rowsAlias({ resultAlias }: Embed): string {
  return fitName(resultAlias, '_rows');
}

/** The columns by which each array of a to-many spread is ordered. */
function orderColumns(embed: Embed, values: Values): string[] {
  return embed.order.map(({ embed: other, field }, nr) => {
    const sql = fieldSql(other?.resultAlias ?? embed.alias, field, values);
    return `${sql} AS ${quoted(orderColumn(embed, nr))}`;
  });
}

function orderColumn({ resultAlias }: Embed, nr: number): string {
  return fitName(resultAlias, `_order_${nr + 1}`);
}

function spreadOrder(embed: Embed, values: Values): string {
  const order = embed.order.map((item, nr) => ({
    ...item,
    embed: undefined,
    field: { name: orderColumn(embed, nr), path: [], type: undefined },
  }));
  return orderSql(rowsAlias(embed), order, values);
}

function groupBySql(level: Level, select: readonly PlannedSelect[], hoisted: boolean, values: Values): string {
  const spreads = hoisted ? [] : level.embeds.filter(({ mode }) => mode === 'spread-one' || mode === 'spread-many');
  const aggregated =
    select.some((item) => item.aggregate) || spreads.some((embed) => outputs(embed).some((output) => output.aggregate));
  if (!aggregated) return '';
  const terms = [
    ...select.map((item) => groupSql(level.alias, item, values)),
    ...level.embeds.flatMap((embed) => {
      if (embed.mode === 'object' || embed.mode === 'array') return isEmpty(embed) ? [] : [quoted(embed.name)];
      const plain = outputs(embed).filter((output) => output.aggregate === undefined);
      return plain.map((output) => memberSql(embed.resultAlias, output.name));
    }),
  ].filter((term) => term !== undefined);
  return terms.length === 0 ? '' : ` GROUP BY ${terms.join(', ')}`;
}

/**
 * One row for each that the level has without its range. Embeds count only where they filter.
 */
export function countSql(level: Level, values: Values): string {
  const exists = (embed: Embed) => `EXISTS (${countSql(embed, values)})`;
  const inner = level.embeds.filter((embed) => embed.inner).map(exists);
  const where = whereSql(level, values, ({ embed, not }) => `${not ? '' : 'NOT '}${exists(embed)}`, inner);
  return `SELECT 1 FROM ${fromSql(level)}${where}`;
}
