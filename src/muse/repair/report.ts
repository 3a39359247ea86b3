/** `docs/REPAIRS.md` of a muse: what its repairs decided, how that changed access, and how to undo it. */
import { join } from 'node:path';
import { inside, readText, writeWhole } from '../../shared/files.ts';
import { markdownCode } from '../../shared/text.ts';
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { AccessReport } from '../../rules/engine/fix/guard.ts';
import type { Change } from './repair.ts';

/** Path of the list of repairs in a muse. */
export const repairsFile = 'docs/REPAIRS.md';

/** The message of the commit that lists repairs. */
export const listMessage = `List the repairs in ${repairsFile}`;

/** A class of repair as it was made. */
export interface MadeChange extends Pick<Change, 'rule' | 'decisions'> {
  /** 40 hex, where it was committed. */
  commit?: string | undefined;
}

const opening = [
  '# Repairs',
  '',
  "The changes that `--fix` made to this product's migrations, and how they changed access. Each was decided by a name, a",
  'comment, a grant or columns: review it before you rely on it. Each class of repair is one commit, and the command below its',
  'heading undoes it.',
].join('\n');
const leftOut = '## Left out';

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  rows.length === 0 ? [] : ['', row(head), row(head.map(() => '---')), ...rows.map(row)];

function accessRow({ actor, verb, table: object, before, after, consequence = '' }: AccessChange): string[] {
  return [actor, verb, object, before, after]
    .map(markdownCode)
    .concat(consequence === '' ? '' : markdownCode(consequence));
}

function section({ rule, decisions, commit }: MadeChange, { widened, narrowed }: AccessReport): string[] {
  const own = [...widened, ...narrowed].filter((change) => change.rule === rule);
  if (decisions.length + own.length === 0) return [];
  return [
    '',
    `## ${rule}`,
    '',
    commit === undefined ? 'Not committed: undo it in your editor.' : `Undo it: \`git revert ${commit}\``,
    ...table(
      ['file', 'what', 'before', 'after', 'why'],
      decisions.map(({ file, object, before, after, reason }) =>
        [file, object, before, after, reason].map(markdownCode),
      ),
    ),
    ...table(['who', 'may', 'what', 'before', 'after', 'so'], own.map(accessRow)),
  ];
}

function withheldSection({ withheld }: AccessReport): string[] {
  if (withheld.length === 0) return [];
  return [
    '',
    leftOut,
    '',
    'These repairs would widen access. To make them: `muse lint --fix --allow-widening`',
    ...table(['who', 'would', 'what', 'before', 'after', 'so'], withheld.map(accessRow)),
  ];
}

/**
 * The list of repairs, with those of one run added.
 * @param previous what it held before; undefined for none
 * @returns undefined where the run has nothing to add
 */
function repairsText(
  previous: string | undefined,
  changes: readonly MadeChange[],
  access: AccessReport,
): string | undefined {
  const made = changes.flatMap((change, index) =>
    section(
      change,
      changes.findIndex(({ rule }) => rule === change.rule) === index
        ? access
        : { widened: [], narrowed: [], withheld: [] },
    ),
  );
  const last = withheldSection(access);
  if (made.length + last.length === 0) return undefined;
  // Each run tries again what an earlier run left out: only the last list is current.
  const kept = (previous ?? opening).split(`\n${leftOut}\n`)[0]!.trimEnd();
  return `${[kept, ...made, ...last].join('\n').trimEnd()}\n`;
}

/**
 * Adds the repairs of a run to the list in a directory.
 * @returns the path of the list, where it changed
 */
export async function writeRepairs(
  root: string,
  changes: readonly MadeChange[],
  access: AccessReport,
): Promise<string | undefined> {
  const previous = await readText(join(root, repairsFile));
  const text = repairsText(previous, changes, access);
  if (text === undefined || text === previous) return undefined;
  await writeWhole(await inside(root, repairsFile), text);
  return repairsFile;
}
