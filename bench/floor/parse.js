// The minimum cost of parsing migrations as PostgreSQL does: its parser, run over each file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModule, parseSync } from 'libpg-query';

const folder = process.argv[2] ?? '.';
await loadModule();
for (const name of readdirSync(folder).sort()) parseSync(readFileSync(join(folder, name), 'utf8'));
