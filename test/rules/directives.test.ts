import { beforeAll, expect, it } from 'vitest';
import type { Migration } from '../../src/sql/migration.ts';
import { readDirectives } from '../../src/rules/engine/directives.ts';
import { loadParser } from '../../src/sql/parser.ts';

beforeAll(loadParser);

const read = (sql: string) =>
  readDirectives([
    { layer: 'core', file: 'migrations/core/001_a.sql', number: '001', checksum: '', sql } satisfies Migration,
  ]).map((directive) => ({ ...directive, file: undefined }));

it.each([
  [
    'public-read',
    '-- muse: public-read\ncreate table plans (id int);',
    [{ kind: 'public-read', line: 1, table: 'public.plans' }],
  ],
  [
    'service-only on the same line',
    'alter table app.jobs enable row level security; -- muse: service-only',
    [{ kind: 'service-only', line: 1, table: 'app.jobs' }],
  ],
  [
    'shared-with',
    '/* muse: shared-with organization_id */\ncreate table "A" (id int);',
    [{ kind: 'shared-with', column: 'organization_id', line: 1, table: 'public.A' }],
  ],
  [
    'ignore',
    "-- muse: ignore enum-type because the app reads it\ncreate type mood as enum ('a');",
    [{ kind: 'ignore', rule: 'enum-type', reason: 'the app reads it', line: 1 }],
  ],
  [
    'a policy',
    '-- muse: public-read\ncreate policy p on plans for select using (true);',
    [{ kind: 'public-read', line: 1, table: 'public.plans', policy: 'p' }],
  ],
  [
    'a policy that is dropped to be created anew',
    '-- muse: public-read\ndrop policy if exists "P 1" on app.plans;\ncreate policy "P 1" on app.plans for select using (true);',
    [{ kind: 'public-read', line: 1, table: 'app.plans', policy: 'P 1' }],
  ],
  [
    'a grant',
    '-- muse: public-read\ngrant select on plans to anon;',
    [{ kind: 'public-read', line: 1, table: 'public.plans' }],
  ],
  [
    'a comment on a table',
    "-- muse: service-only\ncomment on table plans is 'x';",
    [{ kind: 'service-only', line: 1, table: 'public.plans' }],
  ],
  [
    'on a statement that does not parse',
    '-- muse: service-only\ncreate tabel plans;',
    [{ kind: 'service-only', line: 1 }],
  ],
  [
    'no reason, unknown rule, unknown word, another comment',
    '-- muse: ignore enum-type\n-- muse: ignore nothing because x\n-- muse: public\n-- amuse: public-read\nselect 1;',
    [],
  ],
  ['not in a string', "select '-- muse: public-read';", []],
])('%s', (_, sql, expected) => {
  expect(read(sql)).toEqual(expected.map((directive) => ({ ...directive, file: undefined })));
});
