import { MuseError } from './error.ts';
import { reservedKeywords } from './keywords.ts';

/** PostgreSQL silently truncates longer names; NAMEDATALEN - 1. */
export const longestName = 63;

/**
 * An identifier as SQL, quoted only where PostgreSQL requires it, as `quote_ident` does: keywords, upper case,
 * anything but `[a-z_][a-z0-9_]*`.
 * @throws MuseError `bad-identifier` for an empty name, one with a NUL or a lone surrogate, or more than 63 bytes
 */
export function quoteIdentifier(name: string): string {
  const bytes = Buffer.byteLength(name, 'utf8');
  if (bytes === 0 || bytes > longestName || name.includes('\0') || !name.isWellFormed()) {
    throw new MuseError({
      code: 'bad-identifier',
      message: `${JSON.stringify(name)} cannot be a name in PostgreSQL: ${reason(name, bytes)}.`,
      suggestion: `Choose a name of 1 to ${longestName} bytes.`,
    });
  }
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !reservedKeywords.has(name)) return name;
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A name cut to the 63 bytes that PostgreSQL keeps, never inside a character. With a suffix, the part before it is cut.
 * @param suffix what the name must end with, at most 62 bytes
 */
export function fitName(name: string, suffix = ''): string {
  const whole = name + suffix;
  if (Buffer.byteLength(whole) <= longestName) return whole;
  return cutText(name, longestName - Buffer.byteLength(suffix)) + suffix;
}

/** The beginning of a text that takes at most so many bytes, never cut inside a character. */
export function cutText(text: string, most: number): string {
  let front = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    front += character;
  }
  return front;
}

/** The name of an index on these columns of a table, unquoted: the same wherever an index is suggested or written. */
export function indexName(table: string, columns: readonly string[]): string {
  return fitName(`idx_${table}_${columns.join('_')}`);
}

/**
 * A `schema.name` as a parse tree or a catalog gives it, quoted part by part. The first dot separates, so that the name
 * itself may have dots; a part is cut to what PostgreSQL keeps of it.
 * @throws MuseError `bad-identifier` for an empty part
 */
export function quoteQualified(name: string): string {
  const dot = name.indexOf('.');
  const parts = dot === -1 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
  return parts.map((part) => quoteIdentifier(fitName(part))).join('.');
}

function reason(name: string, bytes: number): string {
  if (bytes === 0) return 'it is empty';
  if (bytes > longestName) return `it has ${bytes} bytes`;
  return name.includes('\0') ? 'it has a NUL character' : 'it is not valid Unicode';
}

/**
 * A name of one or two parts, e.g. `profiles` or `public.profiles`, each part quoted where it must be. Dots separate;
 * for a name that has a dot in it, quote the parts one by one.
 * @throws MuseError `bad-identifier` for a bad part, or more than two
 */
export function quoteName(name: string): string {
  const parts = name.split('.');
  if (parts.length > 2) {
    throw new MuseError({
      code: 'bad-identifier',
      message: `${JSON.stringify(name)} has more than two parts; a name has a schema and a table at most.`,
      suggestion: 'Write it as "name" or "schema.name".',
    });
  }
  return parts.map(quoteIdentifier).join('.');
}

/**
 * A literal as SQL, correct with any value of `standard_conforming_strings`. Null gives `NULL`; numbers that need no sign
 * and booleans stay bare, everything else is quoted and takes its type from where it stands.
 * @throws MuseError `bad-literal` for a NUL character or a lone surrogate, which no PostgreSQL text can hold
 */
export function quoteLiteral(value: string | number | bigint | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return String(value);
  // Two minus signs in a row would begin a comment, so a negative number is quoted.
  if (typeof value !== 'string') return /^\d/.test(String(value)) ? String(value) : quoteLiteral(String(value));
  if (value.includes('\0') || !value.isWellFormed()) {
    throw new MuseError({
      code: 'bad-literal',
      message: 'A text has a NUL character or is not valid Unicode; PostgreSQL cannot store it.',
      suggestion: 'Remove the character.',
    });
  }
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
