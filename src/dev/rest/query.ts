import { parseColumns, parseTreePath } from './fields.ts';
import { parseLogic, parseOperation, type Filter, type LogicTree } from './filters.ts';
import { parseOrder, type OrderItem } from './order.ts';
import { parseSelect, type SelectItem } from './select.ts';

/** Something that belongs to an embedded level; the empty path is the root. */
export interface Placed<T> {
  path: readonly string[];
  value: T;
}

/** The query string of a request to a table, view or function. */
export interface Query {
  select: readonly SelectItem[];
  filters: readonly Placed<Filter>[];
  logic: readonly Placed<LogicTree>[];
  order: readonly Placed<readonly OrderItem[]>[];
  limits: readonly Placed<number>[];
  offsets: readonly Placed<number>[];
  columns: readonly string[] | undefined;
  onConflict: readonly string[] | undefined;
  /** What is neither reserved nor has an operator: the arguments of a function that is called by GET. */
  parameters: readonly (readonly [name: string, value: string])[];
}

const reserved: ReadonlySet<string> = new Set(['select', 'columns', 'on_conflict', 'apikey']);

/**
 * Reads a query string.
 * @param forCall a function called by GET: values without an operator are its arguments
 * @throws RestFailure PGRST100
 */
export function parseQuery(search: URLSearchParams, forCall: boolean): Query {
  const filters: Placed<Filter>[] = [];
  const logic: Placed<LogicTree>[] = [];
  const order: Placed<OrderItem[]>[] = [];
  const limits: Placed<number>[] = [];
  const offsets: Placed<number>[] = [];
  const parameters: [string, string][] = [];
  for (const [key, value] of search) {
    if (reserved.has(key)) continue;
    const last = key.slice(key.lastIndexOf('.') + 1);
    if (last === 'and' || last === 'or') {
      const { path, tree } = parseLogic(key, value);
      logic.push({ path, value: tree });
      continue;
    }
    const { path, field } = parseTreePath(key);
    if (last === 'order') order.push({ path, value: parseOrder(value) });
    else if (last === 'limit') pushWhole(limits, path, value);
    else if (last === 'offset') pushWhole(offsets, path, value);
    else {
      const parsed = parseOperation(value, forCall);
      if (parsed === undefined) parameters.push([key, value]);
      else filters.push({ path, value: { kind: 'filter', field, ...parsed } });
    }
  }
  const columns = search.get('columns');
  const onConflict = search.get('on_conflict');
  return {
    select: parseSelect(search.get('select') ?? '*'),
    filters,
    logic,
    order,
    limits,
    offsets,
    columns: columns === null ? undefined : parseColumns('columns', columns),
    onConflict: onConflict === null ? undefined : parseColumns('on_conflict', onConflict),
    parameters,
  };
}

/** As PostgREST, ignores what is not a whole number. */
function pushWhole(list: Placed<number>[], path: readonly string[], text: string): void {
  if (/^-?\d{1,15}$/.test(text)) list.push({ path, value: Number(text) });
}
