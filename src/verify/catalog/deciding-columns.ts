/** The columns of a table whose values may decide what policies, views and functions let through, and the values that may. */
import { type Catalog, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { type JoinedColumn, joinsByCall, type Mentioned, type Mentions } from './joined-by-call.ts';
import { joinsIn, limitsIn } from './joined-columns.ts';
import { add, Names, type Scope } from './scope-names.ts';
import { comparing, constantsIn, possibleValues } from './compared-values.ts';
import { documentIn, documentsOf, jsonOf, type JsonPlace, jsonPlaceOf } from './json-values.ts';

/** What one policy, view or function asks of several columns. */
export interface Together {
  /** The first constant that each is compared with. */
  first: ReadonlyMap<string, string>;
  /** Columns that it compares with those of other tables. */
  joined: ReadonlySet<string>;
}

/** What a number may be asked for: a level, or a permission that each bit stands for. */
export interface Grades {
  /** The least number that has all of it. */
  all: number;
  /** Some things ask for other levels or bits than others do. */
  isSeveral: boolean;
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
  /** Columns of numbers that are compared with constants as more than them, or for the bits that they have. */
  graded: ReadonlyMap<string, Grades>;
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
      graded: new Map(),
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
  const graded = new Map<string, Set<string>>();
  const unread = new Set<string>();
  const own: Scope = { ...plain, trees: mentions.askers(table).compared };
  let isWhole = false;
  for (const scope of scopes) {
    const names = new Names(table, called, scope);
    const { compared, json, grades } = comparisonsIn(scope, names);
    for (const [name, texts] of compared) add(direct, name, texts);
    for (const [name, texts] of grades) add(graded, name, texts);
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
    graded: new Map([...graded].flatMap(([name, texts]) => gradesOf(name, texts, table) ?? [])),
    joined,
    unread: new Set([...unread].filter((name) => isJson.has(name))),
    unreadByOwn: new Set(readByPath(own.trees, new Names(table, called, own)).filter((name) => isJson.has(name))),
  };
}

/** What a column of integers is asked for, where all that it is compared with are integers of their bits. */
function gradesOf(name: string, texts: ReadonlySet<string>, { columns }: RelationRow): [string, Grades][] | undefined {
  const numbers = [...texts].map(Number);
  const mostBits = 2 ** 31;
  const isInteger = columns.some((one) => one.name === name && /^(smallint|integer|bigint)$/.test(one.base));
  if (
    !isInteger ||
    numbers.length === 0 ||
    !numbers.every((one) => Number.isInteger(one) && one >= 0 && one < mostBits)
  )
    return undefined;
  // A number with the bits of several is no less than any of them.
  const all = numbers.reduce((sum, number) => sum | number, 0);
  return [[name, { all, isSeveral: new Set(numbers).size > 1 }]];
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
    const callers = every.filter(({ calls }) => calls.has(routine)).flatMap(({ compared }) => compared);
    return [
      {
        trees: body.compared,
        callers,
        given: constantsGiven(routine, callers),
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

/** The constants that calls of a function have in place of each of its arguments, by name and by number. */
function constantsGiven(
  { name, argumentNames, inputs }: FunctionRow,
  callers: readonly Node[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  walk(callers, (...[type, fields]) => {
    if (type !== 'FuncCall' || stringsOf(fields.funcname).at(-1) !== name) return;
    (fields.args ?? []).slice(0, inputs.length).forEach((argument, index) => {
      const text = constantOf(argument);
      for (const one of text === undefined ? [] : [argumentNames[index] ?? '', `$${index + 1}`])
        add(found, one, [text!]);
    });
  });
  return new Map([...found].map(([one, texts]) => [one, [...texts]]));
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

/** What the trees compare each column with that they mention, and as a level or for bits; and what they read of JSON. */
function comparisonsIn(
  { trees, given }: Scope,
  names: Names,
): { compared: Map<string, Set<string>>; json: JsonPlace[]; grades: Map<string, Set<string>> } {
  const compared = new Map<string, Set<string>>();
  const grades = new Map<string, Set<string>>();
  const json: JsonPlace[] = [];
  const placeOf = (node: unknown): JsonPlace | undefined =>
    jsonPlaceOf(
      node,
      (base) => names.columnIn(base),
      (base) => names.isRow(base),
    );
  const givenTo = (node: unknown): readonly string[] => {
    const number = fieldsOf(fieldsOf(node, 'TypeCast')?.arg ?? node, 'ParamRef')?.number;
    const argument = names.columnIn(node) === undefined ? columnOf(node)?.name : undefined;
    return given?.get(number === undefined ? (argument ?? '') : `$${number}`) ?? [];
  };
  const note = (node: unknown, other?: unknown): void => {
    const texts = other === undefined ? [] : [...constantsIn(other), ...givenTo(other)];
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
  const noteGrade = (node: unknown, other: unknown, more: number): void => {
    const name = names.columnIn(node);
    const [text] = columnOf(node) === undefined ? [] : [literalOf(other)];
    const texts = columnOf(node) === undefined ? [] : [...(text === undefined ? [] : [text]), ...givenTo(other)];
    if (name !== undefined)
      add(
        grades,
        name,
        texts.map((one) => String(Number(one) + more)),
      );
  };
  walk(trees, (...[type, fields]) => {
    if (type === 'ColumnRef') note({ ColumnRef: fields });
    if (type === 'A_Indirection') note({ A_Indirection: fields });
    if (type === 'CaseExpr' && fields.arg !== undefined)
      for (const { expr } of allOf(fields.args, 'CaseWhen')) note(fields.arg, expr);
    if (type !== 'A_Expr') return;
    note({ A_Expr: fields });
    const operator = stringsOf(fields.name).at(-1) ?? '';
    if (operator === '&' || operator === '>=' || operator === '>')
      noteGrade(fields.lexpr, fields.rexpr, operator === '>' ? 1 : 0);
    if (operator === '&' || operator === '<=' || operator === '<')
      noteGrade(fields.rexpr, fields.lexpr, operator === '<' ? 1 : 0);
    // A number is asked for some of its bits: one that has them and no other is such a number.
    if (!comparing.has(operator) && operator !== '&') return;
    if (operator === '?|' || operator === '?&') noteKeys(fields.lexpr, fields.rexpr);
    if (operator === '@>') noteContained(fields.lexpr, fields.rexpr);
    if (operator === '<@') noteContained(fields.rexpr, fields.lexpr);
    note(fields.lexpr, fields.rexpr);
    note(fields.rexpr, fields.lexpr);
  });
  return { compared, json, grades };
}
