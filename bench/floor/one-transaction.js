// The minimum cost of applying files: one connection, one transaction, the texts unchanged.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const folder = process.argv[2] ?? '.';
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('begin');
for (const name of readdirSync(folder).sort()) await client.query(readFileSync(join(folder, name), 'utf8'));
await client.query('commit');
await client.end();
