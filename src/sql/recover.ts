import type { Node } from './nodes.ts';
import type { Statement } from './statement.ts';
import { withPlainSpaces } from './odd-characters.ts';
import { parseTree } from './parser.ts';
import { tokensOf } from './tokens.ts';

/** The words of a statement with their offsets, without comments. */
export function wordsOf(sql: string, limit = Infinity): { text: string; start: number; end: number }[] {
  const words = [];
  for (const { name, start, end } of tokensOf(sql)) {
    if (name.endsWith('_COMMENT')) continue;
    words.push({ text: sql.slice(start, end).toLowerCase(), start, end });
    if (words.length >= limit) break;
  }
  return words;
}

/** The offsets of `IF NOT EXISTS` in a `CREATE POLICY IF NOT EXISTS`, which PostgreSQL does not have. */
export function policyIfNotExists(sql: string): { start: number; end: number } | undefined {
  const words = wordsOf(sql, 5);
  if (words.map(({ text }) => text).join(' ') !== 'create policy if not exists') return undefined;
  return { start: words[2]!.start, end: words[4]!.end };
}

/** What is granted on by a GRANT that does not parse: the names of tables without their schemas, `*` for many. */
function grantedOn(sql: string): string[] {
  const words = wordsOf(sql.slice(0, 2000)).map(({ text }) => text);
  if (words[0] === 'alter' && words[1] === 'default' && words.includes('grant')) return ['*'];
  const [on, to] = [words.indexOf('on'), words.indexOf('to')];
  if (words[0] !== 'grant' || on === -1 || to < on) return [];
  const named = words.slice(on + 1, to);
  if (named[0] === 'all') return ['*'];
  return named.flatMap((word, index) =>
    index === named.length - 1 || named[index + 1] === ',' ? [word.replaceAll(/^"|"$/g, '')] : [],
  );
}

/**
 * The obvious meaning of a statement that does not parse: the tree of a `CREATE POLICY IF NOT EXISTS` without those
 * words, the name of the table that a `CREATE TABLE` would have created, or what a `GRANT` is about.
 */
export function recovered(statement: Statement): { tree?: Node; creates?: string; grants?: string[] } {
  const mistake = policyIfNotExists(statement.sql);
  if (mistake !== undefined) {
    const { start, end } = mistake;
    const raw = parseTree(statement.sql.slice(0, start) + ' '.repeat(end - start) + statement.sql.slice(end));
    return Array.isArray(raw) && raw[0]?.stmt !== undefined ? { tree: raw[0].stmt } : {};
  }
  const words = wordsOf(withPlainSpaces(statement.sql.slice(0, 500)), 12).map(({ text }) => text);
  const table = words[0] === 'create' ? words.indexOf('table') : -1;
  if (words[0] === 'grant' || words[0] === 'alter') return { grants: grantedOn(statement.sql) };
  if (table === -1 || table > 3) return {};
  const rest = words
    .slice(words[table + 1] === 'if' ? table + 4 : table + 1)
    .map((word) => word.replaceAll(/^["[`]|["\]`]$/g, ''));
  const name = rest[1] === '.' ? `${rest[0]}.${rest[2]}` : `public.${rest[0]}`;
  return { creates: name };
}
