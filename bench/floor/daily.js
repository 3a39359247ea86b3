// What a daily command cannot do without, in a muse: daily.js <root> <muse> <open | run | probe>. `open` opens its database
// once, `run` opens a shadow database and runs the SQL once, `probe` opens its database and has the hand-written prober ask.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', muse = '.', work = 'open'] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
const { openEmbedded } = await load('database/embedded/embedded.js');
const directory = join(muse, '.muse', 'database');

const floors = {
  async open() {
    const database = await openEmbedded({ directory });
    await database.query('select 1');
    return database;
  },
  async run() {
    const [{ readMigrations }, { readMuseFile }] = await Promise.all([
      load('migrations/read.js'),
      load('muse/muse-json.js'),
    ]);
    const { migrations } = await readMigrations(muse, (await readMuseFile(muse)).migrations, { rollbacks: false });
    const database = await openEmbedded({});
    for (const { sql } of migrations) await database.script(sql);
    return database;
  },
  async probe() {
    const database = await openEmbedded({ directory });
    const { probeSeeded } = await import('../verify/seeded.js');
    const { failures } = await probeSeeded(database);
    if (failures.length > 0) throw new Error(`The prober disagrees with the kit: ${failures.join(', ')}`);
    return database;
  },
};
await (await floors[work]()).close();
