/** Databases for tests: the embedded one and a native PostgreSQL 17, each without migrations. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative, type Native } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

export type Kind = 'embedded' | 'native';

/**
 * Returns a function that opens an empty database of the kind. The file's tests share its server.
 * @param hasPlatform whether a native one has what Supabase has, as the embedded one always does
 */
export function databases(kind: Kind, hasPlatform = false): () => Promise<Database> {
  let native: Native;
  let embedded: Database;
  let count = 0;
  beforeAll(async () => {
    if (kind === 'embedded') {
      embedded = await openEmbedded();
      return;
    }
    native = await startNative();
  });
  afterAll(async () => {
    await (kind === 'native' ? native?.stop() : embedded?.close());
  });
  return async () => {
    if (kind === 'embedded') {
      await embedded.script(clean);
      return embedded;
    }
    const name = `migrations_${(count += 1)}`;
    const url = await (hasPlatform ? platformDatabase(native, name) : native.createDatabase(name));
    const database = await openPostgres({ url });
    onTestFinished(() => database.close());
    if (hasPlatform) await database.script('set search_path to "$user", public, extensions');
    return database;
  };
}

/** Returns a function that opens two connections to one empty database of a native server. */
export function pairs(): () => Promise<[Database, Database]> {
  let native: Native;
  let count = 0;
  beforeAll(async () => {
    native = await startNative();
  });
  afterAll(() => native?.stop());
  return async () => {
    const url = await native.createDatabase(`pairs_${(count += 1)}`);
    const [first, second] = await Promise.all([openPostgres({ url }), openPostgres({ url })]);
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()]);
    });
    return [first, second];
  };
}

/** Drops what migrations of tests have created. */
const clean = `
drop schema if exists muse, app, private, ours cascade;
do $$
declare
  command text;
begin
  -- All at once: what a CASCADE has dropped would be no name any more when its turn comes.
  select string_agg(line, ';') into command from (
    select format('drop %s if exists %s cascade',
        case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end, oid::regclass) as line
      from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S') order by relkind = 'S') as relations;
  execute coalesce(command, '');
  select string_agg('drop routine if exists ' || oid::regprocedure || ' cascade', ';') into command from pg_proc where pronamespace = 'public'::regnamespace;
  execute coalesce(command, '');
  select string_agg('drop type if exists ' || oid::regtype || ' cascade', ';') into command from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'c');
  execute coalesce(command, '');
end $$;
reset all;`;
