/** The columns of a table whose values may decide what policies, views and functions let through, and the values that may. */
import { type Catalog, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, literalOf, type Node, stringOf, stringsOf, walk } from '../../sql/nodes.ts';
import {
  isFreeText,
  isTextList,
  type JoinedColumn,
  joinsByCall,
  madeOf,
  type Mentioned,
  type Mentions,
} from './joined-by-call.ts';
import { comparing, constantsIn, possibleValues } from './compared-values.ts';
import { documentIn, documentsOf, jsonOf, type JsonPlace, jsonPlaceOf } from './json-values.ts';

/** Something that reads a table, or has one of its rows: the policies of a table, a view, a function, a generated column. */
interface Scope {
  trees: readonly Node[];
  /** The trees of what calls it, if it is a function: their arguments are what it compares with. */
  callers: readonly Node[];
  /** Names of variables that hold a row of the table, such as `new` in its triggers. */
  rows: readonly string[];
  /** Other variables may hold one as well. */
  isOpen: boolean;
  /** Only what a column is compared with may be a value, not every constant nearby: a trigger does much else. */
  isStrict: boolean;
  /** The relation whose policies they are: its columns are named by its name, or alone. */
  of: RelationRow | undefined;
  /** Names of other tables of which it is a trigger: `new` and `old` are their rows. */
  fires?: readonly string[];
}

/** What one policy, view or function asks of several columns. */
export interface Together {
  /** The first constant that each is compared with. */
  first: ReadonlyMap<string, string>;
  /** Columns that it compares with those of other tables. */
  joined: ReadonlySet<string>;
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
  /** The first of the values of several columns that one policy, view or function asks for: it may want all of them. */
  together: readonly Together[];
  /** Numbers that are compared with those of other tables, or say how many rows there are: more may be more, or less. */
  ranked: ReadonlySet<string>;
  /** Columns that are compared with those of other tables: a value of one of those may decide. */
  joined: readonly JoinedColumn[];
  /** JSON columns that path expressions read: which values those want is not known. */
  unread: ReadonlySet<string>;
  /** Those that path expressions of the table's own policies read. */
  unreadByOwn: ReadonlySet<string>;
}

/**
 * Finds them in all that reads a table.
 * @param family the table, then those that it is a partition or an inheritance child of: what reads them reads its rows
 */
export function decidingColumnsOf(
  family: readonly RelationRow[],
  mentions: Mentions,
  catalog: Catalog,
): DecidingColumns {
  const [table] = family;
  if (table === undefined)
    return {
      named: new Map(),
      whole: undefined,
      together: [],
      ranked: new Set(),
      joined: [],
      unread: new Set(),
      unreadByOwn: new Set(),
    };
  const called = new Set(family.map(({ name }) => name));
  const scopes = scopesOf(table, new Set(family.map(qualifiedName)), mentions, catalog);
  const routines = new Set(catalog.functions.map(({ name }) => name));
  const direct = new Map<string, Set<string>>();
  const beside = new Map<string, Set<string>>();
  const places: JsonPlace[] = [];
  const whole = new Set<string>();
  const joined: JoinedColumn[] = [];
  const together: Together[] = [];
  const ranked = new Set<string>();
  const unread = new Set<string>();
  const own: Scope = { ...plain, trees: mentions.askers(table).compared };
  let isWhole = false;
  for (const scope of scopes) {
    const names = new Names(table, called, scope);
    const { compared, json } = comparisonsIn(scope.trees, names);
    for (const [name, texts] of compared) add(direct, name, texts);
    places.push(...json);
    isWhole ||= names.isWhole;
    for (const column of readByPath(scope.trees, names)) unread.add(column);
    const all = joinsIn(scope, names, table, catalog);
    const joins = all.filter((join) => join.rank === undefined);
    joined.push(...joins);
    const numbers = new Map([
      ...limitsIn(scope.trees, names).map((name): [string, string] => [name, largeNumber]),
      ...all.flatMap(({ column, rank }): [string, string][] =>
        rank === undefined ? [] : [[column, rank === 'more' ? largeNumber : smallNumber]],
      ),
    ]);
    for (const name of numbers.keys()) ranked.add(name);
    const first = firstOf(compared, table, numbers);
    const besides = new Set(joins.map(({ column }) => column).filter((name) => !first.has(name)));
    if (first.size > 1 || (first.size > 0 && besides.size > 0)) together.push({ first, joined: besides });
    if (compared.size === 0 && !names.isWhole) continue;
    const values = scope.isStrict
      ? []
      : [scope.trees, scope.callers].flatMap((trees) => possibleValues(trees, routines));
    for (const name of compared.keys()) add(beside, name, values);
    if (names.isWhole) for (const value of values) whole.add(value);
  }
  joined.push(...joinsByCall(table, called, mentions, catalog));
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
    together,
    ranked: new Set(
      [...ranked].filter((name) => table.columns.some((one) => one.name === name && isNumber.test(one.base))),
    ),
    joined,
    unread: new Set([...unread].filter((name) => isJson.has(name))),
    unreadByOwn: new Set(readByPath(own.trees, new Names(table, called, own)).filter((name) => isJson.has(name))),
  };
}

