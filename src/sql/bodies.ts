import { allOf, fieldsOf, open, stringOf, stringsOf } from './nodes.ts';
import type { CreateFunctionStmt, DefElem, Node } from './nodes.ts';
import { offsetsOf } from './offsets.ts';
import { parsePlpgsql, parseTree } from './parser.ts';
import type { BodyPieces, Piece } from './piece.ts';
import { plpgsqlParts } from './plpgsql.ts';

/** A body as it stands in the file. */
interface Body {
  language: string;
  text: string;
  /** Offset in the file of the body's first character; undefined where quoting makes the text differ from the file's. */
  offset: number;
}

function bodyOf(piece: Piece): Body | undefined {
  const options = allOf<DefElem>(piece.node[piece.type === 'DoStmt' ? 'args' : 'options'], 'DefElem');
  const option = (name: string): DefElem | undefined => options.find((each) => each.defname === name);
  const as = option('as');
  const text = as === undefined ? undefined : piece.type === 'DoStmt' ? stringOf(as.arg) : stringsOf(as.arg)[0];
  if (as === undefined || text === undefined) return undefined;
  const fallback = piece.type === 'DoStmt' ? 'plpgsql' : 'sql';
  const found = piece.source.migration.sql.indexOf(text, piece.at(as.location));
  const inStatement = found !== -1 && found + text.length <= piece.statement.end;
  return { language: stringOf(option('language')?.arg).toLowerCase() || fallback, text, offset: inStatement ? found : piece.at(as.location) };
}

/** The statements in the body of a `DO`, function or procedure, in order; empty for other languages and statements. */
export function bodyPieces(piece: Piece): BodyPieces {
  return (piece.body ??= readBody(piece));
}

function readBody(piece: Piece): BodyPieces {
  if (piece.type !== 'DoStmt' && piece.type !== 'CreateFunctionStmt') return { pieces: [] };
  const inside = piece.type === 'DoStmt' ? 'do' : 'routine';
  const atomic = (piece.node as unknown as CreateFunctionStmt).sql_body;
  if (atomic !== undefined) return { pieces: atomicPieces(piece, atomic) };
  const body = bodyOf(piece);
  if (body?.language === 'sql') return sqlPieces(piece, body.text, body.offset, false, inside);
  if (body?.language !== 'plpgsql') return { pieces: [] };
  const parsed = parsePlpgsql(piece.statement.sql);
  if (!Array.isArray(parsed)) return { pieces: [], error: { message: parsed.message, offset: errorOffset(piece, body, parsed.message) } };
  const results = plpgsqlParts(parsed, body.text).map((part) =>
    sqlPieces(piece, part.sql, body.offset + part.offset, part.guarded, inside),
  );
  const error = results.find((result) => result.error !== undefined)?.error;
  return { pieces: results.flatMap((result) => result.pieces), ...(error === undefined ? {} : { error }) };
}

/**
 * Where PL/pgSQL stops reading, which its error does not say: in the first statement of the body such that the text up to
 * its end already fails with the same words, at the word that the message names.
 */
function errorOffset(piece: Piece, body: Body, message: string): number {
  const { sql, start } = piece.statement;
  const from = body.offset - start;
  if (from < 0 || sql.slice(from, from + body.text.length) !== body.text) return body.offset;
  let previous = 0;
  let end = body.text.indexOf(';');
  for (let attempt = 0; end !== -1 && attempt < 300; attempt += 1) {
    const prefix = parsePlpgsql(sql.slice(0, from) + body.text.slice(0, end + 1) + sql.slice(from + body.text.length));
    if (!Array.isArray(prefix) && prefix.message === message) {
      const word = / at or near "([^]+)"$/.exec(message)?.[1];
      const at = word === undefined ? -1 : body.text.slice(previous, end + 1).indexOf(word);
      return body.offset + (at === -1 ? end : previous + at);
    }
    previous = end + 1;
    end = body.text.indexOf(';', previous);
  }
  return body.offset;
}

/** `BEGIN ATOMIC`: parsed together with its statement. */
function atomicPieces(piece: Piece, body: Node): Piece[] {
  const list = fieldsOf<{ items: Node[] }>(body, 'List');
  const nodes = list === undefined ? [body] : list.items.flatMap((item) => fieldsOf<{ items: Node[] }>(item, 'List')?.items ?? [item]);
  return nodes.map((tree) => {
    const [type, node] = open(tree);
    return { source: piece.source, statement: piece.statement, order: piece.order, at: piece.at, guarded: piece.guarded, type, node, inside: 'routine' };
  });
}

function sqlPieces(piece: Piece, sql: string, offset: number, guarded: boolean, inside: 'do' | 'routine'): BodyPieces {
  if (sql.trim() === '') return { pieces: [] };
  const raw = parseTree(sql);
  const offsets = offsetsOf(sql);
  if (!Array.isArray(raw)) return { pieces: [], error: { message: raw.message, offset: offset + offsets.fromCharacters(0, raw.position) } };
  const pieces: Piece[] = [];
  for (const { stmt } of raw) {
    if (stmt === undefined) continue;
    const [type, node] = open(stmt);
    const at = (location = 0): number => offset + offsets.fromByte(Math.max(0, location));
    const inner: Piece = { source: piece.source, statement: piece.statement, order: piece.order, type, node, at, inside, guarded: guarded || piece.guarded };
    pieces.push(inner);
    if (type === 'DoStmt') pieces.push(...readBody({ ...inner, statement: { ...piece.statement, sql } }).pieces);
  }
  return { pieces };
}
