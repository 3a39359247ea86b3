import type { Finding } from '../shared/finding.ts';
import { forms } from './forms.ts';
import type { Listed } from './listed.ts';
import { inFolder, isTime, numberOf, plainNumber, type Order } from './order.ts';

/**
 * The findings on the names of a folder's files: their form, duplicate numbers, gaps, files that a journal or plan does
 * not list, and entries without a file.
 * @param names paths below the folder, in the order in which they run
 * @param listed what the journal or plan lists
 */
export function namingFindings(
  folder: string,
  names: readonly string[],
  order: Order,
  listed: Pick<Listed, 'file' | 'tags'>,
): Finding[] {
  return [
    ...names.flatMap((name) => badName(folder, name, order)),
    ...skipped(folder, names, order),
    ...duplicates(folder, names, order),
    ...(forms[order].counted === true ? gaps(folder, names, order) : []),
    ...(listed.file === undefined ? [] : unlisted(folder, names, listed.file, listed.tags)),
  ];
}

function badName(folder: string, name: string, order: Order): Finding[] {
  if (numberOf(name, order) !== undefined || forms[order].unnumbered?.test(name) === true) return [];
  return [
    {
      rule: 'bad-file-name',
      severity: 'error',
      file: inFolder(folder, name),
      message: `The name does not say when the file runs: it would run after the numbered ones, in alphabetical order.`,
      suggestion: `Rename it to ${forms[order].wanted}; move it to another folder if it is not a migration.`,
    },
  ];
}

/** One finding for all the files of a folder that a tool skips. */
function skipped(folder: string, names: readonly string[], order: Order): Finding[] {
  const { skipped: by, wanted } = forms[order];
  const [first, ...more] = names.filter((name) => by?.name.test(name) === true);
  if (by === undefined || first === undefined) return [];
  const [what, it] = more.length === 0 ? ['the file that is', 'it'] : [`${more.length + 1} files that are`, 'them'];
  return [
    {
      rule: 'bad-file-name',
      severity: 'warning',
      file: inFolder(folder, first),
      message: `${by.by} skips ${what} not called ${wanted}; create-muse runs ${it} in the order of the numbers.`,
      suggestion: `Rename ${it}, if no database has applied ${it} yet.`,
    },
  ];
}

function duplicates(folder: string, names: readonly string[], order: Order): Finding[] {
  // Where nothing needs a number, the number is a part of the name like any other.
  if (forms[order].unnumbered !== undefined && forms[order].sort !== 'value') return [];
  const first = new Map<string, string>();
  return names.flatMap((name): Finding[] => {
    const number = numberOf(name, order);
    if (number === undefined) return [];
    const other = first.get(plainNumber(number));
    if (other === undefined) {
      first.set(plainNumber(number), name);
      return [];
    }
    return [
      {
        rule: 'duplicate-number',
        severity: 'error',
        file: inFolder(folder, name),
        message: `The number ${number} is taken by ${other}: only the rest of the name decides which runs first.`,
        suggestion: 'Rename one of them to the next free number.',
      },
    ];
  });
}

function gaps(folder: string, names: readonly string[], order: Order): Finding[] {
  const numbered = names.filter((name) => numberOf(name, order) !== undefined);
  return numbered.flatMap((name, index): Finding[] => {
    const previous = numbered[index - 1];
    if (previous === undefined) return [];
    if (isTime(numberOf(name, order)!)) return [];
    const [from, to] = [BigInt(numberOf(previous, order)!), BigInt(numberOf(name, order)!)];
    if (to - from <= 1n) return [];
    const missing = to - from === 2n ? `${from + 1n} is` : `${from + 1n} to ${to - 1n} are`;
    return [
      {
        rule: 'number-gap',
        severity: 'warning',
        file: inFolder(folder, name),
        message: `Between ${previous} and this file ${missing} missing: a file may have been lost.`,
        suggestion: 'Restore the missing file, or renumber the files that are applied nowhere.',
      },
    ];
  });
}

function unlisted(folder: string, names: readonly string[], list: string, tags: readonly string[]): Finding[] {
  const listed = new Set(tags.map((tag) => `${tag}.sql`));
  const present = new Set(names);
  return [
    ...names
      .filter((name) => !listed.has(name))
      .map((name): Finding => ({
        rule: 'bad-file-name',
        severity: 'warning',
        file: inFolder(folder, name),
        message: `${list} does not list the file: the kit's own tool never runs it, and create-muse runs it after the listed ones.`,
        suggestion: 'Add it to the list, or move it out of the folder.',
      })),
    ...[...listed]
      .filter((name) => !present.has(name))
      .map((name): Finding => ({
        rule: 'bad-file-name',
        severity: 'error',
        file: list,
        message: `${list} lists ${name}, but the file does not exist.`,
        suggestion: 'Restore the file, or remove its entry from the list.',
      })),
  ];
}
