import { dirname, join } from 'node:path';
import { listNames, readText } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';

/** What Drizzle's journal lists: the tags of the files, without `.sql`, in the order in which they run. */
export interface Journal {
  tags: string[];
  /** The journal itself, if it could be read. */
  file?: string;
  findings: Finding[];
}

/** One entry of a journal, as far as it is used here. */
export interface JournalEntry {
  idx: number;
  tag: string;
  /** When it was made, in ms; Drizzle runs what is younger than the last that a database has. */
  when?: number;
}

/** A journal as it stands on disk. */
export interface JournalFile {
  /** Path relative to the muse's directory, with `/`. */
  file: string;
  text: string;
  /** The other files in its folder, by name: Drizzle's snapshots. */
  beside: readonly string[];
}

/** Path of the journal of a folder of migrations. */
function journalOf(folder: string): string {
  return `${folder}/meta/_journal.json`;
}

/**
 * The journals of folders that have one, by folder.
 * @param root the muse's directory
 */
export async function readJournalFiles(root: string, folders: readonly string[]): Promise<Map<string, JournalFile>> {
  const found = new Map<string, JournalFile>();
  for (const folder of folders) {
    const file = journalOf(folder);
    const text = await readText(join(root, file));
    if (text !== undefined) found.set(folder, { file, text, beside: await listNames(dirname(join(root, file))) });
  }
  return found;
}

/** Reads `<folder>/meta/_journal.json`. None at all gives no tags; one that cannot be read is a finding. */
export async function readJournal(root: string, folder: string): Promise<Journal> {
  const file = journalOf(folder);
  const text = await readText(join(root, file));
  if (text === undefined) return { tags: [], findings: [] };
  const entries = entriesOf(text);
  if (entries === undefined) {
    return {
      tags: [],
      findings: [
        {
          rule: 'syntax-error',
          severity: 'error',
          file,
          line: 1,
          column: 1,
          message: 'The journal is not valid JSON with a list of entries, so the order of its files is unknown.',
          suggestion: 'Restore the journal from git, or write it again with `drizzle-kit generate`.',
        },
      ],
    };
  }
  return { tags: entries.sort((a, b) => a.idx - b.idx).map((entry) => entry.tag), file, findings: [] };
}

/** The entries of a journal as its text has them, in the order of the text; undefined if it is not a journal. */
export function entriesOf(text: string): JournalEntry[] | undefined {
  try {
    const { entries } = JSON.parse(text.replace(/^\uFEFF/, '')) as { entries?: unknown };
    if (!Array.isArray(entries)) return undefined;
    return entries.every((entry) => typeof entry?.idx === 'number' && typeof entry.tag === 'string')
      ? entries
      : undefined;
  } catch {
    return undefined;
  }
}
