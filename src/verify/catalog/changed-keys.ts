/** Keys that are compared in another form: `upper(id::text)`, `replace(id::text, '-', '')`, `md5(id::text)`. */
import { fieldsOf, type Fields, literalOf, stringsOf } from '../../sql/nodes.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';

/** SQL that changes keys, in pieces: a text is SQL, and a key from one of the columns stands between such texts. */
export type ChangedKey = readonly (string | { columns: ReadonlySet<string> })[];

/** Functions whose result depends only on what they are given, and which do nothing else. */
const changing = new Set([
  'upper',
  'lower',
  'initcap',
  'replace',
  'translate',
  'regexp_replace',
  'overlay',
  'reverse',
  'btrim',
  'ltrim',
  'rtrim',
  'left',
  'right',
  'substr',
  'substring',
  'lpad',
  'rpad',
  'repeat',
  'concat',
  'concat_ws',
  'format',
  'encode',
  'convert_to',
  'md5',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'digest',
  'to_hex',
]);

/** Schemas in which such a function is PostgreSQL's own. */
const places = new Set(['pg_catalog', 'extensions']);

/** The SQL of an expression that calls such functions with a key; undefined for anything else. */
export function changedKey(node: unknown): ChangedKey | undefined {
  const cast = fieldsOf(node, 'TypeCast');
  const isChanged = fieldsOf(node, 'FuncCall') !== undefined || cast !== undefined;
  if (!isChanged || (cast !== undefined && changedKey(cast.arg) === undefined)) return undefined;
  const pieces = piecesOf(node);
  return pieces?.some((piece) => typeof piece !== 'string') === true ? pieces : undefined;
}

function piecesOf(node: unknown): ChangedKey | undefined {
  const column = columnOf(node);
  if (column !== undefined) return [{ columns: new Set([column.name]) }];
  const text = literalOf(node) ?? constantOf(node);
  if (text !== undefined) return [quoteLiteral(text)];
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return castOf(cast);
  const expression = fieldsOf(node, 'A_Expr');
  if (expression !== undefined && stringsOf(expression.name).at(-1) === '||')
    return within('(', [expression.lexpr, expression.rexpr], ' || ');
  const call = fieldsOf(node, 'FuncCall');
  const name = stringsOf(call?.funcname);
  const isKnown = changing.has(name.at(-1) ?? '') && name.slice(0, -1).every((schema) => places.has(schema));
  return isKnown ? within(`${name.map(quoteIdentifier).join('.')}(`, call?.args ?? [], ', ') : undefined;
}

function castOf({ arg, typeName }: Fields<'TypeCast'>): ChangedKey | undefined {
  if ((typeName?.arrayBounds ?? []).length > 0 || (typeName?.typmods ?? []).length > 0) return undefined;
  const inside = within('(', [arg], '');
  return inside === undefined
    ? undefined
    : [...inside, `::${stringsOf(typeName?.names).map(quoteIdentifier).join('.')}`];
}

/** The pieces of each, separated, from an opening to a closing parenthesis. */
function within(opening: string, nodes: readonly unknown[], separator: string): ChangedKey | undefined {
  const all = nodes.map(piecesOf);
  if (all.includes(undefined)) return undefined;
  const inside = all.flatMap((pieces, index) => [...(index === 0 ? [] : [separator]), ...pieces!]);
  return [opening, ...inside, ')'];
}
