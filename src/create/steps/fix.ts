import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbedded } from '../../database/embedded/embedded.ts';
import { inside, writeWhole } from '../../files.ts';
import type { Finding } from '../../finding.ts';
import { packageDirectory } from '../../kit/builtin.ts';
import { addAll, commitIndex, initRepository } from '../../kit/git.ts';
import { type Repair, repair } from '../../migrations/repair/repair.ts';
import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import { rehearse } from '../../migrations/rehearse.ts';
import { type CreateContext, needed } from '../context.ts';
import { rules } from '../../rules.ts';
import type { Step } from '../step.ts';

/**
 * Mends the kit in the clone: first the kit as it came is committed, then each class of repair on its own, so that its
 * owner can read them and send them upstream.
 */
export const fixStep: Step<Pick<CreateContext, 'answers' | 'environment' | 'journal' | 'museFile' | 'notes' | 'onProgress' | 'signal' | 'stage'>> = {
  id: 'fix',
  title: 'Mend the kit',
  applies: ({ answers }) => answers.fix,
  async run({ answers, environment, journal, museFile, notes, onProgress, signal, stage }) {
    const { kit, migrations: folders, rules: severities } = needed(museFile, 'muse.json');
    const git = { environment, signal };
    if (answers.git) {
      await initRepository(stage, git);
      await addAll(stage, journal.data.ignored ?? [], git);
      await commitIndex(stage, `Take ${kit.source} as it is\n\nKit commit: ${kit.commit}`, git);
    }
    const files = await readMigrations(stage, folders);
    const mended = await repair({
      ...files,
      folders,
      kit: kitName(kit.source),
      builtin: await builtinCore(),
      ...(severities === undefined ? {} : { severities }),
      rehearse: (migrations, rollbacks) => {
        signal.throwIfAborted();
        onProgress?.('rehearsing what was mended');
        return rehearsed({ ...files, migrations: [...migrations], rollbacks: new Map(rollbacks) });
      },
    });
    for (const { rule, files: texts, removed } of mended.classes) {
      for (const [path, text] of texts) await writeWhole(await inside(stage, path), text);
      // A file that got another number is under its new name by now.
      for (const path of removed) await rm(await inside(stage, path), { force: true });
      if (!answers.git) continue;
      await addAll(stage, journal.data.ignored ?? [], git);
      await commitIndex(stage, `Mend ${rule}\n\n${rules[rule].means}.\n\n${[...texts.keys()].join('\n')}`, git);
    }
    journal.data.repairs = { classes: mended.classes.map(({ rule, files: texts }) => ({ rule, files: [...texts.keys()] })), decisions: mended.decisions };
    if (mended.decisions.length > 0) {
      await writeWhole(await inside(stage, 'docs/REPAIRS.md'), describeDecisions(mended));
      notes.push(`${mended.decisions.length} repairs change who may do what: docs/REPAIRS.md lists each, before and after.`);
    }
    const count = new Set(mended.classes.flatMap(({ files: texts }) => [...texts.keys()])).size;
    return `${count} files, ${new Set(mended.classes.map(({ rule }) => rule)).size} classes`;
  },
};

/** Tables that kits use and do not make come from here. */
async function builtinCore(): Promise<{ file: string; sql: string }[]> {
  const folder = join(packageDirectory, 'templates', 'musekit', 'migrations', 'core');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map(async (name) => ({ file: name, sql: await readFile(join(folder, name), 'utf8') })));
}

async function rehearsed({ migrations, rollbacks }: MigrationFiles): Promise<Finding[]> {
  const database = await openEmbedded();
  try {
    const own = migrations.filter(({ layer, file }) => layer === 'extension' && rollbacks.has(file)).map(({ file }) => file);
    return (await rehearse(database, { migrations, rollbacks, own })).findings;
  } finally {
    await database.close();
  }
}

/** The last word of a source: `master-saas-muse` of `SpeckledDarth/master-saas-muse`. */
function kitName(source: string): string {
  const last = source.replace(/\.git$|[\\/]+$/g, '').split(/[\\/:]/).at(-1) ?? '';
  return last.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '').toLowerCase() || 'kit';
}

function describeDecisions({ decisions }: Repair): string {
  const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replace(/\s+/g, ' ');
  const rows = decisions.map(({ file, object, before, after, reason }) => `| ${[file, object, before, after, reason].map(cell).join(' | ')} |`);
  return [
    '# Repairs that change who may do what',
    '',
    'Each was decided by the name, the comment or the columns of what it is about. Read them before you trust them.',
    '',
    '| file | what | before | after | why |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
