import { MuseError } from '../shared/error.ts';
import { listOrganizations } from '../supabase/api.ts';
import { listRegionChoices } from '../supabase/preflight.ts';
import { openCloud } from './cloud.ts';

/** Something to choose from, as a prompt shows it. */
export interface CloudChoice {
  value: string;
  name: string;
}

/**
 * The organizations that the token can see.
 * @throws MuseError `bad-token-missing` and the like, and what the API refuses
 */
export async function organizationChoices(environment: NodeJS.ProcessEnv): Promise<CloudChoice[]> {
  const { http } = await openCloud(environment);
  return (await listOrganizations(http)).map(({ slug, name }) => ({
    value: slug,
    name: name === slug ? name : `${name} (${slug})`,
  }));
}

/** The regions that an organization can choose, the recommended ones first. */
export async function regionChoices(environment: NodeJS.ProcessEnv, organization: string): Promise<CloudChoice[]> {
  const { http } = await openCloud(environment);
  return (await listRegionChoices(http, organization)).map(({ code, name, recommended }) => ({
    value: code,
    name: `${name} (${code})${recommended ? ', recommended' : ''}`,
  }));
}

/** Why a Supabase project cannot be created from here, before anything is sent; undefined where a token is set. */
export async function missingToken(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    await openCloud(environment);
    return undefined;
  } catch (error) {
    if (!(error instanceof MuseError)) throw error;
    return error.code === 'bad-token-missing' ? 'set SUPABASE_ACCESS_TOKEN first' : error.message;
  }
}

/** What a server that is to hold a muse's database is like. */
export interface ServerFacts {
  /** It lacks what every Supabase project has, which can be installed there. */
  plain: boolean;
}

/**
 * Connects to a database once, to see that it can be used.
 * @param url a secret: no error has it
 * @throws MuseError what connecting throws; `baseline-missing` where it is a plain server and cannot get the baseline
 */
export async function checkServer(url: string, signal?: AbortSignal): Promise<ServerFacts> {
  const [{ openPostgres }, { baselineObstacles, platformPresent }] = await Promise.all([
    import('../database/postgres/postgres.ts'),
    import('../database/platform/install.ts'),
  ]);
  const database = await openPostgres({ url, signal });
  try {
    if (await platformPresent(database)) return { plain: false };
    const [obstacle] = await baselineObstacles(database);
    if (obstacle === undefined) return { plain: true };
    throw new MuseError({
      code: 'baseline-missing',
      message: `It lacks what Supabase has, and that cannot be installed there. ${obstacle}`,
      suggestion: 'Use another database.',
    });
  } finally {
    await database.close();
  }
}
