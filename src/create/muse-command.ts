import { realpath } from 'node:fs/promises';
import { delimiter, join, relative, sep } from 'node:path';
import { packageDirectory } from '../kit/builtin.ts';

/**
 * How to call `muse` from inside a muse, as it will work when this process is gone: by name where it is installed for
 * good, by its path where this package is a folder that stays, else from the registry.
 * @param directory absolute path of the muse
 */
export async function museCommand(directory: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const ours = await realpath(join(packageDirectory, 'bin', 'muse.js'));
  for (const place of (environment['PATH'] ?? '').split(delimiter)) {
    // What npm puts on the path for one run is gone after it.
    if (place === '' || place.split(sep).includes('node_modules') || place.includes('_npx')) continue;
    for (const name of process.platform === 'win32' ? ['muse.cmd', 'muse.exe'] : ['muse']) {
      const found = await realpath(join(place, name)).catch(() => undefined);
      if (found === ours || (found !== undefined && process.platform === 'win32')) return 'muse';
    }
  }
  if (ours.includes(`${sep}_npx${sep}`)) return 'npx --package create-muse muse';
  const path = relative(await realpath(directory), ours);
  const short = path.length < ours.length ? path : ours;
  return `node ${short.includes(' ') ? JSON.stringify(short) : short}`;
}
