/**
 * sql/: PostgreSQL's parser, parse trees, and the schema catalog that files build. Pure, except for loading the WASM
 * module once. May touch: nothing.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { RawStmt } from '@pgsql/types';

/** A token of PostgreSQL's scanner. Offsets are bytes of the text as UTF-8. */
export interface Token {
  start: number;
  end: number;
  /** libpg-query's name: `SCONST`, `IDENT`, `SQL_COMMENT`; a keyword has `UNKNOWN` or its own. */
  tokenName: string;
  text: string;
}

/** Why a text does not parse; `position` counts in characters (code points), from 0. */
export interface ParseFailure {
  message: string;
  position: number;
}

interface Engine {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  _wasm_scan(text: number): number;
  _wasm_parse_plpgsql(text: number): number;
  _wasm_free_string(text: number): void;
  getValue(pointer: number, type: 'i32'): number;
  UTF8ToString(pointer: number): string;
  stringToUTF8(text: string, pointer: number, bytes: number): void;
  lengthBytesUTF8(text: string): number;
}

type Factory = (module: object) => unknown;

/** The part of WebAssembly's JavaScript interface that is used here. TypeScript declares it only in its DOM library. */
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (compiled: object, imports: object) => object;
}

/** The one instance, shared by everything in the process: loading takes about 30 ms. */
let makeEngine: (() => Engine) | undefined;
let engine: Engine | undefined;

/** Loads PostgreSQL's parser (WASM). Must be awaited before anything in sql/ is called; cheap once loaded. */
export async function loadParser(): Promise<void> {
  if (makeEngine !== undefined) return;
  const locate = createRequire(import.meta.url);
  const [{ default: factory }, bytes] = await Promise.all([
    // @ts-expect-error the package has types only for its main file, which loads protobuf, and that is not needed here
    import('@libpg-query/parser/wasm/libpg-query.js') as Promise<{ default: Factory }>,
    readFile(locate.resolve('@libpg-query/parser/wasm/libpg-query.wasm')),
  ]);
  const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
  const compiled = await wasm.compile(bytes);
  // Instantiated synchronously, so that a new instance can replace one that crashed in the middle of a file.
  makeEngine = () => {
    const module = {
      instantiateWasm(imports: object, receive: (instance: object, from: object) => void) {
        receive(new wasm.Instance(compiled, imports), compiled);
        return {};
      },
    };
    factory(module);
    return module as unknown as Engine;
  };
  engine = makeEngine();
}

/**
 * A NUL would end the C string. It becomes U+0001, which has the same length and which PostgreSQL does not accept
 * either.
 */
function withoutNul(sql: string): string {
  return sql.includes('\0') ? sql.replaceAll('\0', '\u0001') : sql;
}

/**
 * Runs `work` on the text in the module's memory. A crash (stack, memory) discards the instance and is returned as a
 * failure.
 */
function call<T>(sql: string, work: (engine: Engine, pointer: number) => T): T | ParseFailure {
  if (makeEngine === undefined) throw new Error('loadParser() was not awaited.');
  engine ??= makeEngine();
  const text = withoutNul(sql);
  try {
    const bytes = engine.lengthBytesUTF8(text) + 1;
    const pointer = engine._malloc(bytes);
    engine.stringToUTF8(text, pointer, bytes);
    const result = work(engine, pointer);
    engine._free(pointer);
    return result;
  } catch {
    engine = undefined;
    return {
      message: "PostgreSQL's parser ran out of memory or stack: the statement is too large or too deeply nested",
      position: 0,
    };
  }
}

/** Parses a text of any number of statements. Returns the raw statements or the first error. Never throws. */
export function parseTree(sql: string): RawStmt[] | ParseFailure {
  return call(sql, (pg, pointer) => {
    const result = pg._wasm_parse_query_raw(pointer);
    try {
      const error = pg.getValue(result + 8, 'i32');
      if (error !== 0) {
        return {
          message: pg.UTF8ToString(pg.getValue(error, 'i32')),
          position: Math.max(0, pg.getValue(error + 16, 'i32') - 1),
        };
      }
      return (JSON.parse(pg.UTF8ToString(pg.getValue(result, 'i32'))) as { stmts?: RawStmt[] }).stmts ?? [];
    } finally {
      pg._wasm_free_parse_result(result);
    }
  });
}

/** Splits a text into PostgreSQL's tokens, comments included. A failure has no position. Never throws. */
export function scan(sql: string): Token[] | ParseFailure {
  return call(sql, (pg, pointer) => {
    const answer = takeString(pg, pg._wasm_scan(pointer));
    if (!answer.startsWith('{')) return { message: answer, position: 0 };
    return (JSON.parse(answer) as { tokens: Token[] }).tokens;
  });
}

/** Parses the PL/pgSQL in a `CREATE FUNCTION`, `CREATE PROCEDURE` or `DO` statement. A failure has no position. */
export function parsePlpgsql(statement: string): Record<string, unknown>[] | ParseFailure {
  return call(statement, (pg, pointer) => {
    const answer = takeString(pg, pg._wasm_parse_plpgsql(pointer));
    if (!answer.startsWith('{"plpgsql_funcs":')) return { message: answer, position: 0 };
    return (JSON.parse(answer) as { plpgsql_funcs: Record<string, unknown>[] }).plpgsql_funcs;
  });
}

function takeString(pg: Engine, pointer: number): string {
  const text = pg.UTF8ToString(pointer);
  pg._wasm_free_string(pointer);
  return text;
}
