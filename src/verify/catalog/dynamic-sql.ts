import { allOf, type Fields, fieldsOf, literalOf, type Node, type OpenNode, stringsOf, walk } from '../../sql/nodes.ts';
import type { RoutineBody } from './bodies.ts';
import type { Sources } from './effects.ts';
import { placesIn } from './format-places.ts';
import type { ArgumentType, FunctionRow } from '../../rules/engine/live/catalog.ts';

/** Functions that make a text safe for SQL, or return something that is. */
const quoting = new Set(['quote_ident', 'quote_literal', 'quote_nullable', 'pg_typeof', 'length', 'hashtext', 'md5']);

/** Operators whose result contains the text of their operands. Others return a boolean or a number. */
const textOperators = new Set(['||', '->', '->>', '#>', '#>>']);

/** Types whose values cannot contain SQL. */
const textTypes = new Set([
  'text',
  'varchar',
  'character varying',
  'bpchar',
  'citext',
  'name',
  'json',
  'jsonb',
  'unknown',
]);

/**
 * Names of the arguments that become part of SQL that the function runs, or another to which it gives them, without being quoted or
 * compared with a list: the caller decides what is run.
 */
export function injectableArguments(routine: FunctionRow, sources: Sources): string[] {
  if (sources.reached(routine).every((one) => sources.body(one).executed.length === 0)) return [];
  return [...injectableIn(routine, sources, new Set())].map((index) => routine.argumentNames[index] || `$${index + 1}`);
}

/** The numbers of those arguments. */
function injectableIn(routine: FunctionRow, sources: Sources, callers: ReadonlySet<FunctionRow>): ReadonlySet<number> {
  if (callers.has(routine)) return new Set();
  const body = sources.body(routine);
  const given = callsIn(body.trees, routine, sources).flatMap(({ target, args }) => {
    const dangerous = injectableIn(target, sources, new Set([...callers, routine]));
    return [...dangerous].flatMap((at) => args[at] ?? []);
  });
  return new Set(
    routine.inputs.flatMap((input, index) => {
      const name = routine.argumentNames[index] ?? '';
      if (!holdsText(input) || isEachCompared(name, index, body)) return [];
      const tainted = spread(new Set([name, `$${index + 1}`]), body);
      return [...body.executed, ...given].some((expression) => runsText(expression, tainted, body)) ? [index] : [];
    }),
  );
}

/** Calls of functions of the database's own, each with its arguments in their order. */
function callsIn(
  trees: readonly Node[],
  routine: FunctionRow,
  sources: Sources,
): { target: FunctionRow; args: readonly unknown[] }[] {
  const found: { target: FunctionRow; args: unknown[] }[] = [];
  const targets = sources.called(sources.effects(routine), routine);
  walk(trees, (type, fields) => {
    if (type !== 'FuncCall') return;
    const name = stringsOf(fields.funcname).at(-1);
    for (const target of targets.filter((one) => one.name === name)) {
      const args: unknown[] = [];
      (fields.args ?? []).forEach((arg, at) => {
        const named = fieldsOf(arg, 'NamedArgExpr');
        const place = named === undefined ? at : target.argumentNames.indexOf(named.name ?? '');
        if (place >= 0) args[place] = named === undefined ? arg : named.arg;
      });
      found.push({ target, args });
    }
  });
  return found;
}

/** Names of the arguments by which the caller chooses a table or a column of the SQL that the function runs: `format('%I', name)`. */
export function namingArguments(routine: FunctionRow, body: RoutineBody): string[] {
  if (body.executed.length === 0) return [];
  return routine.inputs.flatMap((input, index): string[] => {
    const name = routine.argumentNames[index] ?? '';
    if (!holdsText(input) || isEachCompared(name, index, body)) return [];
    const given = spread(new Set([name, `$${index + 1}`]), body);
    return body.executed.some((expression) => names(expression, given)) ? [name === '' ? `$${index + 1}` : name] : [];
  });
}

/** It quotes one of the names as an identifier. */
function names(expression: unknown, given: ReadonlySet<string>): boolean {
  let found = false;
  walk(expression, (type, fields) => {
    if (type !== 'FuncCall') return;
    const args = fields.args ?? [];
    const called = stringsOf(fields.funcname).at(-1) ?? '';
    if (called === 'quote_ident') found ||= carries(args, given);
    if (called === 'format')
      found ||= placesIn(literalOf(args[0]) ?? '').some(
        ({ kind, index }) => kind === 'I' && carries(args[index], given),
      );
  });
  return found;
}

