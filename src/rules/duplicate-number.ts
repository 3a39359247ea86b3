import { entriesOf } from '../migrations/drizzle-journal.ts';
import type { JournalFile } from '../migrations/drizzle-journal.ts';
import type { Migration } from '../sql/migration.ts';
import { plainNumber } from '../migrations/order.ts';
import { listTag, renameTag } from './engine/fix/journal-entries.ts';
import type { FixResult, Left, Rename, Situation } from './engine/fix/fix.ts';
import { folderOf, type Move, renameOf } from './engine/fix/renumber.ts';
import type { Rule } from './engine/rule.ts';

/**
 * New numbers for the files that share one with an earlier file, and for the later files that have to move up to make
 * that possible.
 */
function raised(files: readonly Migration[]): Move[] {
  let previous = -1n;
  const moves: Move[] = [];
  for (const migration of files) {
    const own = BigInt(migration.number);
    const number = own > previous ? own : previous + 1n;
    if (number !== own) moves.push({ migration, number: String(number).padStart(migration.number.length, '0') });
    previous = number;
  }
  return moves;
}

function hasDuplicates(files: readonly Migration[]): boolean {
  return new Set(files.map(({ number }) => plainNumber(number))).size < files.length;
}

/**
 * Where Drizzle's journal lists files, those keep their numbers; every other file whose number is taken gets one after
 * the last.
 */
function raisedInJournal(files: readonly Migration[], listed: (migration: Migration) => boolean): Move[] {
  const inside = files.filter(listed);
  const moves = hasDuplicates(inside) ? raised(inside) : [];
  const taken = new Set(
    inside.map((migration) => BigInt(moves.find((move) => move.migration === migration)?.number ?? migration.number)),
  );
  for (const { number } of files) taken.add(BigInt(number));
  const seen = new Set(inside.map(({ number }) => BigInt(number)));
  for (const migration of files.filter((each) => !listed(each))) {
    const own = BigInt(migration.number);
    if (seen.has(own)) {
      const highest = [...taken].reduce((a, b) => (a > b ? a : b));
      moves.push({ migration, number: String(highest + 1n).padStart(migration.number.length, '0') });
      taken.add(highest + 1n);
    }
    seen.add(own);
  }
  return moves;
}

const tagOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1).replace(/\.(?:sql|pgsql)$/, '');

/** The journal with the new names, or a sentence that says why it cannot be updated. */
function follow(
  journal: JournalFile,
  files: readonly Migration[],
  moves: readonly Move[],
  renames: readonly Rename[],
): { text: string } | { why: string } {
  const entries = entriesOf(journal.text);
  if (entries === undefined || entries.length === 0)
    return { why: `${journal.file} has no entries to write a new name beside.` };
  const listed = new Set(entries.map(({ tag }) => tag));
  const loose = files.filter(({ file }) => !listed.has(tagOf(file)));
  const moved = new Set(moves.map(({ migration }) => migration));
  const lastLoose = loose.findLastIndex((migration) => moved.has(migration));
  const passed = loose.slice(0, lastLoose + 1).find((migration) => !moved.has(migration));
  if (passed !== undefined)
    return { why: `Entered in ${journal.file} it would run before ${passed.file}, which is not in it.` };
  let { text } = journal;
  for (const { from, to } of renames) {
    const snapshot = `${tagOf(from).split('_')[0]}_snapshot.json`;
    const isListed = listed.has(tagOf(from));
    if (isListed && journal.beside.includes(snapshot))
      return { why: `${journal.file} lists it, and which of the files ${snapshot} beside it belongs to is unknown.` };
    const next = isListed ? renameTag(text, tagOf(from), tagOf(to)) : listTag(text, tagOf(to));
    if (next === undefined) return { why: `${journal.file} is written in a form in which no entry can be changed.` };
    text = next;
  }
  return { text };
}

/**
 * Renumbers files that share a number, and as many of the later ones as necessary, without changing their order.
 * Drizzle's journal is updated too. Does nothing if a database already has one of the files that would be renumbered.
 */
function apply(situation: Situation): FixResult {
  const { migrations, applied, folders, journals } = situation;
  const renames: Rename[] = [];
  const left: Left[] = [];
  const others = new Map<string, string>();
  const byFolder = new Map<string, Migration[]>();
  for (const migration of migrations) {
    const folder = folderOf(migration.file);
    if (migration.number !== '') byFolder.set(folder, [...(byFolder.get(folder) ?? []), migration]);
  }
  for (const [folder, files] of byFolder) {
    if (!hasDuplicates(files)) continue;
    if (files.some(({ number }) => /\D/.test(number))) {
      const why = `The versions in ${folder} have several parts, so which number is free is for a person to choose.`;
      left.push({ rule: 'duplicate-number', file: files.at(-1)!.file, why });
      continue;
    }
    const journal = folders.order === 'journal' ? journals.get(folder) : undefined;
    const tags = new Set((journal === undefined ? undefined : entriesOf(journal.text))?.map(({ tag }) => tag));
    const moves =
      folders.order === 'journal' ? raisedInJournal(files, ({ file }) => tags.has(tagOf(file))) : raised(files);
    const leave = (why: string): void =>
      void left.push(...moves.map(({ migration: { file } }): Left => ({ rule: 'duplicate-number', file, why })));
    const had = moves.find(({ migration }) => applied.has(migration.file));
    if (had !== undefined) {
      leave(`${had.migration.file} would get another number, but a database already has it under this one.`);
      continue;
    }
    if (folders.order === 'timestamp' && new Set(files.map(({ number }) => number.length)).size > 1) {
      leave(`The numbers of ${folder} are of several lengths, so that a new one could change the order.`);
      continue;
    }
    const own = moves.map((move) => renameOf(situation, move));
    const followed = journal === undefined ? undefined : follow(journal, files, moves, own);
    if (followed !== undefined && 'why' in followed) {
      leave(followed.why);
      continue;
    }
    if (followed !== undefined) others.set(journal!.file, followed.text);
    renames.push(...own);
  }
  return { edits: [], renames, others, left };
}

export const rule: Rule = {
  name: 'duplicate-number',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'two files of a folder share a number',
  doc: {
    why:
      'Two files with the same number run in an arbitrary order, and the migration history cannot tell by the ' +
      'number which of them a database has applied.',
  },
  fix: { does: 'renumbers the ones that are applied nowhere', stage: 'files', apply },
};
