import type { Migration } from './migration.ts';

/**
 * A function that reads migrations, and that gives what it gave last where it is asked about the very same ones again, as the
 * steps of one run do. Its result must not be changed by those who get it.
 * @param read the function; a reading that fails is not kept
 */
export function rememberLast<T>(
  read: (migrations: readonly Migration[]) => Promise<T>,
): (migrations: readonly Migration[]) => Promise<T> {
  let last: { migrations: readonly Migration[]; result: Promise<T> } | undefined;
  return (migrations) => {
    if (last !== undefined && areSame(last.migrations, migrations)) return last.result;
    const result = read(migrations);
    last = { migrations: [...migrations], result };
    result.catch(() => (last = undefined));
    return result;
  };
}

/** Whether files are the very same, in the same order. */
export function areSame(some: readonly Migration[], others: readonly Migration[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ layer, file, sql }, index) => {
      const other = others[index]!;
      return layer === other.layer && file === other.file && sql === other.sql;
    })
  );
}