function holdsText({ category, base, element }: ArgumentType): boolean {
  if (category === 'A') return textTypes.has(element ?? '');
  return category === 'U' ? textTypes.has(base) : ['S', 'C', 'P'].includes(category);
}

/** The names, and all variables that are assigned a text made from them. */
export function spread(names: Set<string>, body: RoutineBody): ReadonlySet<string> {
  for (let before = 0; before !== names.size;) {
    before = names.size;
    for (const { variables, value } of body.assigned)
      if (carries(value, names)) variables.forEach((variable) => names.add(variable));
  }
  return names;
}

/** Returns whether an expression's value contains the unmodified text of one of the names. */
export function carries(value: unknown, names: ReadonlySet<string>): boolean {
  if (Array.isArray(value)) return value.some((item) => carries(item, names));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => carriesNode([key, inner] as OpenNode, names));
}

function carriesNode([type, node]: OpenNode, names: ReadonlySet<string>): boolean {
  if (typeof node !== 'object') return false;
  if (type === 'ColumnRef') {
    const parts = stringsOf(node.fields);
    return parts.some((part) => names.has(part)) || names.has(parts.join('.'));
  }
  if (type === 'SelectStmt') return carriesQuery(node, names);
  if (type === 'ParamRef') return names.has(`$${node.number ?? 0}`);
  if (type === 'A_Expr')
    return (
      textOperators.has(stringsOf(node.name).at(-1) ?? '') && (carries(node.lexpr, names) || carries(node.rexpr, names))
    );
  if (type === 'BoolExpr' || type === 'NullTest' || type === 'BooleanTest') return false;
  if (type === 'CaseWhen') return carries(node.result, names);
  if (type === 'CaseExpr') return carries(node.args, names) || carries(node.defresult, names);
  if (type === 'TypeCast')
    return textTypes.has(stringsOf(node.typeName?.names).at(-1) ?? '') && carries(node.arg, names);
  return type === 'FuncCall' ? carriesCall(node, names) : carries(node, names);
}

/** The names of the columns of a query that have the text. */
function givenBy(query: unknown, names: ReadonlySet<string>): string[] {
  return allOf(fieldsOf(query, 'SelectStmt')?.targetList, 'ResTarget').flatMap(({ name, val }) => {
    const own = name ?? stringsOf(fieldsOf(val, 'ColumnRef')?.fields).at(-1);
    return own !== undefined && own !== '' && carries(val, names) ? [own] : [];
  });
}

/** What a query gives has the text: by a column of what it reads from, or by itself. What it asks for is not in what it gives. */
function carriesQuery(select: Fields<'SelectStmt'>, names: ReadonlySet<string>): boolean {
  const known = new Set(names);
  let isWhole = false;
  for (const query of allOf(select.withClause?.ctes, 'CommonTableExpr'))
    if (carries(query.ctequery, known))
      for (const name of [query.ctename ?? '', ...givenBy(query.ctequery, known)]) known.add(name);
  walk(select.fromClause, (type, fields) => {
    if (type !== 'RangeFunction' && type !== 'RangeSubselect' && type !== 'RangeVar') return;
    const isTainted =
      type === 'RangeVar'
        ? known.has(fields.relname ?? '')
        : carries(type === 'RangeFunction' ? fields.functions : fields.subquery, known);
    if (!isTainted) return;
    isWhole = true;
    const alias = fields.alias;
    for (const name of [alias?.aliasname ?? '', ...stringsOf(alias?.colnames)]) if (name !== '') known.add(name);
    if (type === 'RangeSubselect') for (const name of givenBy(fields.subquery, known)) known.add(name);
    // A function without a name for its result has its own.
    if (type === 'RangeFunction' && alias === undefined) walk(fields.functions, noteName);
  });
  function noteName(...[type, fields]: OpenNode): void {
    if (type === 'FuncCall') known.add(stringsOf(fields.funcname).at(-1) ?? '');
  }
  let hasStar = false;
  walk(select.targetList, (...[type]) => {
    hasStar ||= type === 'A_Star';
  });
  return (
    (isWhole && hasStar) ||
    carries(select.targetList, known) ||
    carries(select.valuesLists, known) ||
    carries([select.larg, select.rarg], known)
  );
}

function carriesCall(call: Fields<'FuncCall'>, names: ReadonlySet<string>): boolean {
  const name = stringsOf(call.funcname).at(-1) ?? '';
  const args = call.args ?? [];
  if (quoting.has(name)) return false;
  const format = name === 'format' ? literalOf(args[0]) : undefined;
  if (format === undefined) return carries(args, names);
  return placesIn(format).some(({ kind, index }) => kind === 's' && carries(args[index], names));
}

