import { join } from 'node:path';
import { readMuseFile } from '../muse/muse-json.ts';
import type { RehearsalInput } from '../rehearsal/rehearse.ts';
import { kindOf } from '../shared/files.ts';
import { once } from '../shared/lazy.ts';
import type { Environment } from '../shared/muse-file.ts';
import { targetOf } from '../targets/open.ts';
import type { OpenTarget, Run } from './context.ts';
import { targetWork } from './target-work.ts';

/** Opens the target of a run; installs what Supabase has on a plain server only if that was asked for. */
export async function openTarget(run: Run): Promise<OpenTarget> {
  const { answers, cloud, dryRun, secrets, directory, environment, journal, onProgress, signal } = run;
  const target = targetOf(answers.target);
  const opened = await target.open(
    { directory, name: answers.environment, entry: await entryOf(run), environment },
    {
      url: secrets.databaseUrl,
      caFile: answers.databaseCa,
      cloud,
      signal,
      timeoutMs: answers.statementTimeoutMs,
      mustProve: journal.data.project?.settled === 'found',
      onNote: onProgress,
    },
  );
  try {
    const install = await target.preparePlatform(opened.database, answers.supabaseBaseline);
    if (!dryRun) await install();
  } catch (error) {
    await opened.database.close();
    throw error;
  }
  const work = targetWork(opened.database, answers.statementTimeoutMs);
  return { ...opened, ...work, close: () => opened.database.close() };
}

/**
 * What a rehearsal can ask the target. A project that is still to be made has what Supabase offers; a database in the muse's
 * directory has what the shadow has.
 */
export function offeredBy({ answers, target }: Run): Pick<RehearsalInput, 'targetExtensions'> {
  const { local, provisioned } = targetOf(answers.target);
  if (local) return {};
  if (provisioned)
    return {
      targetExtensions: once(async () => {
        const { extensionStubs } = await import('../database/extension-stubs/stubs.ts');
        return new Set(extensionStubs.map(({ extension }) => extension));
      }),
    };
  return {
    targetExtensions: once(async () =>
      (await import('../database/platform/install.ts')).offeredExtensions(await target()),
    ),
  };
}

/** The environment as it will be in `muse.json`, which exists only once the muse is in place. */
async function entryOf({ answers, directory, journal }: Run): Promise<Environment> {
  const isPlaced = (await kindOf(join(directory, 'muse.json'))) !== undefined;
  const known = isPlaced ? (await readMuseFile(directory)).environments[answers.environment] : undefined;
  const ref = journal.data.project?.ref;
  return { ...known, target: answers.target, ...(ref === undefined ? {} : { ref }) };
}
