/** The seeds that a kit's own tool runs after its migrations: read, checked and rehearsed, and never a reason to refuse the kit. */
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { readKitSeeds } from '../../src/migrations/kit-seeds.ts';
import { rehearseSeeds } from '../../src/rehearsal/rehearse-seeds.ts';
import { lintSeeds } from '../../src/rules/registry.ts';
import { directoryOf, migrationsOf } from '../migrations/files.ts';

const paths = (list: string): string => `[db.seed]\nenabled = true\nsql_paths = ${list}\n`;

describe('the seeds of a kit are', () => {
  const all = {
    'supabase/seed.sql': 'select 1;',
    'supabase/seeds/b.sql': 'select 2;',
    'supabase/seeds/a.sql': 'select 3;',
  };
  it.each<[name: string, more: Record<string, string | Uint8Array>, core: string, files: string[], wrong?: string[]]>([
    ['seed.sql where nothing else is said', {}, 'supabase/migrations', ['supabase/seed.sql']],
    [
      'seed.sql where the list is not said',
      { 'supabase/config.toml': '[db.seed]\n' },
      'supabase/migrations',
      ['supabase/seed.sql'],
    ],
    [
      'those of a pattern, by name',
      { 'supabase/config.toml': paths('["./seeds/*.sql"]') },
      'supabase/migrations',
      ['supabase/seeds/a.sql', 'supabase/seeds/b.sql'],
    ],
    [
      'in the order of the list, each once',
      { 'supabase/config.toml': paths('["seeds/b.sql", "./seed.sql", "seeds/*.sql", "gone.sql"]') },
      'supabase/migrations',
      ['supabase/seeds/b.sql', 'supabase/seed.sql', 'supabase/seeds/a.sql'],
    ],
    ['those beside schemas', {}, 'supabase/schemas', ['supabase/seed.sql']],
    [
      'none where they are turned off',
      { 'supabase/config.toml': '[db.seed]\nenabled = false\n' },
      'supabase/migrations',
      [],
    ],
    ['none beside migrations of another tool', { 'db/seed.sql': 'select 1;' }, 'db/migrations', []],
    [
      'seed.sql where the settings cannot be read',
      { 'supabase/config.toml': '[db.seed' },
      'supabase/migrations',
      ['supabase/seed.sql'],
    ],
    [
      'named where one is not UTF-8',
      { 'supabase/seed.sql': new Uint8Array([0x61, 0xff]) },
      'supabase/migrations',
      [],
      ['supabase/seed.sql'],
    ],
    ['never outside', { 'supabase/config.toml': paths('["../../other.sql"]') }, 'supabase/migrations', []],
  ])('%s', async (_, more, core, files, wrong = []) => {
    const { seeds, findings } = await readKitSeeds(await directoryOf({ ...all, ...more }), { core: [core] });
    expect(seeds.map(({ file }) => file)).toEqual(files);
    expect(findings.map(({ rule, file }) => [rule, file])).toEqual(wrong.map((file) => ['unreadable-file', file]));
  });
});

describe('a seed', async () => {
  const database = await openEmbedded({});
  afterAll(() => database.close());
  const table =
    'create table public.notes (id int primary key, owner uuid references auth.users (id), title text not null);\ncreate table public.tags (id int references public.notes (id));\n';
  await database.script(table);
  const migrations = migrationsOf({ 'supabase/migrations/1_a.sql': table });
  const user = "insert into auth.users (id, email) values ('11111111-1111-4111-8111-111111111111', 'a@example.com');\n";

  it.each<[name: string, sql: string | string[], wrong: string[]]>([
    ['that runs', `${user}insert into notes values (1, '11111111-1111-4111-8111-111111111111', 'a');`, []],
    ['that a second run would repeat', 'insert into tags values (null);', []],
    ['that empties tables first', 'truncate notes cascade;\ninsert into notes values (1, null, $$a$$);', []],
    ['in a transaction of its own', "begin;\ninsert into notes values (1, null, 'a');\ncommit;", []],
    [
      'that uses what the one before added',
      ["insert into notes values (1, null, 'a');", 'insert into tags values (1);'],
      [],
    ],
    ['that does not parse', "insert into notes values (1, null, 'a';", ['syntax-error 1']],
    [
      'that names a table which is not there',
      "insert into notes values (1, null, 'a');\ninsert into pages values (1);",
      ['unknown-relation 2'],
    ],
    [
      'that names a column which is not there',
      'insert into notes (id, titel) values (1, null);',
      ['unknown-relation 1'],
    ],
    [
      'that a constraint refuses, and what follows',
      'insert into notes values (1, null, null);\ninsert into tags values (1);\ninsert into tags values (1);',
      ['statement-failed 1 +2'],
    ],
    ['whose copied rows need psql', 'copy notes from stdin;\n1\t\\N\ta\n\\.\nselect 1;', ['psql-command 1']],
    [
      "that uses what only Supabase's own stack has",
      'create trigger t after insert on notes for each row execute function "supabase_functions"."http_request"(\'a\');\nselect setval(\'auth.refresh_tokens_id_seq\', 1);',
      [],
    ],
  ])('%s', async (_, sql, wrong) => {
    const seeds = migrationsOf(
      Object.fromEntries([sql].flat().map((text, index) => [`supabase/seed${index}.sql`, text])),
    );
    const findings = [
      ...(await lintSeeds(migrations, seeds, {})),
      ...(await rehearseSeeds(database, migrations, seeds)),
    ];
    const told = findings.map(({ rule, line, message, severity }) => {
      expect(severity).toBe('warning');
      return `${rule} ${line}${/So do (\d)/.exec(message)?.[1]?.replace(/^/, ' +') ?? ''}`;
    });
    expect([...new Set(told)]).toEqual(wrong);
    expect((await database.query<{ count: number }>('select count(*)::int as count from notes')).rows).toEqual([
      { count: 0 },
    ]);
  });
});
