/**
 * targets/: where a muse's database is: embedded, a PostgreSQL server, a Supabase project.
 * May touch: the database, `.env*.local` files, the Management API.
 */
import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Environment, EnvironmentName, Muse, TargetKind } from '../shared/muse-file.ts';
import { certificateOf } from './certificate.ts';
import { readVariables, secretsFileOf } from './secrets-file.ts';

/** An environment's database, open. */
export interface OpenEnvironment {
  database: Database;
  target: TargetKind;
}

/**
 * Opens the database of one environment of a muse.
 * @param environment of the process; a variable there counts before `.env.local`
 * @throws MuseError `bad-environment`, `bad-database-url`, and what opening throws
 */
export async function openEnvironment({ directory, museFile }: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv): Promise<OpenEnvironment> {
  const entry = museFile.environments[name];
  if (entry === undefined) {
    throw new MuseError({
      code: 'bad-environment',
      message: `muse.json has no environment "${name}".`,
      suggestion: `It has ${Object.keys(museFile.environments).join(', ')}; add it there, or name another by --env.`,
    });
  }
  if (entry.target === 'embedded') return { database: await openKept(directory, name), target: entry.target };
  if (entry.target === 'supabase') return { database: await openProject(directory, name, entry, environment), target: entry.target };
  const url = await databaseUrlOf(directory, name, entry, environment);
  const { openPostgres } = await import('../database/postgres/postgres.ts');
  return { database: await openPostgres({ url, ...certificateOf(directory, entry) }), target: entry.target };
}

async function openProject(directory: string, name: EnvironmentName, entry: Environment, environment: NodeJS.ProcessEnv): Promise<Database> {
  const [{ openCloud, passwordOfProject }, { refOf }, { connectProject }] = await Promise.all([
    import('./cloud.ts'),
    import('./project-ref.ts'),
    import('../supabase/connect.ts'),
  ]);
  const cloud = await openCloud(environment);
  const password = await passwordOfProject(directory, name, environment);
  return (await connectProject({ ...cloud, ref: refOf(entry), password, ...certificateOf(directory, entry) })).database;
}

/** Where the embedded database of an environment is: no two environments share one. */
export function embeddedDirectory(directory: string, name: EnvironmentName): string {
  return join(directory, '.muse', name === 'development' ? 'database' : `database-${name}`);
}

export async function openKept(directory: string, name: EnvironmentName): Promise<Database> {
  const { openEmbedded } = await import('../database/embedded/embedded.ts');
  return openEmbedded({ directory: embeddedDirectory(directory, name) });
}

/**
 * The URL of a `postgres` environment's database: a secret.
 * @throws MuseError `bad-database-url`
 */
export async function databaseUrlOf(directory: string, name: EnvironmentName, entry: Environment, environment: NodeJS.ProcessEnv): Promise<string> {
  const { urlVariable = 'DATABASE_URL' } = entry;
  // The process's variable speaks of the app that is being developed; another environment's own file goes before it.
  const own = name === 'development' ? undefined : (await readVariables(directory, name))[urlVariable];
  const url = own || environment[urlVariable] || (await readVariables(directory, name))[urlVariable];
  if (url !== undefined && url !== '') return url;
  throw new MuseError({
    code: 'bad-database-url',
    message: `The database's URL is missing: ${urlVariable} is neither in the environment nor in ${secretsFileOf(name)}.`,
    suggestion: `Set it, as ${urlVariable}=postgresql://user:password@host:5432/database, or give --database-url.`,
  });
}
