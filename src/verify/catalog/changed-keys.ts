/** Keys that are compared in another form: `upper(id::text)`, `replace(id::text, '-', '')`, `md5(id::text)`. */
import { fieldsOf, type Fields, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import type { Catalog, FunctionRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';

/** SQL that changes keys, in pieces: a text is SQL, and a key from one of the columns stands between such texts. */
export type ChangedKey = readonly (string | { columns: ReadonlySet<string>; qualifier?: string })[];

/** Says whether a call only computes something, the same for every caller; `name` as it is written, with or without its schema. */
export type IsPure = (name: readonly string[]) => boolean;

/** Operators that compute something from two values. */
const computing = new Set(['||', '+', '-', '*', '/', '%', '#', '&', '|', '<<', '>>']);

/**
 * What is known of functions: those of PostgreSQL and of extensions that change nothing, and the database's own that are
 * declared to be immutable and that every caller may call.
 */
export function purenessOf({ computing: known = [], functions, schemaUsage }: Catalog): IsPure {
  const names = new Set(known);
  const own = new Map<string, FunctionRow[]>();
  for (const routine of functions) own.set(routine.name, [...(own.get(routine.name) ?? []), routine]);
  const isOpen = ({ volatility, schema, execute }: FunctionRow): boolean =>
    volatility === 'i' &&
    Object.entries(schemaUsage).every(([role, open]) => open.includes(schema) && execute.includes(role));
  return (name) => {
    const [schema, last] = [name.at(-2), name.at(-1) ?? ''];
    const rivals = (own.get(last) ?? []).filter((routine) => schema === undefined || routine.schema === schema);
    return rivals.length > 0 ? rivals.every(isOpen) : names.has(last);
  };
}

/** The SQL of an expression that computes something from a key by such functions; undefined for anything else. */
export function changedKey(node: unknown, isPure: IsPure): ChangedKey | undefined {
  const cast = fieldsOf(node, 'TypeCast');
  const isChanged = ['FuncCall', 'A_Expr'].some((type) => fieldsOf(node, type as 'FuncCall') !== undefined);
  if (!isChanged && (cast === undefined || changedKey(cast.arg, isPure) === undefined)) return undefined;
  return computedFrom(node, isPure);
}

/** The SQL of an expression that computes something from columns, or is one; undefined for anything else. */
export function computedFrom(node: unknown, isPure: IsPure): ChangedKey | undefined {
  const pieces = piecesOf(node, isPure);
  return pieces?.some((piece) => typeof piece !== 'string') === true ? pieces : undefined;
}

/** Says whether an expression calls nothing but such functions. */
export function isPureExpression(node: unknown, isPure: IsPure): boolean {
  let isAll = true;
  walk(node as Node | undefined, (type, fields) => {
    isAll &&= type !== 'FuncCall' || isPure(stringsOf(fields.funcname));
    return isAll;
  });
  return isAll;
}

function piecesOf(node: unknown, isPure: IsPure): ChangedKey | undefined {
  const column = columnOf(node);
  if (column !== undefined) {
    const { name, qualifier } = column;
    return [{ columns: new Set([name]), ...(qualifier === undefined ? {} : { qualifier }) }];
  }
  const text = literalOf(node) ?? constantOf(node);
  if (text !== undefined) return [quoteLiteral(text)];
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return castOf(cast, isPure);
  const expression = fieldsOf(node, 'A_Expr');
  const operator = stringsOf(expression?.name).at(-1) ?? '';
  if (expression?.kind === 'AEXPR_OP' && expression.lexpr !== undefined && computing.has(operator))
    return within('(', [expression.lexpr, expression.rexpr], ` ${operator} `, isPure);
  const call = fieldsOf(node, 'FuncCall');
  const name = stringsOf(call?.funcname);
  return call !== undefined && isPure(name)
    ? within(`${name.map(quoteIdentifier).join('.')}(`, call.args ?? [], ', ', isPure)
    : undefined;
}

function castOf({ arg, typeName }: Fields<'TypeCast'>, isPure: IsPure): ChangedKey | undefined {
  if ((typeName?.arrayBounds ?? []).length > 0 || (typeName?.typmods ?? []).length > 0) return undefined;
  const inside = within('(', [arg], '', isPure);
  return inside === undefined
    ? undefined
    : [...inside, `::${stringsOf(typeName?.names).map(quoteIdentifier).join('.')}`];
}

/** The pieces of each, separated, from an opening to a closing parenthesis. */
function within(opening: string, nodes: readonly unknown[], separator: string, isPure: IsPure): ChangedKey | undefined {
  const all = nodes.map((node) => piecesOf(node, isPure));
  if (all.includes(undefined)) return undefined;
  const inside = all.flatMap((pieces, index) => [...(index === 0 ? [] : [separator]), ...pieces!]);
  return [opening, ...inside, ')'];
}
