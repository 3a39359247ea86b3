/** The web app that the built-in kit has in `app/`, with packages of its own. */
import { join } from 'node:path';
import { readText } from '../shared/files.ts';

/** The folder of the app. */
export const appFolder = 'app';

/** Says whether a muse has an app that its script `dev` starts beside the database. */
export async function hasApp(directory: string): Promise<boolean> {
  const [own, app] = await Promise.all([
    readText(join(directory, 'package.json')),
    readText(join(directory, appFolder, 'package.json')),
  ]);
  return app !== undefined && devScriptOf(own ?? '').startsWith('muse dev -- ');
}

/** The script `dev` of a package; empty for none, and where the file is not valid JSON. */
function devScriptOf(manifest: string): string {
  try {
    const { scripts } = JSON.parse(manifest) as { scripts?: { dev?: unknown } };
    return typeof scripts?.dev === 'string' ? scripts.dev : '';
  } catch {
    return '';
  }
}
