/** All files of a run, parsed, and which statement of them creates what: made once, when the first error asks for it. */
import type { Finding } from '../shared/finding.ts';
import { createdBy, type Kind } from '../sql/created.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import type { RunText } from '../migrations/run-file.ts';
import type { ParsedSql, Statement } from '../sql/statement.ts';

/** One statement of one file. */
export interface Place {
  migration: RunText & Pick<Migration, 'layer'>;
  /** Index of the file in the order of the run. */
  file: number;
  statement: Statement;
}

export interface ParsedFiles {
  /** The statements of a migration or rollback, by its path. */
  parsed(text: RunText): ParsedSql;
  /** The places that create an object, in the order of the run; `key` as returned by `createdBy`. */
  creators(key: string): readonly Place[];
  /** The keys of every thing of a kind that the files create. */
  keys(kind: Kind): readonly string[];
  /** Every statement of every file, in the order of the run. */
  places(): readonly Place[];
}

/** `file:line`, the form in which messages name a statement. */
export function placeName({ migration, statement }: Pick<Place, 'migration' | 'statement'>): string {
  return `${migration.file}:${statement.line}`;
}

/** A statement's place as {@link Finding.cause}. */
export function causeAt({
  migration,
  statement,
}: Pick<Place, 'migration' | 'statement'>): NonNullable<Finding['cause']> {
  const lastLine = statement.line + statement.sql.split('\n').length - 1;
  return { file: migration.file, line: statement.line, lastLine };
}

/** Says whether `a` stands before `b` in the run. */
export function isBefore(a: Place, b: Place): boolean {
  return a.file < b.file || (a.file === b.file && a.statement.start < b.statement.start);
}

/** Loads the parser. The files themselves are parsed on first use. */
export async function parsedFilesOf(migrations: readonly Migration[]): Promise<ParsedFiles> {
  await loadParser();
  const parses = new Map<string, ParsedSql>();
  const parsed = ({ file, sql }: RunText): ParsedSql => {
    const known = parses.get(file) ?? parseSql(sql);
    parses.set(file, known);
    return known;
  };
  let all: Place[] | undefined;
  let index: Map<string, Place[]> | undefined;
  const places = (): Place[] =>
    (all ??= migrations.flatMap((migration, file) =>
      parsed(migration).statements.map((statement) => ({ migration, file, statement })),
    ));
  const makeIndex = (): Map<string, Place[]> => {
    const made = new Map<string, Place[]>();
    for (const place of places()) {
      for (const key of createdBy(place.statement)) made.set(key, [...(made.get(key) ?? []), place]);
    }
    return made;
  };
  const keys = new Map<Kind, readonly string[]>();
  const keysOf = (kind: Kind): readonly string[] =>
    [...(index ??= makeIndex()).keys()].filter((key) => key.startsWith(`${kind} `));
  return {
    parsed,
    places,
    creators: (key) => (index ??= makeIndex()).get(key) ?? [],
    keys(kind) {
      const known = keys.get(kind) ?? keysOf(kind);
      keys.set(kind, known);
      return known;
    },
  };
}
