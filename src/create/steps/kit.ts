import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Archived, archiveExtensions } from '../../kit/archive.ts';
import { ownVersion } from '../../kit/builtin.ts';
import { fetchKit } from '../../kit/fetch.ts';
import { leaveOutModules } from '../../kit/modules.ts';
import { prune } from '../../kit/prune.ts';
import { type Layout, type Offered, recognizeLayout } from '../../kit/recognize.ts';
import { renameKit } from '../../kit/rename.ts';
import { parseKitSource } from '../../kit/source.ts';
import { readMigrations } from '../../migrations/read.ts';
import { readText } from '../../shared/files.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import { shellPath } from '../../shared/shell.ts';
import { counted } from '../../shared/printable.ts';
import type { Configured, Fetched, Run } from '../context.ts';
import { targetOf } from '../../targets/open.ts';
import { answerOf, type Step } from '../step.ts';
import { sessionOf } from '../tenancy.ts';

/** Fetches the kit into the stage, at the commit that an earlier attempt of this run fetched, if there was one. */
export const fetchStep: Step<Run, Pick<Fetched, 'kit'>> = {
  id: 'kit',
  title: 'Fetch the kit',
  async run({ answers, directory, dryRun, stage, signal, journal, environment }, output) {
    // What a crash left here was made by this run alone: the stage, and a local target that may be half-made.
    await rm(stage, { recursive: true, force: true });
    if (!dryRun) await dropLocal({ answers, directory, environment });
    delete journal.data.ahead;
    const asked = parseKitSource(answers.kit, answers.ref);
    const source =
      asked.kind === 'builtin' || journal.data.commit === undefined ? asked : { ...asked, ref: journal.data.commit };
    const kit = await fetchKit(source, stage, { signal, environment });
    if (source.kind !== 'builtin') journal.data.commit = kit.commit;
    journal.data.ignored = kit.ignored;
    if (kit.remoteUrl !== undefined) journal.data.upstream = kit.remoteUrl;
    output.notes.push(...kit.notes.map((note) => note.message));
    output.summary = kit.commit.length === 40 ? kit.commit.slice(0, 12) : kit.commit;
    return { kit };
  },
};

async function dropLocal({ answers, directory, environment }: Pick<Run, 'answers' | 'directory' | 'environment'>) {
  const target = targetOf(answers.target);
  const place = { directory, name: answers.environment, entry: { target: answers.target }, environment };
  if (target.local && (await target.exists(place))) await target.drop?.(place);
}

/** Makes the clone the product's own: prunes it and renames it. Its settings are known then, and not written yet. */
export const renameStep: Step<Fetched, Required<Pick<Configured, 'museFile' | 'kitFiles'>>> = {
  id: 'own',
  title: 'Rename and configure',
  async run({ answers, choose, journal, kit, stage }, output) {
    const layout = await recognizeLayout(
      stage,
      { core: answers.core, extensions: answers.extensions },
      async (offered) => {
        const before = offered.findIndex(({ core }) => core[0] === journal.data.core);
        if (before !== -1 || choose === undefined) return Math.max(before, 0);
        const index = await answerOf(() => choose(layoutQuestion, offered.map(choiceOf)));
        journal.data.core = offered[index]!.core[0]!;
        return index;
      },
    );
    const pruned = await prune(stage, await pruneListOf(stage));
    await leaveOutModules(stage, answers.without ?? []);
    const kitFiles = await readMigrations(stage, layout.folders);
    const isolation = answers.tenancy ?? layout.isolation;
    const museFile: MuseFile = {
      version: 1,
      name: answers.name,
      kit: {
        source: parseKitSource(answers.kit).text,
        ...(answers.ref === undefined ? {} : { ref: answers.ref }),
        commit: kit.commit,
        tool: await ownVersion(),
        layout: layout.id,
      },
      migrations: layout.folders,
      isolation,
      ...(isolation === 'session' ? { session: sessionOf(kitFiles.migrations) } : {}),
      prefix: answers.prefix,
      presets: answers.presets,
      ...(answers.without === undefined ? {} : { without: answers.without }),
      environments: { [answers.environment]: { target: answers.target } },
    };
    await renameKit(stage, answers.name);
    output.notes.push(...layoutNotes(layout, kitFiles.migrations.length));
    if (pruned.files > 0) output.summary = `${counted(pruned.files, 'unneeded file')} removed`;
    return { museFile, kitFiles };
  },
};

const layoutQuestion = 'The kit has several folders of migrations. Which one does the product run?';

function choiceOf({ core, title, files }: Offered): string {
  return `${core.join(', ')}: ${counted(files, 'file')} (${title})`;
}

/** What is among the kit's migrations and is not run. */
function layoutNotes({ folders, others = [], notes: more = [] }: Layout, files: number): string[] {
  const notes = others.map(({ id, folders: other, files: count, foreign }) => {
    const named = `The kit also has ${other.join(', ')} (${id}, ${counted(count, 'file')})`;
    if (foreign !== undefined) return `${named}, which are ${foreign} and are not run.`;
    const taken = `${folders.core.join(', ')} has ${counted(files, 'file')}`;
    return `${named}, which are not run; ${taken}. To run them instead: --core ${shellPath(other[0]!)}`;
  });
  return [...notes, ...more];
}

/** What a kit that is itself a muse wants removed in addition to the built-in list. */
async function pruneListOf(stage: string): Promise<string[]> {
  const text = await readText(join(stage, 'muse.json'));
  if (text === undefined) return [];
  try {
    const { prune: paths } = JSON.parse(text) as { prune?: unknown };
    return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [];
  } catch {
    // Another tool's file by that name: the muse's own replaces it.
    return [];
  }
}

/** The kit's own extension migrations that were moved, where they are archived. */
export interface Moved {
  archived?: Archived[];
}

/** Moves the kit's own extension migrations, which are another product's tables, to the archive. */
export const archiveStep: Step<Configured, Moved> = {
  id: 'archive',
  title: "Archive the kit's extensions",
  applies: ({ kitExtensions }) => kitExtensions === 'archive',
  async run({ museFile: { migrations }, stage }, output) {
    const archived = await archiveExtensions(stage, migrations);
    if (archived.length > 0) {
      const are = archived.length === 1 ? 'is' : 'are';
      output.notes.push(`${counted(archived.length, 'extension file')} of the kit ${are} in ${migrations.archive}/.`);
      output.summary = counted(archived.length, 'file');
    }
    return { archived };
  },
};
