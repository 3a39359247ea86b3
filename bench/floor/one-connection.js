// The minimum cost of querying a database: Node, one connection, one query.
import pg from 'pg';

const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('select 1');
await client.end();
