import { quoteIdentifier } from '../shared/quote.ts';
import { allOf, fieldsOf, literalOf, stringsOf } from './nodes.ts';
import { type ParseFailure, parsePlpgsql, parseTree, scan, type Token } from './parser.ts';

/** A node of PL/pgSQL's tree, which `@pgsql/types` does not describe. */
type PlpgsqlTree = Record<string, unknown>;

/**
 * Parses the PL/pgSQL in a `CREATE FUNCTION`, `CREATE PROCEDURE` or `DO` statement. Outside a database PostgreSQL's
 * parser does not know the types of arguments, and so refuses to open or fetch a cursor that is one: such arguments are
 * then declared once more, as variables. Never throws.
 */
export function parseRoutine(statement: string): PlpgsqlTree[] | ParseFailure {
  const parsed = parsePlpgsql(statement);
  if (Array.isArray(parsed)) return parsed;
  const declared = withCursorVariables(statement);
  const again = declared === undefined ? parsed : parsePlpgsql(declared);
  return Array.isArray(again) ? again : parsed;
}

/** The statement with its body in a block that declares its cursor arguments; undefined if it has none. */
function withCursorVariables(statement: string): string | undefined {
  const raw = parseTree(statement);
  const routine = Array.isArray(raw) ? fieldsOf(raw[0]?.stmt, 'CreateFunctionStmt') : undefined;
  const cursors = allOf(routine?.parameters, 'FunctionParameter').flatMap(({ name, argType }) =>
    name !== undefined && name !== '' && stringsOf(argType?.names).at(-1) === 'refcursor' ? [name] : [],
  );
  const body = stringsOf(allOf(routine?.options, 'DefElem').find(({ defname }) => defname === 'as')?.arg)[0] ?? '';
  const at = statement.lastIndexOf(body);
  const tokens = scan(body);
  if (cursors.length === 0 || body === '' || at === -1 || !Array.isArray(tokens)) return undefined;
  const words = tokens.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT'));
  const start = optionsEnd(body, words);
  const end = words.at(-1)?.text === ';' ? '' : ';';
  const variables = cursors.map((name) => `${quoteIdentifier(name)} refcursor;`).join(' ');
  return (
    `${statement.slice(0, at)}${body.slice(0, start)} declare ${variables} begin ${body.slice(start)}\n${end} end ` +
    statement.slice(at + body.length)
  );
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

/**
 * Every SQL statement and expression of a parsed PL/pgSQL body, in order. A constant `EXECUTE` is represented by the
 * SQL that it runs.
 */
export function plpgsqlParts(functions: readonly PlpgsqlTree[], body: string): PlpgsqlPart[] {
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
  const visit = (value: unknown, guarded: boolean, dynamic: boolean): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, guarded, dynamic);
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
        visit(
          inner,
          guarded || guards.has(key) || catches,
          key === 'PLpgSQL_stmt_dynexecute' || (dynamic && !key.startsWith('PLpgSQL_')),
        );
      }
    }
  };
  for (const each of functions) visit((each['PLpgSQL_function'] as PlpgsqlTree | undefined)?.['action'], false, false);
  return parts;
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
