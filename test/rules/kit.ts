/** The built-in kit as a base for defects: its files, their statements, and a seeded random generator. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSql } from '../../src/sql/split.ts';
import type { Statement } from '../../src/sql/statement.ts';

const folder = join(import.meta.dirname, '../../templates/musekit/migrations/core');

export type Kit = Record<string, string>;

/** Core files of the built-in kit by path, in order. */
export function builtinKit(): Kit {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return Object.fromEntries(names.map((name) => [`migrations/core/${name}`, readFileSync(join(folder, name), 'utf8')]));
}

/** A random number generator that returns the same numbers for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Found {
  file: string;
  statement: Statement;
}

/** Every statement of the kit whose text matches. */
export function statements(kit: Kit, pattern: RegExp): Found[] {
  return Object.entries(kit).flatMap(([file, sql]) =>
    parseSql(sql)
      .statements.filter((statement) => pattern.test(statement.sql))
      .map((statement) => ({ file, statement })),
  );
}

/** 1-based line of an offset. */
export function lineAt(sql: string, offset: number): number {
  return sql.slice(0, offset).split('\n').length;
}
