/** The parts of conditions that a row's own columns decide alone, as SQL that PostgreSQL can be asked about. */
import { deparseSync } from 'pgsql-deparser';
import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { IsPure } from './changed-keys.ts';
import type { Condition } from './conditions.ts';
import type { Model } from './model.ts';

/** One way to make a condition true or false, as far as the row's own columns decide it. */
export interface OwnGoal {
  /** True for a row that meets it; its columns are those of {@link rowAlias}. */
  sql: string;
  columns: readonly ColumnRow[];
  /** Parse trees of its parts, whose columns are qualified with {@link rowAlias}. */
  trees: readonly Node[];
  /** Whether each of the parts has to be true, or false. */
  wanted: readonly boolean[];
}

/** What stands for the row in the SQL of a goal. */
export const rowAlias = 'muse_row';

/** A part that the row decides, and what it has to be. */
interface Part {
  tree: Node;
  isTrue: boolean;
  columns: ReadonlySet<ColumnRow>;
  /** Which of the rows that the condition names it is about. */
  row: string;
}

/** From how many combinations on each way is used in one of them only. */
const mostCombinations = 24;

/** How deep the expressions of generated columns are followed. */
const deepest = 3;

/** A condition that has to be true, or false. */
export interface Test {
  tree: unknown;
  isTrue: boolean;
}

/** How conditions name what they are about. */
interface Naming {
  reference: Condition['reference'];
  /** It says whose a row is, or which one. */
  isKey: (column: ColumnRow) => boolean;
  isPure: IsPure;
  /** The expression that generates a column. */
  generates?: (column: ColumnRow) => unknown;
}

/** The goals of a condition: each way to make it true, and to make it false where it is more than a filter. */
export function goalsOf(condition: Condition, table: RelationRow, model: Model): OwnGoal[] {
  const naming: Naming = {
    reference: condition.reference,
    isKey: (column) =>
      model.meaningOf(table, column) !== undefined ||
      table.constraints.some(({ type, columns }) => (type === 'p' || type === 'f') && columns.includes(column.name)),
    isPure: model.sources.isPure,
    generates: (column) => (column.default === null ? undefined : model.parse(column.default)),
  };
  return [true, ...(condition.isFilter ? [] : [false])].flatMap((isTrue) =>
    ownGoals([{ tree: condition.tree, isTrue }], naming, table.columns),
  );
}

/**
 * Each way to meet all of several conditions, as far as the columns decide them.
 * @param columns what generated columns are made of
 */
function ownGoals(tests: readonly Test[], naming: Naming, columns: readonly ColumnRow[]): OwnGoal[] {
  const reader = new PartReader(naming, columns);
  return goalsFor(combined(tests.map(({ tree, isTrue }) => reader.ways(tree, isTrue))));
}

/**
 * Each way to meet the last of several conditions, with the ways to meet those before it: any of those will do.
 * @returns nothing for a way that asks for nothing
 */
export function goalsAt(tests: readonly Test[], naming: Naming): OwnGoal[][] {
  const reader = new PartReader(naming, []);
  const last = tests.at(-1);
  const before = tests.slice(0, -1).map(({ tree, isTrue }) => reader.ways(tree, isTrue));
  return (last === undefined ? [] : reader.ways(last.tree, last.isTrue))
    .map((way) => goalsFor(combined([...before, [way]])))
    .filter((goals) => goals.length > 0);
}

function goalsFor(ways: readonly (readonly Part[])[]): OwnGoal[] {
  return ways.flatMap((parts) => {
    if (parts.some(isNever)) return [];
    const rows = [...new Set(parts.map(({ row }) => row))];
    return rows.map((row) => goalOf(parts.filter((part) => part.row === row)));
  });
}

/**
 * No row is so: a column that must not be null is null, which in a body says that there is no such row; or a column is another than itself,
 * where an old row is compared with the new one.
 */
function isNever({ tree, isTrue, columns }: Part): boolean {
  const test = fields(tree, 'NullTest');
  if (test !== undefined) {
    const isNull = (test['nulltesttype'] === 'IS_NULL') === isTrue;
    return isNull && fields(test['arg'], 'ColumnRef') !== undefined && [...columns].every(({ notNull }) => notNull);
  }
  const comparison = fields(tree, 'A_Expr');
  if (comparison === undefined || !isSame(comparison['lexpr'], comparison['rexpr'])) return false;
  const operator = nameParts(comparison['name']).at(-1);
  const kind = String(comparison['kind']);
  const isEqual = kind === 'AEXPR_NOT_DISTINCT' || (kind === 'AEXPR_OP' && operator === '=');
  const isOther = kind === 'AEXPR_DISTINCT' || (kind === 'AEXPR_OP' && operator === '<>');
  return isTrue ? isOther : isEqual;
}

