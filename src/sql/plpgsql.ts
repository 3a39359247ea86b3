import { quoteIdentifier } from '../shared/quote.ts';
import { allOf, fieldsOf, literalOf, stringOf, stringsOf } from './nodes.ts';
import { type ParseFailure, parsePlpgsql, parseTree, scan, type Token } from './parser.ts';

/** A node of PL/pgSQL's tree, which `@pgsql/types` does not describe. */
type PlpgsqlTree = Record<string, unknown>;

/**
 * Parses the PL/pgSQL in a `CREATE FUNCTION`, `CREATE PROCEDURE` or `DO` statement. Outside a database PostgreSQL's
 * parser does not know types that are not its own. So it refuses to open or fetch a cursor that is an argument: such
 * arguments are then declared once more, as variables. And it refuses to assign to a field of a variable: that is then
 * declared as a record. Never throws.
 */
export function parseRoutine(statement: string): PlpgsqlTree[] | ParseFailure {
  const parsed = parsePlpgsql(statement);
  if (Array.isArray(parsed)) return parsed;
  const declared = withCursorVariables(statement) ?? statement;
  let text = declared;
  for (const seen = new Set<string>(); ;) {
    const again = text === statement ? parsed : parsePlpgsql(text);
    if (Array.isArray(again)) return again;
    // The first name can be the label of a block, and the second the variable.
    const names = (unknownField.exec(again.message)?.[1]?.split('.') ?? []).slice(0, 2);
    const changed = names
      .filter((name) => !seen.has(name))
      .map((name) => ({ name, sql: withRecord(text, name) }))
      .find(({ sql }) => sql !== undefined);
    if (changed?.sql === undefined) return parsed;
    seen.add(changed.name);
    text = changed.sql;
  }
}

