// The sum of what creating a muse cannot do without: open the embedded database from its snapshot once, run the SQL once,
// put the same files under git.
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', sample = '.', place = '.'] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'dist', file)).href);
const [{ readMigrations }, { openEmbedded }, { readMuseFile }] = await Promise.all([
  load('migrations/read.js'),
  load('database/embedded/embedded.js'),
  load('create/muse/muse-json.js'),
]);
const { migrations } = await readMigrations(sample, (await readMuseFile(sample)).migrations, { rollbacks: false });
const database = await openEmbedded({});
for (const { sql } of migrations) await database.script(sql);
await database.close();
cpSync(sample, place, { recursive: true, filter: (path) => !/[\\/](\.git|\.muse)$/.test(path) });
const git = (...args) => execFileSync('git', args, { cwd: place, stdio: 'ignore' });
git('init', '--quiet', '--initial-branch=main');
git('add', '--all');
git('-c', 'user.name=bench', '-c', 'user.email=bench@example.com', '-c', 'commit.gpgsign=false', 'commit', '--quiet', '-m', 'Start');
