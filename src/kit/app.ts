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
  return app !== undefined && /"dev"\s*:\s*"muse dev -- /.test(own ?? '');
}
