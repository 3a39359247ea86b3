import { allOf, fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Piece } from '../../sql/piece.ts';

/** A string literal of a statement. */
export interface Literal {
  text: string;
  location: number | undefined;
  /** The column that it is written to or compared with, if the statement shows that. */
  column?: string | undefined;
}

/** Operators that compare a column with a value like its own. `||` joins a text to it. */
const comparisons = new Set(['=', '<>', '!=', '~~', '~~*', '!~~', '!~~*']);

/** By the fields of a statement: several rules ask for the same, and a repair reads a file again after each change of another one. */
const known = new WeakMap<object, readonly Literal[]>();

/** The string literals of a statement. */
export function literalsOf(piece: Piece): readonly Literal[] {
  const literals = known.get(piece.node) ?? readLiterals(piece);
  known.set(piece.node, literals);
  return literals;
}

function readLiterals(piece: Piece): Literal[] {
  const literals: Literal[] = [];
  if (piece.type === 'CommentStmt') return literals;
  const columns = piece.type === 'InsertStmt' ? allOf(piece.node.cols, 'ResTarget').map(({ name }) => name) : [];
  const values = piece.type === 'InsertStmt' ? fieldsOf(piece.node.selectStmt, 'SelectStmt')?.valuesLists : undefined;
  const written = new Map<unknown, string | undefined>();
  for (const { items = [] } of allOf(values, 'List'))
    for (const [index, item] of items.entries()) written.set(fieldsOf(item, 'A_Const'), columns[index]);
  walk(piece.node, (type, fields) => {
    if (type === 'A_Expr' && comparisons.has(stringsOf(fields.name).join(''))) {
      const sides = [fields.lexpr, fields.rexpr];
      const column = sides
        .map((side) => stringsOf(fieldsOf(side, 'ColumnRef')?.fields).at(-1))
        .find((name) => name !== undefined && name !== '');
      for (const side of sides) written.set(fieldsOf(side, 'A_Const'), column);
    }
    if (type === 'A_Const') {
      const text = fields.sval?.sval;
      if (text !== undefined && text !== '')
        literals.push({ text, location: fields.location, column: written.get(fields) });
    }
  });
  return literals;
}