/** The columns that `jsonb_path_exists` and the like, `@?` and `@@` read. */
function readByPath(trees: readonly Node[], names: Names): string[] {
  const found: string[] = [];
  const note = (node: unknown): void => {
    const column = names.columnIn(node);
    if (column !== undefined) found.push(column);
  };
  walk(trees, (...[type, fields]) => {
    if (type === 'FuncCall' && (stringsOf(fields.funcname).at(-1) ?? '').startsWith('jsonb_path_'))
      note(fields.args?.[0]);
    if (type === 'A_Expr' && /^@[?@]$/.test(stringsOf(fields.name).at(-1) ?? '')) note(fields.lexpr);
  });
  return found;
}

const plain: Omit<Scope, 'trees'> = { callers: [], rows: [], isOpen: false, isStrict: false, of: undefined };

/** Everything that reads the table or its parents, or has a row of it. */
function scopesOf(
  table: RelationRow,
  family: ReadonlySet<string>,
  { askers, bodies, about }: Mentions,
  catalog: Catalog,
): Scope[] {
  const isRead = ({ reads }: Mentioned): boolean => [...family].some((name) => reads.has(name));
  const relations = catalog.relations.map((row) => ({ ...askers(row), of: row }));
  const every = [...relations, ...catalog.functions.map(bodies)];
  const own = qualifiedName(table);
  const routines = catalog.functions.flatMap((routine): Scope[] => {
    const body = bodies(routine);
    const isTrigger = table.triggers.some((trigger) => trigger.enabled && trigger.function === routine.oid);
    const rows = routine.argumentNames.filter((_, index) => routine.inputs[index]?.base === own);
    const hasRows = [...body.calls].some(({ returns }) => returns === own || returns === `SETOF ${own}`);
    if (!isRead(body) && !isTrigger && rows.length === 0 && !hasRows) return [];
    return [
      {
        trees: body.compared,
        callers: every.filter(({ calls }) => calls.has(routine)).flatMap(({ compared }) => compared),
        rows: isTrigger ? ['new', 'old'] : rows,
        isOpen: hasRows,
        isStrict: isTrigger && !isRead(body),
        of: undefined,
        fires: isTrigger
          ? []
          : catalog.relations
              .filter(({ triggers }) => triggers.some((one) => one.enabled && one.function === routine.oid))
              .map(({ name }) => name),
      },
    ];
  });
  const generated = table.columns.flatMap(({ generated: is, default: sql }) =>
    is && sql !== null ? [about(sql)] : [],
  );
  return [
    ...relations.filter(isRead).map(({ compared, of }): Scope => ({ ...plain, trees: compared, of })),
    ...generated.map(({ compared }): Scope => ({ ...plain, trees: compared })),
    ...routines,
  ];
}

