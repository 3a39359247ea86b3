import { comparisons, searches, truths, type Operation } from './filters.ts';
import { quoted, type Values } from './identifiers.ts';
import type { Condition, Level, PlannedField, PlannedOrder, PlannedSelect } from './plan.ts';

/** A column, or a value in it, as SQL. */
export function fieldSql(alias: string, field: PlannedField, values: Values): string {
  if (field.wholeRow) return quoted(alias);
  if (field.name === '*') return `${quoted(alias)}.*`;
  const column = `${quoted(alias)}.${quoted(field.name)}`;
  if (field.path.length === 0) return column;
  // What is JSON already is used as it is, so that its indexes apply.
  const json = field.type === 'json' || field.type === 'jsonb' ? column : `to_jsonb(${column})`;
  const steps = field.path.map(({ asText, key, index }) => {
    const operand = index === undefined ? `${values.bind(key)}::text` : `${values.bind(index)}::int`;
    return `${asText ? '->>' : '->'}${operand}`;
  });
  return json + steps.join('');
}

/** A selected field without its name in the result. */
function valueSql(alias: string, { field, cast }: PlannedSelect, values: Values): string {
  const sql = fieldSql(alias, field, values);
  return cast === undefined ? sql : `CAST(${sql} AS ${cast})`;
}

export function aggregateSql(
  value: string,
  { aggregate, aggregateCast }: Pick<PlannedSelect, 'aggregate' | 'aggregateCast'>,
): string {
  if (aggregate === undefined) return value;
  const sql = `${aggregate}(${value})`;
  return aggregateCast === undefined ? sql : `CAST(${sql} AS ${aggregateCast})`;
}

export function asSql(alias: string | undefined): string {
  return alias === undefined ? '' : ` AS ${quoted(alias)}`;
}

/** One item of a SELECT list. */
export function selectSql(alias: string, item: PlannedSelect, values: Values): string {
  const value = item.aggregate === 'count' && item.field.name === '*' && !item.field.wholeRow;
  return aggregateSql(value ? '*' : valueSql(alias, item, values), item) + asSql(item.alias);
}

/** An item of GROUP BY; undefined for an aggregate. */
export function groupSql(alias: string, item: PlannedSelect, values: Values): string | undefined {
  if (item.aggregate !== undefined) return undefined;
  return item.alias === undefined ? fieldSql(alias, item.field, values) : quoted(item.alias);
}

export function orderSql(alias: string, order: readonly PlannedOrder[], values: Values): string {
  if (order.length === 0) return '';
  const items = order.map(({ embed, field, direction, nulls }) => {
    const words = [fieldSql(embed?.resultAlias ?? alias, field, values)];
    if (direction) words.push(direction === 'asc' ? 'ASC' : 'DESC');
    if (nulls) words.push(nulls === 'nullsfirst' ? 'NULLS FIRST' : 'NULLS LAST');
    return words.join(' ');
  });
  return ` ORDER BY ${items.join(', ')}`;
}

export function rangeSql({ offset, limit }: Level['range'], values: Values): string {
  const parts: string[] = [];
  if (limit !== undefined) parts.push(` LIMIT ${values.bind(String(limit))}::bigint`);
  if (offset !== 0) parts.push(` OFFSET ${values.bind(String(offset))}::bigint`);
  return parts.join('');
}

/** How a condition on an embedded resource is written: by its alias where it is joined, by EXISTS where it is not. */
export type MissingSql = (condition: Extract<Condition, { kind: 'missing' }>) => string;

export function conditionSql(alias: string, condition: Condition, values: Values, missing: MissingSql): string {
  if (condition.kind === 'missing') return missing(condition);
  if (condition.kind === 'filter') {
    const sql = operationSql(alias, condition.field, condition.operation, values);
    return condition.not ? `NOT (${sql})` : sql;
  }
  const items = condition.items.map((item) => conditionSql(alias, item, values, missing));
  const sql = `(${items.join(condition.operator === 'and' ? ' AND ' : ' OR ')})`;
  return condition.not ? `NOT ${sql}` : sql;
}

function operationSql(alias: string, field: PlannedField, operation: Operation, values: Values): string {
  const value = () => fieldSql(alias, field, values);
  switch (operation.kind) {
    case 'is':
      return `${value()} IS ${truths[operation.value]}`;
    case 'distinct':
      return `${value()} IS DISTINCT FROM ${values.bind(operation.value)}`;
    case 'in': {
      const [first, ...others] = operation.values;
      const list = first === '' && others.length === 0 ? [] : operation.values;
      return `${value()} = ANY (${values.bind(list)})`;
    }
    case 'compare': {
      const { operator, quantifier } = operation;
      const isLike = operator === 'like' || operator === 'ilike';
      const left = value();
      const right = values.bind(isLike ? operation.value.replaceAll('*', '%') : operation.value);
      const quantified = quantifier === undefined ? right : `${quantifier === 'any' ? 'ANY' : 'ALL'} (${right})`;
      return `${left} ${comparisons[operator]} ${quantified}`;
    }
    case 'search': {
      const language = operation.language === undefined ? '' : `${values.bind(operation.language)}::regconfig, `;
      const isVector = field.path.length === 0 && (field.type === 'tsvector' || field.type === undefined);
      const left = isVector ? value() : `to_tsvector(${language}${value()})`;
      return `${left} @@ ${searches[operation.operator]}(${language}${values.bind(operation.value)})`;
    }
  }
}
