import { allOf, fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import { parseRoutine } from '../../sql/plpgsql.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import { actionsOf, ruleLanguage } from './rules.ts';
import { isQueryText, onlyDefines, templateOf } from './run-templates.ts';

/** A node of PL/pgSQL's tree, which `@pgsql/types` does not describe. */
type PlpgsqlTree = Record<string, unknown>;

/** The body of a function as parse trees. */
export interface RoutineBody {
  /** Every statement and expression, including constant texts that EXECUTE runs. */
  trees: Node[];
  /** Expressions other than constants whose value EXECUTE runs as SQL. */
  executed: Node[];
  /** Those of them that tell what they read and write: the statements are among the trees, any column for one that is named then. */
  understood: Set<Node>;
  /** Those of them that make, change or drop tables of any name, and bring no row anywhere. */
  defining: Set<Node>;
  /** Those of them that are queries, although of any table: they write nothing by themselves. */
  queried: Set<Node>;
  /** Assignments to variables, each with its expression or query, in order; of FOREACH, the variable has an element of the list. */
  assigned: { variables: string[]; value: Node; isElement?: true }[];
  /** Those of the trees that RAISE gives to its caller: what it says, and its options. */
  raised: Set<Node>;
  /**
   * Those of the trees, as the fields of their SELECT, whose value is true or false: the conditions of IF, WHILE and EXIT, and what a
   * function that returns a boolean gives.
   */
  tests: Set<unknown>;
  /** It has a RAISE of an error, or an ASSERT. */
  refuses: boolean;
  /** What RETURN gives in PL/pgSQL. */
  returned: Node[];
  /** It has a loop that is not over the rows of a query: how long it runs depends on values. */
  hasLoop: boolean;
  /** Its language is neither SQL nor PL/pgSQL, or the parser fails, so its effects are not known. */
  isUnreadable: boolean;
  /** PostgreSQL prints it from its parsed form: names without a schema are in the session's search path. */
  isPrinted: boolean;
}

/** Reads the body of a function or procedure. The parser must be loaded. */
export function readBody(routine: FunctionRow): RoutineBody {
  const body: RoutineBody = {
    trees: [],
    executed: [],
    understood: new Set(),
    defining: new Set(),
    queried: new Set(),
    assigned: [],
    raised: new Set(),
    tests: new Set(),
    refuses: false,
    returned: [],
    hasLoop: false,
    isUnreadable: false,
    isPrinted: false,
  };
  // All that an aggregate does, it does by the functions that it runs.
  if (routine.kind === 'a') return body;
  if (routine.language === 'plpgsql') {
    const parsed = parseRoutine(routine.definition);
    if (Array.isArray(parsed))
      parsed.forEach((each) => {
        readPlpgsql(each, body);
      });
    else body.isUnreadable = true;
  } else if (routine.language === 'sql') {
    readSql(routine, body);
  } else if (routine.language === ruleLanguage) {
    body.trees.push(...actionsOf(routine.definition));
    body.isPrinted = true;
  } else {
    body.isUnreadable = true;
  }
  for (const tree of body.trees) readRunTexts(tree, body);
  settleRuns(body, routine.argumentNames);
  const isTruth = routine.returns === 'boolean' && !routine.returnsSet;
  const given = routine.language === 'sql' ? body.trees.slice(-1) : body.returned;
  if (isTruth) for (const tree of given) body.tests.add(fieldsOf(tree, 'SelectStmt'));
  return body;
}

function readSql(routine: FunctionRow, body: RoutineBody): void {
  const statement = fieldsOf(statementsOf(routine.definition, body)[0], 'CreateFunctionStmt');
  if (statement?.sql_body !== undefined) {
    body.trees.push(statement.sql_body);
    body.isPrinted = true;
    return;
  }
  const as = allOf(statement?.options, 'DefElem').find(({ defname }) => defname === 'as');
  body.trees.push(...statementsOf(stringsOf(as?.arg)[0] ?? '', body));
}

function statementsOf(sql: string, body: RoutineBody): Node[] {
  const parsed = parseTree(sql);
  if (Array.isArray(parsed)) return parsed.flatMap(({ stmt }): Node[] => (stmt === undefined ? [] : [stmt]));
  body.isUnreadable = true;
  return [];
}

interface Expression {
  query: string;
  /** 0 a statement, 2 an expression, more an assignment. */
  parseMode?: number;
}

/** Fields of PL/pgSQL's statements that hold dynamic SQL. */
const runs = new Set([
  'PLpgSQL_stmt_dynexecute.query',
  'PLpgSQL_stmt_dynfors.query',
  'PLpgSQL_stmt_open.dynquery',
  'PLpgSQL_stmt_return_query.dynquery',
]);

/** Loops over numbers, and those that end by a condition. */
const loops = new Set(['PLpgSQL_stmt_fori', 'PLpgSQL_stmt_while', 'PLpgSQL_stmt_loop']);

/** The loop over the elements of a list. */
const foreach = 'PLpgSQL_stmt_foreach_a';

/** Fields that hold conditions. */
const tests = new Set([
  'PLpgSQL_stmt_if.cond',
  'PLpgSQL_if_elsif.cond',
  'PLpgSQL_stmt_while.cond',
  'PLpgSQL_stmt_exit.cond',
  'PLpgSQL_stmt_assert.cond',
  'PLpgSQL_case_when.expr',
]);

/** PostgreSQL's level ERROR. A NOTICE or WARNING does not stop execution. */
const errorLevel = 21;

/** Fields of RAISE: what it says, and its options. */
const raises = /^PLpgSQL_(?:stmt_raise|raise_option)\./;

function readPlpgsql(tree: PlpgsqlTree, body: RoutineBody): void {
  const datums = ((tree['PLpgSQL_function'] as PlpgsqlTree | undefined)?.['datums'] ?? []) as PlpgsqlTree[];
  const nameOf = (number: unknown): string[] => namesOf(datums[Number(number ?? 0)]);
  const visit = (value: unknown, statement: string, fields: PlpgsqlTree, field: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, statement, fields, field);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, below] of Object.entries(value)) {
        body.hasLoop ||= loops.has(key);
        body.refuses ||=
          key === 'PLpgSQL_stmt_assert' ||
          (key === 'PLpgSQL_stmt_raise' && Number((below as PlpgsqlTree)['elog_level'] ?? 0) >= errorLevel);
        if (key === 'PLpgSQL_expr')
          readExpression(below as Expression, `${statement}.${field}`, variablesOf(statement, fields, nameOf), body);
        else if (key.startsWith('PLpgSQL_'))
          Object.entries(below as PlpgsqlTree).forEach(([name, inner]) => {
            visit(inner, key, below as PlpgsqlTree, name);
          });
        else visit(below, statement, fields, key);
      }
    }
  };
  visit(tree, '', {}, '');
}

