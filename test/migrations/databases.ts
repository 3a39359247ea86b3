/** Databases for tests: the embedded one and a native PostgreSQL 17, each without anything of a migration in it. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative, type Native } from '../support/native.ts';

export type Kind = 'embedded' | 'native';

/** Gives a function that opens an empty database of the kind; the server behind it is shared by the file's tests. */
export function databases(kind: Kind): () => Promise<Database> {
  let native: Native;
  let embedded: Database;
  let count = 0;
  beforeAll(async () => {
    if (kind === 'native') native = await startNative();
    else embedded = await openEmbedded();
  });
  afterAll(async () => {
    await (kind === 'native' ? native?.stop() : embedded?.close());
  });
  return async () => {
    if (kind === 'embedded') {
      await embedded.script(clean);
      return embedded;
    }
    const database = await openPostgres({ url: await native.createDatabase(`migrations_${count += 1}`) });
    onTestFinished(() => database.close());
    return database;
  };
}

/** Gives a function that opens two connections to one empty database of a native server. */
export function pairs(): () => Promise<[Database, Database]> {
  let native: Native;
  let count = 0;
  beforeAll(async () => {
    native = await startNative();
  });
  afterAll(() => native?.stop());
  return async () => {
    const url = await native.createDatabase(`pairs_${count += 1}`);
    const [first, second] = await Promise.all([openPostgres({ url }), openPostgres({ url })]);
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()]);
    });
    return [first, second];
  };
}

/** Drops what migrations of tests have made. */
const clean = `
drop schema if exists muse, app cascade;
do $$
declare
  name text;
begin
  for name in select format('drop %s if exists %s cascade',
      case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end, oid::regclass)
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S') loop
    execute name;
  end loop;
  for name in select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace loop
    execute 'drop routine if exists ' || name || ' cascade';
  end loop;
  for name in select oid::regtype from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'c') loop
    execute 'drop type if exists ' || name || ' cascade';
  end loop;
end $$;
reset all;`;