/** What the parser says of an assignment to a field of a variable whose type it does not know. */
const unknownField = /^"([^"]+)\.[^".]+" is not a known variable$/;

/** The statement with the variable declared as a record; undefined if no declaration of it is found. */
function withRecord(statement: string, name: string): string | undefined {
  const body = bodyOf(statement);
  if (body === undefined) return undefined;
  const { words, text, start } = body;
  const bytes = Buffer.from(text);
  const isName = (word: Token): boolean => word.text === name || word.text === quoteIdentifier(name);
  const at = words.findIndex(
    (word, index) =>
      isName(word) && /^(?:declare|;)$/i.test(words[index - 1]?.text ?? '') && isTypeStart(words[index + 1]),
  );
  const first = words[at + 1]?.text.toLowerCase() === 'constant' ? at + 2 : at + 1;
  const end = words.findIndex(
    ({ text: word }, index) => index > first && /^(?:;|:=|=|default|not|collate)$/i.test(word),
  );
  if (at !== -1 && end !== -1) {
    const length = words[end - 1]!.end - words[first]!.start;
    const replaced = Buffer.concat([
      bytes.subarray(0, words[first]!.start),
      // Of the same length where it fits, so that places stay the same.
      Buffer.from('record'.padEnd(length)),
      bytes.subarray(words[end - 1]!.end),
    ]).toString();
    return statement.slice(0, start) + replaced + statement.slice(start + text.length);
  }
  return isArgument(statement, name) ? withVariables(statement, [`${quoteIdentifier(name)} record;`]) : undefined;
}

/** Whether a token can be the start of a type: a name, but not the rest of a statement. */
const isTypeStart = (token: Token | undefined): boolean => token !== undefined && /^["a-z_]/i.test(token.text);

/** The arguments of a function in their order; the name is empty where there is none. */
function argumentsOf(statement: string): { name: string; type: string }[] {
  const raw = parseTree(statement);
  const routine = Array.isArray(raw) ? fieldsOf(raw[0]?.stmt, 'CreateFunctionStmt') : undefined;
  return allOf(routine?.parameters, 'FunctionParameter').map(({ name = '', argType }) => ({
    name,
    type: stringsOf(argType?.names).at(-1) ?? '',
  }));
}

const isArgument = (statement: string, name: string): boolean =>
  argumentsOf(statement).some((argument) => argument.name === name);

/**
 * The statement with its body in a block that declares its cursor arguments; undefined if it has none. The numbers of
 * arguments become names of the same length.
 */
function withCursorVariables(statement: string): string | undefined {
  const cursors = argumentsOf(statement).flatMap(({ name, type }, index) =>
    type === 'refcursor' ? [{ name, number: index + 1 }] : [],
  );
  if (cursors.length === 0) return undefined;
  const numbered = withNames(statement, new Set(cursors.map(({ number }) => `$${number}`)));
  return withVariables(
    numbered,
    cursors.flatMap(({ name, number }) => [
      ...(name === '' ? [] : [`${quoteIdentifier(name)} refcursor;`]),
      ...(numbered === statement ? [] : [`_${number} refcursor;`]),
    ]),
  );
}

/** The statement with `_1` for `$1` in its body, for each of these. */
function withNames(statement: string, numbers: ReadonlySet<string>): string {
  const body = bodyOf(statement);
  const bytes = Buffer.from(body?.text ?? '');
  const places = (body?.words ?? []).filter(({ text }) => numbers.has(text));
  if (body === undefined || places.length === 0) return statement;
  for (const { start } of places) bytes.write('_', start);
  return statement.slice(0, body.start) + bytes.toString() + statement.slice(body.start + body.text.length);
}

/** The statement with its body in a block that declares variables. */
function withVariables(statement: string, variables: readonly string[]): string | undefined {
  const body = bodyOf(statement);
  if (body === undefined) return undefined;
  const { words, text, start: at } = body;
  const start = optionsEnd(text, words);
  const end = words.at(-1)?.text === ';' ? '' : ';';
  return (
    `${statement.slice(0, at)}${text.slice(0, start)} declare ${variables.join(' ')} begin ${text.slice(start)}\n${end} end ` +
    statement.slice(at + text.length)
  );
}

/** The body of a routine or `DO`, its tokens without comments, and where it starts. */
function bodyOf(statement: string): { text: string; words: Token[]; start: number } | undefined {
  const raw = parseTree(statement);
  const tree = Array.isArray(raw) ? raw[0]?.stmt : undefined;
  const options = fieldsOf(tree, 'CreateFunctionStmt')?.options ?? fieldsOf(tree, 'DoStmt')?.args;
  const as = allOf(options, 'DefElem').find(({ defname }) => defname === 'as')?.arg;
  const text = stringOf(as) || stringsOf(as)[0] || '';
  const start = statement.lastIndexOf(text);
  const tokens = scan(text);
  if (text === '' || start === -1 || !Array.isArray(tokens)) return undefined;
  return { text, words: tokens.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT')), start };
}

/** Where the options at the start of a body end, e.g. `#variable_conflict use_column`: they must stay first. */
function optionsEnd(body: string, words: readonly Token[]): number {
  let next = 0;
  while (words[next]?.text === '#') next += 3;
  return Buffer.from(body)
    .subarray(0, words[next - 1]?.end ?? 0)
    .toString().length;
}

/** A piece of SQL in a PL/pgSQL body. */
export interface PlpgsqlPart {
  sql: string;
  /** Offset in the body, as precisely as possible: PL/pgSQL's tree has only lines. */
  offset: number;
  guarded: boolean;
}

/** Statements whose contents may not run, or may fail silently. */
const guards = new Set([
  'PLpgSQL_stmt_if',
  'PLpgSQL_stmt_case',
  'PLpgSQL_stmt_loop',
  'PLpgSQL_stmt_while',
  'PLpgSQL_stmt_fori',
  'PLpgSQL_stmt_fors',
  'PLpgSQL_stmt_foreach_a',
]);

/** Statements whose `query` is an expression that gives the SQL. */
const executes = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors']);

/**
 * Every SQL statement and expression of a parsed PL/pgSQL body, in order. A constant `EXECUTE` is represented by the
 * SQL that it runs.
 * @param options `mayEnd`: what follows a condition under which the body ends is guarded by it
 */
export function plpgsqlParts(
  functions: readonly PlpgsqlTree[],
  body: string,
  { mayEnd = false }: { mayEnd?: boolean } = {},
): PlpgsqlPart[] {
  const parts: PlpgsqlPart[] = [];
  let cursor = 0;
  const add = (query: string, parseMode: number, dynamic: boolean, guarded: boolean): void => {
    // PERFORM is parsed as SELECT, and INTO is blanked, so only a part of such a query is in the body's text.
    const direct = body.indexOf(query, cursor);
    const performed = direct === -1 && query.startsWith('SELECT ') ? body.indexOf(query.slice(7), cursor) : -1;
    const blanked = direct === -1 && performed === -1 ? body.indexOf(query.split(/ {4}/)[0]!, cursor) : -1;
    const found = Math.max(direct, performed, blanked);
    if (found !== -1) cursor = found + 1;
    const offset = performed === -1 ? Math.max(found, cursor - 1, 0) : performed - 'SELECT '.length;
    // Mode 0 is a statement; others are expressions and assignments.
    if (parseMode === 0) parts.push({ sql: query, offset, guarded });
    else if (parseMode === 2) {
      parts.push({ sql: `SELECT ${query}`, offset: offset - 'SELECT '.length, guarded });
      if (dynamic) parts.push(...executed(query, offset, guarded));
    } else {
      const assigned = query.slice(query.search(/:?=/)).replace(/^:?=/, '');
      parts.push({
        sql: `SELECT ${assigned}`,
        offset: offset + query.length - assigned.length - 'SELECT '.length,
        guarded,
      });
    }
  };
  const visit = (value: unknown, guarded: boolean, dynamic: boolean, parent: string): void => {
    if (Array.isArray(value)) {
      let after = guarded;
      for (const item of value) {
        visit(item, after, dynamic, parent);
        after ||= mayEnd && guards.has(Object.keys((item ?? {}) as object)[0] ?? '') && endsIn(item);
      }
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'PLpgSQL_expr') {
        const { query, parseMode = 0 } = inner as { query: string; parseMode?: number };
        add(query, parseMode, dynamic, guarded);
      } else if (key === 'datums') {
        continue;
      } else {
        const catches = key === 'PLpgSQL_stmt_block' && (inner as PlpgsqlTree)['exceptions'] !== undefined;
        // The values after USING are data, not SQL.
        const isSql = key === 'dynquery' || (key === 'query' && executes.has(parent));
        visit(inner, guarded || guards.has(key) || catches, isSql, key);
      }
    }
  };
  for (const each of functions)
    visit((each['PLpgSQL_function'] as PlpgsqlTree | undefined)?.['action'], false, false, '');
  return parts;
}

/** Whether a statement has one in it that leaves the body or the block. */
function endsIn(statement: unknown): boolean {
  const text = JSON.stringify(statement);
  return text.includes('"PLpgSQL_stmt_return"') || text.includes('"PLpgSQL_stmt_exit"');
}

/** The SQL that `EXECUTE` runs if it is a constant, or a `format` of constants. */
function executed(query: string, offset: number, guarded: boolean): PlpgsqlPart[] {
  const raw = parseTree(`SELECT ${query}`);
  if (!Array.isArray(raw) || raw[0]?.stmt === undefined) return [];
  const [target] = allOf(fieldsOf(raw[0].stmt, 'SelectStmt')?.targetList, 'ResTarget');
  const text = literalOf(target?.val);
  if (text === undefined) return [];
  const inner = Math.max(0, query.indexOf(text));
  return [{ sql: text, offset: offset + inner, guarded }];
}
