import type { Readable } from 'node:stream';
import { readBody } from '../body.ts';
import { refused } from './errors.ts';

/** How long a JSON body of Storage may be, in bytes. */
const longest = 1024 * 1024;

interface Kinds {
  string: string;
  boolean: boolean;
  integer: number;
  object: Readonly<Record<string, unknown>>;
  strings: readonly string[];
  /** A number of bytes, or a text such as `20MB`. */
  size: number | string;
}

const is: { [Kind in keyof Kinds]: (value: unknown) => value is Kinds[Kind] } = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value): value is number => Number.isSafeInteger(value),
  object: (value): value is Kinds['object'] => typeof value === 'object' && value !== null && !Array.isArray(value),
  strings: (value): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  size: (value): value is number | string =>
    typeof value === 'string' || (Number.isSafeInteger(value) && Number(value) >= 0),
};

const names: Readonly<Record<keyof Kinds, string>> = {
  string: 'string',
  boolean: 'boolean',
  integer: 'integer',
  object: 'object',
  strings: 'array of strings',
  size: 'number or string',
};

/** A JSON object from outside, read field by field; errors name the field as the real one does. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(values: Readonly<Record<string, unknown>>, path = 'body') {
    this.#values = values;
    this.#path = path;
  }

  /** @throws StorageError where it is of another kind */
  optional<Kind extends keyof Kinds>(name: string, kind: Kind): Kinds[Kind] | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    if (!is[kind](value)) throw refused.invalidBody(`${this.#path}/${name} must be ${names[kind]}`);
    return value;
  }

  /** @throws StorageError where it is missing or of another kind */
  required<Kind extends keyof Kinds>(name: string, kind: Kind): Kinds[Kind] {
    const value = this.optional(name, kind);
    if (value === undefined) throw refused.invalidBody(`${this.#path} must have required property '${name}'`);
    return value;
  }

  /** A field that may be null, which means "none", as opposed to a missing one. */
  nullable<Kind extends keyof Kinds>(name: string, kind: Kind): Kinds[Kind] | null | undefined {
    return this.#values[name] === null ? null : this.optional(name, kind);
  }

  /** An integer that is at least `least`. */
  count(name: string, least: number): number | undefined {
    const value = this.optional(name, 'integer');
    if (value !== undefined && value < least) throw refused.invalidBody(`${this.#path}/${name} must be >= ${least}`);
    return value;
  }

  /** One of some texts. */
  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.optional(name, 'string');
    if (value === undefined) return undefined;
    const choice = choices.find((each) => each === value);
    if (choice === undefined) {
      throw refused.invalidBody(`${this.#path}/${name} must be equal to one of the allowed values`);
    }
    return choice;
  }

  within(name: string): Fields | undefined {
    const value = this.optional(name, 'object');
    return value === undefined ? undefined : new Fields(value, `${this.#path}/${name}`);
  }
}

/** The JSON body of a request; an empty one counts as `{}`. */
export async function readFields(body: Readable): Promise<Fields> {
  const text = (await readBody(body, longest)).toString();
  if (text.trim() === '') return new Fields({});
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused.invalidBody("Body is not valid JSON but content-type is set to 'application/json'");
  }
  if (!is.object(value)) throw refused.invalidBody('body must be object');
  return new Fields(value);
}

/** The values of a query string, as fields: numbers are read from their text. */
export function queryFields(query: URLSearchParams): Fields {
  const value = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text);
  const entries = [...query].map(([name, text]) => [name, value(text)] as const);
  return new Fields(Object.fromEntries(entries), 'querystring');
}
