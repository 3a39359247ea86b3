import { allOf, stringsOf } from '../../sql/nodes.ts';
import { baseType } from '../../sql/catalog/types.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import { wordsOf } from '../../sql/recover.ts';
import type { Statement } from '../../sql/statement.ts';
import { quoteIdentifier } from '../../shared/quote.ts';

/** The dialects that are known by their words. */
export type Dialect = 'T-SQL' | 'MySQL' | 'SQLite' | 'ClickHouse' | 'Oracle' | 'CockroachDB' | 'DuckDB';

interface Sign {
  dialect: Dialect;
  /** The PostgreSQL equivalent. */
  instead: string;
}

const tsql = (instead: string): Sign => ({ dialect: 'T-SQL', instead });
const mysql = (instead: string): Sign => ({ dialect: 'MySQL', instead });
const sqlite = (instead: string): Sign => ({ dialect: 'SQLite', instead });
const clickhouse = (instead: string): Sign => ({ dialect: 'ClickHouse', instead });

const oracle = (instead: string): Sign => ({ dialect: 'Oracle', instead });
const cockroach = (instead: string): Sign => ({ dialect: 'CockroachDB', instead });
const duckdb = (instead: string): Sign => ({ dialect: 'DuckDB', instead });

/** Words that exist only in the other dialect. They are looked for in statements that PostgreSQL cannot parse. */
const words: Record<string, Sign> = {
  go: tsql('; at the end of each statement'),
  identity: tsql('GENERATED ALWAYS AS IDENTITY'),
  nvarchar: tsql('text'),
  uniqueidentifier: tsql('uuid'),
  datetime2: tsql('timestamptz'),
  datetimeoffset: tsql('timestamptz'),
  getdate: tsql('now()'),
  getutcdate: tsql('now()'),
  sysutcdatetime: tsql('now()'),
  newid: tsql('gen_random_uuid()'),
  dbo: tsql('public'),
  print: tsql('RAISE NOTICE in a DO block'),
  nonclustered: tsql('CREATE INDEX'),
  auto_increment: mysql('GENERATED ALWAYS AS IDENTITY'),
  engine: mysql('nothing: PostgreSQL has no storage engines'),
  unsigned: mysql('a CHECK (… >= 0)'),
  tinyint: mysql('boolean or smallint'),
  mediumtext: mysql('text'),
  longtext: mysql('text'),
  delimiter: mysql('$$ … $$ around the body'),
  autoincrement: sqlite('GENERATED ALWAYS AS IDENTITY'),
  pragma: sqlite('nothing: PostgreSQL has other settings'),
  rowid: sqlite('nothing: PostgreSQL has no such tables'),
  lowcardinality: clickhouse('text'),
  mergetree: clickhouse('nothing: PostgreSQL has no table engines'),
  ignore: sqlite('ON CONFLICT DO NOTHING at the end'),
  duplicate: mysql('ON CONFLICT (…) DO UPDATE SET …'),
  varchar2: oracle('text'),
  nvarchar2: oracle('text'),
  '/': oracle('; at the end of each statement'),
  storing: cockroach('INCLUDE'),
  install: duckdb('CREATE EXTENSION'),
};

/** Types of other dialects. PostgreSQL parses them like any type name. */
const types: Record<string, Sign> = {
  nvarchar: tsql('text'),
  nchar: tsql('char'),
  ntext: tsql('text'),
  datetime2: tsql('timestamptz'),
  datetimeoffset: tsql('timestamptz'),
  uniqueidentifier: tsql('uuid'),
  smalldatetime: tsql('timestamp'),
  varbinary: tsql('bytea'),
  datetime: mysql('timestamptz'),
  tinyint: mysql('boolean or smallint'),
  mediumint: mysql('integer'),
  tinytext: mysql('text'),
  mediumtext: mysql('text'),
  longtext: mysql('text'),
  longblob: mysql('bytea'),
  blob: mysql('bytea'),
  double: mysql('double precision'),
  number: oracle('numeric'),
  varchar2: oracle('text'),
  nvarchar2: oracle('text'),
  clob: oracle('text'),
};

/** A sign of a dialect in a statement. */
type Seen = Sign & { word: string; start: number };

/** The dialect of a statement that PostgreSQL cannot parse, and the word that shows it; undefined if no word does. */
export function dialectOf(sql: string): Seen | undefined {
  for (const sign of signsIn(sql)) return sign;
  return undefined;
}

