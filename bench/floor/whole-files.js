// Does what `psql -f` does, for machines without psql: sends each file whole, and continues after errors.
import { readFileSync } from 'node:fs';
import pg from 'pg';

const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
for (const file of process.argv.slice(2)) await client.query(readFileSync(file, 'utf8')).catch(() => undefined);
await client.end();
