import { expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { examine, refusal } from '../../src/muse/examine.ts';
import { lint } from '../../src/rules/registry.ts';
import { asMigration } from '../verify/kit.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { museOnDisk } from './muse-on-disk.ts';

const migrations = [asMigration('migrations/extensions/001_words.sql', '-- Words.\nselect 1;\n')];
const files = { migrations, rollbacks: new Map(), findings: [], unreadable: [] };

/** A database that cannot be reached; all of its methods fail. */
const gone = new Proxy({} as Database, { get: () => () => Promise.reject(new Error('gone')) });

it('tells nobody that the files are linted once the rehearsal has failed, since the caller cleans up then', async () => {
  const { museFile } = await museOnDisk({});
  const told: string[] = [];
  const examined = examine(gone, files, museFile, {
    onLinted: () => void told.push('linted'),
    onRunOnce: () => void told.push('run'),
  });
  await expect(examined).rejects.toThrow('gone');
  told.length = 0;
  await lint({ migrations, rollbacks: new Map(), severities: {} });
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
});

it('leaves out what lint says is missing where the statement ran, or where the thing is there in the end', async () => {
  const sql = `-- Tables that dynamic SQL makes, one of which is renamed.
do $$ begin
  execute format('create table if not exists %I (id int primary key)', 'made');
  execute format('create table if not exists %I (id int primary key)', 'made_new');
end $$;
create index if not exists made_ids on made (id);
create index if not exists new_ids on made_new (id);
create or replace function used() returns bigint language plpgsql as $$ begin return (select count(*) from made); end $$;
create or replace function unused() returns bigint language plpgsql as $$ begin return (select count(*) from never); end $$;
do $$ begin
  execute 'drop table made_new';
end $$;
`;
  const { museFile } = await museOnDisk({});
  const database = await openEmbedded();
  try {
    const dynamic = { ...files, migrations: [asMigration('migrations/core/001_made.sql', sql)] };
    const missing = (all: readonly { rule: string; object?: string }[]) =>
      all.filter(({ rule }) => rule === 'unknown-relation').map(({ object }) => object);
    const linted = await lint({ migrations: dynamic.migrations, rollbacks: new Map() });
    expect(missing(linted.findings)).toEqual(['public.made', 'public.made_new', 'public.never']);
    expect(missing((await examine(database, dynamic, museFile)).findings)).toEqual(['public.never']);
  } finally {
    await database.close();
  }
});

it.each([
  [
    'a rule has a fix',
    'unknown-relation',
    undefined,
    'Fix the findings above, or let create-muse fix what it can: --fix.',
  ],
  [
    'what follows has one',
    'history-incomplete',
    'unknown-relation',
    'Fix the findings above, or let create-muse fix what it can: --fix.',
  ],
  ['no rule has one', 'unreadable-file', undefined, 'Fix the findings above.'],
] as const)('offers to fix errors where %s', (_, rule, follows, suggestion) => {
  const text = { severity: 'error' as const, message: 'x', suggestion: 'y' };
  const findings = [
    { rule, ...text, ...(follows === undefined ? {} : { consequences: [{ rule: follows, ...text }] }) },
    { rule: 'missing-header' as const, severity: 'warning' as const, message: 'x', suggestion: 'y' },
  ];
  expect(refusal(findings, 'Nothing was applied.').suggestion).toBe(suggestion);
});
