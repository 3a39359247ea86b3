import { join, relative } from 'node:path';
import type { Database, Session } from '../database/database.ts';
import { readSchema } from '../database/schema.ts';
import { kindOf } from '../shared/files.ts';
import { hasHistory, readHistory } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';
import { readMigrations } from '../migrations/read.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import type { Hooks } from '../shared/hooks.ts';
import { packageVersion } from '../shared/version.ts';
import { openEnvironment, placeOf } from '../targets/open.ts';
import { type BackupHeader, type BackupLine, writeBackup } from './backup-format.ts';
import { readRows, readSequences, readTables } from './backup-read.ts';

/** A backup that was taken. */
export interface Backup {
  /** Path relative to the muse, with `/`. */
  file: string;
  /** Rows of each table that has any, by `schema.table`; absent where pg_dump took it. */
  rows?: Record<string, number>;
}

/**
 * Writes a backup of an environment's database to `.muse/backups`: with `pg_dump` if its major version is the server's
 * and the target is a URL, else through the connection itself. `muse restore` restores either.
 * @throws MuseError `backup-incomplete`, `backup-failed`, and what opening the database throws
 */
export async function backupMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  hooks: Hooks = {},
): Promise<Backup> {
  const { database } = await openEnvironment(muse, name, environment, { ...hooks, reads: true });
  try {
    return await takeBackup(muse, name, environment, database, hooks.signal);
  } finally {
    await database.close();
  }
}

/** The backup before a change: its path relative to the muse. See {@link backupMuse}. */
export async function backupBefore(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  database: Database,
  { onProgress, onDone, signal }: Hooks & { onProgress?: ((text: string) => void) | undefined } = {},
): Promise<string> {
  onProgress?.('Taking a backup');
  const { file } = await takeBackup(muse, name, environment, database, signal);
  onDone?.({ list: 'backups', text: `saved the data to ${file}`, entry: file });
  return file;
}

async function takeBackup(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  database: Database,
  signal: AbortSignal | undefined,
): Promise<Backup> {
  const { place, target } = placeOf(muse, name, environment);
  if (target.url !== undefined) {
    const { canDump, writeDump } = await import('./backup-dump.ts');
    if (await canDump(database, environment)) {
      const path = await freePath(muse.directory, name, 'dump');
      await writeDump(path, await target.url(place), environment, signal);
      return { file: shownPath(muse, path) };
    }
  }
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const path = await freePath(muse.directory, name, 'jsonl.gz');
  const rows: Record<string, number> = {};
  const write = (session: Session): Promise<void> =>
    writeBackup(path, backupLines(database, session, name, migrations, rows));
  if (database.kind === 'https') await write(database);
  else {
    await database.transaction(async (session) => {
      await session.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      await write(session);
    });
  }
  return { file: shownPath(muse, path), rows };
}

function shownPath({ directory }: Muse, path: string): string {
  return relative(directory, path).replaceAll('\\', '/');
}

async function freePath(directory: string, name: EnvironmentName, ending: string): Promise<string> {
  const time = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  for (let attempt = 1; ; attempt += 1) {
    const path = join(directory, '.muse', 'backups', `${name}-${time}${attempt === 1 ? '' : `-${attempt}`}.${ending}`);
    if ((await kindOf(path)) === undefined) return path;
  }
}

async function* backupLines(
  database: Database,
  session: Session,
  name: EnvironmentName,
  migrations: readonly Migration[],
  counts: Record<string, number>,
): AsyncGenerator<BackupHeader | BackupLine> {
  // A failed transaction accepts no more statements, so a migration history that does not exist must not be queried in one.
  const history = (await hasHistory(session)) ? ((await readHistory(session)) ?? []) : [];
  const schema = await readSchema(session);
  const tables = await readTables(session);
  const { rows: server } = await session.query<{ version: number }>(
    "SELECT pg_catalog.current_setting('server_version_num')::int AS version",
  );
  const isApplied = ({ layer, file, checksum }: Migration): boolean =>
    history.some(
      (row) => row.layer === layer && row.file === file && row.checksum === checksum && row.state === 'applied',
    );
  yield {
    format: 'create-muse-backup',
    version: 2,
    tool: packageVersion(),
    environment: name,
    taken: new Date().toISOString(),
    server: server[0]?.version ?? 0,
    tables,
    history,
    migrations: migrations.filter(isApplied),
    schema,
  };
  let total = 0;
  for await (const line of readRows(database, session, tables)) {
    if ('table' in line) {
      const { schema: of, name: table } = tables[line.table]!;
      counts[`${of}.${table}`] = (counts[`${of}.${table}`] ?? 0) + line.rows.length;
      total += line.rows.length;
    }
    yield line;
  }
  yield { sequences: await readSequences(session) };
  yield { end: true, rows: total };
}
