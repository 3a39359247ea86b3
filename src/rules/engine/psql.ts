import { wantsInput } from '../../migrations/transactions.ts';
import type { Statement } from '../../sql/statement.ts';

/** What pg_dump writes around a dump since 17.6: it protects psql and has no meaning elsewhere. */
export const dumpBrackets: readonly string[] = ['\\restrict', '\\unrestrict'];

/** By the statements of a file: those that are really rows of a preceding COPY … FROM stdin. */
const known = new WeakMap<readonly Statement[], ReadonlySet<Statement>>();

/** The statements of a file that are not SQL, but rows of a preceding COPY … FROM stdin. */
export function copiedRows(statements: readonly Statement[]): ReadonlySet<Statement> {
  const before = known.get(statements);
  if (before !== undefined) return before;
  const rows = new Set<Statement>();
  let copying = false;
  for (const statement of statements) {
    if (statement.error === undefined) {
      copying = wantsInput(statement);
      continue;
    }
    if (copying) rows.add(statement);
    // Rows end with a line of their own that holds a backslash and a period.
    if (/^\\\.\s*$/m.test(statement.sql)) copying = false;
  }
  known.set(statements, rows);
  return rows;
}

/** Commands that send the query before them, wherever in a line. */
const sending = /^\\(?:g\w*|crosstabview|watch|;)$/;

/**
 * The psql command, such as `\\restrict`, that makes a statement fail to parse: a backslash at the beginning of a line, or
 * one that sends what is before it. Undefined for other mistakes.
 * @param sql the whole file
 */
export function psqlCommand({ error }: Statement, sql: string): { word: string; offset: number } | undefined {
  if (error === undefined) return undefined;
  const lineStart = sql.lastIndexOf('\n', error.offset - 1) + 1;
  const word = /^\\(?:[A-Za-z!?]+|;)/.exec(sql.slice(error.offset, error.offset + 40))?.[0];
  const isFirst = sql.slice(lineStart, error.offset).trim() === '';
  return word === undefined || !(isFirst || sending.test(word)) ? undefined : { word, offset: error.offset };
}

/** What to do about a command, where that is not to write what it does as SQL. */
const instead: Readonly<Record<string, string>> = {
  '\\set': "Delete the line, and write the value where the file names the variable (:name or :'name').",
  '\\echo': 'Delete the line.',
  '\\qecho': 'Delete the line.',
  '\\timing': 'Delete the line.',
  '\\pset': 'Delete the line.',
  '\\i': 'Put the text of that file here, or make it a migration of its own and delete the line.',
  '\\ir': 'Put the text of that file here, or make it a migration of its own and delete the line.',
  '\\include': 'Put the text of that file here, or make it a migration of its own and delete the line.',
  '\\c': 'Delete the line: a muse has one database, and its files run there.',
  '\\connect': 'Delete the line: a muse has one database, and its files run there.',
  '\\copy': 'Write the rows as INSERT INTO … VALUES …: a migration cannot read a file.',
  '\\gexec': 'Write it as DO $$ … $$ with EXECUTE for each row, and a semicolon in place of the command.',
  '\\gset': 'Write it as DO $$ … $$ with SELECT … INTO, and a semicolon in place of the command.',
  '\\g': 'Write a semicolon in its place.',
  '\\;': 'Write a semicolon in its place.',
};

/** The message for a psql command. */
export function explainPsql(word: string): { message: string; suggestion: string } {
  return {
    message: `${word} is a command of psql, not SQL: PostgreSQL refuses it.`,
    suggestion: dumpBrackets.includes(word)
      ? 'Delete the line: pg_dump writes it for psql only; muse lint --fix does it.'
      : (instead[word] ?? 'Delete the line, and write what it does as SQL or as a migration of its own.'),
  };
}
