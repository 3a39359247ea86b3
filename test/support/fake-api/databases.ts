/** The projects' databases on one native server, and the query endpoint. */
import { Client, type DatabaseError, type QueryResult } from 'pg';
import type { Caller } from './gateway.ts';
import type { FakeAnswer } from './http.ts';

/** A native PostgreSQL 17, and its superuser. */
export interface FakeServer {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface ProjectDatabases {
  /** Creates the project's database on first use. */
  ensure: (ref: string) => Promise<void>;
  drop: (ref: string) => Promise<void>;
  /** A superuser's connection to the project's database, kept open until the fake API is closed. */
  superuser: (ref: string) => Promise<Client>;
  /** In one transaction, as the caller's role and with its claims. */
  actAs: <T>(ref: string, caller: Caller, work: (database: Client) => Promise<T>) => Promise<T>;
  /** The query endpoint. */
  run: (ref: string, body: Record<string, unknown>) => Promise<FakeAnswer>;
  buckets: (ref: string) => Promise<FakeAnswer>;
  databaseOf: (ref: string) => string;
  close: () => Promise<void>;
}

/** Distinguishes the databases of several fake APIs on one server. */
let count = 0;

/** @param template a database that has the platform's own schemas */
export function makeDatabases(server: FakeServer, template: string): ProjectDatabases {
  count += 1;
  const prefix = `fake${process.pid}_${count}_`;
  const clients = new Map<string, Promise<Client>>();
  const made = new Map<string, Promise<void>>();
  const databaseOf = (ref: string): string => prefix + ref;

  const open = async (database: string): Promise<Client> => {
    const client = new Client({ ...server, database });
    // A connection that the server ends must not end the test.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const maintain = async (sql: string): Promise<void> => {
    const client = await open('template1');
    await client.query(sql).finally(() => client.end());
  };
  const ensure = (ref: string): Promise<void> => {
    const making = made.get(ref) ?? build(databaseOf(ref));
    made.set(ref, making);
    return making;
  };
  // A role's settings in a database are not part of the template.
  const build = async (database: string): Promise<void> => {
    await maintain(`create database "${database}" template "${template}" owner postgres`);
    await maintain(`alter role postgres in database "${database}" set search_path to "$user", public, extensions`);
  };
  const superuser = async (ref: string): Promise<Client> => {
    await ensure(ref);
    const there = clients.get(ref) ?? open(databaseOf(ref));
    clients.set(ref, there);
    return there;
  };
  const actAs: ProjectDatabases['actAs'] = async (ref, caller, work) => {
    await ensure(ref);
    const client = await open(databaseOf(ref));
    try {
      await client.query('begin');
      await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
        caller.role,
        JSON.stringify(caller.claims),
      ]);
      const result = await work(client);
      await client.query('commit');
      return result;
    } finally {
      await client.end();
    }
  };
  const drop = async (ref: string): Promise<void> => {
    if (!made.has(ref)) return;
    await made.get(ref);
    made.delete(ref);
    await (await clients.get(ref))?.end();
    clients.delete(ref);
    await maintain(`drop database if exists "${databaseOf(ref)}" with (force)`);
  };
  return {
    databaseOf,
    superuser,
    actAs,
    drop,
    ensure,
    run: async (ref, body) => {
      const sql = String(body['query']);
      await ensure(ref);
      const client = await open(databaseOf(ref));
      try {
        await client.query(
          `set session authorization postgres; set search_path = "$user", public, extensions; ${body['read_only'] === true ? 'set default_transaction_read_only = on' : ''}`,
        );
        const parameters = body['parameters'] as unknown[] | undefined;
        const result: unknown = parameters ? await client.query(sql, parameters) : await client.query(sql);
        const last = (Array.isArray(result) ? result.at(-1) : result) as QueryResult | undefined;
        return { status: 201, body: last?.rows ?? [] };
      } catch (error) {
        return { status: 400, body: { message: `Failed to run sql query: ${report(error as DatabaseError, sql)}` } };
      } finally {
        await client.end();
      }
    },
    buckets: async (ref) => ({
      status: 200,
      body: (await (await superuser(ref)).query('select * from storage.buckets order by id')).rows,
    }),
    close: async () => {
      for (const ref of made.keys()) await drop(ref);
    },
  };
}

/** An error in PostgreSQL's verbose form, as the endpoint returns it, with the line and a caret under it. */
function report(error: DatabaseError, sql: string): string {
  const lines = [`ERROR:  ${error.code}: ${error.message}`];
  if (error.position !== undefined) {
    const before = [...sql].slice(0, Number(error.position) - 1).join('');
    const number = before.split('\n').length;
    const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length;
    const label = `LINE ${number}: `;
    lines.push(label + (sql.split('\n')[number - 1] ?? ''), `${' '.repeat(label.length + column)}^`);
  }
  if (error.detail) lines.push(`DETAIL:  ${error.detail}`);
  if (error.hint) lines.push(`HINT:  ${error.hint}`);
  if (error.where) lines.push(`CONTEXT:  ${error.where}`);
  return `${lines.join('\n')}\n`;
}
