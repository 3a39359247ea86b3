/**
 * sql/: PostgreSQL's parser, parse trees, and the schema catalog that files build. Pure, except for loading the WASM
 * module once. May touch: nothing.
 */
import { createRequire } from 'node:module';
import type { RawStmt } from '@pgsql/types';
import { balance, shortest } from './depth.ts';
import { compileWasm, instantiateWasm } from '../shared/wasm.ts';

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

/** The package's module: C functions that take and return addresses, and the memory that these are in. */
interface Engine {
  /** Replaced when the memory grows, so it is read anew after each call. */
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  _wasm_scan(text: number): number;
  _wasm_parse_plpgsql(text: number): number;
  _wasm_free_string(text: number): void;
  getValue(pointer: number, type: 'i32'): number;
}

type Factory = (module: object) => unknown;

/** What is said of a statement that the parser's own stack or memory does not suffice for. */
export const tooDeep = 'the statement is too large or too deeply nested';

/** The one instance, shared by everything in the process. */
let makeEngine: (() => Engine) | undefined;
let engine: Engine | undefined;
let loading: Promise<void> | undefined;

/** Loads PostgreSQL's parser (WASM). Must be awaited before anything in sql/ is called; cheap once loaded. */
export function loadParser(): Promise<void> {
  return (loading ??= load());
}

async function load(): Promise<void> {
  const require = createRequire(import.meta.url);
  const compiling = compileWasm(require.resolve('@libpg-query/parser/wasm/libpg-query.wasm'));
  // Not the package's main file, which loads protobuf, and that is not needed here; and not by `import`, for which Node
  // searches the whole file for what it exports.
  const factory = require('@libpg-query/parser/wasm/libpg-query.js') as Factory;
  const compiled = await compiling;
  // Instantiated synchronously, so that a new instance can replace one that crashed in the middle of a file.
  makeEngine = () => {
    const module = {
      instantiateWasm(imports: object, receive: (instance: object, from: object) => void) {
        receive(instantiateWasm(compiled, imports), compiled);
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
    const pointer = putString(engine, text);
    const result = work(engine, pointer);
    engine._free(pointer);
    return result;
  } catch {
    engine = undefined;
    return {
      message: `PostgreSQL's parser ran out of memory or stack: ${tooDeep}`,
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
          message: stringAt(pg, pg.getValue(error, 'i32')),
          position: Math.max(0, pg.getValue(error + 16, 'i32') - 1),
        };
      }
      const { stmts = [] } = JSON.parse(stringAt(pg, pg.getValue(result, 'i32'))) as { stmts?: RawStmt[] };
      return sql.length < shortest || balance(stmts) ? stmts : { message: tooDeep, position: 0 };
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

/** Writes a text into the module's memory as a C string. The module's own functions for it go byte by byte. */
function putString(pg: Engine, text: string): number {
  const length = Buffer.byteLength(text);
  const pointer = pg._malloc(length + 1);
  const memory = Buffer.from(pg.HEAPU8.buffer, pointer, length + 1);
  memory.write(text);
  memory[length] = 0;
  return pointer;
}

/** The C string at an address. */
function stringAt({ HEAPU8: memory }: Engine, pointer: number): string {
  return Buffer.from(memory.buffer, pointer, memory.indexOf(0, pointer) - pointer).toString();
}

function takeString(pg: Engine, pointer: number): string {
  const text = stringAt(pg, pointer);
  pg._wasm_free_string(pointer);
  return text;
}
