import { MuseError } from './error.ts';
import { reservedKeywords } from './keywords.ts';

/** PostgreSQL cuts longer names off without a word; NAMEDATALEN - 1. */
const longestName = 63;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * An identifier as SQL, quoted only where PostgreSQL must have it so, as `quote_ident` does: keywords, upper case,
 * anything but `[a-z_][a-z0-9_]*`.
 * @throws MuseError `bad-identifier` for an empty name, one with a NUL or a lone surrogate, or more than 63 bytes
 */
export function quoteIdentifier(name: string): string {
  const bytes = Buffer.byteLength(name, 'utf8');
  if (bytes === 0 || bytes > longestName || name.includes('\0') || loneSurrogate.test(name)) {
    throw new MuseError({
      code: 'bad-identifier',
      message: `${JSON.stringify(name)} cannot be a name in PostgreSQL: ${reason(name, bytes)}.`,
      suggestion: `Choose a name of 1 to ${longestName} bytes.`,
    });
  }
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !reservedKeywords.has(name)) return name;
  return `"${name.replaceAll('"', '""')}"`;
}

function reason(name: string, bytes: number): string {
  if (bytes === 0) return 'it is empty';
  if (bytes > longestName) return `it has ${bytes} bytes`;
  return name.includes('\0') ? 'it has a NUL character' : 'it is not valid Unicode';
}

/**
 * A name of one or two parts, as `profiles` or `public.profiles`, each part quoted where it must be. Dots separate;
 * for a name that has a dot in it, quote the parts one by one.
 * @throws MuseError `bad-identifier` for a bad part, or more than two
 */
export function quoteName(name: string): string {
  const parts = name.split('.');
  if (parts.length > 2) {
    throw new MuseError({
      code: 'bad-identifier',
      message: `${JSON.stringify(name)} has more than a schema and a name.`,
      suggestion: 'Write it as "name" or "schema.name".',
    });
  }
  return parts.map(quoteIdentifier).join('.');
}

/**
 * A literal as SQL, right whatever `standard_conforming_strings` says. Null gives `NULL`; numbers that need no sign
 * and booleans stay bare, everything else is quoted and takes its type from where it stands.
 * @throws MuseError `bad-literal` for a NUL character or a lone surrogate, which no PostgreSQL text can hold
 */
export function quoteLiteral(value: string | number | bigint | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return String(value);
  // A minus sign behind another one would begin a comment, so a negative number is quoted.
  if (typeof value !== 'string') return /^\d/.test(String(value)) ? String(value) : quoteLiteral(String(value));
  if (value.includes('\0') || loneSurrogate.test(value)) {
    throw new MuseError({
      code: 'bad-literal',
      message: 'A text has a NUL character or is not valid Unicode; PostgreSQL cannot store it.',
      suggestion: 'Take the character out.',
    });
  }
  const quoted = `'${value.replaceAll('\'', '\'\'')}'`;
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
