// The minimum cost of a rehearsal: each file of a folder runs on one connection, and then each once more; files that fail
// leave nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const folder = process.argv[2];
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(folder, name), 'utf8'));
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
for (let pass = 0; pass < 2; pass++) for (const sql of files) await client.query(sql).catch(() => undefined);
await client.end();
