// Installs the platform's objects, which every Supabase project has, on a plain server.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.'] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
const [{ installPlatform }, { openPostgres }] = await Promise.all([
  load('database/platform/install.js'),
  load('database/postgres/postgres.js'),
]);
const database = await openPostgres({ url: process.env.DATABASE_URL });
await installPlatform(database);
await database.close();
