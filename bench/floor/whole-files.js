// What `psql -f` does with files, for machines without psql: each sent whole, the next one whatever came of it.
import { readFileSync } from 'node:fs';
import pg from 'pg';

const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
for (const file of process.argv.slice(2)) await client.query(readFileSync(file, 'utf8')).catch(() => undefined);
await client.end();
