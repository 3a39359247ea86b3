import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { readVariables, secretsFileOf, updateVariables } from './secrets-file.ts';
import { clockUntil } from '../supabase/clock.ts';
import { createHttp, type Http } from '../supabase/http.ts';
import { makePassword } from '../supabase/secret.ts';
import { type Secret, secret } from '../supabase/secret.ts';
import { readSettings, type SupabaseSettings } from '../supabase/settings.ts';

/** A connection to Supabase: its addresses, and the Management API with the token. */
export interface Cloud {
  settings: SupabaseSettings;
  http: Http;
}

const passwordVariable = 'SUPABASE_DB_PASSWORD';

/**
 * Prepares the connection to Supabase; sends nothing.
 * @param signal ends every wait and every request in progress
 * @param onAgain called with a message when a request is sent again: why
 * @throws MuseError `bad-token-missing`, `bad-token`, `bad-profile`, `bad-url`
 */
export async function openCloud(
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
  onAgain?: (text: string) => void,
): Promise<Cloud> {
  const settings = await readSettings(environment);
  const stop = signal === undefined ? {} : { clock: clockUntil(signal), signal };
  return {
    settings,
    http: createHttp({
      baseUrl: settings.apiUrl,
      token: settings.token,
      ...stop,
      ...(onAgain === undefined ? {} : { onAgain }),
    }),
  };
}

/**
 * The database password of the project that is about to be created: what an earlier run wrote into the secrets file, else
 * the given one or a new one, written there before any request to Supabase.
 */
export async function passwordForNewProject(directory: string, name: EnvironmentName, given?: string): Promise<Secret> {
  const known = (await readVariables(directory, name))[passwordVariable];
  if (known !== undefined && known !== '') return secret(known);
  const password = given === undefined ? makePassword() : secret(given);
  await updateVariables(directory, name, { [passwordVariable]: password.reveal() });
  return password;
}

/**
 * The database password of an existing project.
 * @param environment variables of the process, for what is not in the file
 * @throws MuseError `bad-password-missing`
 */
export async function passwordOfProject(
  directory: string,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
): Promise<Secret> {
  const known = (await readVariables(directory, name))[passwordVariable] || environment[passwordVariable];
  if (known !== undefined && known !== '') return secret(known);
  throw new MuseError({
    code: 'bad-password-missing',
    message: `The database password is missing: ${passwordVariable} is neither in ${secretsFileOf(name)} nor in the environment.`,
    suggestion: `Set ${passwordVariable}. If you don't know it, reset it in the dashboard under Database settings.`,
  });
}
