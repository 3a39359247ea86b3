import type { Session } from '../database.ts';
import { contribStubs } from './contrib.ts';
import { emptyStubs } from './empty-stubs.ts';
import { http } from './http.ts';
import { moddatetime } from './moddatetime.ts';
import { pgCron } from './pg-cron.ts';
import { pgGraphql } from './pg-graphql.ts';
import { pgJsonschema } from './pg-jsonschema.ts';
import { pgNet } from './pg-net.ts';
import { pgStatStatements } from './pg-stat-statements.ts';
import { pgjwt } from './pgjwt.ts';
import { pgmq } from './pgmq.ts';
import type { ExtensionStub } from './stub.ts';
import { supabaseExtras } from './supabase-extras.ts';
import { supabaseVault } from './supabase-vault.ts';

const all: readonly ExtensionStub[] = [
  pgNet,
  pgCron,
  supabaseVault,
  pgGraphql,
  pgmq,
  moddatetime,
  pgjwt,
  pgStatStatements,
  http,
  pgJsonschema,
  ...contribStubs,
  ...supabaseExtras,
  ...emptyStubs,
];

/** Every extension stub with its description, as a rehearsal prints them. */
export const extensionStubs: readonly { extension: string; note: string }[] = all.map(({ extension, note }) => ({
  extension,
  note,
}));

/** The stubs that lack what their extension has: of these, nothing can be called here. */
export const withoutFunctions: readonly string[] = emptyStubs.map(({ extension }) => extension);

/** Every Supabase project has these, so their presence says nothing about the migrations. */
export const preinstalled: readonly string[] = ['supabase_vault', 'pg_graphql', 'pg_stat_statements'];

/**
 * The extension stubs that a database's migrations created with CREATE EXTENSION. Only an embedded database has stubs;
 * on a server every extension is the real one.
 * @throws DatabaseError
 */
export async function stubsInUse(session: Session): Promise<{ extension: string; note: string }[]> {
  const { rows } = await session.query<{ name: string }>('SELECT extname AS name FROM pg_catalog.pg_extension');
  const names = new Set(rows.map(({ name }) => name));
  return extensionStubs.filter(({ extension }) => names.has(extension) && !preinstalled.includes(extension));
}

/** The files that CREATE EXTENSION needs for the stubs: a control file and a script each. */
export function stubFiles(): { name: string; content: string }[] {
  return all.flatMap(({ extension, version, note, schema, requires, sql }) => {
    const control = [
      `comment = 'stub of ${extension}: ${note.replaceAll("'", "''")}'`,
      `default_version = '${version}'`,
      'relocatable = false',
      'trusted = true',
      ...(schema ? [`schema = '${schema}'`] : []),
      ...(requires ? [`requires = '${requires}'`] : []),
      '',
    ];
    return [
      { name: `${extension}.control`, content: control.join('\n') },
      { name: `${extension}--${version}.sql`, content: sql },
    ];
  });
}
