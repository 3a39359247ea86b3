import { allOf, fieldsOf, stringOf, stringsOf } from './nodes.ts';
import type { DefElem, Node } from './nodes.ts';
import { offsetsOf } from './offsets.ts';
import type { RawStmt } from '@pgsql/types';
import { type ParseFailure, parsePlpgsql, parseTree } from './parser.ts';
import { innerPiece } from './piece.ts';
import type { BodyPieces, Piece } from './piece.ts';
import { parseRoutine, type PlpgsqlPart, plpgsqlParts } from './plpgsql.ts';

/** A body as written in the file. */
interface Body {
  language: string;
  text: string;
  /** Offset in the file of the body's first character; undefined if quoting makes the text differ from the file's. */
  offset: number;
  /** It is the body of a DO: nothing in it runs after a RETURN. */
  isBlock?: true;
}

/** A statement that has a body. */
type Routine = Piece<'DoStmt' | 'CreateFunctionStmt'>;

function bodyOf(piece: Routine): Body | undefined {
  const options = allOf(piece.type === 'DoStmt' ? piece.node.args : piece.node.options, 'DefElem');
  const option = (name: string): DefElem | undefined => options.find((each) => each.defname === name);
  const as = option('as');
  const text = as === undefined ? undefined : piece.type === 'DoStmt' ? stringOf(as.arg) : stringsOf(as.arg)[0];
  if (as === undefined || text === undefined) return undefined;
  const fallback = piece.type === 'DoStmt' ? 'plpgsql' : 'sql';
  const found = piece.source.migration.sql.indexOf(text, piece.at(as.location));
  const inStatement = found !== -1 && found + text.length <= piece.statement.end;
  return {
    language: stringOf(option('language')?.arg).toLowerCase() || fallback,
    text,
    offset: inStatement ? found : piece.at(as.location),
    ...(piece.type === 'DoStmt' ? { isBlock: true } : {}),
  };
}

/**
 * The statements in the body of a `DO`, function or procedure, or in a CREATE SCHEMA, in order; empty for other languages
 * and statements.
 */
export function bodyPieces(piece: Piece): BodyPieces {
  return (piece.body ??= readBody(piece));
}

function readBody(piece: Piece): BodyPieces {
  if (piece.type === 'CreateSchemaStmt') return { pieces: schemaPieces(piece) };
  if (piece.type !== 'DoStmt' && piece.type !== 'CreateFunctionStmt') return { pieces: [] };
  const inside = piece.type === 'DoStmt' ? 'do' : 'routine';
  if (piece.type === 'CreateFunctionStmt' && piece.node.sql_body !== undefined)
    return { pieces: atomicPieces(piece, piece.node.sql_body) };
  const body = bodyOf(piece);
  if (body === undefined) return { pieces: [] };
  const parts = partsOf(piece, body);
  if (!Array.isArray(parts))
    return { pieces: [], error: { message: parts.message, offset: errorOffset(piece, body, parts.message) } };
  const results = parts.map((part) => partPieces(piece, part, body.offset + part.offset, inside));
  const error = results.find((result) => result.error !== undefined)?.error;
  return { pieces: results.flatMap((result) => result.pieces), ...(error === undefined ? {} : { error }) };
}

/** A part of a body, parsed. */
interface ParsedPart extends PlpgsqlPart {
  raw: RawStmt[] | ParseFailure;
}

/** What bodies parse to, by the statement's node, because one run reads the same trees several times. */
const known = new WeakMap<object, { statement: string; parts: ParsedPart[] | ParseFailure }>();

function partsOf(piece: Routine, body: Body): ParsedPart[] | ParseFailure {
  const { sql: statement } = piece.statement;
  const last = known.get(piece.node);
  // A node inside of another body has that body's statement, or its own.
  if (last?.statement === statement) return last.parts;
  const parts = rememberedBody(statement, body);
  known.set(piece.node, { statement, parts });
  return parts;
}

