// Only lint and rehearsal, through the functions that create-muse uses: examine.js <root> <kit or muse> <result file>.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root = '.', place = '.', answer = ''] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
const [{ readMigrations }, { openEmbedded }, { examine }, { readMuseFile }, { recognizeLayout }] = await Promise.all([
  load('migrations/read.js'),
  load('database/embedded/embedded.js'),
  load('muse/examine.js'),
  load('muse/muse-json.js'),
  load('kit/recognize.js'),
]);
// A kit that is not a muse yet has no muse.json, so its layout shows where its migrations are.
const layout = existsSync(join(place, 'muse.json')) ? undefined : await recognizeLayout(place);
const museFile =
  layout === undefined ? await readMuseFile(place) : { migrations: layout.folders, isolation: layout.isolation };
const [files, database] = await Promise.all([readMigrations(place, museFile.migrations), openEmbedded({})]);
const { findings } = await examine(database, files, museFile);
await database.close();
const errors = findings.filter(({ severity }) => severity === 'error').length;
writeFileSync(
  answer,
  JSON.stringify({ files: files.migrations.map(({ file }) => file), errors, warnings: findings.length - errors }),
);
