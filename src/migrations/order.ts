import type { MigrationOrder } from '../shared/muse-file.ts';
import type { Layer, Migration } from '../sql/migration.ts';
import { forms } from './forms.ts';

export type Order = MigrationOrder;

/** The number in a file's path below its folder, as written; undefined where the form has none there. */
export function numberOf(path: string, order: Order = 'number'): string | undefined {
  return forms[order].name.exec(path)?.[1];
}

/** The path of a file in a folder; `.` is the muse itself. */
export function inFolder(folder: string, path: string): string {
  return folder === '.' ? path : `${folder}/${path}`;
}

/** The path of a file below a folder; undefined for a file elsewhere. */
export function belowFolder(folder: string, file: string): string | undefined {
  if (folder === '.') return file;
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : undefined;
}

/** Hyphens only make a time readable, as Diesel's `2026-05-27-120000`; other signs are between parts, as in Flyway's `1.2`. */
const partsOf = (number: string): string[] =>
  number
    .replaceAll('-', '')
    .split(/\D+/)
    .map((part) => part.replace(/^0+(?=\d)/, ''));

/** A number of any length without what does not count: `001` and `1` are one, and so are Flyway's `1.0` and `1`. */
export function plainNumber(number: string): string {
  return partsOf(number)
    .join('.')
    .replace(/(?:\.0)+$/, '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Digits of any length by their value, part by part: Number would round what is longer than 15 digits. */
export function compareNumbers(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [one, other] = [left[index] ?? '0', right[index] ?? '0'];
    const difference = one.length - other.length || compareText(one, other);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Compares two paths of one folder, by the form of the order: by value, then by name, those without a number last; as
 * text, as Supabase's and Prisma's own tools do; or as they are listed, the others after them.
 * @param listed the paths in their order, without `.sql`
 */
export function compareNames(order: Order, listed: readonly string[] = []): (a: string, b: string) => number {
  const { sort, sortedBy } = forms[order];
  if (sort === 'text')
    return sortedBy === undefined ? compareText : (a, b) => compareText(sortedBy(a), sortedBy(b)) || compareText(a, b);
  const places = new Map(listed.map((tag, index) => [`${tag}.sql`, index]));
  const place = (name: string): number => places.get(name) ?? listed.length;
  const byText = forms[order].sort === 'journal';
  return (a, b) => {
    const [left, right] = byText ? [undefined, undefined] : [numberOf(a, order), numberOf(b, order)];
    const byPlace = place(a) - place(b);
    if (byPlace !== 0) return byPlace;
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined) || compareText(a, b);
    return compareNumbers(left, right) || compareText(a, b);
  };
}

/** A time in UTC as a number of so many digits, for those that tools use. */
const clocks: Readonly<Record<number, (now: Date) => string>> = {
  8: (now) => stamp(now).slice(0, 8),
  10: (now) => String(Math.floor(now.getTime() / 1000)),
  12: (now) => stamp(now).slice(0, 12),
  13: (now) => String(now.getTime()),
  14: (now) => stamp(now),
};
const stamp = (now: Date): string => now.toISOString().replace(/\D/g, '').slice(0, 14);

/** Whether a number is a time: it has as many digits as one, which no count of files has. */
export function isTime(number: string): boolean {
  return number.replace(/\D/g, '').length >= 8;
}

/**
 * The number for the next file of a layer, with the digits its neighbors have. Where the form numbers each layer for
 * itself it follows the layer's own highest, so that a new extension file never takes an existing one's place; else the
 * highest of both. A time is the time in UTC, or one more than the highest where that is later.
 */
export function nextNumber(migrations: readonly Migration[], layer: Layer, order: Order, now = new Date()): string {
  const form = forms[order];
  const counted = migrations.filter(
    (migration) => migration.number !== '' && (form.next === 'all' || migration.layer === layer),
  );
  const highest = counted
    .map((migration) => migration.number)
    .sort(compareNumbers)
    .at(-1);
  const next = highest === undefined ? undefined : String(BigInt(partsOf(highest)[0]!) + 1n);
  const clock = clockFor(form, highest);
  if (clock !== undefined) {
    const time = clock(now);
    return next === undefined || compareNumbers(next, time) < 0 ? time : next;
  }
  const widths = counted.map(({ number }) => (/^\d+/.exec(number) ?? [''])[0].length);
  const width = highest !== undefined && form.next === 'all' ? Math.max(...widths) : Math.max(form.digits, ...widths);
  return (next ?? form.first ?? '1').padStart(order === 'journal' ? Math.max(4, width) : width, '0');
}

/** The clock that a form's numbers come from; where its files are there, they tell whether they are times. */
function clockFor(form: (typeof forms)[Order], highest: string | undefined): ((now: Date) => string) | undefined {
  if (form.first === undefined && form.sort === 'text') return clocks[14];
  if (highest === undefined) return form.first === undefined ? clocks[form.digits] : undefined;
  return form.next === 'all' && form.sort !== 'journal' ? clocks[highest.length] : undefined;
}
