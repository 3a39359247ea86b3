// The floor of `muse dev`: its database opened, and one query by id. Then it answers how long queries take.
// node opened.js <root> <directory>
import { join } from 'node:path';
import { answerQueries } from './answer-queries.js';

const [root, directory] = process.argv.slice(2);
const { openEmbedded } = await import(join(root, 'build', 'database', 'embedded', 'embedded.js'));
const database = await openEmbedded({ directory });
await answerQueries((sql, values) => database.query(sql, values));
