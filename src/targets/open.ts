import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Environment, EnvironmentName, TargetKind } from '../shared/muse-file.ts';
import { needBaseline } from './supabase-baseline.ts';
import { certificateOf } from './certificate.ts';
import type { CreateContext } from '../create/context.ts';
import type { Muse } from '../muse/open.ts';
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

/** Opens the target of a creation; the baseline is put on a plain server only where that was asked for. */
export async function openTarget(context: CreateContext): Promise<Database> {
  const { answers, secrets, directory, environment, journal, notes, onProgress } = context;
  // The muse has its own copy once it is in place; before that the file is where the user says.
  const certificate = {
    ...(answers.databaseCa === undefined ? {} : { caFile: answers.databaseCa }),
    ...certificateOf(directory, context.museFile?.environments[answers.environment]),
  };
  if (answers.target === 'embedded') return openKept(directory, answers.environment);
  if (answers.target === 'supabase') {
    const [{ passwordOfProject }, { refOf }, { connectProject }] = await Promise.all([
      import('./cloud.ts'),
      import('./project-ref.ts'),
      import('../supabase/connect.ts'),
    ]);
    const { project } = journal.data;
    context.connected = await connectProject({
      ...(await context.cloud()),
      ref: refOf(project),
      password: await passwordOfProject(directory, answers.environment, environment),
      ...certificate,
      mustProve: project?.settled === 'found',
      onNote(note) {
        onProgress?.(note);
        if (note.includes('not verified')) notes.push(note);
      },
    });
    return context.connected.database;
  }
  const url = secrets.databaseUrl ?? (await databaseUrlOf(directory, answers.environment, { target: 'postgres' }, environment));
  const { openPostgres } = await import('../database/postgres/postgres.ts');
  const database = await openPostgres({ url, ...certificate });
  try {
    await (await needBaseline(database, answers.supabaseBaseline))();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Where the embedded database of an environment is: no two environments share one. */
export function embeddedDirectory(directory: string, name: EnvironmentName): string {
  return join(directory, '.muse', name === 'development' ? 'database' : `database-${name}`);
}

async function openKept(directory: string, name: EnvironmentName): Promise<Database> {
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