/** The signs of other dialects in a statement, in their order. */
function* signsIn(sql: string): Generator<Seen> {
  const all = wordsOf(sql);
  for (const [index, { text, start }] of all.entries()) {
    if (text.startsWith('`')) yield { ...mysql('"double quotes", or none'), word: '`', start };
    if (
      text === '[' &&
      all[index + 2]?.text === ']' &&
      !/^\d/.test(all[index + 1]!.text) &&
      index > 0 &&
      all[index - 1]!.text !== 'array'
    ) {
      yield { ...tsql('"double quotes", or none'), word: `[${all[index + 1]!.text}]`, start };
    }
    if (text === '@' && /^[a-z_]/.test(all[index + 1]?.text ?? ''))
      yield { ...tsql('a variable in a DO block'), word: `@${all[index + 1]!.text}`, start };
    const engine = text === 'engine' && all[index + 2]?.text.endsWith('mergetree') === true ? 'mergetree' : text;
    const sign = Object.hasOwn(words, engine) ? words[engine] : undefined;
    // The scanner keeps the quotes of a quoted name, so this is a bare word.
    if (sign !== undefined && fits(text, index, all)) yield { ...sign, word: text.toUpperCase(), start };
  }
}

function fits(word: string, index: number, all: readonly { text: string }[]): boolean {
  if (word === 'identity') return all[index + 1]?.text === '(' && all[index - 1]?.text !== 'as';
  if (word === 'engine') return all[index + 1]?.text === '=';
  if (word === 'dbo') return all[index + 1]?.text === '.';
  if (word === 'rowid') return all[index - 1]?.text === 'without';
  if (word === 'ignore') return all[index - 1]?.text === 'or' && all[index - 2]?.text === 'insert';
  if (word === 'duplicate') return all[index - 1]?.text === 'on' && all[index + 1]?.text === 'key';
  if (word === 'storing') return all[index + 1]?.text === '(';
  if (word === '/' || word === 'install') return index === 0;
  if (word === 'print' || word === 'delimiter' || word === 'pragma') return index === 0;
  return true;
}

/**
 * The dialect that the statements of a file are in which PostgreSQL cannot parse; `template` where they are no SQL before
 * something fills them in. A backtick alone is MySQL's or SQLite's: another word decides.
 */
export function dialectOfFile(statements: readonly Statement[]): Dialect | 'template' | undefined {
  const failed = statements.filter(({ error }) => error !== undefined).map(({ sql }) => sql);
  if (failed.some(isTemplate)) return 'template';
  const signs = failed.flatMap((sql) => [...signsIn(sql)]);
  return (signs.find(({ word }) => word !== '`') ?? signs[0])?.dialect;
}

/** Whether a statement has the braces of a template where SQL has none. */
function isTemplate(sql: string): boolean {
  const all = wordsOf(sql);
  return all.some(({ text, start }, index) => {
    const next = all[index + 1];
    return next?.start === start + 1 && ((text === '{' && next.text === '{') || (text === '{' && next.text === '%'));
  });
}

const foreignFiles = new WeakMap<Source, boolean>();

/**
 * Returns whether the file has T-SQL that PostgreSQL cannot parse: a part of it between two semicolons may parse by
 * chance.
 */
export function isTsqlFile(source: Source): boolean {
  const known =
    foreignFiles.get(source) ??
    source.parsed.statements.some(({ error, sql }) => error !== undefined && dialectOf(sql)?.dialect === 'T-SQL');
  foreignFiles.set(source, known);
  return known;
}

/** The dialect that a type belongs to; undefined for a type that no other dialect is known to have. */
export function dialectOfType(name: string): Sign | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

/** Returns whether the type belongs to another dialect. */
export function isForeignType(name: string): boolean {
  return dialectOfType(name) !== undefined;
}

/** An `INDEX name (a, b)` inside a CREATE TABLE. */
export interface InlineIndex {
  /** Location of its first word in the tree. */
  location: number | undefined;
  /** The word that PostgreSQL parses as a column name. */
  column: string;
  name: string;
  /** The PostgreSQL equivalent. */
  sql: string;
}

/** The indexes that a CREATE TABLE declares in MySQL's syntax. */
export function inlineIndexes(piece: Piece): InlineIndex[] {
  if (piece.type !== 'CreateStmt') return [];
  const { relname, schemaname } = piece.node.relation;
  const table = `${schemaname === undefined ? '' : `${quoteIdentifier(schemaname)}.`}${quoteIdentifier(relname)}`;
  return allOf(piece.node.tableElts, 'ColumnDef').flatMap(({ colname, typeName, location }): InlineIndex[] => {
    const columns = typeName === undefined ? undefined : inlineIndex(colname, typeName.typmods);
    if (typeName === undefined || columns === undefined || columns === '') return [];
    const { name } = baseType(typeName);
    return [
      {
        location,
        column: colname,
        name,
        sql: `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${table} (${columns});`,
      },
    ];
  });
}

/** The columns of `INDEX name (a, b)`, which parses as a column of type `name` with modifiers. */
function inlineIndex(colname: string, modifiers: unknown): string | undefined {
  if (!/^(?:index|key|unique_key|fulltext)$/.test(colname) || !Array.isArray(modifiers)) return undefined;
  const columns = allOf(modifiers, 'ColumnRef');
  return columns.map(({ fields }) => stringsOf(fields).map(quoteIdentifier).join('.')).join(', ');
}
