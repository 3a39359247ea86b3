import type { Session } from '../database.ts';
import { pgCron } from './pg-cron.ts';
import { pgGraphql } from './pg-graphql.ts';
import { pgNet } from './pg-net.ts';
import { pgmq } from './pgmq.ts';
import { postgis } from './postgis.ts';
import { smallStandIns } from './empty-stubs.ts';
import type { StandIn } from './stub.ts';
import { supabaseVault } from './supabase-vault.ts';

const all: readonly StandIn[] = [pgNet, pgCron, supabaseVault, pgGraphql, pgmq, postgis, ...smallStandIns];

/** What stands in for what, for the output of a rehearsal. */
export const standIns: readonly { extension: string; note: string }[] = all.map(({ extension, note }) => ({ extension, note }));

/** A project has these from its first day; that a database has them says nothing about its migrations. */
const always = ['supabase_vault', 'pg_graphql', 'pg_stat_statements'];

/**
 * The stand-ins that a database's migrations brought in by CREATE EXTENSION. On a real server all extensions are real:
 * ask this of an embedded database only.
 * @throws DatabaseError
 */
export async function standInsInUse(session: Session): Promise<{ extension: string; note: string }[]> {
  const { rows } = await session.query<{ name: string }>('SELECT extname AS name FROM pg_catalog.pg_extension');
  const names = new Set(rows.map(({ name }) => name));
  return standIns.filter(({ extension }) => names.has(extension) && !always.includes(extension));
}

/** The files that make CREATE EXTENSION know the stand-ins: a control file and a script each. */
export function standInFiles(): { name: string; content: string }[] {
  return all.flatMap(({ extension, version, note, schema, requires, sql }) => {
    const control = [
      `comment = 'stands in for ${extension}: ${note.replaceAll('\'', '\'\'')}'`,
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
