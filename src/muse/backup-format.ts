import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { MuseError } from '../shared/error.ts';
import { fileError } from '../shared/files.ts';
import type { SchemaObject } from '../database/schema.ts';
import type { HistoryRow } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';

/** A table of a backup. Its rows are PostgreSQL's own text of the whole row, which every type reads back exactly. */
export interface BackupTable {
  schema: string;
  name: string;
  partitioned: boolean;
  /** In the order of the table; a generated column is in the row and computed again when it is restored. */
  columns: { name: string; type: string; generated: boolean }[];
}

/** The first line of a backup. Holds no secret of ours; the rows may hold anything. */
export interface BackupHeader {
  format: 'create-muse-backup';
  version: 2;
  tool: string;
  environment: string;
  /** ISO time. */
  taken: string;
  /** E.g. `170005`. */
  server: number;
  tables: BackupTable[];
  history: HistoryRow[];
  /** The applied files with their texts, as far as the muse has them: they recreate the schema. */
  migrations: Migration[];
  /** The schema by the catalog; a restore compares the database with it. */
  schema: SchemaObject[];
}

/** A sequence and its position. */
export interface BackupSequence {
  name: string;
  value: string;
  called: boolean;
}

/** A line after the first: rows of one table (an index into the header's list), the sequences, or the end. */
export type BackupLine =
  { table: number; rows: string[] } | { sequences: BackupSequence[] } | { end: true; rows: number };

/** Writes a backup, one JSON object a line, compressed. Mode 0600, in a folder of mode 0700; a failure leaves no file. */
export async function writeBackup(path: string, lines: AsyncIterable<BackupHeader | BackupLine>): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await pipeline(Readable.from(texts(lines)), createGzip(), async (packed: AsyncIterable<Uint8Array>) => {
        for await (const chunk of packed) await file.appendFile(chunk);
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}

async function* texts(lines: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

/**
 * Opens a backup: its first line, and the following lines as they are read.
 * @throws MuseError `bad-backup-file` where it is not a backup, is newer than this tool, or is truncated
 */
export async function openBackup(path: string): Promise<{ header: BackupHeader; lines: AsyncGenerator<BackupLine> }> {
  const all = readLines(path);
  const { value } = await all.next();
  const header = value as
    (Partial<Omit<BackupHeader, 'version'>> & { version?: number; ledger?: HistoryRow[] }) | undefined;
  if (header?.format !== 'create-muse-backup') throw badFile(path, 'it is not a backup that muse has written');
  if (header.version !== 1 && header.version !== 2) {
    throw badFile(path, `it has format ${header.version}, and this version of create-muse only reads formats 1 and 2`);
  }
  // Format 1 had the history under another name.
  return { header: { ...header, history: header.history ?? header.ledger } as BackupHeader, lines: checked(path, all) };
}

async function* checked(path: string, lines: AsyncGenerator<unknown>): AsyncGenerator<BackupLine> {
  let rows = 0;
  for await (const value of lines) {
    const line = value as BackupLine;
    if ('table' in line) rows += line.rows.length;
    if ('end' in line && line.rows === rows) return;
    yield line;
  }
  throw badFile(path, 'it is truncated');
}

/** One value a line. Split at LF only: a row's text may contain other characters that end a line. */
async function* readLines(path: string): AsyncGenerator<unknown> {
  const source = createReadStream(path);
  const unpacked = createGunzip().setEncoding('utf8');
  // The loop below throws the file's error.
  source.on('error', (error) => unpacked.destroy(error));
  let parts: string[] = [];
  try {
    for await (const chunk of source.pipe(unpacked) as AsyncIterable<string>) {
      let start = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
        yield JSON.parse([...parts, chunk.slice(start, end)].join(''));
        parts = [];
        start = end + 1;
      }
      parts.push(chunk.slice(start));
    }
  } catch (error) {
    throw error instanceof MuseError
      ? error
      : badFile(path, error instanceof Error ? error.message : String(error), error);
  } finally {
    source.destroy();
  }
}

function badFile(path: string, why: string, cause?: unknown): MuseError {
  return new MuseError({
    code: 'bad-backup-file',
    message: `${path} cannot be restored: ${why}. Nothing was changed.`,
    suggestion: 'Pass a file from .muse/backups.',
    cause,
  });
}
