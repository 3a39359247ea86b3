// The minimum cost of parsing migrations as PostgreSQL does: its parser, run over each file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModule, parseSync } from 'libpg-query';

await loadModule();
for (const folder of process.argv.slice(2))
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort())
    parseSync(readFileSync(join(folder, name), 'utf8'));
