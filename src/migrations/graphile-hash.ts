/** The headers of Graphile Migrate's committed files: each holds the hash of its text and of the file before it. */
import { createHash } from 'node:crypto';

/** The lines at the top, and what follows. */
interface Parts {
  headers: string[];
  body: string;
}

const header = /^--! [A-Za-z0-9_]+(?::.*)?$/;

function partsOf(text: string): Parts {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => !header.test(line.trimEnd()));
  const end = first === -1 ? lines.length : first;
  return { headers: lines.slice(0, end), body: lines.slice(end).join('\n') };
}

const nameOf = (line: string): string => /^--! (\w+)/.exec(line)![1]!;

/** Says whether a text is a committed file. */
export function isCommitted(text: string): boolean {
  return partsOf(text).headers.some((line) => nameOf(line) === 'Previous');
}

/**
 * The texts with headers that fit them, as its `commit` writes them: it refuses to run files that were changed since. A file that may
 * have another hash keeps its own.
 * @param texts of a folder's files, in the order of a run
 */
export function signed(texts: readonly string[]): string[] {
  let previous = '';
  return texts.map((text) => {
    const { headers, body } = partsOf(text);
    const known = headers.find((line) => nameOf(line) === 'Hash');
    const kept = headers.some((line) => nameOf(line) === 'AllowInvalidHash') ? known : undefined;
    const hash = kept ?? `--! Hash: ${hashOf(body, previous)}`;
    const from = `--! Previous: ${previous === '' ? '-' : previous}`;
    previous = hash.slice(hash.indexOf(':') + 1).trim();
    const lines = known === undefined ? [from, hash, ...headers] : headers;
    const written = lines.map((line) => ({ Previous: from, Hash: hash })[nameOf(line)] ?? line);
    return `${written.join('\n')}\n${body.startsWith('\n') ? '' : '\n'}${body}`;
  });
}

/** The text without the hashes at its top, which change with every file before it. */
export function withoutHash(text: string): string {
  if (!text.startsWith('--!')) return text;
  const { headers, body } = partsOf(text);
  return [...headers.filter((line) => !['Previous', 'Hash'].includes(nameOf(line))), body].join('\n');
}

function hashOf(body: string, previous: string): string {
  const text = `${`${previous}\n${body.trim()}`.trim()}\n`;
  return `sha1:${createHash('sha1').update(text).digest('hex')}`;
}
