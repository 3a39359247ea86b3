/** What a function reads from the JSON in its arguments: keys, elements of lists, and what they are compared with. */
import { allOf, type Fields, fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import type { RoutineBody } from './bodies.ts';
import { valuesOf } from './written-values.ts';

/** What is read at one place of a JSON value. */
export interface JsonShape {
  /** What it has under constant keys. */
  keys: Map<string, JsonShape>;
  /** Its elements, if it is read as a list. */
  elements: JsonShape | undefined;
  /** Its values, if its keys are read as texts. */
  entries: JsonShape | undefined;
  /** Constants that it is compared with. */
  texts: Set<string>;
  /** Columns that it is compared with or written to. */
  columns: Set<string>;
  /** The type that it is cast to. */
  type: string | undefined;
}

/** Says whether nothing is read there but the value itself. */
export function isPlain({ keys, elements, entries }: JsonShape): boolean {
  return keys.size === 0 && elements === undefined && entries === undefined;
}

function emptyShape(): JsonShape {
  return {
    keys: new Map(),
    elements: undefined,
    entries: undefined,
    texts: new Set(),
    columns: new Set(),
    type: undefined,
  };
}

const recordsOf = /^jsonb?_to_record(set)?$/;
const populated = /^jsonb?_populate_record(set)?$/;
const elementsOf = /^jsonb?_array_elements(?:_text)?$/;
const entriesOf = /^jsonb?_(?:each(?:_text)?|object_keys)$/;
const byPath = /^jsonb?_extract_path(?:_text)?$/;
const pathQuery = /^jsonb_path_query(?:_array|_first)?$/;

/** Functions whose result is read in place of their argument. */
const transparent = /^(?:lower|upper|trim|btrim|nullif|to_jsonb?|jsonb?_strip_nulls|jsonb?_array_length)$/;

/** How often all is read, so that variables are known that are assigned further down: lists in lists. */
const rounds = 3;

/**
 * The shape of the JSON in each argument.
 * @param names the arguments, as bodies name them
 */
export function jsonShapes(
  names: readonly string[],
  bodies: readonly RoutineBody[],
  tables: ReadonlyMap<string, RelationRow>,
): (name: string) => JsonShape {
  // What a variable holds that is not followed is taken for each argument.
  const unknown = emptyShape();
  const roots = new Map(names.map((name): [string, JsonShape] => [name, emptyShape()]));
  const reader = new Reader(unknown, roots, tables);
  for (let round = 0; round < rounds; round += 1) for (const body of bodies) reader.read(body);
  return (name) => {
    const own = roots.get(name);
    return own === undefined || isPlain(own) ? unknown : own;
  };
}

/** The shape of whatever JSON the bodies read, of columns for example. */
export function jsonShape(bodies: readonly RoutineBody[], tables: ReadonlyMap<string, RelationRow>): JsonShape {
  return jsonShapes([], bodies, tables)('');
}

/** Finds the places that expressions read, and notes what they are compared with. */
class Reader {
  /** What each variable or alias holds. */
  readonly #held: Map<string, Set<JsonShape>>;
  /** Aliases of rows, whose columns are the keys of what they hold. */
  readonly #rows = new Set<string>();
  readonly #unknown: JsonShape;
  readonly #tables: ReadonlyMap<string, RelationRow>;

  constructor(unknown: JsonShape, roots: ReadonlyMap<string, JsonShape>, tables: ReadonlyMap<string, RelationRow>) {
    this.#unknown = unknown;
    this.#tables = tables;
    this.#held = new Map([...roots].map(([name, shape]) => [name, new Set([shape])]));
  }

  read({ trees, assigned }: RoutineBody): void {
    for (const { variables, value } of assigned) this.#assign(variables, value);
    walk(trees, (type, fields) => {
      if (type === 'RangeFunction') this.#bindFunction(fields);
      if (type === 'SelectStmt')
        for (const { name, val } of allOf(fields.targetList, 'ResTarget'))
          if (name !== undefined) this.#bind(name, val);
    });
    walk(trees, (type, fields) => {
      if (type === 'A_Expr') this.#compare(fields);
      if (type === 'FuncCall' || type === 'TypeCast' || type === 'A_Indirection') this.#at({ [type]: fields } as Node);
      if (type === 'CaseExpr')
        for (const { expr } of allOf(fields.args, 'CaseWhen'))
          for (const place of this.#at(fields.arg)) addText(place, constantOf(expr));
      if (type === 'InsertStmt' || type === 'UpdateStmt')
        for (const [column, value] of valuesOf(type, fields)) this.#write(column, value);
    });
  }

  #assign(variables: readonly string[], value: Node): void {
    const select = fieldsOf(value, 'SelectStmt');
    const targets = allOf(select?.targetList, 'ResTarget').map(({ val }) => val);
    const isAll = fieldsOf(fieldsOf(targets[0], 'ColumnRef')?.fields?.at(-1), 'A_Star') !== undefined;
    if (!isAll) {
      variables.forEach((name, index) => {
        this.#bind(name, targets[index]);
      });
      return;
    }
    for (const from of allOf(select?.fromClause, 'RangeFunction')) {
      for (const name of variables) if (this.#bindCall(name, callOf(from))) this.#rows.add(name);
      if (holdsColumns(from)) for (const name of variables) this.#columns(name, from);
    }
  }

  #bind(name: string, value: unknown): void {
    for (const place of this.#at(value)) this.#hold(name, place);
  }

  #hold(name: string, place: JsonShape): void {
    this.#held.set(name, (this.#held.get(name) ?? new Set()).add(place));
  }

  /** `jsonb_array_elements(p -> 'items') as item`, `jsonb_to_recordset(p) as x (id uuid)`. */
  #bindFunction(range: Fields<'RangeFunction'>): void {
    const call = callOf(range);
    const alias = range.alias?.aliasname;
    const name = stringsOf(call?.funcname).at(-1) ?? '';
    const isRow = this.#bindCall(alias ?? (elementsOf.test(name) ? 'value' : name), call);
    if (isRow && alias !== undefined) this.#rows.add(alias);
    if (alias !== undefined) for (const column of stringsOf(range.alias?.colnames)) this.#bindCall(column, call);
    if (alias !== undefined && entriesOf.test(name)) this.#bindCall('value', call);
    if (alias !== undefined && holdsColumns(range)) this.#columns(alias, range);
  }

  /** The columns of a record, with their types. Without the alias they may be those of a table. */
  #columns(alias: string, range: Fields<'RangeFunction'>): void {
    this.#rows.add(alias);
    for (const { colname, typeName } of allOf(range.coldeflist, 'ColumnDef'))
      for (const place of this.#held.get(alias) ?? []) keyOf(place, colname).type ??= stringsOf(typeName?.names).at(-1);
  }

  /** What a set-returning function gives. Returns whether that are rows. */
  #bindCall(name: string, call: Fields<'FuncCall'> | undefined): boolean {
    if (call === undefined) return false;
    for (const place of this.#at({ FuncCall: call } as Node)) this.#hold(name, place);
    const called = stringsOf(call.funcname).at(-1) ?? '';
    return recordsOf.test(called) || populated.test(called);
  }

  #compare(expression: Fields<'A_Expr'>): void {
    const operator = stringsOf(expression.name).at(-1) ?? '';
    this.#at({ A_Expr: expression } as Node);
    const step = { '>': 1, '<': -1 }[operator] ?? 0;
    if (!['=', '>', '<', '>=', '<=', '~~', '~~*'].includes(operator)) return;
    for (const [side, other, sign] of [
      [expression.lexpr, expression.rexpr, 1],
      [expression.rexpr, expression.lexpr, -1],
    ] as const) {
      const places = this.#at(side);
      if (places.length === 0) continue;
      const items = fieldsOf(other, 'List')?.items ?? fieldsOf(other, 'A_ArrayExpr')?.elements ?? [other];
      for (const place of places) {
        for (const item of items) addText(place, moved(constantOf(item), step * sign));
        if (step === 0) for (const column of this.#columnsIn(other)) place.columns.add(column);
      }
    }
  }

  #write(column: string, value: unknown): void {
    // Of INSERT … SELECT, it is a target of the query.
    for (const place of this.#at(fieldsOf(value, 'ResTarget')?.val ?? value)) place.columns.add(column);
  }

  /** The column that a side of a comparison is. */
  #columnsIn(node: unknown): string[] {
    const parts = stringsOf(fieldsOf(node, 'ColumnRef')?.fields);
    const name = parts.at(-1);
    return name === undefined || name === '' || this.#held.has(parts[0] ?? '') ? [] : [name];
  }

  /** The places that an expression reads. */
  #at(node: unknown): JsonShape[] {
    const cast = fieldsOf(node, 'TypeCast');
    if (cast !== undefined) {
      const places = this.#at(cast.arg);
      const type = stringsOf(cast.typeName?.names).at(-1) ?? '';
      if (!/^(?:jsonb?|text|varchar)$/.test(type)) for (const place of places) place.type ??= type;
      return places;
    }
    const column = fieldsOf(node, 'ColumnRef');
    if (column !== undefined) return this.#named(stringsOf(column.fields));
    const parameter = fieldsOf(node, 'ParamRef');
    if (parameter !== undefined) return [...(this.#held.get(`$${parameter.number ?? 0}`) ?? [])];
    const coalesce = fieldsOf(node, 'CoalesceExpr');
    if (coalesce !== undefined) return this.#at(coalesce.args?.[0]);
    const subscript = fieldsOf(node, 'A_Indirection');
    if (subscript !== undefined) {
      const steps = allOf(subscript.indirection, 'A_Indices').map(({ uidx }) => uidx);
      return steps.length === 0 ? [] : below(this.#at(subscript.arg), steps.map(stepOf));
    }
    const query = fieldsOf(fieldsOf(node, 'SubLink')?.subselect, 'SelectStmt');
    if (query !== undefined) return allOf(query.targetList, 'ResTarget').flatMap(({ val }) => this.#at(val));
    const call = fieldsOf(node, 'FuncCall');
    if (call !== undefined) return this.#called(call);
    const expression = fieldsOf(node, 'A_Expr');
    return expression === undefined ? [] : this.#operated(expression);
  }

  #named(parts: readonly string[]): JsonShape[] {
    const [first = '', second] = parts;
    const held = [...(this.#held.get(first) ?? [])];
    if (second === undefined || second === 'value') return held;
    if (second === 'key' && !this.#rows.has(first)) return [];
    if (this.#rows.has(first)) return second === '' ? held : held.map((place) => keyOf(place, second));
    // The columns of a query in FROM.
    return held.length > 0 ? held : [...(this.#held.get(second) ?? [])].filter((place) => place !== this.#unknown);
  }

  #called(call: Fields<'FuncCall'>): JsonShape[] {
    const name = stringsOf(call.funcname).at(-1) ?? '';
    const [first, second] = call.args ?? [];
    if (transparent.test(name)) {
      const places = this.#at(first);
      if (name.endsWith('array_length')) below(places, [{ isElement: true }]);
      return places;
    }
    if (elementsOf.test(name)) return below(this.#at(first), [{ isElement: true }]);
    if (byPath.test(name)) return below(this.#based(first), (call.args ?? []).slice(1).map(stepOf));
    if (entriesOf.test(name)) {
      const entries = this.#at(first).map((place) => (place.entries ??= emptyShape()));
      return name.endsWith('keys') ? [] : entries;
    }
    if (pathQuery.test(name)) return below(this.#at(first), jsonPath(literalOf(second) ?? ''));
    const given = recordsOf.exec(name) ?? populated.exec(name);
    if (given === null) return [];
    const isOfType = populated.test(name);
    const places = this.#document(isOfType ? second : first);
    const rows = given[1] === undefined ? places : below(places, [{ isElement: true }]);
    if (isOfType)
      for (const row of rows)
        for (const { name: key, base } of columnsOf(first, this.#tables)) {
          const place = keyOf(row, key);
          place.type ??= base;
          place.columns.add(key);
        }
    return rows;
  }

  /** `p -> 'a' ->> 'b'`, `p #>> '{a,b}'`, `p ? 'a'`, `p @> '{"a": 1}'`. */
  #operated({ name, lexpr, rexpr }: Fields<'A_Expr'>): JsonShape[] {
    const operator = stringsOf(name).at(-1) ?? '';
    const key = literalOf(rexpr);
    if (operator === '->' || operator === '->>' || (operator === '?' && key !== undefined))
      return below(this.#based(lexpr), [stepOf(rexpr)]);
    if ((operator === '#>' || operator === '#>>') && key !== undefined)
      return below(
        this.#based(lexpr),
        key
          .replace(/^\{|\}$/g, '')
          .split(',')
          .filter((part) => part !== '')
          .map(keyStep),
      );
    return [];
  }

  /** The documents of which a record is made: also of several that are merged, or of one with other values in it, or without some. */
  #document(node: unknown): JsonShape[] {
    const expression = fieldsOf(node, 'A_Expr');
    const operator = stringsOf(expression?.name).at(-1) ?? '';
    if (operator === '||') return [expression?.lexpr, expression?.rexpr].flatMap((side) => this.#document(side));
    if (operator === '-' || operator === '#-') return this.#document(expression?.lexpr);
    const call = fieldsOf(node, 'FuncCall');
    const isChanged = /^jsonb_(?:set(?:_lax)?|insert)$/.test(stringsOf(call?.funcname).at(-1) ?? '');
    return isChanged ? this.#document(call?.args?.[0]) : this.#based(node);
  }

  /** What is read of anything but a function's result is of some argument. */
  #based(node: unknown): JsonShape[] {
    const places = this.#at(node);
    const isName = fieldsOf(node, 'ColumnRef') !== undefined || fieldsOf(node, 'ParamRef') !== undefined;
    return places.length === 0 && isName ? [this.#unknown] : places;
  }
}

/** A step into a value: to its elements, to the value of any key, or to that of a key. */
type Step = { isElement: true } | { isEntry: true } | { key: string };

function keyStep(text: string): Step {
  return /^\d+$/.test(text) ? { isElement: true } : { key: text };
}

/** A constant is a key or, if it is a number, the place in a list; a variable may be either. */
function stepOf(node: unknown): Step {
  const key = literalOf(node);
  if (key !== undefined) return keyStep(key);
  return constantOf(node) === undefined && fieldsOf(node, 'A_Expr') === undefined
    ? { isEntry: true }
    : { isElement: true };
}

function below(places: readonly JsonShape[], steps: readonly Step[]): JsonShape[] {
  return steps.reduce<readonly JsonShape[]>(
    (from, step) =>
      from.map((place) => {
        if ('key' in step) return keyOf(place, step.key);
        if ('isElement' in step) return (place.elements ??= emptyShape());
        // `p -> i` of a list, or the value of each key.
        return place.elements ?? (place.entries ??= emptyShape());
      }),
    places,
  ) as JsonShape[];
}

function keyOf(place: JsonShape, key: string): JsonShape {
  const known = place.keys.get(key) ?? emptyShape();
  place.keys.set(key, known);
  return known;
}

function addText({ texts }: JsonShape, text: string | undefined): void {
  if (text !== undefined) texts.add(text);
}

/** Of `qty > 0`, a number above. */
function moved(text: string | undefined, by: number): string | undefined {
  return text === undefined || by === 0 || !Number.isFinite(Number(text)) ? text : String(Number(text) + by);
}

/** The steps of a JSON path without conditions: `$.items[*].id`. */
function jsonPath(path: string): Step[] {
  return [...path.matchAll(/\[[^\]]*\]|\.\s*(?:"([^"]*)"|(\w+)(?!\w*\s*\())/g)].map(([, quoted, plain]): Step => {
    const key = quoted ?? plain;
    return key === undefined ? { isElement: true } : { key };
  });
}

/** The function in FROM. */
function callOf(range: Fields<'RangeFunction'>): Fields<'FuncCall'> | undefined {
  const [list] = range.functions ?? [];
  return fieldsOf(fieldsOf(list, 'List')?.items?.[0], 'FuncCall');
}

function holdsColumns({ coldeflist = [] }: Fields<'RangeFunction'>): boolean {
  return coldeflist.length > 0;
}

/** The columns of the table in `null::public.notes`. */
function columnsOf(node: unknown, tables: ReadonlyMap<string, RelationRow>): RelationRow['columns'] {
  const names = stringsOf(fieldsOf(node, 'TypeCast')?.typeName?.names);
  const table = tables.get(names.length === 1 ? `public.${names[0]}` : names.join('.'));
  return table?.columns ?? [];
}
