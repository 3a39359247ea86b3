import { fieldsOf, literalOf, walk } from '../../sql/nodes.ts';
import { parsePlpgsql, parseTree } from '../../sql/parser.ts';
import { plpgsqlParts } from '../../sql/plpgsql.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';

/** A function's body as parse trees. */
export interface RoutineBody {
  trees: readonly unknown[];
  /** The trees are incomplete: it runs dynamic SQL, or its language is not supported. */
  isOpaque: boolean;
}

const opaque: RoutineBody = { trees: [], isOpaque: true };

/** Reads the body of a function of the catalog. Needs the parser to be loaded. */
export function readRoutine(routine: FunctionRow): RoutineBody {
  if (routine.language !== 'sql' && routine.language !== 'plpgsql') return opaque;
  const definition = parseTree(routine.definition);
  if (!Array.isArray(definition)) return opaque;
  if (routine.language === 'plpgsql') return readPlpgsql(routine);
  const atomic = fieldsOf(definition[0]?.stmt, 'CreateFunctionStmt')?.sql_body;
  if (atomic !== undefined) return { trees: [atomic], isOpaque: false };
  return treesOf([routine.source]);
}

function readPlpgsql(routine: FunctionRow): RoutineBody {
  const parsed = parsePlpgsql(routine.definition);
  if (!Array.isArray(parsed)) return opaque;
  const { trees, isOpaque } = treesOf(plpgsqlParts(parsed, routine.source).map((part) => part.sql));
  return { trees, isOpaque: isOpaque || dynamicQueries(parsed).some((query) => !isConstant(query)) };
}

function treesOf(texts: readonly string[]): RoutineBody {
  const parsed = texts.map((text) => parseTree(text));
  const trees = parsed.flatMap((one) => (Array.isArray(one) ? one.map(({ stmt }) => stmt) : []));
  return { trees, isOpaque: parsed.some((one) => !Array.isArray(one)) };
}

/** The statements of PL/pgSQL, and the fields of others, that hold a query made at run time. */
const dynamicHolders = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors']);

/** The expressions whose text is executed by EXECUTE, FOR … IN EXECUTE, RETURN QUERY EXECUTE or OPEN … FOR EXECUTE. */
function dynamicQueries(parsed: readonly unknown[]): string[] {
  const found: string[] = [];
  const note = (node: unknown): void => {
    found.push((node as { PLpgSQL_expr?: { query?: string } }).PLpgSQL_expr?.query ?? '');
  };
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, below] of Object.entries(value)) {
      if (dynamicHolders.has(key)) note((below as { query: unknown }).query);
      if (key === 'dynquery') note(below);
      visit(below);
    }
  };
  visit(parsed);
  return found;
}

function isConstant(expression: string): boolean {
  const tree = parseTree(`SELECT ${expression}`);
  if (!Array.isArray(tree)) return false;
  let text: string | undefined;
  walk(tree[0]?.stmt, (...[type, fields]) => {
    if (type === 'ResTarget') text ??= literalOf(fields.val);
  });
  return text !== undefined;
}
