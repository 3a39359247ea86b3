/** What lists the migrations of a folder in the order in which they run: a journal, a plan, or what they need. */
import { join, posix } from 'node:path';
import { readText } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import { forms } from './forms.ts';
import type { Order } from './order.ts';
import { sqitchPlaces } from './sqitch-conf.ts';

/** The order of a folder's files as something lists it. */
export interface Listed {
  /** Paths below the folder without `.sql`, in their order. */
  tags: string[];
  /** The file that lists them, by which a file can be missing; relative to the muse's directory, with `/`. */
  file?: string;
  findings: Finding[];
}

const nothing: Listed = { tags: [], findings: [] };

/**
 * Reads what lists the migrations of a folder; nothing where its form has no list.
 * @param root the muse's directory
 * @param names paths of the migrations below the folder
 * @param textOf the text of one of them
 */
export async function readListed(
  root: string,
  folder: string,
  order: Order,
  names: readonly string[],
  textOf: (name: string) => string,
): Promise<Listed> {
  switch (forms[order].sort) {
    case 'journal': {
      const { readJournal } = await import('./drizzle-journal.ts');
      return readJournal(root, folder);
    }
    case 'plan':
      return readPlan(root, folder);
    case 'dependencies': {
      const { dependencyOrder } = await import('./dependency-order.ts');
      return dependencyOrder(root, folder, names, textOf);
    }
    default:
      return nothing;
  }
}

/**
 * The changes of the plan that a `sqitch.conf` further up names for a folder of deploy scripts; else of the `sqitch.plan` beside
 * it, or further up.
 * A line is a change, a `@tag`, a `%pragma` or a comment; a change that comes again was reworked, and its earlier script is
 * kept under the name of the next tag.
 */
async function readPlan(root: string, folder: string): Promise<Listed> {
  const isDeploy = posix.basename(folder) === 'deploy';
  for (let at = folder; at !== '.';) {
    at = posix.dirname(at);
    const conf = await readText(join(root, at, 'sqitch.conf'));
    const places = conf === undefined ? undefined : sqitchPlaces(conf, at);
    const named = places?.deploy === folder ? places.plan : undefined;
    for (const file of [named, isDeploy || at === posix.dirname(folder) ? posix.join(at, 'sqitch.plan') : undefined]) {
      const text = file === undefined ? undefined : await readText(join(root, file));
      if (text !== undefined) return { tags: plannedChanges(text), file: file!, findings: [] };
    }
  }
  return nothing;
}

/** The changes that the text of a `sqitch.plan` lists, in order, as their scripts are called. */
export function plannedChanges(text: string): string[] {
  const entries = text
    .split('\n')
    .map((line) => line.trim().replace(/^[+]\s*/, ''))
    .filter((line) => line !== '' && !/^[#%-]/.test(line))
    .map((line) => line.split(/\s/, 1)[0]!);
  return entries.flatMap((name, index) => {
    if (name.startsWith('@')) return [];
    const tag =
      entries.indexOf(name, index + 1) === -1 ? undefined : entries.slice(index).find((one) => one.startsWith('@'));
    return [`${name}${tag ?? ''}`];
  });
}
