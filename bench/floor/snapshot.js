// Writes the platform's data directory as an uncompressed tar file for PGlite's `loadDataDir`.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', place = '.', file = '.'] = process.argv.slice(2);
const { openEmbedded } = await import(pathToFileURL(join(root, 'build/database/embedded/embedded.js')).href);
await (await openEmbedded({ directory: place })).close();
execFileSync('tar', ['-cf', file, '-C', join(place, 'data'), '.']);
