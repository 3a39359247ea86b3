/** Folders of migration files for tests, on disk and in memory. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Layer, Migration } from '../../src/sql/migration.ts';
import { numberOf } from '../../src/migrations/order.ts';
import { checksumOf, type MigrationFiles, readMigrations } from '../../src/migrations/read.ts';
import type { MigrationFolders } from '../../src/shared/muse-file.ts';

export const folders: MigrationFolders = {
  core: ['migrations/core'],
  extensions: ['migrations/extensions'],
  rollback: 'migrations/rollback',
  archive: 'migrations/archive',
  order: 'number',
};

/** A temporary directory with these files, by path, removed when the test ends. */
export async function directoryOf(files: Record<string, string | Uint8Array>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'muse-migrations-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** Migrations in the given order, as read by `readMigrations`. The folder determines the layer. */
export function migrationsOf(files: Record<string, string>): Migration[] {
  return Object.entries(files).map(([file, sql]) => {
    const layer: Layer = file.includes('extensions/') ? 'extension' : 'core';
    return {
      layer,
      file,
      number: numberOf(file.slice(file.lastIndexOf('/') + 1)) ?? '',
      sql,
      checksum: checksumOf(sql),
    };
  });
}

/** Migrations as they are read from disk, with their rollbacks. */
export async function readFrom(files: Record<string, string>): Promise<MigrationFiles> {
  return readMigrations(await directoryOf(files), folders);
}
