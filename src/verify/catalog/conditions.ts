/** The conditions that anything asks about the rows of a table: its policies, those of others, views, functions, triggers. */
import {
  type ColumnRow,
  type FunctionRow,
  isPlatformSchema,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { bodiesGiven } from './called-bodies.ts';
import { effectsOf } from './effects.ts';
import type { Reader } from './dependencies.ts';
import { withLookedUp } from './given-columns.ts';
import { isJob } from './jobs.ts';
import type { Model } from './model.ts';
import { stripped } from './verb-policies.ts';
import type { Node as SqlNode } from '../../sql/nodes.ts';

/** How an expression names the row's columns. */
interface Names {
  /** Qualifiers that stand for the row: the table, its aliases, a variable of its type. */
  rows: ReadonlySet<string>;
  /** A column without a qualifier is the row's. */
  isPlain: boolean;
  /** The qualifier that stands for the row where there is none. */
  plain: string;
  /** Variables, fields of records and arguments that hold one of its columns. */
  variables: ReadonlyMap<string, Reference>;
  /** Arguments that limit one of its columns: what is asked of the one is then asked of the other. */
  limits: ReadonlyMap<string, ColumnRow>;
}

/** A column of a row of the table. */
export interface Reference {
  column: ColumnRow;
  /** Tells the row from others of the table that the same condition may name: its qualifier, or what filled the variable. */
  row: string;
}

const nothing: Names = { rows: new Set(), isPlain: false, plain: '', variables: new Map(), limits: new Map() };

/** A condition, and the columns of the row that it names. */
export interface Condition {
  tree: unknown;
  /** It only selects rows: what matters is that it holds. */
  isFilter: boolean;
  /** A trigger asks it of the row that is written. */
  isFired: boolean;
  /** The reader that asks it, by its trees; undefined for the table's own policies and triggers. */
  source: Reader['trees'] | undefined;
  /** The column that a node stands for: itself, or an argument that limits it. */
  own(node: unknown): ColumnRow | undefined;
  /** The column whose value a node is, and of which row. */
  reference(node: unknown): Reference | undefined;
}

/** Conditions of the table's own policies for users, those of its triggers on the written row, and those that others ask. */
export interface Conditions {
  policies: readonly Condition[];
  triggers: readonly Condition[];
  others: readonly Condition[];
}

/** How deep calls of helpers with columns as arguments are followed. */
const deepest = 3;

const known = new WeakMap<Model, Map<RelationRow, Conditions>>();

/** Finds them. Cached per model. */
export function conditionsOn(table: RelationRow, model: Model): Conditions {
  const ofModel = known.get(model) ?? new Map<RelationRow, Conditions>();
  known.set(model, ofModel);
  const conditions = ofModel.get(table) ?? findConditions(table, model);
  ofModel.set(table, conditions);
  return conditions;
}

function findConditions(table: RelationRow, model: Model): Conditions {
  const inPolicies: Names = { ...nothing, rows: new Set([table.name]), isPlain: true, plain: table.name };
  const [own, fired, others] = [new Finder(table, model), new Finder(table, model, true), new Finder(table, model)];
  const trees = model
    .policyFacts(table)
    .flatMap(({ policy }) => [policy.using, policy.check])
    .flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  for (const tree of trees) {
    own.ask(tree, inPolicies);
    own.visit(tree, inPolicies, 0);
  }
  for (const { trees: below, routine, row } of readersOf(table, model)) {
    if (routine !== undefined) others.tests = model.sources.body(routine).tests;
    const isShowing = routine !== undefined || row?.query != null;
    others.source = below;
    const names = routine === undefined ? nothing : variablesOf(routine, table, model);
    others.visit(below, names, 0, isShowing);
    const given = routine === undefined ? [] : bodiesGiven(routine, model);
    for (const trees of given) others.visit(trees, names, 0, isShowing);
  }
  // What a helper looks up in the table is asked for where the helper is called.
  for (const { trees: above, routine, row } of [
    ...readersOf(table, model).filter((reader) => reader.row !== undefined),
    ...running(model.dependencies.callers(`${table.schema}.${table.name}`), model),
  ]) {
    others.source = above;
    if (routine === undefined && row?.query == null) for (const tree of above) others.ask(tree, nothing);
    else others.visit(above, nothing, 0);
  }
  const firing: Names = { ...nothing, rows: new Set(['new', 'old']) };
  for (const trigger of table.triggers) {
    const routine = trigger.enabled ? model.sources.byOid(trigger.function) : undefined;
    // What a trigger only checks or fills shows in the written row itself.
    if (routine === undefined || model.dependencies.writtenBy(routine).size === 0) continue;
    const { trees: body, tests } = model.sources.body(routine);
    fired.tests = tests;
    fired.visit(body, firing, 0);
  }
  return { policies: own.found, triggers: fired.found, others: others.found };
}

/** What reads the table for users beyond what its policies let them: its own policies, those of others, views, functions. */
export function readersOf(table: RelationRow, model: Model): Reader[] {
  return running(model.dependencies.readers(`${table.schema}.${table.name}`), model);
}

/** Those of them that show users more than the policies of what they read. */
function running(readers: readonly Reader[], model: Model): Reader[] {
  const routines = privilegedRoutines(model);
  return readers.filter(({ routine, row }) =>
    routine === undefined ? row?.securityInvoker === false : routines.has(routine),
  );
}

const privileged = new WeakMap<Model, ReadonlySet<FunctionRow>>();

/** Functions that run for users in a policy or a view, or with the rights of their owner. */
function privilegedRoutines(model: Model): ReadonlySet<FunctionRow> {
  const routines = privileged.get(model) ?? findPrivileged(model);
  privileged.set(model, routines);
  return routines;
}

function findPrivileged(model: Model): ReadonlySet<FunctionRow> {
  const expressions = model.catalog.relations.flatMap(({ policies, query }) => [
    ...policies.flatMap(({ using, check }) => [using, check]),
    query === null ? null : `(${query.replace(/;\s*$/, '')})`,
  ]);
  const trees = expressions.flatMap((sql) => (sql === null ? [] : [model.parse(sql)])) as SqlNode[];
  const inExpressions = model.sources.called(effectsOf({ trees }));
  const isCalled = ({ schema, execute }: FunctionRow): boolean =>
    ['anon', model.userRole].some(
      (role) => execute.includes(role) && model.catalog.schemaUsage[role]?.includes(schema) === true,
    );
  const called = model.catalog.functions
    .filter((routine) => routine.kind === 't' || isCalled(routine))
    .flatMap((routine) => [...model.sources.reached(routine)])
    .filter(({ definer }) => definer);
  // What a job asks of a row before it brings it to where others read.
  const jobs = model.catalog.functions.filter(isJob);
  return new Set(
    [...inExpressions, ...called, ...jobs]
      .filter(({ schema }) => !isPlatformSchema(schema))
      .flatMap((routine) => [...model.sources.reached(routine)]),
  );
}

/** Names in the body of a function: its arguments of the row's type, and the variables that it fills from the table. */
function variablesOf(routine: FunctionRow, table: RelationRow, model: Model): Names {
  const rows = new Set<string>();
  const variables = new Map<string, Reference>();
  routine.arguments.forEach((type, index) => {
    const name = routine.argumentNames[index] ?? '';
    if ((type === table.name || type === `${table.schema}.${table.name}`) && name !== '') rows.add(name);
  });
  for (const [number, { variables: names, value }] of model.sources.body(routine).assigned.entries()) {
    const statement = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt']
      .map((type) => fields(value, type))
      .find((one) => one !== undefined);
    if (statement === undefined) continue;
    const around = { ...nothing, rows, variables };
    const inside = namesIn(statement, table, around);
    const targets = (statement['returningList'] ?? statement['targetList'] ?? []) as unknown[];
    const columns = targets.map((target) => reference(fields(target, 'ResTarget')?.['val'], table, inside));
    const [only] = names;
    if (only !== undefined && names.length === 1 && (targets.length > 1 || columns[0] === undefined)) {
      if (inside !== around) rows.add(only);
      // A record holds columns under the names that the query gives them.
      columns.forEach((column, index) => {
        const name = fields(targets[index], 'ResTarget')?.['name'];
        if (column !== undefined && typeof name === 'string')
          variables.set(`${only}.${name}`, { column: column.column, row: only });
      });
    } else if (targets.length === names.length)
      columns.forEach((column, index) => {
        if (column !== undefined) variables.set(names[index]!, { column: column.column, row: `assigned ${number}` });
      });
  }
  const names: Names = { ...nothing, rows, variables };
  return { ...names, limits: limitingArguments(routine, table, names, model) };
}

/** Operators by which an argument limits a column: what is asked of the one is then asked of the other. */
const limiting = /^(=|[<>]=?)$/;

/** The arguments that are compared with a column of the table: `level = p_level and p_level between 3 and 5`. */
function limitingArguments(
  routine: FunctionRow,
  table: RelationRow,
  around: Names,
  model: Model,
): ReadonlyMap<string, ColumnRow> {
  const limits = new Map<string, ColumnRow>();
  const names = new Set(
    routine.inputs.flatMap((_, index) => [routine.argumentNames[index] || `$${index + 1}`, `$${index + 1}`]),
  );
  /** Without casts, and what functions make of it, such as its digits. */
  const bare = (node: unknown): unknown => {
    const inner = stripped(node);
    const call = fields(inner, 'FuncCall');
    const args = (call?.['args'] ?? []) as unknown[];
    return args.length > 0 && model.sources.isPure(nameParts(call?.['funcname'])) ? bare(args[0]) : inner;
  };
  const find = (tree: unknown, inside: Names): void => {
    walk(tree, (type, node) => {
      if (/^(Select|Update|Delete)Stmt$/.test(type)) {
        find(node, namesIn(node, table, inside));
        return false;
      }
      if (type !== 'A_Expr' || !limiting.test(nameParts(node['name']).at(-1) ?? '')) return undefined;
      const sides = [bare(node['lexpr']), bare(node['rexpr'])];
      for (const [side, other] of [sides, sides.toReversed()]) {
        const column = ownColumn(side, table, inside);
        const argument = argumentOf(other) ?? columnOf(other);
        if (
          column !== undefined &&
          argument !== undefined &&
          argument.qualifier === undefined &&
          names.has(argument.name)
        )
          limits.set(argument.name, column);
      }
      return undefined;
    });
  };
  find(model.sources.body(routine).trees, around);
  return limits;
}

/** What the names in a query mean, if it reads the table. */
function namesIn(statement: Node, table: RelationRow, around: Names): Names {
  const found = new Set<string>();
  walk(
    [statement['fromClause'], statement['relation'], statement['usingClause']].map((part) =>
      // The relation of an UPDATE is a RangeVar without its type.
      part === statement['relation'] && part !== undefined ? { RangeVar: part } : part,
    ),
    (type, range) => {
      if (type === 'RangeSubselect' || type === 'SubLink') return false;
      if (type !== 'RangeVar') return undefined;
      if (range['relname'] === table.name && (range['schemaname'] ?? table.schema) === table.schema)
        found.add(String((range['alias'] as Node | undefined)?.['aliasname'] ?? table.name));
      return undefined;
    },
  );
  return found.size === 0
    ? around
    : {
        ...around,
        rows: new Set([...around.rows, ...found]),
        // Another table of the query with a column of that name would make it ambiguous.
        isPlain: true,
        plain: found.size === 1 ? [...found][0]! : '',
      };
}

function ownColumn(node: unknown, table: RelationRow, names: Names): ColumnRow | undefined {
  const { name, qualifier } = columnOf(node) ?? argumentOf(node) ?? {};
  const limited = qualifier === undefined && name !== undefined ? names.limits.get(name) : undefined;
  return limited ?? reference(node, table, names)?.column;
}

function reference(
  node: unknown,
  table: RelationRow,
  { rows, isPlain, plain, variables }: Names,
): Reference | undefined {
  const { name, qualifier } = columnOf(node) ?? argumentOf(node) ?? {};
  if (name === undefined) return undefined;
  const variable = variables.get(qualifier === undefined ? name : `${qualifier}.${name}`);
  if (variable !== undefined) return variable;
  if (qualifier === undefined ? !isPlain : !rows.has(qualifier)) return undefined;
  const column = table.columns.find((one) => one.name === name);
  return column && { column, row: qualifier ?? plain };
}

/** The whole row: `a`, `a.*`. */
function isWhole(node: unknown, table: RelationRow, { rows }: Names): boolean {
  const { name = '', qualifier } = columnOf(node) ?? {};
  return qualifier === undefined
    ? rows.has(name) && !table.columns.some((column) => column.name === name)
    : name === '*' && rows.has(qualifier);
}

/** `$1`, as a name. */
function argumentOf(node: unknown): { name: string; qualifier: undefined } | undefined {
  const argument = fields(node, 'ParamRef');
  return argument === undefined ? undefined : { name: `$${Number(argument['number'] ?? 0)}`, qualifier: undefined };
}

/** Gathers the conditions below a tree. */
class Finder {
  readonly found: Condition[] = [];
  /** What is being visited, if it is not the table's own. */
  source: Condition['source'];
  /** Queries whose value is a condition, whatever form it has. */
  tests: ReadonlySet<unknown> = new Set();
  private readonly table: RelationRow;
  private readonly model: Model;
  private readonly isFired: boolean;

  constructor(table: RelationRow, model: Model, isFired = false) {
    this.table = table;
    this.model = model;
    this.isFired = isFired;
  }

  /** What is in a column that is no key, and says nothing of whose a row is, may be asked for where it is looked up. */
  private readonly isLooked = (name: string): boolean =>
    this.table.columns.some(
      (column) => column.name === name && this.model.meaningOf(this.table, column) === undefined,
    ) && !this.table.constraints.some(({ type, columns }) => (type === 'p' || type === 'f') && columns.includes(name));

  /** Takes an expression whose truth matters, if it names a column of the row. */
  ask(asked: unknown, around: Names, isFilter = false): void {
    const { tree, rows } = withLookedUp(asked, this.table, this.model, this.isLooked);
    const names = rows.length === 0 ? around : { ...around, rows: new Set([...around.rows, ...rows]) };
    const own: Condition['own'] = (node) => ownColumn(node, this.table, names);
    let isAsked = false;
    walk(tree, (type, node) => {
      isAsked ||= own({ [type]: node }) !== undefined;
      return !isAsked;
    });
    if (isAsked)
      this.found.push({
        tree,
        own,
        reference: (node) => reference(node, this.table, names),
        isFilter,
        isFired: this.isFired,
        source: this.source,
      });
  }

  /**
   * Looks for conditions in queries, CASE and the helpers that are called.
   * @param isShowing what its queries return is shown
   */
  visit(tree: unknown, around: Names, depth: number, isShowing = false): void {
    walk(tree, (type, node) => {
      if (/^(Select|Update|Delete)Stmt$/.test(type)) {
        this.query(node, namesIn(node, this.table, around), depth, isShowing && type === 'SelectStmt');
        return false;
      }
      if (type === 'CaseWhen') this.ask(node['expr'], around);
      if (type === 'JoinExpr') this.ask(node['quals'], around, isShowing);
      if (type === 'FuncCall') this.call(node, around, depth);
      return undefined;
    });
  }

  private query(statement: Node, names: Names, depth: number, isShowing: boolean): void {
    for (const part of ['whereClause', 'havingClause']) this.ask(statement[part], names, isShowing);
    for (const target of (statement['targetList'] ?? []) as unknown[]) {
      const value = fields(target, 'ResTarget')?.['val'];
      const column = ownColumn(value, this.table, names);
      const isAsked = this.tests.has(statement) || (column === undefined ? isTruth(value) : column.base === 'boolean');
      if (isAsked) this.ask(value, names);
    }
    this.visit(statement, names, depth, isShowing);
  }

  /** Follows a call of a helper that gets columns of the row. */
  private call(node: Node, around: Names, depth: number): void {
    const parts = nameParts(node['funcname']);
    const args = (node['args'] ?? []) as unknown[];
    const columns = args.map((arg) => reference(arg, this.table, around));
    const limited = args.map((arg) => ownColumn(arg, this.table, around));
    const whole = args.map((arg) => isWhole(arg, this.table, around));
    if (depth >= deepest || (limited.every((column) => column === undefined) && !whole.includes(true))) return;
    const routine = this.model.catalog.functions.find(
      ({ name, schema, arguments: types }) =>
        name === parts.at(-1) &&
        (parts.length === 1 || schema === parts.at(-2)) &&
        types.length >= args.length &&
        !isPlatformSchema(schema),
    );
    if (routine === undefined) return;
    const variables = new Map<string, Reference>();
    const limits = new Map<string, ColumnRow>();
    const rows = new Set<string>();
    columns.forEach((column, index) => {
      const name = routine.argumentNames[index] ?? '';
      const limit = limited[index];
      if (whole[index] === true) rows.add(name);
      for (const one of [`$${index + 1}`, name]) {
        if (column !== undefined) variables.set(one, column);
        else if (limit !== undefined) limits.set(one, limit);
      }
    });
    const ofCaller = this.tests;
    const { trees, tests } = this.model.sources.body(routine);
    this.tests = tests;
    this.visit(trees, { ...nothing, rows, variables, limits }, depth + 1);
    this.tests = ofCaller;
  }
}

/** It is true or false, as far as its form shows. */
function isTruth(node: unknown): boolean {
  const operator = nameParts(fields(node, 'A_Expr')?.['name']).at(-1);
  return (
    ['BoolExpr', 'NullTest', 'BooleanTest', 'CaseExpr'].some((type) => fields(node, type) !== undefined) ||
    (operator !== undefined && !/^([-+/%^]|\*|\|\||->>?|#>>?)$/.test(operator))
  );
}
