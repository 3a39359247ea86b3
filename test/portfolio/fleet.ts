/** Muses on disk, each with a database of its own on one native server. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { environment as cleanEnvironment, temporaryDirectory } from '../support/cli.ts';
import { type Native, startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

/** The variable that has the URL of a muse's database for staging. */
export const urlVariable = (name: string): string => `MUSE_${name.toUpperCase()}_STAGING_URL`;

/** The server for the tests of a file, which is there when they run, and what makes muses on it. */
export function useFleet() {
  let native: Native;
  beforeAll(async () => {
    native = await startNative();
  });
  afterAll(() => native.stop());

  /**
   * A database with what Supabase has: its URL, with a password.
   * @param template another database to copy; nobody may be connected to it
   */
  function museDatabase(name: string, template?: string): Promise<string> {
    return template === undefined ? platformDatabase(native, name) : native.createDatabase(name, template);
  }

  /** Muses with the same files, each with a database of its own for staging, whose URL only the environment has. */
  async function fleet(
    names: readonly string[],
    files: Readonly<Record<string, string>>,
    template?: string,
  ): Promise<{ folder: string; environment: NodeJS.ProcessEnv }> {
    const folder = await temporaryDirectory();
    const environment: NodeJS.ProcessEnv = cleanEnvironment({ MUSE_REGISTRY: undefined });
    for (const name of names) {
      await writeMuse(join(folder, name), name, files);
      environment[urlVariable(name)] = await museDatabase(name, template);
    }
    return { folder, environment };
  }

  return { native: () => native, museDatabase, fleet };
}

/** Writes a muse with these files and environments. */
export async function writeMuse(
  directory: string,
  name: string,
  files: Readonly<Record<string, string>>,
  environments: MuseFile['environments'] = { staging: { target: 'postgres' } },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  const museFile = {
    version: 1,
    name,
    kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
    migrations: {
      core: ['migrations/core'],
      extensions: ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number',
    },
    isolation: 'auth-uid',
    prefix: '',
    presets: [],
    environments,
  };
  await writeFile(join(directory, 'muse.json'), JSON.stringify(museFile));
}
