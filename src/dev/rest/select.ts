import { parseField, parseName, type Field } from './fields.ts';
import { Scanner } from './scan.ts';

export const aggregates = ['sum', 'avg', 'count', 'max', 'min'] as const;
export type Aggregate = (typeof aggregates)[number];

export interface SelectedField {
  kind: 'field';
  field: Field;
  cast?: string | undefined;
  aggregate?: Aggregate | undefined;
  aggregateCast?: string | undefined;
  alias?: string | undefined;
}

export interface SelectedEmbed {
  kind: 'embed';
  /** A table, view, constraint, column or function. */
  target: string;
  alias?: string | undefined;
  hint?: string | undefined;
  join?: 'inner' | 'left' | undefined;
  /** `...target(…)`: its fields become the parent's. */
  spread: boolean;
  select: readonly SelectItem[];
}

export type SelectItem = SelectedField | SelectedEmbed;

/** Embeds in embeds; PostgreSQL itself gives up far later. */
const deepest = 50;

/**
 * Reads the `select` parameter.
 * @throws RestFailure PGRST100
 */
export function parseSelect(text: string): SelectItem[] {
  const scanner = new Scanner(text, `failed to parse select parameter (${text})`);
  return scanner.run(() => {
    const items = parseItems(scanner, 0);
    if (!scanner.atEnd()) scanner.fail();
    return items;
  });
}

function parseItems(scanner: Scanner, depth: number): SelectItem[] {
  scanner.skipSpace();
  if (depth > deepest || scanner.sees(')') || scanner.atEnd()) return [];
  const items: SelectItem[] = [];
  do {
    scanner.skipSpace();
    items.push(parseItem(scanner, depth));
    scanner.skipSpace();
  } while (scanner.take(','));
  return items;
}

function parseItem(scanner: Scanner, depth: number): SelectItem {
  const embed = scanner.attempt(() => parseEmbedHead(scanner));
  if (embed === undefined) return parseSelectedField(scanner);
  scanner.need('(');
  const select = parseItems(scanner, depth + 1);
  scanner.need(')');
  return { ...embed, select };
}

function parseAlias(scanner: Scanner): string | undefined {
  return scanner.attempt(() => {
    const name = parseName(scanner);
    if (scanner.sees('::')) scanner.fail();
    scanner.need(':');
    return name;
  });
}

function parseEmbedHead(scanner: Scanner): Omit<SelectedEmbed, 'select'> {
  const spread = scanner.take('...');
  const alias = spread ? undefined : parseAlias(scanner);
  scanner.skipSpace();
  const target = parseName(scanner);
  if (target === 'count') scanner.fail();
  let hint: string | undefined;
  let join: 'inner' | 'left' | undefined;
  for (let parameters = 0; parameters < 2 && scanner.take('!'); parameters += 1) {
    const name = parseName(scanner);
    if (name === 'inner' || name === 'left') join ??= name;
    else hint ??= name;
  }
  if (!scanner.sees('(')) scanner.fail();
  return { kind: 'embed', target, alias, hint, join, spread };
}

function parseCast(scanner: Scanner): string | undefined {
  return scanner.take('::') ? scanner.needIdentifier('letter or digit') : undefined;
}

function needItemEnd(scanner: Scanner): void {
  if (!scanner.sees(')') && !scanner.sees(',') && !scanner.atEnd()) scanner.fail();
}

function parseSelectedField(scanner: Scanner): SelectedField {
  const all = scanner.attempt((): SelectedField => {
    scanner.need('*');
    scanner.skipSpace();
    needItemEnd(scanner);
    return { kind: 'field', field: { name: '*', path: [] } };
  });
  if (all) return all;
  const count = scanner.attempt((): SelectedField => {
    const alias = parseAlias(scanner);
    scanner.need('count()');
    const aggregateCast = parseCast(scanner);
    needItemEnd(scanner);
    return { kind: 'field', field: { name: '*', path: [] }, aggregate: 'count', aggregateCast, alias };
  });
  if (count) return count;
  const alias = parseAlias(scanner);
  const field = parseField(scanner);
  const cast = parseCast(scanner);
  const aggregate = scanner.attempt(() => {
    scanner.need('.');
    const name = scanner.takeOne(aggregates) ?? scanner.fail();
    scanner.need('()');
    return name;
  });
  const aggregateCast = parseCast(scanner);
  needItemEnd(scanner);
  return { kind: 'field', field, cast, aggregate, aggregateCast, alias };
}
