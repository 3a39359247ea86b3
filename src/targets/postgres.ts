import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { certificateOf } from './certificate.ts';
import { readVariables, secretsFileOf } from './secrets-file.ts';
import { certificateSetting, type Place, type Target } from './target.ts';

/** An existing PostgreSQL server, reached by its URL. */
export const target: Target = {
  title: 'PostgreSQL',
  about: 'any server, by its URL',
  settings: {
    urlVariable: {
      about:
        'The variable that holds the URL of the database, in the secrets file or in the environment. Default: DATABASE_URL.',
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      shape: 'the name of an environment variable, e.g. DATABASE_URL',
    },
    databaseCa: certificateSetting,
  },
  secrets: ['DATABASE_URL'],
  local: false,
  provisioned: false,
  needsUrl: true,
  publicApi: false,
  async open(place, { url, caFile, signal, timeoutMs } = {}) {
    const { openPostgres } = await import('../database/postgres/postgres.ts');
    return {
      database: await openPostgres({
        url: url ?? (await databaseUrl(place)),
        ...certificateOf(place, caFile),
        signal,
        timeoutMs,
      }),
    };
  },
  exists: () => Promise.resolve(true),
  async preparePlatform(database, wanted) {
    const { baselineObstacles, installPlatform, platformPresent } = await import('../database/platform/install.ts');
    if (await platformPresent(database)) return () => Promise.resolve();
    if (!wanted) throw plainServer(database, await baselineObstacles(database));
    return async () => {
      await installPlatform(database);
    };
  },
  url: databaseUrl,
};

/**
 * The URL of the environment's database: a secret. What the process has comes before what a file says.
 * @throws MuseError `bad-database-url` where neither has it, and where they disagree about staging or production
 */
async function databaseUrl({ directory, name, entry, environment }: Place): Promise<string> {
  const { urlVariable = 'DATABASE_URL' } = entry;
  const ofProcess = environment[urlVariable] || undefined;
  // For development the process's own is enough, and the file need not be read.
  if (name === 'development' && ofProcess !== undefined) return ofProcess;
  const ofFile = (await readVariables(directory, name))[urlVariable] || undefined;
  if (ofProcess !== undefined && ofFile !== undefined) await refuseDisagreement(name, urlVariable, ofProcess, ofFile);
  const url = ofProcess ?? ofFile;
  if (url !== undefined) return url;
  throw new MuseError({
    code: 'bad-database-url',
    message: `The database URL is missing: ${urlVariable} is neither in the environment nor in ${secretsFileOf(name)}.`,
    suggestion: `Set it, e.g. ${urlVariable}=postgresql://user:password@host:5432/database, or add --database-url <url>.`,
  });
}

/** @throws MuseError `bad-database-url` where the two URLs do not lead to the same database as the same user */
async function refuseDisagreement(
  name: EnvironmentName,
  urlVariable: string,
  ofProcess: string,
  ofFile: string,
): Promise<void> {
  if (ofProcess === ofFile) return;
  const { parseDatabaseUrl } = await import('../database/postgres/options.ts');
  const where = (url: string): { user: string | undefined; place: string } => {
    const { host = 'the default host', port = 5432, user, database = '' } = parseDatabaseUrl(url).address;
    return { user, place: `${host.toLowerCase()}:${port}/${database}` };
  };
  const [first, second] = [where(ofProcess), where(ofFile)];
  if (first.place === second.place && first.user === second.user) return;
  const shown = ({ place, user }: typeof first): string =>
    first.place === second.place ? `${place} as ${user ?? 'the default user'}` : place;
  throw new MuseError({
    code: 'bad-database-url',
    message:
      `It is not clear which database is ${name}: ${urlVariable} is ${shown(first)} in the environment, ` +
      `and ${shown(second)} in ${secretsFileOf(name)}. Nothing was run.`,
    suggestion: 'Remove one of the two; or give each environment a variable of its own: "urlVariable" in muse.json.',
  });
}

/** @param obstacles what would then keep the baseline from being installed: all that is needed is said at once */
function plainServer({ description }: Database, obstacles: readonly string[]): MuseError {
  const add = 'Add --supabase-baseline to install it, or use a Supabase database.';
  return new MuseError({
    code: 'baseline-missing',
    message:
      `The ${description} is a plain server: it lacks what every Supabase project has, e.g. the auth schema and ` +
      'the roles anon and authenticated.',
    ...(obstacles.length === 0 ? {} : { detail: obstacles.join('\n') }),
    suggestion: `${obstacles.length === 0 ? add : `${add} Before that, see to what is named above.`} Nothing was changed.`,
  });
}
