import { loadPreset } from '../../scaffold/presets.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { ensureAdmin, grantRole } from '../../supabase/admin.ts';
import { openClient } from '../../supabase/client.ts';
import { configureAuth, ensureBuckets } from '../../supabase/configure.ts';
import { environmentValues } from '../../supabase/environment.ts';
import { readKeys } from '../../supabase/keys.ts';
import { makePassword } from '../../supabase/password.ts';
import { passwordOfProject } from '../../targets/cloud.ts';
import { refOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { type CreateContext, needed } from '../context.ts';
import { writeJournal } from '../journal.ts';
import { readVariables, updateVariables } from '../../targets/secrets-file.ts';
import type { Step } from '../step.ts';

type Used = Pick<
  CreateContext,
  'answers' | 'secrets' | 'adminPassword' | 'cloud' | 'connected' | 'directory' | 'environment' | 'journal' | 'museFile' | 'notes' | 'target'
>;

/** Keys into `.env.local`, Auth, buckets and the first admin; each of it does nothing where it is done already. */
export const configureStep: Step<Used> = {
  id: 'configure',
  title: 'Keys, Auth, buckets, admin',
  applies: ({ answers }) => targetOf(answers.target).provisioned,
  async run(context) {
    const { answers, cloud, directory, environment, journal } = context;
    const { http, settings } = await cloud();
    const ref = refOf(journal.data.project);
    const keys = await readKeys(http, ref);
    await context.target();
    const { endpoints, via } = needed(context.connected, 'The connection');
    const { siteUrl } = answers.supabase;
    const url = settings.projectUrl(ref);
    const password = await passwordOfProject(directory, answers.environment, environment);
    const values = environmentValues({ ref, url, keys, password, endpoints, directAnswers: via === 'direct', ...(siteUrl === undefined ? {} : { siteUrl }) });
    await fillIn(directory, answers.environment, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()])));
    await configureAuth(http, ref, siteUrl);
    const client = await openClient(url, keys.server);
    const presets = await Promise.all(needed(context.museFile, 'muse.json').presets.map(loadPreset));
    const buckets = presets.flatMap((preset) => preset.buckets);
    if (buckets.length > 0) await ensureBuckets(client, buckets, http.clock);
    const email = answers.supabase.adminEmail;
    if (email === undefined) return undefined;
    const project = needed(journal.data.project, 'The project');
    const again = project.adminBegun === true;
    project.adminBegun = true;
    await writeJournal(directory, journal);
    // Only a terminal can show a password once and forget it; anywhere else the admin is invited by mail.
    const shown = context.secrets.showPassword === true ? makePassword() : undefined;
    const admin = await ensureAdmin(
      client,
      { email, resetPassword: again, ...(shown === undefined ? {} : { password: shown }), ...(siteUrl === undefined ? {} : { redirectTo: siteUrl }) },
      http.clock,
    );
    if (shown !== undefined && (admin.created || again)) context.adminPassword = shown;
    const role = await grantRole(client, admin.userId, { table: 'user_roles', value: 'admin' }, http.clock);
    if (role === 'no-table') context.notes.push('The kit has no user_roles table, so the admin has no role in it.');
    if (shown === undefined) context.notes.push(`${email} was invited by mail.`);
    return `admin ${email}`;
  },
};

/** What every muse on Supabase has, whatever its kit's template names. */
const always = ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'SUPABASE_SERVICE_ROLE_KEY', 'DATABASE_URL', 'DIRECT_URL', 'SUPABASE_DB_PASSWORD'];

/** Writes the values of the variables that the app's file names, and of those that every muse has. */
async function fillIn(directory: string, name: EnvironmentName, values: Readonly<Record<string, string>>): Promise<void> {
  const names = new Set([...Object.keys(await readVariables(directory, 'development')), ...always]);
  await updateVariables(directory, name, Object.fromEntries(Object.entries(values).filter(([variable]) => names.has(variable))));
}
