import type { Finding } from '../shared/finding.ts';
import { numberOf, plainNumber, type Order } from './order.ts';

const wantedForm: Record<Order, string> = {
  number: 'NNN_name.sql, e.g. 004_invoices.sql',
  timestamp: '<14 digits>_name.sql, e.g. 20260131120000_invoices.sql',
  journal: 'NNNN_name.sql, e.g. 0004_invoices.sql',
};

/**
 * The findings on the names of a folder's files: their form, duplicate numbers, gaps, files that a journal does not list,
 * and entries without a file.
 * @param names in the order in which they run
 * @param tags what the journal lists
 */
export function namingFindings(
  folder: string,
  names: readonly string[],
  order: Order,
  tags: readonly string[],
): Finding[] {
  return [
    ...names.flatMap((name) => badName(folder, name, order)),
    ...duplicates(folder, names),
    ...(order === 'number' ? gaps(folder, names) : []),
    ...(order === 'journal' ? unlisted(folder, names, tags) : []),
  ];
}

function badName(folder: string, name: string, order: Order): Finding[] {
  if (numberOf(name) !== undefined) return [];
  return [
    {
      rule: 'bad-file-name',
      severity: 'error',
      file: `${folder}/${name}`,
      message: `The name does not say when the file runs: it would run after the numbered ones, in alphabetical order.`,
      suggestion: `Rename it to ${wantedForm[order]}; move it to another folder if it is not a migration.`,
    },
  ];
}

function duplicates(folder: string, names: readonly string[]): Finding[] {
  const first = new Map<string, string>();
  return names.flatMap((name): Finding[] => {
    const number = numberOf(name);
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
        file: `${folder}/${name}`,
        message: `The number ${number} is taken by ${other}: only the rest of the name decides which runs first.`,
        suggestion: 'Rename one of them to the next free number.',
      },
    ];
  });
}

function gaps(folder: string, names: readonly string[]): Finding[] {
  const numbered = names.filter((name) => numberOf(name) !== undefined);
  return numbered.flatMap((name, index): Finding[] => {
    const previous = numbered[index - 1];
    if (previous === undefined) return [];
    const [from, to] = [BigInt(numberOf(previous)!), BigInt(numberOf(name)!)];
    if (to - from <= 1n) return [];
    const missing = to - from === 2n ? `${from + 1n} is` : `${from + 1n} to ${to - 1n} are`;
    return [
      {
        rule: 'number-gap',
        severity: 'warning',
        file: `${folder}/${name}`,
        message: `Between ${previous} and this file ${missing} missing: a file may have been lost.`,
        suggestion: 'Restore the missing file, or renumber the files that are applied nowhere.',
      },
    ];
  });
}

function unlisted(folder: string, names: readonly string[], tags: readonly string[]): Finding[] {
  const listed = new Set(tags.map((tag) => `${tag}.sql`));
  const present = new Set(names);
  const journal = `${folder}/meta/_journal.json`;
  return [
    ...names
      .filter((name) => !listed.has(name))
      .map((name): Finding => ({
        rule: 'bad-file-name',
        severity: 'warning',
        file: `${folder}/${name}`,
        message: `${journal} does not list the file: Drizzle never runs it, and create-muse runs it after the listed ones.`,
        suggestion: 'Add it to the journal, or move it out of the folder.',
      })),
    ...[...listed]
      .filter((name) => !present.has(name))
      .map((name): Finding => ({
        rule: 'bad-file-name',
        severity: 'error',
        file: journal,
        message: `The journal lists ${name}, but the file does not exist.`,
        suggestion: 'Restore the file, or remove its entry from the journal.',
      })),
  ];
}
