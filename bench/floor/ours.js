// Only our runner, through the public functions: read, apply.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', muse = '.'] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
const [{ readMigrations }, { migrate }, { openPostgres }, { readMuseFile }] = await Promise.all([
  load('migrations/read.js'),
  load('migrations/apply.js'),
  load('database/postgres/postgres.js'),
  load('muse/muse-json.js'),
]);
const { migrations } = await readMigrations(muse, (await readMuseFile(muse)).migrations, { rollbacks: false });
const database = await openPostgres({ url: process.env.DATABASE_URL });
await migrate(database, migrations);
await database.close();
