import { allOf, stringsOf } from '../../sql/nodes.ts';
import { baseType } from '../../sql/catalog/types.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import { wordsOf } from '../../sql/recover.ts';
import { here } from './check.ts';
import type { Check } from './check.ts';
import { ident } from './sql.ts';

interface Sign {
  dialect: 'T-SQL' | 'MySQL';
  /** How PostgreSQL says it. */
  instead: string;
}

const tsql = (instead: string): Sign => ({ dialect: 'T-SQL', instead });
const mysql = (instead: string): Sign => ({ dialect: 'MySQL', instead });

/** Words that only the other dialect has. They tell in a statement that PostgreSQL cannot read. */
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
};

/** Types that parse as any name does, and that PostgreSQL does not have. */
const types: Record<string, Sign> = {
  nvarchar: tsql('text'), nchar: tsql('char'), ntext: tsql('text'), datetime2: tsql('timestamptz'), datetimeoffset: tsql('timestamptz'),
  uniqueidentifier: tsql('uuid'), smalldatetime: tsql('timestamp'), varbinary: tsql('bytea'),
  datetime: mysql('timestamptz'), tinyint: mysql('boolean or smallint'), mediumint: mysql('integer'), tinytext: mysql('text'),
  mediumtext: mysql('text'), longtext: mysql('text'), longblob: mysql('bytea'), blob: mysql('bytea'), double: mysql('double precision'),
};

/** The dialect that a statement PostgreSQL cannot read is written in, and the word that tells; undefined for neither. */
export function dialectOf(sql: string): (Sign & { word: string; start: number }) | undefined {
  const all = wordsOf(sql);
  for (const [index, { text, start }] of all.entries()) {
    if (text.startsWith('`')) return { ...mysql('"double quotes", or none'), word: '`', start };
    if (text === '[' && all[index + 2]?.text === ']' && !/^\d/.test(all[index + 1]!.text) && index > 0 && all[index - 1]!.text !== 'array') {
      return { ...tsql('"double quotes", or none'), word: `[${all[index + 1]!.text}]`, start };
    }
    if (text === '@' && /^[a-z_]/.test(all[index + 1]?.text ?? '')) return { ...tsql('a variable in a DO block'), word: `@${all[index + 1]!.text}`, start };
    const sign = Object.hasOwn(words, text) ? words[text] : undefined;
    // A name in quotes keeps its quotes in the scanner's text, so what is met here is a bare word.
    if (sign !== undefined && fits(text, index, all)) return { ...sign, word: text.toUpperCase(), start };
  }
  return undefined;
}

function fits(word: string, index: number, all: readonly { text: string }[]): boolean {
  if (word === 'identity') return all[index + 1]?.text === '(' && all[index - 1]?.text !== 'as';
  if (word === 'engine') return all[index + 1]?.text === '=';
  if (word === 'dbo') return all[index + 1]?.text === '.';
  if (word === 'print' || word === 'delimiter') return index === 0;
  return true;
}

const foreignFiles = new WeakMap<Source, boolean>();

/** Says whether the file has T-SQL that PostgreSQL cannot read: what is left of it between two semicolons may parse by chance. */
export function isTsqlFile(source: Source): boolean {
  const known = foreignFiles.get(source) ?? source.parsed.statements.some(({ error, sql }) => error !== undefined && dialectOf(sql)?.dialect === 'T-SQL');
  foreignFiles.set(source, known);
  return known;
}

/** Says whether the type is one of another dialect's. */
export function isForeignType(name: string): boolean {
  return Object.hasOwn(types, name);
}

export const foreignDialect: Check = {
  rule: 'foreign-dialect',
  doc: {
    why: 'SQL written for SQL Server or MySQL does not run on PostgreSQL. Some of it even parses: `INDEX name (column)` inside CREATE TABLE is read as a column called "index".',
    bad: 'CREATE TABLE notes (id uuid PRIMARY KEY, title text, INDEX idx_notes_title (title));',
    good: 'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);\nCREATE INDEX IF NOT EXISTS idx_notes_title ON notes (title);',
  },
  statement({ sql, error, start }, source, report) {
    const sign = error === undefined ? undefined : dialectOf(sql);
    if (sign === undefined) return;
    report({
      source,
      offset: start + sign.start,
      message: `This is ${sign.dialect} (${sign.word}), not PostgreSQL: the statement fails.`,
      suggestion: `Write it for PostgreSQL; for ${sign.word}: ${sign.instead}.`,
    });
  },
  piece(piece, _, report) {
    if (piece.type !== 'CreateStmt' && piece.type !== 'AlterTableStmt') return;
    const elements = piece.type === 'CreateStmt' ? piece.node.tableElts : allOf(piece.node.cmds, 'AlterTableCmd').map(({ def }) => def);
    for (const { location, column, name, sql } of inlineIndexes(piece)) {
      report({
        ...here(piece, location),
        message: `An INDEX inside CREATE TABLE is MySQL; PostgreSQL reads a column "${column}" of type ${name}, which does not exist.`,
        suggestion: sql,
      });
    }
    for (const { colname, typeName, location } of allOf(elements, 'ColumnDef')) {
      if (typeName === undefined) continue;
      const { name } = baseType(typeName);
      const sign = Object.hasOwn(types, name) ? types[name] : undefined;
      if (sign === undefined) continue;
      report({
        ...here(piece, location),
        message: `Type ${name} is ${sign.dialect}'s; PostgreSQL does not have it.`,
        suggestion: `${colname} ${sign.instead}`,
      });
    }
  },
};

/** An `INDEX name (a, b)` inside a CREATE TABLE. */
export interface InlineIndex {
  /** Of its first word, in the tree. */
  location: number | undefined;
  /** The word that PostgreSQL takes for a column. */
  column: string;
  name: string;
  /** How PostgreSQL says it. */
  sql: string;
}

/** The indexes that a CREATE TABLE describes as MySQL does. */
export function inlineIndexes(piece: Piece): InlineIndex[] {
  if (piece.type !== 'CreateStmt') return [];
  const { relname, schemaname } = piece.node.relation;
  const table = `${schemaname === undefined ? '' : `${ident(schemaname)}.`}${ident(relname)}`;
  return allOf(piece.node.tableElts, 'ColumnDef').flatMap(({ colname, typeName, location }): InlineIndex[] => {
    const columns = typeName === undefined ? undefined : inlineIndex(colname, typeName.typmods);
    if (typeName === undefined || columns === undefined || columns === '') return [];
    const { name } = baseType(typeName);
    return [{ location, column: colname, name, sql: `CREATE INDEX IF NOT EXISTS ${ident(name)} ON ${table} (${columns});` }];
  });
}

/** The columns of `INDEX name (a, b)`, which parses as a column of type `name` with modifiers. */
function inlineIndex(colname: string, modifiers: unknown): string | undefined {
  if (!/^(?:index|key|unique_key|fulltext)$/.test(colname) || !Array.isArray(modifiers)) return undefined;
  const columns = allOf(modifiers, 'ColumnRef');
  return columns.map(({ fields }) => stringsOf(fields).map(ident).join('.')).join(', ');
}
