/** The columns of a table whose values may decide what policies, views and functions let through, and the values that may. */
import { type Catalog, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, literalOf, type Node, stringOf, stringsOf, walk } from '../../sql/nodes.ts';
import { comparing, constantsIn, possibleValues } from './compared-values.ts';
import { documentIn, documentsOf, jsonOf, type JsonPlace, jsonPlaceOf } from './json-values.ts';

/** Something that reads a table, or has one of its rows: the policies of a table, a view, a function, a generated column. */
export interface DecidingScope {
  trees: readonly Node[];
  /** The trees of what calls it, if it is a function: their arguments are what it compares with. */
  callers: readonly Node[];
  /** Names of variables that hold a row of the table, such as `new` in its triggers. */
  rows: readonly string[];
  /** Other variables may hold one as well. */
  isOpen: boolean;
  /** Only what a column is compared with may be a value, not every constant nearby: a trigger does much else. */
  isStrict: boolean;
}

/** What is known of a table's columns. */
export interface DecidingColumns {
  /**
   * By the column that something mentions: the constants that it is compared with, then others nearby, since a variable may carry
   * the value. Of a JSON column, documents that have them at the places that are read.
   */
  named: ReadonlyMap<string, readonly string[]>;
  /** Constants near something that takes rows as a whole, whose columns have other names there; undefined for none. */
  whole: readonly string[] | undefined;
  /** Columns that are compared with those of other tables: a value of one of those may decide. */
  joined: readonly JoinedColumn[];
}

/** A column of the table, and one of another that it is compared with. */
export interface JoinedColumn {
  column: string;
  /** `schema.name`. */
  table: string;
  to: string;
}

/**
 * Finds them in all that reads the table.
 * @param called the name of the table, and of those that it is a partition or an inheritance child of, without schemas
 */
export function decidingColumnsOf(
  table: RelationRow,
  called: ReadonlySet<string>,
  scopes: readonly DecidingScope[],
  catalog: Catalog,
): DecidingColumns {
  const routines = new Set(catalog.functions.map(({ name }) => name));
  const direct = new Map<string, Set<string>>();
  const beside = new Map<string, Set<string>>();
  const places: JsonPlace[] = [];
  const whole = new Set<string>();
  const joined: JoinedColumn[] = [];
  let isWhole = false;
  for (const scope of scopes) {
    const names = new Names(table, called, scope);
    const { compared, json } = comparisonsIn(scope.trees, names);
    for (const [name, texts] of compared) add(direct, name, texts);
    places.push(...json);
    isWhole ||= names.isWhole;
    joined.push(...joinsIn(scope.trees, names, table, catalog));
    if (compared.size === 0 && !names.isWhole) continue;
    const values = scope.isStrict
      ? []
      : [scope.trees, scope.callers].flatMap((trees) => possibleValues(trees, routines));
    for (const name of compared.keys()) add(beside, name, values);
    if (names.isWhole) for (const value of values) whole.add(value);
  }
  const isJson = new Set(table.columns.filter(({ base }) => /^jsonb?$/.test(base)).map(({ name }) => name));
  return {
    named: new Map(
      [...direct].map(([name, texts]) => {
        const near = [...new Set([...texts, ...(beside.get(name) ?? [])])];
        const ofColumn = places.filter(({ column }) => column === name);
        return [name, isJson.has(name) ? documentsOf(ofColumn, near) : near];
      }),
    ),
    whole: isWhole ? [...whole] : undefined,
    joined,
  };
}

function add(to: Map<string, Set<string>>, name: string, texts: Iterable<string>): void {
  to.set(name, new Set([...(to.get(name) ?? []), ...texts]));
}

/** What the trees compare each column with that they mention; and what they read of JSON. */
function comparisonsIn(
  trees: readonly Node[],
  names: Names,
): { compared: Map<string, Set<string>>; json: JsonPlace[] } {
  const compared = new Map<string, Set<string>>();
  const json: JsonPlace[] = [];
  const placeOf = (node: unknown): JsonPlace | undefined =>
    jsonPlaceOf(
      node,
      (base) => names.columnIn(base),
      (base) => names.isRow(base),
    );
  const note = (node: unknown, other?: unknown): void => {
    const texts = other === undefined ? [] : constantsIn(other);
    const name = names.columnIn(node);
    if (name !== undefined) add(compared, name, texts);
    const place = placeOf(node);
    if (place === undefined) return;
    // Of a whole row as JSON, the first key is a column.
    add(compared, place.column, place.path.length === 0 ? texts : []);
    if (place.path.length > 0) json.push({ ...place, values: texts.flatMap(jsonOf) });
  };
  const noteKeys = (node: unknown, keys: unknown): void => {
    const place = placeOf(node);
    if (place !== undefined)
      for (const key of constantsIn(keys)) json.push({ ...place, path: [...place.path, key], values: [true] });
  };
  const noteContained = (node: unknown, other: unknown): void => {
    const [place, value] = [placeOf(node), documentIn(literalOf(other))];
    if (place !== undefined && value !== undefined) json.push({ ...place, values: [value] });
  };
  walk(trees, (...[type, fields]) => {
    if (type === 'ColumnRef') note({ ColumnRef: fields });
    if (type === 'A_Indirection') note({ A_Indirection: fields });
    if (type === 'CaseExpr' && fields.arg !== undefined)
      for (const { expr } of allOf(fields.args, 'CaseWhen')) note(fields.arg, expr);
    if (type !== 'A_Expr') return;
    note({ A_Expr: fields });
    const operator = stringsOf(fields.name).at(-1) ?? '';
    if (!comparing.has(operator)) return;
    if (operator === '?|' || operator === '?&') noteKeys(fields.lexpr, fields.rexpr);
    if (operator === '@>') noteContained(fields.lexpr, fields.rexpr);
    if (operator === '<@') noteContained(fields.rexpr, fields.lexpr);
    note(fields.lexpr, fields.rexpr);
    note(fields.rexpr, fields.lexpr);
  });
  return { compared, json };
}

