import { beforeAll, describe, expect, it } from 'vitest';
import { lint } from '../../../src/rules/registry.ts';
import { loadParser } from '../../../src/sql/parser.ts';
import { checksumOf } from '../../../src/migrations/read.ts';

beforeAll(loadParser);

const unknown = async (sql: string): Promise<string[]> => {
  const migration = {
    layer: 'core' as const,
    file: 'migrations/core/001_a.sql',
    number: '001',
    sql,
    checksum: checksumOf(sql),
  };
  const { findings } = await lint({ migrations: [migration], rollbacks: new Map() });
  return findings.filter(({ rule }) => rule === 'unknown-relation').map(({ object }) => object ?? '');
};

describe('a foreign key to the table that the statement creates', () => {
  it.each([
    ['of a column', 'create table if not exists public.c (id uuid primary key, up uuid references public.c (id));', 0],
    ['without a schema', 'create table c (id uuid primary key, up uuid references c);', 0],
    [
      'of the table',
      'create table public.c (id uuid primary key, up uuid, foreign key (up) references public.c (id));',
      0,
    ],
    [
      'to another one that does not exist',
      'create table public.c (id uuid primary key, up uuid references public.d (id));',
      1,
    ],
  ])('%s', async (_, sql, count) => {
    expect(await unknown(sql)).toHaveLength(count);
  });
});
