import { createHash } from 'node:crypto';

/** PostgreSQL's limit for a name (NAMEDATALEN - 1). */
const nameBytes = 63;

/** Columns that every PostgreSQL table has already (documentation, "System Columns"). */
const systemColumns = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/** Columns that every scaffolded table gets automatically. */
const ownColumns = new Set(['id', 'created_at', 'updated_at']);

const identifier = /^[\p{L}_][\p{L}\p{M}\p{N}_]*$/u;

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');

/** Why a text cannot be a name, and the nearest one that can. */
export interface NameProblem {
  message: string;
  nearest: string | undefined;
}

/**
 * Says why a table or column cannot have this name, or undefined if it can: letters of any script, digits and `_`,
 * not starting with a digit, at most 63 bytes with the prefix. Reserved words are fine: they get quoted.
 */
export function nameProblem(name: string, prefix = ''): NameProblem | undefined {
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}…` : name);
  if (!identifier.test(name) || name !== name.normalize('NFC')) {
    return {
      message: `${shown} cannot be a name: use letters, digits and _, and start with a letter`,
      nearest: nearestName(name, prefix),
    };
  }
  if (bytes(prefix + name) > nameBytes) {
    return {
      message: `${shown} is too long: PostgreSQL allows ${nameBytes} bytes for a name${prefix === '' ? '' : ', including the prefix'}`,
      nearest: nearestName(name, prefix),
    };
  }
  return undefined;
}

/** A prefix leaves enough bytes for the names of tables. */
const prefixBytes = 30;

/** Says why the names of tables cannot begin with this prefix, or undefined if they can; an empty one is none. */
export function prefixProblem(prefix: string): NameProblem | undefined {
  if (prefix === '') return undefined;
  const problem = nameProblem(prefix);
  if (problem === undefined && bytes(prefix) <= prefixBytes) return undefined;
  const near = nearestName(prefix);
  return {
    message:
      problem === undefined
        ? `${JSON.stringify(prefix)} is too long for a prefix: ${prefixBytes} bytes is the limit`
        : `${JSON.stringify(prefix)} cannot be a prefix: use letters, digits and _, and start with a letter`,
    nearest: near === undefined ? undefined : `${cutTo(near, prefixBytes - 1)}_`,
  };
}

/** Says why a column of a scaffolded table cannot have this name, beyond {@link nameProblem}. */
export function columnNameProblem(name: string): NameProblem | undefined {
  if (systemColumns.has(name))
    return { message: `every PostgreSQL table has a system column "${name}" already`, nearest: `${name}_value` };
  if (ownColumns.has(name)) return { message: `every table gets a column "${name}" automatically`, nearest: undefined };
  return nameProblem(name);
}

/** The nearest valid name, or undefined if nothing is left of it. */
export function nearestName(text: string, prefix = ''): string | undefined {
  const words = text
    .normalize('NFC')
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}_]+/gu, '_')
    .replaceAll(/^[^\p{L}]+|_+$/gu, '');
  return words === '' ? undefined : cutTo(words, nameBytes - bytes(prefix)).replace(/_+$/, '');
}

/** As many whole characters as fit into so many bytes. */
function cutTo(text: string, limit: number): string {
  let cut = '';
  for (const character of text) {
    if (bytes(cut + character) > limit) break;
    cut += character;
  }
  return cut;
}

/**
 * A name for an index, constraint or policy: the parts joined by `_`; if that is longer than PostgreSQL allows, cut,
 * with a hash of the whole name, so that it is stable and two long names stay different.
 */
export function fitName(parts: readonly string[], suffix: string): string {
  const whole = [...parts, suffix].join('_');
  if (bytes(whole) <= nameBytes) return whole;
  return hashed(parts, suffix);
}

function hashed(parts: readonly string[], suffix: string): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
  return `${cutTo(parts.join('_'), nameBytes - bytes(suffix) - 10)}_${hash}_${suffix}`;
}

/** Gives unique names to indexes and constraints, which share one namespace in a schema. */
export function nameGiver(taken: Iterable<string>): (parts: readonly string[], suffix: string) => string {
  const used = new Set(taken);
  return (parts, suffix) => {
    const plain = fitName(parts, suffix);
    const name = used.has(plain) ? hashed(parts, suffix) : plain;
    used.add(name);
    return name;
  };
}

/** A file name part from free text: `add Ünits & more` becomes `add_units_more`; `change` if nothing is left. */
export function slug(text: string): string {
  const ascii = text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return ascii.slice(0, 60).replace(/_+$/, '') || 'change';
}