/** A number that every type of numbers holds, and that is more than what rows have. */
export const largeNumber = '32000';
/** One that is less, which may not be negative. */
export const smallNumber = '0';

const isNumber = /^(smallint|integer|bigint|numeric|real|double precision)/;

/** The first constant that each column is compared with; of a flag, that it is set; of a number without any, that it is large or small. */
function firstOf(
  compared: ReadonlyMap<string, ReadonlySet<string>>,
  { columns }: RelationRow,
  numbers: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map(
    columns.flatMap(({ name, base }): [string, string][] => {
      const [text] = compared.get(name) ?? [];
      const number = numbers.get(name);
      if (text === undefined && number !== undefined && isNumber.test(base)) return [[name, number]];
      if (base === 'boolean' && compared.has(name)) return [[name, 'true']];
      return text === undefined ? [] : [[name, text]];
    }),
  );
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

/** What the trees join the table with: by a condition, by USING, by the columns of NATURAL JOIN, by a subquery. */
function joinsIn({ trees, of }: Scope, names: Names, table: RelationRow, catalog: Catalog): JoinedColumn[] {
  const found: JoinedColumn[] = [];
  const join = (
    column: string | undefined,
    to: string | undefined,
    isOther: (row: RelationRow) => boolean,
    how: Omit<JoinedColumn, 'column' | 'table' | 'to'> = {},
  ): void => {
    if (column === undefined || to === undefined) return;
    for (const row of catalog.relations)
      if (row !== table && isOther(row) && row.columns.some(({ name }) => name === to))
        found.push({ column, table: qualifiedName(row), to, ...how });
  };
  const isNamed = ({ name }: RelationRow): boolean => [...names.others.values()].some((tables) => tables.has(name));
  /** A side of a comparison may be a query of one column. */
  const sides = (left: unknown, right: unknown, operator = '='): void => {
    for (const [mine, its, isMore] of [
      [left, right, operator.startsWith('>')],
      [right, left, operator.startsWith('<')],
    ] as const) {
      const ranked = /^[<>]=?$/.test(operator);
      const own = madeOf(mine);
      const other = madeOf(its);
      const { qualifier, name } = columnOf(other.node) ?? {};
      const place = jsonPlaceOf(
        mine,
        (base) => names.columnIn(base),
        () => false,
      );
      const path = place !== undefined && place.path.length > 0 ? { path: place.path } : undefined;
      const column = path === undefined ? names.columnIn(own.node) : place!.column;
      // What comes before one side is cut off there, or is put before the other.
      const before = own.before === '' ? other.prefix : own.before;
      const how = {
        ...(before === '' ? {} : { before }),
        ...(own.anyCase ? { anyCase: true as const } : {}),
      };
      const tables = qualifier === undefined ? names.othersWith(name, catalog) : names.others.get(qualifier);
      const isFired = qualifier === 'new' || qualifier === 'old';
      const isPlain = names.columnIn(mine) !== undefined && columnOf(its) !== undefined && !isFired;
      if (tables !== undefined && path !== undefined && (of === undefined || qualifier !== of.name))
        join(column, name, (row) => tables.has(row.name), path);
      else if (tables !== undefined && ranked && (of === undefined || qualifier !== of.name))
        join(column, name, (row) => tables.has(row.name), { rank: isMore ? 'more' : 'less' });
      else if (tables !== undefined && (of === undefined || qualifier !== of.name)) {
        const isList = isTextList(table, column);
        if (isList)
          join(column, name, (row) => tables.has(row.name) && isFreeText(row, name), { isList, isText: true });
        else if (isPlain || isFreeText(table, column) || isKeyList(table, column))
          join(column, name, (row) => tables.has(row.name), { ...how, ...(isPlain ? {} : { isText: true as const }) });
      }
      // Outside of a query, a policy names the columns of its own table alone.
      const isOfPolicy = qualifier === of?.name || (qualifier === undefined && isQueried(mine));
      if (of !== undefined && isOfPolicy && path !== undefined) join(column, name, (row) => row === of, path);
      else if (of !== undefined && isOfPolicy && ranked)
        join(column, name, (row) => row === of, { rank: isMore ? 'more' : 'less' });
      else if (of !== undefined && isOfPolicy && isKeyList(table, column)) join(column, name, (row) => row === of);
      else if (of !== undefined && isOfPolicy && isFreeText(of, name)) {
        if (isTextList(table, column)) join(column, name, (row) => row === of, { isList: true, isText: true });
        else if (isFreeText(table, column)) join(column, name, (row) => row === of, { ...how, isText: true });
      }
    }
  };
  walk(trees, (...[type, fields]) => {
    if (type === 'JoinExpr') {
      for (const column of stringsOf(fields.usingClause)) join(names.ownColumn(column), column, isNamed);
      if (fields.isNatural === true) for (const { name } of table.columns) join(name, name, isNamed);
    }
    if (type === 'SubLink' && fields.testexpr !== undefined)
      sides(fields.testexpr, { SubLink: { ...fields, testexpr: undefined } });
    if (type === 'FuncCall' && searching.has(stringsOf(fields.funcname).at(-1) ?? ''))
      sides(fields.args?.[0], fields.args?.[1]);
    if (type !== 'A_Expr') return;
    const operator = stringsOf(fields.name).at(-1) ?? '';
    if (matching.has(operator)) sides(fields.lexpr, fields.rexpr, operator);
  });
  return found;
}

/** The columns that say how many rows a query gives. */
function limitsIn(trees: readonly Node[], names: Names): string[] {
  const found: string[] = [];
  walk(trees, (...[type, fields]) => {
    if (type !== 'SelectStmt') return;
    walk(fields.limitCount, (...[inner, column]) => {
      const name = inner === 'ColumnRef' ? names.columnIn({ ColumnRef: column }) : undefined;
      if (name !== undefined) found.push(name);
    });
  });
  return found;
}

/** Operators of two columns by which a value of one decides which value of the other it goes with. */
const matching = new Set(['=', '~~', '~~*', '~', '~*', '^@', '&&', '@>', '<@', '<', '>', '<=', '>=']);

/** Functions that find one text in another: a text is in itself. */
const searching = new Set(['starts_with', 'strpos', 'position', 'like', 'regexp_like', 'similar_to_escape']);

/** It has a list of what are no texts. */
function isKeyList({ columns }: RelationRow, name: string | undefined): boolean {
  return columns.some((column) => column.name === name && column.category === 'A' && !isTextList({ columns }, name));
}

/** It is the result of a query. */
function isQueried(node: unknown): boolean {
  return fieldsOf(node, 'SubLink') !== undefined || fieldsOf(fieldsOf(node, 'TypeCast')?.arg, 'SubLink') !== undefined;
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

  constructor(table: RelationRow, called: ReadonlySet<string>, { trees, rows, isOpen, of, fires = [] }: Scope) {
    this.#columns = new Set(table.columns.map(({ name }) => name));
    const [own, queries] = [new Set([...called, ...rows]), new Set<string>()];
    const others = new Map<string, Set<string>>(['new', 'old'].map((name) => [name, new Set(fires)]));
    let isRenamed = false;
    if (of !== undefined && of.query === null && !called.has(of.name)) add(others, of.name, [of.name]);
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

  /** The names of other tables with that column, if the table has none of that name: what a query names alone. */
  othersWith(name: string | undefined, { relations }: Catalog): ReadonlySet<string> | undefined {
    const named = new Set([...this.others.values()].flatMap((tables) => [...tables]));
    const found = relations.filter((row) => named.has(row.name) && row.columns.some((column) => column.name === name));
    return name === undefined || this.#columns.has(name) || found.length === 0
      ? undefined
      : new Set(found.map((row) => row.name));
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
    return this.isWhole && !this.others.has(qualifier);
  }
}
