import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The directory for files that can be recreated at any time: `CREATE_MUSE_CACHE`, or else `create-muse` in the system's
 * cache directory (XDG_CACHE_HOME, ~/Library/Caches, LOCALAPPDATA). It need not exist.
 */
export function cacheDirectory(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const own = environment['CREATE_MUSE_CACHE'];
  if (own) return own;
  const xdg = environment['XDG_CACHE_HOME'];
  // The XDG specification says to ignore a relative path.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'create-muse');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'create-muse');
  if (platform === 'win32') {
    return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'create-muse', 'Cache');
  }
  return join(homedir(), '.cache', 'create-muse');
}
