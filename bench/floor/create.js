// The unavoidable work of creating a muse: open the embedded database from its snapshot once, run the SQL once, commit
// the same files to git. In two variants: the way PGlite's documentation opens a snapshot (`loadDataDir`), and the way
// create-muse opens it, which makes V8 compile less (`ours`).
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', sample = '.', place = '.', snapshot = '.', way = 'documented'] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
const [{ readMigrations }, { readMuseFile }] = await Promise.all([
  load('migrations/read.js'),
  load('muse/muse-json.js'),
]);
const { migrations } = await readMigrations(sample, (await readMuseFile(sample)).migrations, { rollbacks: false });

/** Opens the snapshot. Returns functions that run a script and close the database. */
const open = {
  async documented() {
    const [{ PGlite }, { pgcrypto }] = await Promise.all([
      import('@electric-sql/pglite'),
      import('@electric-sql/pglite/contrib/pgcrypto'),
    ]);
    const database = await PGlite.create({
      loadDataDir: new Blob([readFileSync(snapshot)]),
      username: 'supabase_admin',
      extensions: { pgcrypto },
    });
    await database.exec('set session authorization postgres');
    return { run: (sql) => database.exec(sql), close: () => database.close() };
  },
  async ours() {
    const { openEmbedded } = await load('database/embedded/embedded.js');
    const database = await openEmbedded({});
    return { run: (sql) => database.script(sql), close: () => database.close() };
  },
};
const database = await open[way]();
for (const { sql } of migrations) await database.run(sql);
await database.close();
cpSync(sample, place, { recursive: true, filter: (path) => !/[\\/](\.git|\.muse)$/.test(path) });
const git = (...args) => execFileSync('git', args, { cwd: place, stdio: 'ignore' });
git('init', '--quiet', '--initial-branch=main');
git('add', '--all');
git(
  '-c',
  'user.name=bench',
  '-c',
  'user.email=bench@example.com',
  '-c',
  'commit.gpgsign=false',
  'commit',
  '--quiet',
  '-m',
  'Start',
);
