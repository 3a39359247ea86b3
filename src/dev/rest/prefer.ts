import { RestFailure } from './failure.ts';

/** The Prefer header; see RFC 7240. Where one is said twice, the first counts. */
export interface Preferences {
  resolution?: 'merge-duplicates' | 'ignore-duplicates';
  return?: 'representation' | 'minimal' | 'headers-only';
  count?: 'exact' | 'planned' | 'estimated';
  tx?: 'commit' | 'rollback';
  missing?: 'default' | 'null';
  handling?: 'strict' | 'lenient';
  timezone?: string;
  'max-affected'?: number;
}

const words = {
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  tx: ['commit', 'rollback'],
  missing: ['default', 'null'],
  handling: ['strict', 'lenient'],
} as const;

/** In the order in which Preference-Applied lists them. */
const order = ['resolution', 'missing', 'return', 'count', 'tx', 'handling', 'timezone', 'max-affected'] as const;
export type Preference = (typeof order)[number];

/**
 * Reads the Prefer header.
 * @param isTimezone whether PostgreSQL knows it; asked only where one is given
 * @throws RestFailure PGRST122 for what is unknown, with `handling=strict`
 */
export async function parsePreferences(
  header: string | undefined,
  isTimezone: (name: string) => Promise<boolean>,
): Promise<Preferences> {
  const preferences: Record<string, string | number> = {};
  const unknown: string[] = [];
  for (const part of (header ?? '').split(',')) {
    const text = part.trim();
    if (text === '') continue;
    const equals = text.indexOf('=');
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    const known = await valueOf(name, value, isTimezone);
    if (known === undefined) unknown.push(text);
    else preferences[name] ??= known;
  }
  if (unknown.length > 0 && preferences['handling'] === 'strict') {
    throw new RestFailure({
      status: 400,
      code: 'PGRST122',
      message: 'Invalid preferences given with handling=strict',
      details: `Invalid preferences: ${unknown.join(', ')}`,
    });
  }
  return preferences;
}

async function valueOf(
  name: string,
  value: string,
  isTimezone: (name: string) => Promise<boolean>,
): Promise<string | number | undefined> {
  if (name === 'timezone') return (await isTimezone(value)) ? value : undefined;
  if (name === 'max-affected') return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (!Object.hasOwn(words, name)) return undefined;
  return (words[name as keyof typeof words] as readonly string[]).find((word) => word === value);
}

/** The Preference-Applied header, of those that the kind of request heeds. */
export function appliedHeader(preferences: Preferences, heeded: readonly Preference[]): Record<string, string> {
  const applied = order
    .filter((name) => heeded.includes(name) && preferences[name] !== undefined)
    .filter((name) => name !== 'max-affected' || preferences.handling === 'strict')
    .map((name) => `${name}=${preferences[name]}`);
  return applied.length === 0 ? {} : { 'preference-applied': applied.join(', ') };
}