/** The same expression, wherever it stands. */
function isSame(one: unknown, other: unknown): boolean {
  const bare = (key: string, value: unknown): unknown => (key === 'location' ? undefined : value);
  return one !== undefined && JSON.stringify(one, bare) === JSON.stringify(other, bare);
}

/** The SQL is made when it is first asked for: most goals are settled by their form. */
function goalOf(parts: readonly Part[]): OwnGoal {
  let sql: string | undefined;
  return {
    get sql() {
      return (sql ??= parts.map(({ tree, isTrue }) => `(${deparseSync(tree as never)}) is ${isTrue}`).join(' and '));
    },
    columns: [...new Set(parts.flatMap(({ columns }) => [...columns]))],
    trees: parts.map(({ tree }) => tree),
    wanted: parts.map(({ isTrue }) => isTrue),
  };
}

/** A goal as it is told: its columns stand for the row by themselves. */
export function textOf({ trees, wanted }: OwnGoal): string {
  const bare = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(bare);
    if (typeof part !== 'object' || part === null) return part;
    const names = fields(part, 'ColumnRef')?.['fields'];
    if (nameParts(names)[0] === rowAlias) return { ColumnRef: { fields: (names as unknown[]).slice(1) } };
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, bare(value)]));
  };
  return trees
    .map((tree) => deparseSync(bare(tree) as never, { pretty: false }))
    .map((text, at) => (wanted[at] === true ? (trees.length > 1 ? `(${text})` : text) : `not (${text})`))
    .join(' and ');
}

/** Finds the parts of one condition. */
class PartReader {
  private readonly naming: Naming;
  private readonly columns: readonly ColumnRow[];

  constructor(naming: Naming, columns: readonly ColumnRow[]) {
    this.naming = naming;
    this.columns = columns;
  }

  /** Each way to make it so. What the row does not decide is assumed to hold; nothing makes a constant another. */
  ways(node: unknown, isTrue: boolean): Part[][] {
    const constant = constantOf(node);
    if (constant === 'true' || constant === 'false') return constant === String(isTrue) ? [[]] : [];
    const bool = fields(node, 'BoolExpr');
    if (bool !== undefined) {
      const args = bool['args'] as unknown[];
      if (bool['boolop'] === 'NOT_EXPR') return this.ways(args[0], !isTrue);
      const each = args.map((arg) => this.ways(arg, isTrue));
      return (bool['boolop'] === 'OR_EXPR') === isTrue ? each.flat() : combined(each);
    }
    const choice = fields(node, 'CaseExpr');
    if (choice !== undefined) return this.choice(choice, isTrue);
    const columns = new Set<ColumnRow>();
    const rows = this.rowsIn(node, this.naming.reference);
    const [row, ...more] = [...(rows ?? [])];
    const tree =
      row === undefined || more.length > 0 ? undefined : this.rewritten(node, columns, this.naming.reference, 0);
    return tree === undefined || row === undefined ? [[]] : [[{ tree: tree as Node, isTrue, columns, row }]];
  }

