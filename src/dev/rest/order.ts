import { parseField, parseName, type Field } from './fields.ts';
import { Scanner } from './scan.ts';

export interface OrderItem {
  /** An embedded resource whose field orders; undefined for an own field. */
  relation?: string | undefined;
  field: Field;
  direction?: 'asc' | 'desc' | undefined;
  nulls?: 'nullsfirst' | 'nullslast' | undefined;
}

/**
 * Reads an `order` parameter, e.g. `id.desc.nullslast,author(name)`.
 * @throws RestFailure PGRST100
 */
export function parseOrder(text: string): OrderItem[] {
  const scanner = new Scanner(text, `failed to parse order (${text})`);
  return scanner.run(() => {
    const items: OrderItem[] = [];
    do {
      scanner.skipSpace();
      items.push(parseItem(scanner));
      scanner.skipSpace();
    } while (scanner.take(','));
    if (!scanner.atEnd()) scanner.fail();
    return items;
  });
}

function parseItem(scanner: Scanner): OrderItem {
  const related = scanner.attempt(() => {
    const relation = parseName(scanner);
    scanner.need('(');
    const field = parseField(scanner);
    scanner.need(')');
    return { relation, field };
  });
  const target = related ?? { field: parseField(scanner) };
  const direction = parseModifier(scanner, ['asc', 'desc'] as const);
  const nulls = parseModifier(scanner, ['nullsfirst', 'nullslast'] as const);
  if (!scanner.sees(',') && !scanner.atEnd()) scanner.fail();
  return { ...target, direction, nulls };
}

function parseModifier<T extends string>(scanner: Scanner, words: readonly T[]): T | undefined {
  return scanner.attempt(() => {
    scanner.need('.');
    return scanner.takeOne(words) ?? scanner.fail();
  });
}