/** A body that was parsed. */
type KnownBody = Body & { parts: ParsedPart[] | ParseFailure };

/** What bodies parse to, by the statement's text, the one that was asked for last at the end: a repair leaves most of a file as it is. */
const remembered = new Map<string, KnownBody[]>();
let rememberedLength = 0;
const mostLength = 4 << 20;

function rememberedBody(statement: string, body: Body): ParsedPart[] | ParseFailure {
  const bodies = remembered.get(statement) ?? [];
  const found = bodies.find(({ language, text }) => language === body.language && text === body.text);
  const parts = found?.parts ?? parseBody(statement, body);
  if (found === undefined) bodies.push({ ...body, parts });
  if (!remembered.delete(statement)) rememberedLength += statement.length;
  remembered.set(statement, bodies);
  for (const [oldest] of remembered) {
    if (rememberedLength <= mostLength) break;
    remembered.delete(oldest);
    rememberedLength -= oldest.length;
  }
  return parts;
}

function parseBody(statement: string, { language, text, isBlock }: Body): ParsedPart[] | ParseFailure {
  const parsed = (part: PlpgsqlPart): ParsedPart => ({
    ...part,
    raw: part.sql.trim() === '' ? [] : parseTree(part.sql),
  });
  if (language === 'sql') return [parsed({ sql: text, offset: 0, guarded: false })];
  if (language !== 'plpgsql') return [];
  const functions = parseRoutine(statement);
  return Array.isArray(functions) ? plpgsqlParts(functions, text, { mayEnd: isBlock === true }).map(parsed) : functions;
}

/**
 * The place of a PL/pgSQL syntax error, which has no position of its own: the first statement of the body for which the
 * text up to its end already fails with the same message, at the word that the message names.
 */
function errorOffset(piece: Routine, body: Body, message: string): number {
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

/** The order in which CREATE SCHEMA creates its contents: https://www.postgresql.org/docs/17/sql-createschema.html */
const schemaOrder: readonly string[] = [
  'CreateSeqStmt',
  'CreateStmt',
  'ViewStmt',
  'IndexStmt',
  'CreateTrigStmt',
  'GrantStmt',
];

function schemaPieces(piece: Piece<'CreateSchemaStmt'>): Piece[] {
  const rank = ({ type }: Piece): number => schemaOrder.indexOf(type);
  return (piece.node.schemaElts ?? [])
    .map((tree) => innerPiece(piece, tree, { at: piece.at, guarded: piece.guarded }))
    .sort((one, other) => rank(one) - rank(other));
}

/** `BEGIN ATOMIC`: parsed together with its statement. */
function atomicPieces(piece: Routine, body: Node): Piece[] {
  const items = fieldsOf(body, 'List')?.items ?? [body];
  const trees = items.flatMap((item) => fieldsOf(item, 'List')?.items ?? [item]);
  return trees.map((tree) => innerPiece(piece, tree, { at: piece.at, guarded: piece.guarded, inside: 'routine' }));
}

function partPieces(
  piece: Routine,
  { sql, raw, guarded }: ParsedPart,
  offset: number,
  inside: 'do' | 'routine',
): BodyPieces {
  const offsets = offsetsOf(sql);
  if (!Array.isArray(raw))
    return { pieces: [], error: { message: raw.message, offset: offset + offsets.fromCharacters(0, raw.position) } };
  const pieces: Piece[] = [];
  for (const { stmt } of raw) {
    if (stmt === undefined) continue;
    const at = (location = 0): number => offset + offsets.fromByte(Math.max(0, location));
    const inner = innerPiece(piece, stmt, { at, guarded: guarded || piece.guarded, inside });
    pieces.push(inner);
    if (inner.type === 'DoStmt') pieces.push(...readBody({ ...inner, statement: { ...piece.statement, sql } }).pieces);
  }
  return { pieces };
}
