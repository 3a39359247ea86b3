import { builtinFunctions, builtinTypes } from '../../../sql/catalog/builtins.ts';
import type { Catalog, Routine } from '../../../sql/catalog/model.ts';
import { allOf, literalOf, stringsOf, walk } from '../../../sql/nodes.ts';
import { parseTree, scan } from '../../../sql/parser.ts';
import { parseRoutine } from '../../../sql/plpgsql.ts';
import { quoteQualified } from '../../../shared/quote.ts';
import type { Edit, Situation } from './fix.ts';
import { mayEdit, noteText } from './place.ts';
import type { Texts } from './place.ts';

/** Functions whose text is the name of an object, which PostgreSQL looks for by the search path as it does for a table. */
const byName = new RegExp(
  '^(?:nextval|currval|setval|pg_get_serial_sequence|to_reg[a-z]+|has_[a-z_]+_privilege|row_security_active|ts_stat|ts_rewrite|ts_lexize|' +
    'pg_(?:[a-z]+_)*size|pg_get_viewdef|pg_relation_[a-z]+|(?:query|table|cursor|schema|database)_to_xml(?:schema|_and_xmlschema)?)$',
);

/** Functions whose first argument may be a text search configuration, and those that PostgreSQL has. */
const searching = /^(?:to_ts(?:vector|query)|(?:plain|phrase|websearch_)to_tsquery|ts_headline)$/;
const configurations: ReadonlySet<string> = new Set(
  `simple arabic armenian basque catalan danish dutch english finnish french german greek hindi hungarian indonesian irish italian
lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish yiddish`.split(/\s+/),
);

/** Extensions that bring no operators and no types that compare otherwise than what they look like, as citext does. */
const withoutOperators: ReadonlySet<string> = new Set([
  'http',
  'moddatetime',
  'pg_cron',
  'pg_graphql',
  'pg_jsonschema',
  'pg_net',
  'pg_stat_statements',
  'pgcrypto',
  'pgjwt',
  'pgmq',
  'plpgsql',
  'supabase_vault',
  'uuid-ossp',
]);

/**
 * Returns whether everything in the body is found without a search path: tables, functions, types, what a text names, operators. What is
 * only known as it runs, is not.
 */
function isQualified(routine: Routine, { extensions }: Catalog): boolean {
  const { body, language, site } = routine;
  if ((language !== 'sql' && language !== 'plpgsql') || body.length === 0 || site === undefined) return false;
  if (language === 'plpgsql' && !isQualifiedBlock(site.piece.statement.sql)) return false;
  // An operator is not always written: `IN (SELECT …)`, `USING (email)` and `CASE email WHEN …` look for one as well.
  if ([...extensions].some(([name, made]) => made !== undefined && !withoutOperators.has(name))) return false;
  let qualified = true;
  for (const { type, node } of body) {
    const local = new Set<string>();
    walk({ [type]: node }, (kind, fields) => {
      if (kind === 'CommonTableExpr') local.add(fields['ctename'] as string);
    });
    walk({ [type]: node }, (kind, fields) => {
      const relation = kind === 'RangeVar' ? fields : undefined;
      if (relation !== undefined && relation.schemaname === undefined && !local.has(relation.relname))
        qualified = false;
      const call = kind === 'FuncCall' ? fields : undefined;
      if (call !== undefined && !isQualifiedCall(stringsOf(call.funcname), call.args ?? [])) qualified = false;
      const cast = kind === 'TypeCast' ? fields : undefined;
      if (stringsOf(cast?.typeName?.names).at(-1)?.startsWith('reg') === true && !isFullName(cast?.arg))
        qualified = false;
      const types = kind === 'TypeName' ? stringsOf(fields.names) : [];
      if (types.length === 1 && !builtinTypes.has(types[0]!)) qualified = false;
    });
  }
  return qualified;
}

function isQualifiedCall(name: readonly string[], args: readonly unknown[]): boolean {
  const called = name.at(-1) ?? '';
  if (name.length === 1 && !builtinFunctions.has(called)) return false;
  if (byName.test(called)) return args.some(isFullName);
  const [first, ...more] = args;
  if (!searching.test(called) || more.length === 0) return true;
  return isFullName(first) || configurations.has(literalOf(first) ?? '');
}

/** A constant that names an object with its schema. */
function isFullName(node: unknown): boolean {
  return literalOf(node)?.includes('.') === true;
}

/** Returns whether a block of PL/pgSQL runs no text that is put together, and declares its variables with types that are found. */
function isQualifiedBlock(statement: string): boolean {
  const parsed = parseRoutine(statement);
  if (!Array.isArray(parsed)) return false;
  let qualified = true;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (dynamic.has(key)) qualified = false;
      if (key === 'PLpgSQL_type') qualified &&= isQualifiedType(String((inner as { typname?: unknown }).typname));
      visit(inner);
    }
  };
  visit(parsed);
  return qualified;
}

/** What runs a text in PL/pgSQL's tree. */
const dynamic: ReadonlySet<string> = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors', 'dynquery']);

/** The type of a variable, as it is written: `text`, `public.leads%rowtype`, `leads.id%type`. */
function isQualifiedType(name: string): boolean {
  const tokens = scan(name);
  if (!Array.isArray(tokens)) return false;
  const [first = '', dot, , further] = tokens.map(({ text }) => text);
  // A column has its table before it.
  if (/%type$/i.test(name)) return dot === '.' && further === '.';
  if (dot === '.') return true;
  const parsed = parseTree(`SELECT NULL::${name}`);
  if (!Array.isArray(parsed) || first.startsWith('"')) return false;
  let types: string[] = [];
  walk(parsed[0]?.stmt, (kind, fields) => {
    if (kind === 'TypeName') types = stringsOf(fields.names);
  });
  return types.length > 1 || builtinTypes.has(types[0] ?? '');
}

/** The search path for a SECURITY DEFINER routine: empty if all that it names is found without one. */
export function searchPathFor(routine: Routine, catalog: Catalog): string {
  return isQualified(routine, catalog) ? "''" : 'pg_catalog, public, extensions';
}

/**
 * Sets options of a routine: in its statement if that can be edited, otherwise with an ALTER FUNCTION that is added to
 * `texts`.
 */
export function addOptions(situation: Situation, routine: Routine, options: string, texts: Texts): Edit[] {
  if (routine.site === undefined) return [];
  const { piece } = routine.site;
  const given = allOf('options' in piece.node ? piece.node.options : undefined, 'DefElem');
  const as = given.find(({ defname }) => defname === 'as');
  const { file, sql } = piece.source.migration;
  const at = as === undefined ? piece.statement.end : piece.at(as.location);
  // An option may be given only once, so an existing one has to be edited, which needs its word in the text.
  const isFree = !options.startsWith('SECURITY') || given.every(({ defname }) => defname !== 'security');
  if (
    mayEdit(situation, piece.source) &&
    piece.inside === undefined &&
    isFree &&
    (as === undefined || /^as\b/i.test(sql.slice(at)))
  ) {
    return [{ file, start: at, end: at, text: as === undefined ? ` ${options}` : `${options}${separator(sql, at)}` }];
  }
  noteText(
    texts,
    piece.source,
    `ALTER FUNCTION ${quoteQualified(routine.name)}(${routine.arguments.join(', ')}) ${options};`,
  );
  return [];
}

/** The white space before the word, so that a new option gets its own line if the old one had. */
function separator(sql: string, at: number): string {
  return /\n[ \t]*$/.exec(sql.slice(0, at))?.[0] ?? ' ';
}
