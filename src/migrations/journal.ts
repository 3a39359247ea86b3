import { join } from 'node:path';
import { readText } from '../files.ts';
import type { Finding } from '../finding.ts';

/** What Drizzle's journal lists: the tags of the files, without `.sql`, in the order in which they run. */
export interface Journal {
  tags: string[];
  findings: Finding[];
}

/** Reads `<folder>/meta/_journal.json`. None at all gives no tags; one that cannot be read is a finding. */
export async function readJournal(root: string, folder: string): Promise<Journal> {
  const file = `${folder}/meta/_journal.json`;
  const text = await readText(join(root, file));
  if (text === undefined) return { tags: [], findings: [] };
  const entries = entriesOf(text);
  if (entries === undefined) {
    return {
      tags: [],
      findings: [{
        rule: 'syntax-error',
        severity: 'error',
        file,
        line: 1,
        column: 1,
        message: 'The journal is no JSON with a list of entries, so the order of its files is not known.',
        suggestion: 'Restore the journal from git, or write it again with `drizzle-kit generate`.',
      }],
    };
  }
  return { tags: entries.sort((a, b) => a.idx - b.idx).map((entry) => entry.tag), findings: [] };
}

function entriesOf(text: string): { idx: number; tag: string }[] | undefined {
  try {
    const { entries } = JSON.parse(text) as { entries?: unknown };
    if (!Array.isArray(entries)) return undefined;
    return entries.every((entry) => typeof entry?.idx === 'number' && typeof entry.tag === 'string') ? entries : undefined;
  } catch {
    return undefined;
  }
}
