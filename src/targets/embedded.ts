import { join } from 'node:path';
import { kindOf } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import type { Target } from './target.ts';

/** PostgreSQL in the muse's directory. */
export const target: Target = {
  title: 'embedded',
  about: 'PostgreSQL in the directory itself: nothing to install, free',
  settings: {},
  secrets: [],
  local: true,
  provisioned: false,
  needsUrl: false,
  publicApi: false,
  async open({ directory, name }, { reads = false, signal, onNote } = {}) {
    const { openEmbedded } = await import('../database/embedded/embedded.ts');
    return {
      database: await openEmbedded({
        directory: embeddedDirectory(directory, name),
        signal,
        lock: { onWait: onNote, reads },
      }),
    };
  },
  async exists({ directory, name }) {
    return (await kindOf(join(embeddedDirectory(directory, name), 'data'))) !== undefined;
  },
  // Every embedded database has it from the start.
  preparePlatform: () => Promise.resolve(() => Promise.resolve()),
  async drop({ directory, name }, { signal, onNote } = {}) {
    const { dropDirectory } = await import('../database/embedded/borrow.ts');
    await dropDirectory(embeddedDirectory(directory, name), { signal, onWait: onNote });
  },
};

/** Where the embedded database of an environment is: no two environments share one. */
export function embeddedDirectory(directory: string, name: EnvironmentName): string {
  return join(directory, '.muse', name === 'development' ? 'database' : `database-${name}`);
}