/** What the trees join the table with: by a condition, by USING, by the columns of NATURAL JOIN. */
function joinsIn(trees: readonly Node[], names: Names, table: RelationRow, catalog: Catalog): JoinedColumn[] {
  const found: JoinedColumn[] = [];
  const join = (column: string | undefined, to: string | undefined, isOther: (row: RelationRow) => boolean): void => {
    if (column === undefined || to === undefined) return;
    for (const row of catalog.relations)
      if (row !== table && isOther(row) && row.columns.some(({ name }) => name === to))
        found.push({ column, table: qualifiedName(row), to });
  };
  const isNamed = ({ name }: RelationRow): boolean => [...names.others.values()].some((tables) => tables.has(name));
  walk(trees, (...[type, fields]) => {
    if (type === 'JoinExpr') {
      for (const column of stringsOf(fields.usingClause)) join(names.ownColumn(column), column, isNamed);
      if (fields.isNatural === true) for (const { name } of table.columns) join(name, name, isNamed);
    }
    if (type !== 'A_Expr' || stringsOf(fields.name).at(-1) !== '=') return;
    for (const [one, other] of [
      [fields.lexpr, fields.rexpr],
      [fields.rexpr, fields.lexpr],
    ]) {
      const { qualifier, name } = columnOf(other) ?? {};
      const tables = names.others.get(qualifier ?? '');
      if (tables !== undefined) join(names.columnIn(one), name, (row) => tables.has(row.name));
    }
  });
  return found;
}

/** What names mean in a scope. */
class Names {
  /** It has rows as a whole: all columns, under other names, or in variables. */
  readonly isWhole: boolean;
  readonly #columns: ReadonlySet<string>;
  /** What its rows are called. */
  readonly #rows: ReadonlySet<string>;
  /** What the rows of other tables are called, each with the names of those tables. */
  readonly others: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #isOpen: boolean;

  constructor(table: RelationRow, called: ReadonlySet<string>, { trees, rows, isOpen }: DecidingScope) {
    this.#columns = new Set(table.columns.map(({ name }) => name));
    const [own, queries] = [new Set([...called, ...rows]), new Set<string>()];
    const others = new Map<string, Set<string>>(['new', 'old'].map((name) => [name, new Set()]));
    let isRenamed = false;
    walk(trees, (...[type, fields]) => {
      if (type === 'CommonTableExpr') queries.add(fields.ctename ?? '');
      if (type === 'JoinExpr') isRenamed ||= fields.isNatural === true;
      if (type !== 'RangeVar') return;
      const isOurs = called.has(fields.relname ?? '');
      const { relname = '' } = fields;
      const name = fields.alias?.aliasname ?? relname;
      if (isOurs) own.add(name);
      else add(others, name, [relname]);
      isRenamed ||= isOurs && fields.alias?.colnames !== undefined;
    });
    this.#rows = own;
    this.others = new Map([...others].filter(([name]) => !own.has(name) && !queries.has(name)));
    let isTaken = isRenamed;
    walk(trees, (...[type, fields]) => {
      if (type !== 'ColumnRef' || isTaken) return;
      const parts = (fields.fields ?? []).map((field) => stringOf(field) || '*');
      const [name = '*', qualifier] = [parts.at(-1), parts.at(-2)];
      isTaken = name === '*' ? qualifier === undefined || own.has(qualifier) : qualifier === undefined && own.has(name);
    });
    this.isWhole = isTaken || isOpen;
    this.#isOpen = this.isWhole;
  }

  /** The column of the table that the node is, ignoring casts. */
  columnIn(node: unknown): string | undefined {
    const field = fieldsOf(node, 'A_Indirection');
    const name =
      field === undefined ? undefined : stringOf((field.indirection as readonly unknown[] | undefined)?.at(-1));
    const column = name === undefined || name === '' ? columnOf(node) : { name, qualifier: '' };
    return column !== undefined && this.#columns.has(column.name) && this.#isOurs(column.qualifier)
      ? column.name
      : undefined;
  }

  /** The column of the table with that name. */
  ownColumn(name: string): string | undefined {
    return this.#columns.has(name) ? name : undefined;
  }

  /** Says whether the node is a row of the table. */
  isRow(node: unknown): boolean {
    const column = columnOf(node);
    return (
      column !== undefined &&
      this.#rows.has(column.qualifier !== undefined && column.name === '*' ? column.qualifier : column.name)
    );
  }

  #isOurs(qualifier: string | undefined): boolean {
    if (qualifier === undefined || this.#rows.has(qualifier)) return true;
    return this.#isOpen && !this.others.has(qualifier);
  }
}
