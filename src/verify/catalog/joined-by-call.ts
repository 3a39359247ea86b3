/** Columns of a table that functions compare with columns of other tables, whose policies call them. */
import { type Catalog, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';

/** What the policies of a table, a view or a function read and call. */
export interface Mentioned {
  /** Relations by `schema.name`. */
  reads: ReadonlySet<string>;
  calls: ReadonlySet<FunctionRow>;
  /** The trees whose constants may be values of columns. */
  compared: readonly Node[];
}

/** Finds what is mentioned: by a relation's policies or query, by a function's body, by an expression. */
export interface Mentions {
  askers(row: RelationRow): Mentioned;
  bodies(routine: FunctionRow): Mentioned;
  about(sql: string): Mentioned;
}

/** A column of the table, and one of another that it is compared with. */
export interface JoinedColumn {
  column: string;
  /** `schema.name`. */
  table: string;
  to: string;
  /** What has to stand before the value, since only what comes after it is compared. */
  before?: string;
  /** They are compared without regard to case. */
  anyCase?: true;
  /** Rows that policies let through by a text: one of A's is enough. */
  isText?: true;
  /** The column has a list of such texts. */
  isList?: true;
  /** They are numbers: the column's has to be more than the other, or less. */
  rank?: 'more' | 'less';
  /** The keys that lead to the value in a JSON column, outermost first. */
  path?: readonly string[];
}

/** Says whether a column has a list of texts. */
export function isTextList({ columns }: Pick<RelationRow, 'columns'>, name: string | undefined): boolean {
  return columns.some((column) => column.name === name && /^(?:text|character varying)\[\]$/.test(column.base));
}

/** Says whether a column is a text that is neither a key nor refers to one. */
export function isFreeText({ columns, constraints }: RelationRow, name: string | undefined): boolean {
  return (
    columns.some((column) => column.name === name && column.category === 'S') &&
    !constraints.some(({ type, columns: keys }) => (type === 'p' || type === 'f') && keys.includes(name!))
  );
}

/** What a function makes of a column of the table: it returns it, or compares it with its argument of that place. */
interface Use {
  column: string;
  argument: number | undefined;
}

/** What policies compare with what functions return of the table, or give to functions that compare it with that. */
export function joinsByCall(
  table: RelationRow,
  called: ReadonlySet<string>,
  { askers, bodies }: Mentions,
  catalog: Catalog,
): JoinedColumn[] {
  const found: JoinedColumn[] = [];
  for (const row of catalog.relations.filter((one) => one !== table && one.policies.length > 0)) {
    const { calls, compared } = askers(row);
    const uses = new Map<string, Use[]>();
    for (const routine of calls) {
      const of = usesOf(routine, bodies(routine).compared, table, called);
      if (of.length > 0) uses.set(routine.name, of);
    }
    if (uses.size === 0) continue;
    const usesBy = (node: unknown): Use[] =>
      uses.get(stringsOf(fieldsOf(node, 'FuncCall')?.funcname).at(-1) ?? '') ?? [];
    const join = (column: string, other: unknown): void => {
      const { qualifier, name } = columnOf(madeOf(other).node) ?? {};
      const isOfRow = qualifier === undefined || qualifier === row.name;
      if (isOfRow && isFreeText(row, name)) found.push({ column, table: qualifiedName(row), to: name!, isText: true });
    };
    const sides = (one: unknown, other: unknown): void => {
      for (const { column, argument } of usesBy(madeOf(one).node)) if (argument === undefined) join(column, other);
    };
    walk(compared, (...[type, fields]) => {
      if (type === 'FuncCall')
        for (const { column, argument } of usesBy({ FuncCall: fields }))
          if (argument !== undefined) join(column, fields.args?.[argument]);
      if (type === 'SubLink' && fields.testexpr !== undefined)
        sides({ SubLink: { ...fields, testexpr: undefined } }, fields.testexpr);
      if (type !== 'A_Expr' || stringsOf(fields.name).at(-1) !== '=') return;
      sides(fields.lexpr, fields.rexpr);
      sides(fields.rexpr, fields.lexpr);
    });
  }
  return found;
}

function usesOf(
  { argumentNames, name: ownName }: FunctionRow,
  trees: readonly Node[],
  table: RelationRow,
  called: ReadonlySet<string>,
): Use[] {
  const found: Use[] = [];
  const columnIn = (node: unknown): string | undefined => {
    const name = columnOf(madeOf(node).node)?.name;
    return isFreeText(table, name) ? name : undefined;
  };
  const argumentIn = (node: unknown): number | undefined => {
    const made = madeOf(node).node;
    const number = fieldsOf(made, 'ParamRef')?.number;
    if (number !== undefined) return number - 1;
    const { qualifier, name } = columnOf(made) ?? {};
    const place = argumentNames.indexOf(name ?? '');
    return place >= 0 && (qualifier === undefined || qualifier === ownName) ? place : undefined;
  };
  walk(trees, (...[type, fields]) => {
    if (type !== 'SelectStmt') return;
    if (!allOf(fields.fromClause, 'RangeVar').some(({ relname }) => called.has(relname ?? ''))) return;
    const targets = allOf(fields.targetList, 'ResTarget');
    const returned = targets.length === 1 ? columnIn(targets[0]!.val) : undefined;
    if (returned !== undefined) found.push({ column: returned, argument: undefined });
    walk(fields.whereClause, (...[inner, expression]) => {
      if (inner !== 'A_Expr' || stringsOf(expression.name).at(-1) !== '=') return;
      for (const [one, other] of [
        [expression.lexpr, expression.rexpr],
        [expression.rexpr, expression.lexpr],
      ]) {
        const [column, argument] = [columnIn(one), argumentIn(other)];
        if (column !== undefined && argument !== undefined) found.push({ column, argument });
      }
    });
  });
  return found;
}

/** Functions that give a part of a text, which begins after some sign of it. */
const cutting = new Set(['split_part', 'substring', 'substr', 'right', 'regexp_replace', 'regexp_substr']);

interface Made {
  node: unknown;
  /** What has to stand before the part that is compared. */
  before: string;
  /** What is put before it. */
  prefix: string;
  anyCase: boolean;
}

/** Functions that leave a text as it is, but for signs around or in it. */
const keeping = new Set(['ltrim', 'rtrim', 'btrim', 'replace', 'translate']);

/**
 * What a side of a comparison is made of, through casts, functions of one argument, queries of one column, and those that give the part
 * after a sign, as the domain of an address; or, in a pattern, through the constant that comes first.
 */
export function madeOf(node: unknown): Made {
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return madeOf(cast.arg);
  const select = fieldsOf(fieldsOf(node, 'SubLink')?.subselect, 'SelectStmt');
  const targets = allOf(select?.targetList, 'ResTarget');
  if (targets.length === 1) return madeOf(targets[0]!.val);
  const joined = fieldsOf(node, 'A_Expr');
  if (joined !== undefined && stringsOf(joined.name).at(-1) === '||') {
    const [start, end] = [literalOf(joined.lexpr), literalOf(joined.rexpr)];
    const made =
      start === undefined && end === undefined ? undefined : madeOf(end === undefined ? joined.rexpr : joined.lexpr);
    if (made !== undefined) return { ...made, prefix: `${(start ?? '').replaceAll('%', 'muse')}${made.prefix}` };
  }
  const [element, ...elements] = fieldsOf(node, 'A_ArrayExpr')?.elements ?? [];
  if (element !== undefined && elements.length === 0) return madeOf(element);
  const call = fieldsOf(node, 'FuncCall');
  const [first, ...more] = call?.args ?? [];
  const name = stringsOf(call?.funcname).at(-1) ?? '';
  if (first !== undefined && more.length === 0) {
    const made = madeOf(first);
    return { ...made, anyCase: made.anyCase || name === 'lower' || name === 'upper' };
  }
  const whole: Made = { node, before: '', prefix: '', anyCase: false };
  if (first !== undefined && keeping.has(name)) return madeOf(first);
  if (first === undefined || !cutting.has(name)) return whole;
  const place = Number(constantOf(more[1]) ?? 2);
  const separator = literalOf(more[0]);
  if (name === 'split_part')
    return separator === undefined || !(place >= 1 && place <= 5)
      ? whole
      : { ...madeOf(first), before: `muse${separator}`.repeat(place - 1) };
  const sign = signIn(more);
  return sign === undefined ? whole : { ...madeOf(first), before: `muse${sign}` };
}

/** The sign that the constants of an expression name, as `@` in `position('@' in email) + 1` and in `'@(.+)$'`. */
function signIn(expressions: readonly unknown[]): string | undefined {
  let sign: string | undefined;
  walk(expressions, (...[type, fields]) => {
    if (type === 'A_Const') sign ??= /[@:/#|]/.exec(fields.sval?.sval ?? '')?.[0];
  });
  return sign;
}
