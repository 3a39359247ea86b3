/** Which arguments lead to each place of a function: what is asked of them on the way. */
import { allOf, fieldsOf } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import { parseRoutine } from '../../sql/plpgsql.ts';
import type { ArgumentType, ColumnRow, FunctionRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Condition } from './conditions.ts';
import type { Sources } from './effects.ts';
import { goalsAt, type OwnGoal, type Test } from './own-parts.ts';

/** A node of PL/pgSQL's tree, which `@pgsql/types` does not describe. */
type PlpgsqlTree = Record<string, unknown>;

/** How RAISE names the level of an error. */
const errorLevel = 21;

/**
 * What each place of a function asks of its arguments alone: what else is asked on the way there is assumed to hold. None where nothing
 * is asked, or the body cannot be read.
 * @returns for each place the ways to it, any of which will do
 */
export function argumentGoals(routine: FunctionRow, sources: Sources): OwnGoal[][] {
  const columns = routine.inputs.map((input, at) => argumentColumn(input, routine.argumentNames[at] ?? '', at));
  const reference: Condition['reference'] = (node) => {
    const number = fields(node, 'ParamRef')?.['number'];
    const { name, qualifier } = columnOf(node) ?? {};
    const at =
      number === undefined ? routine.argumentNames.findIndex((one) => one !== '' && one === name) : Number(number) - 1;
    const column = qualifier === undefined || qualifier === routine.name ? columns[at] : undefined;
    return column && { column, row: '' };
  };
  const paths = routine.language === 'plpgsql' ? plpgsqlPaths(routine, sources) : sqlPaths(routine, sources);
  const naming = { reference, isKey: ({ base }: ColumnRow) => base === 'uuid', isPure: sources.isPure };
  const found = new Map<string, OwnGoal[]>();
  for (const path of paths)
    for (const goals of goalsAt(path, naming)) found.set(goals.map(({ sql }) => sql).join('\n'), goals);
  return [...found.values()];
}

/** An argument as a column of one row. */
export function argumentColumn({ type, base, category, labels }: ArgumentType, name: string, at: number): ColumnRow {
  return {
    name: name === '' ? `argument ${at + 1}` : name,
    type,
    base,
    category,
    notNull: false,
    default: null,
    identity: '',
    generated: false,
    labels,
    domainChecks: null,
  };
}

/** The WHERE of each query, and each choice of CASE in it. */
function sqlPaths(routine: FunctionRow, sources: Sources): Test[][] {
  const found: Test[][] = [];
  walk(sources.body(routine).trees, (type, node) => {
    if (/^(Select|Update|Delete)Stmt$/.test(type) && node['whereClause'] !== undefined)
      found.push([{ tree: node['whereClause'], isTrue: true }]);
    if (type === 'CaseExpr') found.push(...choices(node));
  });
  return found;
}

function choices(choice: Node): Test[][] {
  const before: Test[] = [];
  const found: Test[][] = [];
  for (const item of choice['args'] as unknown[]) {
    const { expr } = fields(item, 'CaseWhen')!;
    const tree = choice['arg'] === undefined ? expr : equal(choice['arg'], expr);
    found.push([...before, { tree, isTrue: true }]);
    before.push({ tree, isTrue: false });
  }
  return choice['defresult'] === undefined ? found : [...found, before];
}

const equal = (lexpr: unknown, rexpr: unknown): Node => ({
  A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr, rexpr },
});

/** The way to each branch of PL/pgSQL, and to what comes after branches that return or fail. */
function plpgsqlPaths(routine: FunctionRow, sources: Sources): Test[][] {
  const parsed = parseRoutine(routine.definition);
  if (!Array.isArray(parsed)) return [];
  const reader = new PathReader(givenOnce(routine, sources));
  for (const each of parsed) reader.read(each);
  return [...reader.paths, ...sqlPaths(routine, sources)];
}

/** The expressions of variables that are assigned once. */
function givenOnce(routine: FunctionRow, sources: Sources): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const seen = new Set<string>();
  for (const { variables, value } of sources.body(routine).assigned) {
    const select = fieldsOf(value, 'SelectStmt');
    const targets = allOf(select?.targetList, 'ResTarget');
    variables.forEach((name, at) => {
      const isOnce = !seen.has(name) && select?.fromClause === undefined && targets.length === variables.length;
      seen.add(name);
      if (isOnce) found.set(name, targets[at]?.val);
      else found.delete(name);
    });
  }
  return found;
}

function isError(kind: string, statement: PlpgsqlTree): boolean {
  return kind === 'PLpgSQL_stmt_raise' && Number(statement['elog_level'] ?? errorLevel) >= errorLevel;
}

/** It only fails: nothing is reached there. */
function isRefusal(body: unknown): boolean {
  const [[kind, statement] = ['', {}]] = Object.entries(((body ?? []) as PlpgsqlTree[])[0] ?? {}) as [
    string,
    PlpgsqlTree,
  ][];
  return isError(kind, statement);
}