/** The variables that a statement assigns. */
function variablesOf(statement: string, fields: PlpgsqlTree, nameOf: (number: unknown) => string[]): string[] {
  if (statement === 'PLpgSQL_stmt_assign' || statement === foreach) return nameOf(fields['varno']);
  if (statement === 'PLpgSQL_stmt_case') return nameOf(fields['t_varno']);
  if (statement === 'PLpgSQL_var') return [String(fields['refname'])];
  return [
    ...namesOf(fields['target'] as PlpgsqlTree | undefined),
    ...namesOf(fields['var'] as PlpgsqlTree | undefined),
  ];
}

function namesOf(datum: PlpgsqlTree | undefined): string[] {
  if (datum === undefined) return [];
  const [type, fields] = (Object.entries(datum)[0] ?? ['', {}]) as [string, PlpgsqlTree];
  if (type === 'PLpgSQL_row') return ((fields['fields'] ?? []) as { name: string }[]).map(({ name }) => name);
  return [String(fields['refname'] ?? fields['fieldname'] ?? '')];
}

function readExpression(
  { query, parseMode = 0 }: Expression,
  place: string,
  variables: string[],
  body: RoutineBody,
): void {
  const assigned = parseMode > 2 ? query.slice(query.search(/:?=/)).replace(/^:?=/, '') : query;
  const trees = statementsOf(parseMode === 0 ? query : `select ${assigned}`, body);
  body.trees.push(...trees);
  for (const tree of trees) {
    if (place === 'PLpgSQL_stmt_return.expr') body.returned.push(tree);
    if (tests.has(place)) body.tests.add(fieldsOf(tree, 'SelectStmt'));
    if (raises.test(place)) body.raised.add(tree);
    if (variables.length > 0)
      body.assigned.push({ variables, value: tree, ...(place.startsWith(`${foreach}.`) && { isElement: true }) });
    if (runs.has(place)) addRun(tree, body, place === 'PLpgSQL_stmt_dynfors.query');
  }
}

/** Functions that run a text as SQL. */
const runners = new Set(['query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'ts_stat']);

function readRunTexts(tree: Node, body: RoutineBody): void {
  walk(tree, (type, fields) => {
    if (type !== 'FuncCall' || !runners.has(stringsOf(fields.funcname).at(-1) ?? '')) return;
    const [text] = fields.args ?? [];
    if (text !== undefined) addRun(text, body, true);
  });
}

/**
 * A constant is the SQL itself; anything else is known only at run time, at least in part.
 * @param isOne PostgreSQL takes it for one query
 */
function addRun(tree: Node, body: RoutineBody, isOne: boolean): void {
  const expression = expressionOf(tree);
  const text = literalOf(expression);
  const parsed = text === undefined ? undefined : parseTree(text);
  if (Array.isArray(parsed)) {
    body.trees.push(...parsed.flatMap(({ stmt }): Node[] => (stmt === undefined ? [] : [stmt])));
    return;
  }
  body.executed.push(expression);
  if (isOne) body.queried.add(expression);
}

/** Says of each text that is run what it tells of its SQL, itself or as the variable that all of it is assigned to. */
function settleRuns(body: RoutineBody, given: readonly string[]): void {
  for (const expression of body.executed) {
    const [variable, ...more] = stringsOf(fieldsOf(expression, 'ColumnRef')?.fields);
    const isVariable = variable !== undefined && more.length === 0 && !given.includes(variable);
    const values = body.assigned.filter(({ variables }) => isVariable && variables.includes(variable));
    const texts = values.length === 0 ? [expression] : values.map(({ value }) => expressionOf(value));
    const templates = texts.map(templateOf);
    if (templates.every((one) => one !== undefined)) {
      body.understood.add(expression);
      body.trees.push(...templates.flat());
    } else {
      if (texts.every(onlyDefines)) body.defining.add(expression);
      if (!texts.every(isQueryText)) body.queried.delete(expression);
    }
  }
}

/** The expression of `SELECT expression`. */
function expressionOf(tree: Node): Node {
  const [target] = allOf(fieldsOf(tree, 'SelectStmt')?.targetList, 'ResTarget');
  return target?.val ?? tree;
}
