import { randomBytes } from 'node:crypto';
import type { TextResult } from '../database/database.ts';
import { programEnvironment } from '../database/postgres/programs.ts';
import { MuseError } from '../shared/error.ts';
import type { Hooks } from '../shared/hooks.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import { embeddedDirectory } from '../targets/embedded.ts';
import { openEnvironment, placeOf } from '../targets/open.ts';
import { loopback } from './http.ts';
import { findRunning } from './running.ts';
import { database, user } from './wire/startup.ts';

export interface PsqlOptions extends Pick<Hooks, 'signal' | 'onNote'> {
  environment: EnvironmentName;
  /** Variables of the process. */
  variables: NodeJS.ProcessEnv;
}

/** Where a program of PostgreSQL can connect, until it is closed. */
interface Reachable {
  /** A secret. */
  url: string;
  close(): Promise<void>;
}

/**
 * Runs the system's psql on the database of an environment, in this terminal. The password is in psql's environment.
 * @param args after the program's name
 * @returns its exit code; undefined where there is no psql, or the database cannot be reached by a URL
 */
export async function runPsql(muse: Muse, args: readonly string[], options: PsqlOptions): Promise<number | undefined> {
  const { execa } = await import('execa');
  const version = { env: options.variables, extendEnv: false, reject: false, stdin: 'ignore' } as const;
  if ((await execa('psql', ['--version'], version)).failed) return undefined;
  const reachable = await reach(muse, options);
  if (reachable === undefined) return undefined;
  try {
    const { signal } = options;
    const { exitCode, failed } = await execa('psql', args, {
      env: programEnvironment(reachable.url, options.variables),
      extendEnv: false,
      stdio: 'inherit',
      reject: false,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    signal?.throwIfAborted();
    return exitCode ?? (failed ? 1 : 0);
  } finally {
    await reachable.close();
  }
}

/** The server that runs, the environment's own URL, or a server for as long as it is needed. */
async function reach(
  muse: Muse,
  { environment, variables, signal, onNote }: PsqlOptions,
): Promise<Reachable | undefined> {
  const { directory } = muse;
  const { place, target } = placeOf(muse, environment, variables);
  const running = await findRunning(directory, environment);
  const url = running?.databaseUrl ?? (await target.url?.(place));
  if (url !== undefined) return { url, close: () => Promise.resolve() };
  if (!target.local) return undefined;
  const [{ shareEmbedded }, { createWire }] = await Promise.all([
    import('../database/embedded/shared.ts'),
    import('./wire/wire.ts'),
  ]);
  const shared = await shareEmbedded({
    directory: embeddedDirectory(directory, environment),
    signal,
    lock: { onWait: onNote },
  });
  const password = randomBytes(18).toString('base64url');
  const wire = await createWire({ shared, password });
  const close = async (): Promise<void> => {
    await wire.close();
    await shared.close();
  };
  try {
    const port = await wire.listen(0);
    return { url: `postgresql://${user}:${password}@${loopback}:${port}/${database}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Runs statements on the database of an environment, as `psql -c` does: several are one transaction.
 * @returns one result for each statement
 * @throws DatabaseError what PostgreSQL says; MuseError where the database cannot be opened
 */
export async function runStatements(muse: Muse, sql: string, options: PsqlOptions): Promise<TextResult[]> {
  const { environment, variables, signal, onNote } = options;
  await loadParser();
  const statements = parseSql(sql).statements.map(({ sql: text }) => text);
  if (statements.length === 0) throw noStatement();
  const { database: opened } = await openEnvironment(muse, environment, variables, { signal, onNote });
  try {
    const results: TextResult[] = [];
    const run = async (): Promise<void> => {
      for (const statement of statements) results.push(await opened.queryText(statement));
    };
    await (statements.length === 1 ? run() : opened.transaction(run));
    return results;
  } finally {
    await opened.close();
  }
}

const noStatement = (): MuseError =>
  new MuseError({
    code: 'bad-call',
    message: 'There is no statement to run.',
    suggestion: 'Give one: muse psql -c "select 1"',
  });
