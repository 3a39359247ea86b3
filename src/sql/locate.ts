/** Where in a file an error is: by PostgreSQL's position if it gives one, else by the name in its message. */
import type { DatabaseError } from '../database/database.ts';
import { namesIn } from './message-names.ts';
import { fieldsOf } from './nodes.ts';
import { tokensOf, type FileToken } from './tokens.ts';
import type { Statement } from './statement.ts';
import { offsetOfCharacter } from '../shared/text.ts';

/** The name in a token, folded to lower case as PostgreSQL does. */
function spelled(sql: string, token: FileToken): string {
  const text = sql.slice(token.start, token.end);
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

/**
 * Offset of the name in the text, including its schema or table if the text has that; undefined if the text does not
 * contain the name.
 */
export function offsetOfName(sql: string, name: readonly string[]): number | undefined {
  const last = name.at(-1) ?? '';
  // To scan a text takes long, and what is in none of its letters is in none of its tokens.
  if (!last.includes('"') && !sql.toLowerCase().includes(last.toLowerCase())) return undefined;
  const key = JSON.stringify(name);
  const known = offsets.get(sql) ?? new Map<string, number | undefined>();
  if (!known.has(key)) known.set(key, readOffset(sql, name));
  offsets.delete(sql);
  offsets.set(sql, known);
  if (offsets.size > mostTexts) offsets.delete(offsets.keys().next().value!);
  return known.get(key);
}

/** Where names are, by the text of a statement, the one that was asked for last at the end: a repair runs the same statements many times. */
const offsets = new Map<string, Map<string, number | undefined>>();
const mostTexts = 5000;

function readOffset(sql: string, name: readonly string[]): number | undefined {
  const tokens = [...tokensOf(sql)].filter((token) => !token.name.endsWith('_COMMENT'));
  const last = name.at(-1);
  const matches = tokens.flatMap((token, index) => (spelled(sql, token) === last ? [index] : []));
  const qualifier = name.at(-2);
  const qualified = matches.find(
    (index) => index >= 2 && sql[tokens[index - 1]!.start] === '.' && spelled(sql, tokens[index - 2]!) === qualifier,
  );
  if (qualified !== undefined) return tokens[qualified - 2]!.start;
  return matches[0] === undefined ? undefined : tokens[matches[0]]!.start;
}

/** `PL/pgSQL function inline_code_block line 3 at …`: the innermost line of a DO block that the error came from. */
function lineOfBlock(statement: Statement, error: DatabaseError): number | undefined {
  const line = /^PL\/pgSQL function inline_code_block line (\d+) at/m.exec(error.where ?? '')?.[1];
  if (line === undefined || fieldsOf(statement.tree, 'DoStmt') === undefined) return undefined;
  const body = [...tokensOf(statement.sql)].find((token) => token.name === 'SCONST');
  if (body === undefined) return undefined;
  let at = statement.sql.indexOf('$', body.start + 1) + 1;
  for (let count = 1; count < Number(line); count += 1) {
    const end = statement.sql.indexOf('\n', at);
    if (end === -1 || end > body.end) return undefined;
    at = end + 1;
  }
  return at + (/^\s*/.exec(statement.sql.slice(at))?.[0].length ?? 0);
}

/**
 * The offset in the file (UTF-16) of an error of a statement that was sent alone: PostgreSQL's position, else the line
 * of a DO block, else the first name of the message that the statement has, else the statement's start.
 */
export function offsetInFile(statement: Statement, error: DatabaseError): number {
  const { position } = error;
  if (position !== undefined && position > 0) return statement.start + offsetOfCharacter(statement.sql, position);
  const line = lineOfBlock(statement, error);
  if (line !== undefined) return statement.start + line;
  for (const name of namesIn(error.message)) {
    const offset = offsetOfName(statement.sql, name);
    if (offset !== undefined) return statement.start + offset;
  }
  return statement.start;
}