/** Gathers the paths of a body. */
class PathReader {
  readonly paths: Test[][] = [];
  private readonly given: ReadonlyMap<string, unknown>;

  constructor(given: ReadonlyMap<string, unknown>) {
    this.given = given;
  }

  read(tree: PlpgsqlTree): void {
    const { action } = (tree['PLpgSQL_function'] ?? {}) as { action?: PlpgsqlTree };
    if (action !== undefined) this.statements([action], []);
  }

  /** Reads statements in order. Returns whether nothing comes after them. */
  private statements(list: unknown, around: readonly Test[]): boolean {
    let tests = [...around];
    for (const item of (list ?? []) as PlpgsqlTree[]) {
      const [[kind, statement] = ['', {}]] = Object.entries(item) as [string, PlpgsqlTree][];
      if (/^PLpgSQL_stmt_return$/.test(kind)) return true;
      if (isError(kind, statement)) return true;
      const after = this.statement(kind, statement, tests);
      if (after === undefined) return true;
      if (after.length > tests.length) this.paths.push(after);
      tests = after;
    }
    return false;
  }

  /** What holds after a statement; undefined where nothing comes after it. */
  private statement(kind: string, statement: PlpgsqlTree, tests: Test[]): Test[] | undefined {
    if (kind === 'PLpgSQL_stmt_if') {
      const branches = [
        { tree: this.test(statement['cond']), body: statement['then_body'] },
        ...((statement['elsif_list'] ?? []) as PlpgsqlTree[]).map((one) => {
          const { cond, stmts } = one['PLpgSQL_if_elsif'] as PlpgsqlTree;
          return { tree: this.test(cond), body: stmts };
        }),
      ];
      return this.branches(branches, statement['else_body'], tests);
    }
    if (kind === 'PLpgSQL_stmt_case') {
      const subject = statement['t_expr'] === undefined ? undefined : this.test(statement['t_expr']);
      const branches = ((statement['case_when_list'] ?? []) as PlpgsqlTree[]).map((one) => {
        const { expr, stmts } = one['PLpgSQL_case_when'] as PlpgsqlTree;
        return { tree: this.test(expr, subject), body: stmts };
      });
      // Without ELSE, what is none of them is an error.
      return this.branches(branches, statement['else_stmts'] ?? [{ PLpgSQL_stmt_raise: {} }], tests);
    }
    if (kind === 'PLpgSQL_stmt_block') {
      const { exc_list: caught = [] } = ((statement['exceptions'] as PlpgsqlTree | undefined)?.[
        'PLpgSQL_exception_block'
      ] ?? {}) as { exc_list?: PlpgsqlTree[] };
      for (const one of caught) this.statements((one['PLpgSQL_exception'] as PlpgsqlTree)['action'], tests);
      return this.statements(statement['body'], tests) && caught.length === 0 ? undefined : tests;
    }
    if (statement['body'] !== undefined) this.statements(statement['body'], tests);
    return tests;
  }

  private branches(
    branches: readonly { tree: unknown; body: unknown }[],
    otherwise: unknown,
    tests: readonly Test[],
  ): Test[] | undefined {
    const before: Test[] = [];
    let isAllEnded = true;
    const left: Test[] = [];
    for (const { tree, body } of branches) {
      const path = [...tests, ...before, { tree, isTrue: true }];
      if (!isRefusal(body)) this.paths.push(path);
      const isEnded = this.statements(body, path);
      isAllEnded &&= isEnded;
      before.push({ tree, isTrue: false });
      if (isEnded) left.push({ tree, isTrue: false });
    }
    if (otherwise === undefined) return [...tests, ...left];
    const path = [...tests, ...before];
    if (!isRefusal(otherwise)) this.paths.push(path);
    const isEnded = this.statements(otherwise, path);
    if (isAllEnded && isEnded) return undefined;
    return [...tests, ...left];
  }

  /** The tree of an expression, with what its variables were given, and what CASE is about in place of its variable. */
  private test(expression: unknown, subject?: unknown): unknown {
    const { query = '' } = (fields(expression, 'PLpgSQL_expr') ?? {}) as { query?: string };
    const parsed = parseTree(`select ${query}`);
    const select = Array.isArray(parsed) ? fieldsOf(parsed[0]?.stmt, 'SelectStmt') : undefined;
    const [target] = allOf(select?.targetList, 'ResTarget');
    return this.substituted(target?.val, subject, 0);
  }

  private substituted(part: unknown, subject: unknown, depth: number): unknown {
    if (Array.isArray(part)) return part.map((one) => this.substituted(one, subject, depth));
    if (typeof part !== 'object' || part === null) return part;
    const { name, qualifier } = fields(part, 'ColumnRef') === undefined ? {} : (columnOf(part) ?? {});
    if (name !== undefined && qualifier === undefined) {
      if (subject !== undefined && name.startsWith('__Case__Variable_')) return subject;
      const value = depth < 3 ? this.given.get(name) : undefined;
      if (value !== undefined) return this.substituted(value, subject, depth + 1);
    }
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => [key, this.substituted(value, subject, depth)]),
    );
  }
}
