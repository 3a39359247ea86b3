import { loadPreset } from '../../scaffold/presets.ts';
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { ensureAdmin, grantRole } from '../../supabase/admin.ts';
import { openClient, readKeys } from '../../supabase/keys.ts';
import { configureAuth, ensureBuckets } from '../../supabase/configure.ts';
import { environmentValues } from '../../supabase/environment.ts';
import { makePassword, type Secret } from '../../supabase/secret.ts';
import { passwordOfProject } from '../../targets/cloud.ts';
import { refOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { readVariables, updateVariables } from '../../targets/secrets-file.ts';
import type { Answers } from '../answers.ts';
import type { Placed } from '../context.ts';
import { chosenProject } from '../journal.ts';
import type { Step } from '../step.ts';

/** Writes keys to `.env.local`, and sets up Auth, buckets and the first admin; does nothing twice. */
export const configureStep: Step<Placed, { adminPassword?: Secret }> = {
  id: 'configure',
  title: 'Configure keys, Auth, buckets and admin',
  applies: ({ target }) => targetOf(target).provisioned,
  async run({ answers, cloud, opened, directory, environment, journal, museFile, save, secrets }, output) {
    const { http, settings } = await cloud();
    const ref = refOf(journal.data.project);
    const keys = await readKeys(http, ref);
    const { connected } = await opened();
    if (connected === undefined) throw noEndpoints(answers);
    const { endpoints, via } = connected;
    const { siteUrl } = answers.supabase;
    const url = settings.projectUrl(ref);
    const password = await passwordOfProject(directory, answers.environment, environment);
    const values = environmentValues({
      ref,
      url,
      keys,
      password,
      endpoints,
      directAnswers: via === 'direct',
      ...(siteUrl === undefined ? {} : { siteUrl }),
    });
    await fillIn(
      directory,
      answers.environment,
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()])),
    );
    await configureAuth(http, ref, siteUrl);
    const client = await openClient(url, keys.server);
    const presets = await Promise.all(museFile.presets.map(loadPreset));
    const buckets = presets.flatMap((preset) => preset.buckets);
    if (buckets.length > 0) await ensureBuckets(client, buckets, http.clock);
    const email = answers.supabase.adminEmail;
    if (email === undefined) return {};
    // A run that stopped here may have made the admin with a password that nobody saw.
    const project = chosenProject(journal);
    const again = project.adminBegun === true;
    project.adminBegun = true;
    await save();
    // Only a terminal can show a password once and forget it; anywhere else the admin is invited by mail.
    const shown = secrets.showPassword === true ? makePassword() : undefined;
    const admin = await ensureAdmin(
      client,
      {
        email,
        resetPassword: again,
        ...(shown === undefined ? {} : { password: shown }),
        ...(siteUrl === undefined ? {} : { redirectTo: siteUrl }),
      },
      http.clock,
    );
    const role = await grantRole(client, admin.userId, { table: 'user_roles', value: 'admin' }, http.clock);
    if (role === 'no-table') output.notes.push('The kit has no user_roles table, so the admin has no role in it.');
    if (shown === undefined) output.notes.push(`${email} was invited by mail.`);
    output.summary = `admin ${email}`;
    return shown !== undefined && (admin.created || again) ? { adminPassword: shown } : {};
  },
};

function noEndpoints({ target }: Answers): MuseError {
  return new MuseError({
    code: 'bad-target',
    message: `The target ${target} has no API endpoints for the app to use.`,
    suggestion: 'Choose another target: --target supabase.',
  });
}

/** The variables that every muse on Supabase has, whatever its kit's template names. */
const always = [
  'NEXT_PUBLIC_SUPABASE_URL',
  'NEXT_PUBLIC_SUPABASE_ANON_KEY',
  'SUPABASE_SERVICE_ROLE_KEY',
  'DATABASE_URL',
  'DIRECT_URL',
  'SUPABASE_DB_PASSWORD',
];

/** Writes the values of the variables that the app's file names, and of those that every muse has. */
async function fillIn(
  directory: string,
  name: EnvironmentName,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const names = new Set([...Object.keys(await readVariables(directory, 'development')), ...always]);
  await updateVariables(
    directory,
    name,
    Object.fromEntries(Object.entries(values).filter(([variable]) => names.has(variable))),
  );
}
