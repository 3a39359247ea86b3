/** What GoTrue accepts as an e-mail address, a phone number, a password, a duration; and how it reads a request's body. */
import { AuthError, invalid } from './errors.ts';
import type { AuthSettings } from './settings.ts';

export type JsonObject = Record<string, unknown>;

/** The kinds of fields: which JSON they take, what they are where they are missing, and what Go calls them. */
const kinds = {
  text: { json: 'string', empty: '', go: 'string' },
  'text?': { json: 'string', empty: undefined, go: 'string' },
  yes: { json: 'bool', empty: false, go: 'bool' },
  'yes?': { json: 'bool', empty: undefined, go: 'bool' },
  'object?': { json: 'object', empty: undefined, go: 'map[string]interface {}' },
  'texts?': { json: 'array', empty: undefined, go: '[]string' },
} as const;

interface KindTypes {
  text: string;
  'text?': string | undefined;
  yes: boolean;
  'yes?': boolean | undefined;
  'object?': JsonObject | undefined;
  'texts?': string[] | undefined;
}
type Kind = keyof KindTypes;

/**
 * Reads the known fields of a body. A missing one and null are its type's empty value.
 * @throws AuthError 400 where one is of another type, in the words of Go's decoder
 */
export function readFields<const Shape extends Record<string, Kind>>(
  body: unknown,
  shape: Shape,
): { [K in keyof Shape]: KindTypes[Shape[K]] } {
  if (body !== null && !isObject(body)) {
    throw badJson(`json: cannot unmarshal ${jsonKind(body)} into Go value of type object`);
  }
  const given = body ?? {};
  const entries = Object.entries(shape).map(([name, kind]): [string, unknown] => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const { json, empty, go } = kinds[kind];
    if (value === undefined || value === null) return [name, empty];
    const wrong = jsonKind(value) === json ? wrongPart(kind, value) : jsonKind(value);
    if (wrong === undefined) return [name, value];
    throw badJson(`json: cannot unmarshal ${wrong} into Go struct field .${name} of type ${go}`);
  });
  return Object.fromEntries(entries) as { [K in keyof Shape]: KindTypes[Shape[K]] };
}

/** What else than texts is in a list of texts. */
function wrongPart(kind: Kind, value: unknown): string | undefined {
  if (kind !== 'texts?') return undefined;
  return (value as unknown[]).map(jsonKind).find((part) => part !== 'string');
}

/** A body as JSON. */
export function parseBody(text: string): unknown {
  if (text.trim() === '') throw badJson('unexpected end of JSON input');
  try {
    return JSON.parse(text, (_, value: unknown) => wellFormed(value)) as unknown;
  } catch (error) {
    throw badJson(error instanceof Error ? error.message : 'invalid JSON');
  }
}

/** Half a character, as `"\\ud800"`, is U+FFFD in Go, and nothing that PostgreSQL could keep. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value).toString('utf8');
  if (!isObject(value) || !Object.keys(value).some((key) => /\p{Surrogate}/u.test(key))) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [wellFormed(key), part]));
}

function badJson(reason: string): AuthError {
  return new AuthError(400, 'bad_json', `Could not parse request body as JSON: ${reason}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const address = new RegExp(`^[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]+@${label}(?:\\.${label})*$`);

/** @returns the address in lower case */
export function validEmail(email: string): string {
  if (email === '') throw invalid('An email address is required');
  if (Buffer.byteLength(email) > 255) throw invalid('An email address is too long');
  if (!address.test(email)) throw invalid('Unable to validate email address: invalid format');
  return email.toLowerCase();
}

/** A phone number without its plus sign and spaces. */
export function plainPhone(phone: string): string {
  return phone.replace(/^\+/, '').replaceAll(' ', '');
}

/** @returns the number without its plus sign and spaces */
export function validPhone(phone: string): string {
  const plain = plainPhone(phone);
  if (!/^[1-9]\d{1,14}$/.test(plain)) throw invalid('Invalid phone number format (E.164 required)');
  return plain;
}

/** @throws AuthError where a phone's `channel` is none that there is */
export function checkChannel(channel: string): void {
  if (channel !== '' && channel !== 'sms' && channel !== 'whatsapp') {
    throw invalid(
      "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if Twilio or Twilio " +
        'Verify is used as the provider.',
    );
  }
}

/** bcrypt reads no more. */
const longestPassword = 72;

/** What is weak about a password, undefined where nothing is. */
export function weakness(password: string, rules: AuthSettings['password']): AuthError | undefined {
  if (Buffer.byteLength(password) > longestPassword) {
    return invalid(`Password cannot be longer than ${longestPassword} characters`);
  }
  const messages: string[] = [];
  const reasons: string[] = [];
  if (Buffer.byteLength(password) < rules.minLength) {
    reasons.push('length');
    messages.push(`Password should be at least ${rules.minLength} characters.`);
  }
  const hasAll = rules.requiredCharacters.every((set) => [...set].some((character) => password.includes(character)));
  if (!hasAll) {
    reasons.push('characters');
    const sets = rules.requiredCharacters.join(', ');
    messages.push(`Password should contain at least one character of each: ${sets}.`);
  }
  if (reasons.length === 0) return undefined;
  return new AuthError(422, 'weak_password', messages.join(' '), { reasons });
}

/** @throws AuthError `weak_password` with its reasons */
export function checkPassword(password: string, rules: AuthSettings['password']): void {
  const weak = weakness(password, rules);
  if (weak) throw weak;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuid.test(text);
}

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads `ban_duration`, which Go's `time.ParseDuration` reads: `24h`, `1h30m`; `none` is 0.
 * @returns milliseconds
 */
export function banDuration(text: string): number {
  if (text === 'none' || text === '0') return 0;
  const bad = (reason: string): AuthError => invalid(`invalid format for ban duration: time: ${reason}`);
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const parts = [...rest.matchAll(/(\d+\.?\d*|\.\d+)([^\d.]*)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) {
    throw bad(`invalid duration ${JSON.stringify(text)}`);
  }
  const total = parts.reduce((sum, [, amount = '', unit = '']) => {
    if (unit === '') throw bad(`missing unit in duration ${JSON.stringify(text)}`);
    const factor = milliseconds[unit];
    if (factor === undefined) {
      throw bad(`unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    return sum + Number(amount) * factor;
  }, 0);
  // Go's durations are 64-bit nanoseconds: 292 years.
  if (total > 9_223_372_036_854) throw bad(`invalid duration ${JSON.stringify(text)}`);
  return sign === '-' ? -total : total;
}
