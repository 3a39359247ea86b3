/** Plans what `--fix` changes, in a clone and in a muse alike, so that every change can be shown before it is made. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../../database/database.ts';
import type { Finding } from '../../shared/finding.ts';
import { packageDirectory } from '../../kit/builtin.ts';
import { entriesOf, readJournalFiles } from '../../migrations/drizzle-journal.ts';
import { forms } from '../../migrations/forms.ts';
import { belowFolder } from '../../migrations/order.ts';
import { namingFindings } from '../../migrations/naming.ts';
import { isMigration, type MigrationFiles } from '../../migrations/read.ts';
import { fileText } from '../../migrations/sections.ts';
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { Decision, Left } from '../../rules/engine/fix/fix.ts';
import type { AccessReport } from '../../rules/engine/fix/guard.ts';
import { mergeFindings } from '../../rules/engine/merge.ts';
import { foldConsequences } from '../../rules/engine/root-causes.ts';
import { type Repair, repair } from '../../rules/registry.ts';
import type { Lazy } from '../../shared/lazy.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import { followNames } from './file-names.ts';
import { type LatestRehearsal, openTrials, type TrialOptions } from './trials.ts';

/** The repair of one rule: what it changes in the directory. Texts by path, with `/`. */
export interface Change {
  rule: string;
  /** The complete old text of each existing file. */
  before: Map<string, string>;
  /** The complete new text of each file that exists afterwards. */
  after: Map<string, string>;
  /** The parts of it that change who may do what. */
  decisions: Decision[];
}

/** What can be fixed; nothing is written yet. */
export interface FixPlan {
  /** In the order in which they are made; each builds on those before it. */
  changes: Change[];
  /** The findings that remain after the changes. */
  findings: Finding[];
  silenced: number;
  /** The changes of access, and the repairs left out because they would widen access. */
  access: AccessReport;
  /** The files as they are after the changes. */
  files: MigrationFiles;
  /** The findings that stay although their rule has a fix, with the reason. */
  left: readonly Left[];
  /** A sentence for each of those, and for names that could not follow a file's. */
  notes: string[];
  /** The last rehearsal, whose database is the shadow that is open; of the files after the changes only where they are the same. */
  rehearsal: LatestRehearsal | undefined;
}

/** How fixes are planned. */
export interface PlanOptions extends Pick<TrialOptions, 'targetExtensions'> {
  signal: AbortSignal;
  /** Migrations that are applied to a known database: never edited. */
  applied?: ReadonlySet<string>;
  /** Opens a shadow database, and again where it is closed; the last one stays open. */
  shadow: Lazy<Database>;
  onProgress?(text: string): void;
  /** Says whether a repair may widen access, asked once for each table; absent: never. */
  mayWiden?(changes: readonly AccessChange[]): boolean | Promise<boolean>;
}

/**
 * Plans what can be fixed in migrations: lints and rehearses them again until nothing changes. Writes nothing.
 * @param root the directory that the files are in
 * @throws MuseError where the shadow database cannot be opened
 */
export async function planFixes(
  root: string,
  museFile: Pick<MuseFile, 'kit' | 'migrations' | 'rules'>,
  files: MigrationFiles,
  options: PlanOptions,
): Promise<FixPlan> {
  const { kit, migrations: folders, rules: severities } = museFile;
  const trials = openTrials(options);
  const journals = await readJournalFiles(root, [...folders.core, ...folders.extensions]);
  const repaired = await repair({
    ...files,
    folders,
    journals,
    kit: kitName(kit.source),
    builtin: await builtinCore(),
    ...(options.applied === undefined ? {} : { applied: options.applied }),
    ...(severities === undefined ? {} : { severities }),
    ...trials,
    ...(options.mayWiden === undefined ? {} : { mayWiden: options.mayWiden }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress.bind(options) }),
  });
  const current = new Map([
    ...[...files.rollbacks.values()].map(({ file, sql }): [string, string] => [file, sql]),
    // After the rollbacks, one of which may be a section of the migration's own file.
    ...files.migrations.map((migration): [string, string] => [migration.file, fileText(migration)]),
    ...[...journals.values()].map(({ file, text }): [string, string] => [file, text]),
  ]);
  const notes = repaired.left.map(leftText);
  const changes: Change[] = [];
  for (const { rule, files: texts, removed, renamed, decisions } of repaired.classes) {
    const followed = await followNames(root, renamed, current);
    notes.push(...followed.notes);
    const after = new Map([...texts, ...followed.texts]);
    for (const [path, text] of followed.before) current.set(path, text);
    const before = new Map(
      [...after.keys(), ...removed].flatMap((path) => (current.has(path) ? [[path, current.get(path)!] as const] : [])),
    );
    for (const path of removed) current.delete(path);
    for (const [path, text] of after) current.set(path, text);
    changes.push({ rule, before, after, decisions });
  }
  const read = namesWrong(files, repaired, museFile);
  return {
    changes,
    findings: foldConsequences(mergeFindings([read, repaired.remaining])),
    files: {
      migrations: repaired.migrations,
      rollbacks: new Map(repaired.rollbacks),
      unreadable: files.unreadable,
      findings: read,
    },
    silenced: repaired.silenced,
    access: repaired.access,
    left: repaired.left,
    notes,
    rehearsal: trials.latest(),
  };
}

/** Why a finding stays, as a sentence. */
export function leftText({ rule, file, why }: Left): string {
  return `${file} keeps its ${rule}: ${why}`;
}

/** The findings from reading the files, with those on file names as they are now. */
function namesWrong(
  { findings }: MigrationFiles,
  { migrations, journals }: Repair,
  { migrations: folders }: Pick<MuseFile, 'migrations'>,
): Finding[] {
  // No repair renames what a plan lists.
  if (forms[folders.order].sort === 'plan') return findings;
  const naming = new Set<string>(['bad-file-name', 'duplicate-number', 'number-gap']);
  const read = findings.filter(({ rule }) => !naming.has(rule));
  const unread = read.flatMap(({ file }) =>
    file === undefined || migrations.some((migration) => migration.file === file) ? [] : [file],
  );
  const all = [...migrations.map(({ file }) => file), ...unread.filter((file) => /\.(?:sql|pgsql)$/.test(file))];
  return [
    ...read,
    ...[...new Set([...folders.core, ...folders.extensions])].flatMap((folder) => {
      const names = all
        .flatMap((file) => belowFolder(folder, file) ?? [])
        .filter((name) => isMigration(name, folders.order));
      const journal = folders.order === 'journal' ? journals.get(folder) : undefined;
      const tags = entriesOf(journal?.text ?? '')?.map(({ tag }) => tag);
      const list = tags === undefined ? { tags: [] } : { tags, file: journal!.file };
      return namingFindings(folder, names, folders.order, list);
    }),
  ];
}

/** The built-in core, the source of tables that kits use and do not create. */
async function builtinCore(): Promise<{ file: string; sql: string }[]> {
  const folder = join(packageDirectory, 'templates', 'musekit', 'migrations', 'core');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map(async (name) => ({ file: name, sql: await readFile(join(folder, name), 'utf8') })));
}

/** The last word of a source: `master-saas-muse` of `SpeckledDarth/master-saas-muse`. */
function kitName(source: string): string {
  const last =
    source
      .replace(/\.git$|[\\/]+$/g, '')
      .split(/[\\/:]/)
      .at(-1) ?? '';
  return (
    last
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toLowerCase() || 'kit'
  );
}
