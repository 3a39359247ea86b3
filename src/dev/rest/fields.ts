import { Scanner } from './scan.ts';

/** One step of a JSON path: `->key`, `->>key`, `->0`, `->>-1`. */
export interface JsonStep {
  /** `->>` */
  asText: boolean;
  key?: string;
  index?: string;
}

/** A column, or a value inside of it. */
export interface Field {
  name: string;
  path: readonly JsonStep[];
}

const fieldLabel = 'field name (* or [a..z0..9_$])';

/** A name of a column, table, constraint or function: quoted, or identifiers with single dashes between. */
export function parseName(scanner: Scanner): string {
  const quoted = scanner.takeQuoted();
  if (quoted !== undefined) return quoted;
  return parseDashed(() => scanner.needIdentifier(fieldLabel), scanner);
}

function parseDashed(part: () => string, scanner: Scanner): string {
  const parts = [part()];
  while (!scanner.sees('->') && scanner.take('-')) parts.push(part());
  return parts.join('-');
}

const endsIndex = ['->', '::', '.', ','] as const;

function parseStep(scanner: Scanner, asText: boolean): JsonStep {
  const index = scanner.attempt(() => {
    const sign = scanner.take('-') ? '-' : '';
    const digits = scanner.takeWhile((character) => character >= '0' && character <= '9');
    if (digits === '') scanner.fail('digit');
    if (!endsIndex.some((end) => scanner.sees(end)) && !scanner.sees(')') && !scanner.atEnd()) scanner.fail('digit');
    return sign + digits;
  });
  if (index !== undefined) return { asText, index };
  const quoted = scanner.takeQuoted();
  if (quoted !== undefined) return { asText, key: quoted };
  const key = parseDashed(() => {
    const part = scanner.takeWhile((character) => !'(-:.,>)'.includes(character));
    if (part === '') scanner.fail('any non reserved character different from: .,>()');
    return part.trim();
  }, scanner);
  return { asText, key };
}

function parsePath(scanner: Scanner): JsonStep[] {
  const path: JsonStep[] = [];
  for (;;) {
    if (scanner.take('->>')) path.push(parseStep(scanner, true));
    else if (scanner.take('->')) path.push(parseStep(scanner, false));
    else return path;
  }
}

export function parseField(scanner: Scanner): Field {
  scanner.skipSpace();
  const name = parseName(scanner);
  const path = parsePath(scanner);
  scanner.skipSpace();
  return { name, path };
}

/**
 * The key of a filter, order, limit or offset, e.g. `posts.comments.id`: the embedded levels, and the field.
 * @throws RestFailure PGRST100
 */
export function parseTreePath(key: string): { path: string[]; field: Field } {
  const scanner = new Scanner(key, `failed to parse tree path (${key})`);
  return scanner.run(() => {
    const names = [parseName(scanner)];
    while (scanner.take('.')) names.push(parseName(scanner));
    const path = parsePath(scanner);
    return { path: names.slice(0, -1), field: { name: names.at(-1) as string, path } };
  });
}

/**
 * A list of columns, as `columns` and `on_conflict` have it.
 * @throws RestFailure PGRST100
 */
export function parseColumns(parameter: string, text: string): string[] {
  const scanner = new Scanner(text, `failed to parse ${parameter} parameter (${text})`);
  return scanner.run(() => {
    const names: string[] = [];
    do {
      scanner.skipSpace();
      names.push(parseName(scanner));
      scanner.skipSpace();
    } while (scanner.take(','));
    if (!scanner.atEnd()) scanner.fail();
    return [...new Set(names)];
  });
}