/**
 * Returns whether SQL that the body runs has the text of one of the names in it, other than quoted: by a function that quotes, or between
 * quotes where nothing of it is left that could end them.
 */
export function runsText(expression: unknown, names: ReadonlySet<string>, body: RoutineBody): boolean {
  const pieces = piecesOf(expression);
  const isQuoted = (at: number): boolean =>
    literalOf(pieces[at - 1])?.endsWith("'") === true && literalOf(pieces[at + 1])?.startsWith("'") === true;
  return pieces.some((piece, at) => carries(piece, names) && !(isQuoted(at) && isWord(piece, body)));
}

/** What `||` puts together. */
function piecesOf(expression: unknown): unknown[] {
  const node = fieldsOf(expression, 'A_Expr');
  return node !== undefined && stringsOf(node.name).at(-1) === '||'
    ? [...piecesOf(node.lexpr), ...piecesOf(node.rexpr)]
    : [expression];
}

/** It is a call that leaves letters, digits, underscores and dashes alone, or a variable that only gets such. */
function isWord(value: unknown, body: RoutineBody): boolean {
  const call = fieldsOf(value, 'FuncCall');
  if (call !== undefined) return stringsOf(call.funcname).at(-1) === 'regexp_replace' && leavesAWord(call.args ?? []);
  const [name, ...more] = stringsOf(fieldsOf(value, 'ColumnRef')?.fields);
  const assigned = body.assigned.filter(({ variables }) => name !== undefined && variables.includes(name));
  return (
    more.length === 0 &&
    assigned.length > 0 &&
    assigned.every(({ value: one }) => {
      const [target] = allOf(fieldsOf(one, 'SelectStmt')?.targetList, 'ResTarget');
      return fieldsOf(target?.val, 'FuncCall') !== undefined && isWord(target?.val, body);
    })
  );
}

function leavesAWord([, pattern, replacement, flags]: readonly unknown[]): boolean {
  return (
    /^(?:\[\^(?:[a-z]-[a-z]|[A-Z]-[A-Z]|\d-\d|[A-Za-z0-9_]|\\w|\\d)+\]|\\W)\+?$/.test(literalOf(pattern) ?? '') &&
    /^[-_A-Za-z0-9]?$/.test(literalOf(replacement) ?? ';') &&
    (literalOf(flags) ?? '').includes('g')
  );
}

const patternOperators = new Set(['~', '!~', '~*', '!~*']);

/** The argument is compared so, or what a loop takes out of it, one by one. */
function isEachCompared(name: string, index: number, { assigned, trees }: RoutineBody): boolean {
  const given = new Set([name, `$${index + 1}`]);
  const elements = assigned.filter(({ value, isElement }) => isElement === true && carries(value, given));
  return (
    isCompared(name, index, trees) ||
    elements.some(({ variables }) => variables.some((variable) => isCompared(variable, -1, trees)))
  );
}

/** The argument is compared with a list of constants, a pattern, or the names in the catalog. */
function isCompared(name: string, index: number, trees: readonly Node[]): boolean {
  const isArgument = (node: unknown): boolean => carries(node, new Set(index < 0 ? [name] : [name, `$${index + 1}`]));
  let found = false;
  walk(trees, (type, fields) => {
    if (type === 'SelectStmt' && readsNames(fields)) found ||= carriesAnywhere(fields.whereClause, isArgument);
    if (type !== 'A_Expr' || !isArgument(fields.lexpr)) return;
    const { kind } = fields;
    const listed = fieldsOf(fields.rexpr, 'List')?.items ?? fieldsOf(fields.rexpr, 'A_ArrayExpr')?.elements;
    if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY' || kind === 'AEXPR_OP_ALL')
      found ||= listed?.every((item) => literalOf(item) !== undefined) === true;
    else found ||= patternOperators.has(stringsOf(fields.name).at(-1) ?? '') && literalOf(fields.rexpr) !== undefined;
  });
  return found;
}

/** A query of the catalog, or of the information schema. */
function readsNames(select: Fields<'SelectStmt'>): boolean {
  const from = allOf(select.fromClause, 'RangeVar');
  return (
    from.length > 0 &&
    from.every(
      ({ schemaname, relname }) =>
        schemaname === 'information_schema' || schemaname === 'pg_catalog' || relname.startsWith('pg_'),
    )
  );
}

function carriesAnywhere(node: unknown, test: (node: unknown) => boolean): boolean {
  let found = false;
  walk(node, (type, fields) => {
    found ||= (type === 'ColumnRef' || type === 'ParamRef') && test({ [type]: fields });
  });
  return found;
}
