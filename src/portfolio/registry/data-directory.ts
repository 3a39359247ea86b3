import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * The directory for what the portfolio keeps on this machine, the embedded registry and clones: `CREATE_MUSE_PORTFOLIO`, or
 * else `create-muse` in the user's data directory (XDG_DATA_HOME, ~/Library/Application Support, LOCALAPPDATA). It need not
 * exist.
 */
export function dataDirectory(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  const own = environment['CREATE_MUSE_PORTFOLIO'];
  if (own) return resolve(own);
  const xdg = environment['XDG_DATA_HOME'];
  // The XDG specification says to ignore a relative path.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'create-muse');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'create-muse');
  if (platform === 'win32')
    return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'create-muse', 'Data');
  return join(homedir(), '.local', 'share', 'create-muse');
}
