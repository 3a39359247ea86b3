import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fillEnvironment } from '../../kit/environment-file.ts';
import { readEnvironmentTemplate, writeEnvironmentFile } from '../../kit/environment-write.ts';
import { writeMuseFiles } from '../../kit/muse-files.ts';
import { prune } from '../../kit/prune.ts';
import { recogniseLayout } from '../../kit/recognise.ts';
import { renameKit } from '../../kit/rename.ts';
import { parseKitSource } from '../../kit/source.ts';
import { readText } from '../../shared/files.ts';
import { readMigrations } from '../../migrations/read.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import type { Answers, Secrets } from '../answers.ts';
import { keepCertificate, takesCertificate } from '../../targets/certificate.ts';
import { targetOf } from '../../targets/open.ts';
import { type CreateContext, needed } from '../context.ts';
import { sessionOf } from '../tenancy.ts';
import { writeMuseFile } from '../../muse/muse-json.ts';
import type { Step } from '../step.ts';

/** Makes the clone the muse's own: rubbish out, names in, the kit's own product put aside, `muse.json` written. */
export const ownStep: Step<Pick<CreateContext, 'answers' | 'secrets' | 'stage' | 'kit' | 'kitFiles' | 'museFile' | 'notes'>> = {
  id: 'own',
  title: 'Make it your own',
  async run(context) {
    const { answers, stage } = context;
    const kit = needed(context.kit, 'The kit');
    const layout = await recogniseLayout(stage, { core: answers.core, extensions: answers.extensions });
    const pruned = await prune(stage, await pruneListOf(stage));
    context.kitFiles = await readMigrations(stage, layout.folders);
    const isolation = answers.tenancy ?? layout.isolation;
    const museFile: MuseFile = {
      version: 1,
      name: answers.name,
      kit: { source: parseKitSource(answers.kit).text, ...(answers.ref === undefined ? {} : { ref: answers.ref }), commit: kit.commit, layout: layout.id },
      migrations: layout.folders,
      isolation,
      ...(isolation === 'session' ? { session: sessionOf(context.kitFiles.migrations) } : {}),
      prefix: answers.prefix,
      presets: answers.presets,
      environments: { [answers.environment]: { target: answers.target, ...(await certificateFor(stage, answers)) } },
    };
    await renameKit(stage, answers.name);
    await writeMuseFile(stage, museFile);
    await writeMuseFiles(stage, museFile);
    const values = { SESSION_SECRET: randomBytes(32).toString('base64url'), ...databaseValues(context.secrets) };
    await writeEnvironmentFile(stage, '.env.local', fillEnvironment(await readEnvironmentTemplate(stage), values));
    context.museFile = museFile;
    for (const { id, folders } of layout.others ?? []) context.notes.push(`The kit also has ${folders.join(', ')} (${id}); its files are not run.`);
    return pruned.files > 0 ? `${pruned.files} files of no use pruned` : undefined;
  },
};

async function certificateFor(stage: string, { databaseCa, environment, target }: Answers): Promise<{ databaseCa?: string }> {
  return databaseCa === undefined || !takesCertificate(targetOf(target)) ? {} : { databaseCa: await keepCertificate(stage, environment, databaseCa) };
}

function databaseValues({ databaseUrl }: Secrets): Record<string, string> {
  return databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
}

/** What a kit that is itself a muse wants pruned besides the built-in list. */
async function pruneListOf(stage: string): Promise<string[]> {
  const text = await readText(join(stage, 'muse.json'));
  if (text === undefined) return [];
  try {
    const { prune: paths } = JSON.parse(text) as { prune?: unknown };
    return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [];
  } catch {
    // Another tool's file by that name: it is replaced by the muse's own.
    return [];
  }
}
