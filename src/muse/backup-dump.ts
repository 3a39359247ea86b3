import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Database, Session } from '../database/database.ts';
import { programEnvironment } from '../database/postgres/programs.ts';
import { type ErrorCode, MuseError } from '../shared/error.ts';
import type { HistoryRow } from '../migrations/history.ts';

async function runTool(
  program: 'pg_dump' | 'pg_restore',
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<{ ok: boolean; stdout: string; stderr: string }> {
  const { execa } = await import('execa');
  const { failed, stdout, stderr, shortMessage } = await execa(program, args, {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 1 << 28,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  return { ok: !failed, stdout, stderr: stderr || (shortMessage ?? '') };
}

/**
 * Says whether `pg_dump` can take a backup that `pg_restore` can restore: its major version is the server's, and
 * the connection's role may drop and recreate everything in the database.
 */
export async function canDump(session: Session, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const { rows } = await session.query<{ major: number; owner: boolean }>(`
    SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS major, NOT EXISTS (
      SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')) AS owner`);
  if (rows[0]?.owner !== true) return false;
  const { ok, stdout } = await runTool('pg_dump', ['--version'], environment);
  return ok && Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]) === rows[0].major;
}

/**
 * Writes the whole database as a dump in the custom format, mode 0600; a failed dump leaves no file.
 * @throws MuseError `backup-failed` with what pg_dump says
 */
export async function writeDump(
  path: string,
  url: string,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Created here with its mode, so that no other user can read it at any time.
  const file = await open(temporary, 'wx', 0o600);
  try {
    const { ok, stderr } = await runTool(
      'pg_dump',
      ['--format=custom', '--no-password', `--file=${temporary}`],
      programEnvironment(url, environment),
      signal,
    );
    if (!ok) throw toolFailed('backup-failed', 'pg_dump could not take the backup. Nothing was changed.', stderr);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/**
 * The migration history in a dump.
 * @throws MuseError `bad-backup-file`
 */
export async function historyOfDump(
  path: string,
  environment: NodeJS.ProcessEnv,
): Promise<Pick<HistoryRow, 'layer' | 'file'>[]> {
  const { ok, stdout, stderr } = await runTool(
    'pg_restore',
    ['--data-only', '--schema=muse', '--table=migrations', '--file=-', path],
    environment,
  );
  if (!ok) throw toolFailed('bad-backup-file', `pg_restore cannot read ${path}. Nothing was changed.`, stderr);
  const lines = stdout.split('\n');
  const start = lines.findIndex((line) => line.startsWith('COPY muse.migrations'));
  if (start === -1) return [];
  const columns = (/\((.*)\)/.exec(lines[start] ?? '')?.[1] ?? '').split(', ');
  const rows = lines.slice(start + 1, lines.indexOf('\\.', start)).map((line) => line.split('\t'));
  return rows.map((row) => ({
    layer: row[columns.indexOf('layer')] as HistoryRow['layer'],
    file: row[columns.indexOf('file')] ?? '',
  }));
}

/**
 * Restores the whole database from a dump, in one transaction.
 * @throws MuseError `restore-failed`: the database is as it was
 */
export async function restoreDump(
  database: Database,
  path: string,
  url: string,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  const connection = programEnvironment(url, environment);
  const { stdout } = await runTool('pg_restore', ['--list', path], environment);
  // What belongs to the server or to an extension stays: dropping it would drop more than the dump has.
  const { rows } = await database.query<{ name: string }>(`
    SELECT 'EXTENSION - ' || extname AS name FROM pg_catalog.pg_extension UNION ALL SELECT 'SCHEMA - ' || nspname
      FROM pg_catalog.pg_namespace
    UNION ALL SELECT 'EVENT TRIGGER - ' || evtname FROM pg_catalog.pg_event_trigger UNION ALL
      SELECT 'PUBLICATION - ' || pubname FROM pg_catalog.pg_publication`);
  const there = rows.map(({ name }) => name);
  const wanted = stdout.split('\n').filter((line) => {
    const entry = line.replace(/^\d+; \d+ \d+ /, '');
    return !entry.startsWith('COMMENT - EXTENSION') && !there.some((name) => entry.startsWith(`${name} `));
  });
  const list = `${path}.list`;
  const file = await open(list, 'w', 0o600);
  try {
    await file.writeFile(wanted.join('\n'));
    await file.close();
    const name = `dbname='${(connection['PGDATABASE'] ?? '').replaceAll(/['\\]/g, '\\$&')}'`;
    const args = [
      '--clean',
      '--if-exists',
      '--single-transaction',
      '--no-password',
      `--use-list=${list}`,
      `--dbname=${name}`,
      path,
    ];
    const { ok, stderr } = await runTool('pg_restore', args, connection, signal);
    if (!ok)
      throw toolFailed('restore-failed', 'pg_restore failed and rolled back: the database is unchanged.', stderr);
  } finally {
    await rm(list, { force: true });
  }
}

function toolFailed(code: ErrorCode, message: string, stderr: string): MuseError {
  return new MuseError({
    code,
    message,
    detail: stderr.split('\n').slice(0, 8).join('\n'),
    suggestion:
      'Fix the cause that it reports, then run this again. Without pg_dump on the PATH, backups are taken through the connection itself.',
  });
}