  /** CASE: by each of its results, as those before it do not apply. */
  private choice(choice: Node, isTrue: boolean): Part[][] {
    const before: Part[][][] = [];
    const found: Part[][] = [];
    for (const item of choice['args'] as unknown[]) {
      const { expr, result } = fields(item, 'CaseWhen')!;
      const test =
        choice['arg'] === undefined
          ? expr
          : {
              A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: choice['arg'], rexpr: expr },
            };
      found.push(...combined([...before, this.ways(test, true), this.ways(result, isTrue)]));
      before.push(this.ways(test, false));
    }
    const last = choice['defresult'];
    return last === undefined ? found : [...found, ...combined([...before, this.ways(last, isTrue)])];
  }

  /** The expression over the columns of the row; undefined where it names anything else. */
  private rewritten(node: unknown, columns: Set<ColumnRow>, own: Condition['reference'], depth: number): unknown {
    let isAll = true;
    const copy = (part: unknown): unknown => {
      if (Array.isArray(part)) return part.map(copy);
      if (typeof part !== 'object' || part === null) return part;
      const isName = fields(part, 'ColumnRef') !== undefined || fields(part, 'ParamRef') !== undefined;
      const named = isName ? own(part) : undefined;
      if (named !== undefined) {
        const value = this.columnOf(named.column, columns, depth);
        isAll &&= value !== undefined;
        return value;
      }
      return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, copy(value)]));
    };
    const tree = copy(node);
    return isAll ? tree : undefined;
  }

  /** A column, or what generates it. */
  private columnOf(column: ColumnRow, columns: Set<ColumnRow>, depth: number): unknown {
    if (!column.generated) {
      columns.add(column);
      return { ColumnRef: { fields: [{ String: { sval: rowAlias } }, { String: { sval: column.name } }] } };
    }
    if (depth >= deepest) return undefined;
    const plain: Condition['reference'] = (node) => {
      const names = nameParts(fields(node, 'ColumnRef')?.['fields']);
      const found = this.columns.find(({ name }) => name === names.at(-1));
      return found && { column: found, row: '' };
    };
    const expression = this.naming.generates?.(column);
    return expression === undefined || this.rowsIn(expression, plain) === undefined
      ? undefined
      : this.rewritten(expression, columns, plain, depth + 1);
  }

  /**
   * The rows whose columns an expression names; undefined where it names anything else, keys or whose the row is, or does more than
   * compute something from them.
   */
  private rowsIn(node: unknown, own: Condition['reference']): ReadonlySet<string> | undefined {
    const rows = new Set<string>();
    let isAll = true;
    const look = (tree: unknown, within: ReadonlySet<string>): void => {
      walk(tree, (type, inner) => {
        if (!isAll) return false;
        if (type === 'SubLink') {
          look(inner, new Set([...within, ...namesGiven(inner)]));
          return false;
        }
        const named = type === 'ColumnRef' || type === 'ParamRef' ? own({ [type]: inner }) : undefined;
        if (named !== undefined) {
          isAll = !this.naming.isKey(named.column);
          rows.add(named.row);
        }
        // Below, it may be what a function of the row's values gives.
        else if (type === 'ColumnRef') isAll = within.has(nameParts(inner['fields'])[0]!);
        else if (type === 'ParamRef' || type === 'RangeVar') isAll = false;
        else if (type === 'SQLValueFunction') isAll = !/USER|ROLE|CATALOG|SCHEMA/.test(String(inner['op']));
        else if (type === 'FuncCall') {
          const name = nameParts(inner['funcname']);
          isAll = moments.has(name.at(-1)!) || (this.naming.isPure(name) && !ofSession.has(name.at(-1)!));
        }
        return isAll;
      });
    };
    look(node, new Set());
    return isAll ? rows : undefined;
  }
}

const moments = new Set(['now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp']);

/** Functions that tell who asks, or how. */
const ofSession = new Set(['current_setting', 'inet_client_addr', 'inet_client_port', 'pg_backend_pid']);

/** The names of what a query takes from functions and queries, and of their columns. */
function namesGiven(query: Node): Set<string> {
  const found = new Set<string>();
  walk(query, (type, node) => {
    if (type !== 'RangeFunction' && type !== 'RangeSubselect') return;
    // What functions that give pairs and elements call their columns.
    for (const name of ['key', 'value', 'ordinality']) found.add(name);
    const alias = node['alias'] as Node | undefined;
    if (alias?.['aliasname'] !== undefined) found.add(String(alias['aliasname']));
    for (const column of (alias?.['colnames'] ?? []) as unknown[])
      found.add(String(fields(column, 'String')?.['sval'] ?? ''));
    const calls = (node['functions'] ?? []) as unknown[];
    walk(calls, (kind, call) => {
      if (kind === 'FuncCall') found.add(nameParts(call['funcname']).at(-1)!);
    });
    for (const target of (fields(node['subquery'], 'SelectStmt')?.['targetList'] ?? []) as unknown[])
      found.add(String(fields(target, 'ResTarget')?.['name'] ?? ''));
  });
  return found;
}

/** All combinations of one way each; where those are too many, as many as it takes to use each way. */
function combined(each: readonly (readonly Part[][])[]): Part[][] {
  if (each.some((ways) => ways.length === 0)) return [];
  const count = each.reduce((product, ways) => product * ways.length, 1);
  if (count > mostCombinations) {
    const most = Math.max(...each.map((ways) => ways.length));
    return Array.from({ length: most }, (_, index) => each.flatMap((ways) => ways[index % ways.length]!));
  }
  let all: Part[][] = [[]];
  for (const ways of each) all = all.flatMap((one) => ways.map((other) => [...one, ...other]));
  return all;
}
