import type { MigrationFolders } from '../shared/muse-file.ts';
import type { Layer, Migration } from '../sql/migration.ts';

export type Order = MigrationFolders['order'];

/** The number that the file's name begins with, as written; undefined where it is not `<digits>_name.sql`. */
export function numberOf(name: string): string | undefined {
  return /^(\d+)_.+\.(?:sql|pgsql)$/.exec(name)?.[1];
}

/** A number of any length without its leading zeros, so that `001` and `1` are one. */
export function plainNumber(number: string): string {
  return number.replace(/^0+(?=\d)/, '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Digits of any length by their value: Number would round what is longer than 15 digits. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [plainNumber(a), plainNumber(b)];
  return left.length - right.length || compareText(left, right);
}

/**
 * Compares two file names of one folder. `number`: by value, then by name; names without a number come last.
 * `timestamp`: as text, as Supabase's own tool does. `journal`: as the journal lists them, then by name.
 * @param listed the journal's tags in their order
 */
export function compareNames(order: Order, listed: readonly string[] = []): (a: string, b: string) => number {
  if (order === 'timestamp') return compareText;
  if (order === 'journal') {
    const places = new Map(listed.map((tag, index) => [`${tag}.sql`, index]));
    const place = (name: string): number => places.get(name) ?? listed.length;
    return (a, b) => place(a) - place(b) || compareText(a, b);
  }
  return (a, b) => {
    const [left, right] = [numberOf(a), numberOf(b)];
    if (left === undefined || right === undefined) {
      return Number(left === undefined) - Number(right === undefined) || compareText(a, b);
    }
    return compareNumbers(left, right) || compareText(a, b);
  };
}

/**
 * The number for the next file of a layer, with the zeros its neighbors have. With `number` it follows the layer's own
 * highest, so that a new extension file never takes an existing one's place; the first is `001`. With `timestamp` it is
 * the time in UTC, or one more than the highest of both layers where that is later. With `journal` it follows both.
 */
export function nextNumber(migrations: readonly Migration[], layer: Layer, order: Order, now = new Date()): string {
  const counted = migrations.filter(
    (migration) => migration.number !== '' && (order !== 'number' || migration.layer === layer),
  );
  const highest = counted
    .map((migration) => migration.number)
    .sort(compareNumbers)
    .at(-1);
  const next = highest === undefined ? undefined : String(BigInt(highest) + 1n);
  if (order === 'timestamp') {
    const clock = now.toISOString().replace(/\D/g, '').slice(0, 14);
    return next === undefined || compareNumbers(next, clock) < 0 ? clock : next;
  }
  const width = Math.max(order === 'journal' ? 4 : 3, ...counted.map((migration) => migration.number.length));
  return (next ?? (order === 'journal' ? '0' : '1')).padStart(width, '0');
}
