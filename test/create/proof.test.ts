import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Answers } from '../../src/create/answers.ts';
import { createMuse } from '../../src/create/create.ts';
import type { CreateReport } from '../../src/create/create-report.ts';
import { repository, temporary } from '../kit/repository.ts';
import { tableSql } from '../muse/muse-on-disk.ts';

const untried = `-- What commits cannot be rolled back, so it is not called.
create or replace procedure public.tidy() language plpgsql as $$ begin perform 1; commit; end $$;
grant execute on procedure public.tidy() to authenticated;
`;

async function create(
  sql: string,
  changes: Partial<Answers> = {},
): Promise<{ report: CreateReport; directory: string }> {
  const kit = repository({ 'package.json': '{\n  "name": "kit"\n}\n', 'migrations/core/001_homes.sql': sql });
  const directory = join(temporary('proof'), 'homes');
  const answers: Answers = {
    name: 'homes',
    directory,
    kit: kit.directory,
    kitExtensions: 'archive',
    presets: [],
    tables: [],
    prefix: '',
    target: 'embedded',
    environment: 'development',
    supabaseBaseline: false,
    supabase: {},
    fix: false,
    git: false,
    install: false,
    ...changes,
  };
  return {
    directory,
    report: await createMuse(
      answers,
      {},
      { signal: new AbortController().signal, environment: { ...process.env, CREATE_MUSE_CACHE: undefined } },
    ),
  };
}

const leaky = tableSql('homes').replaceAll('user_id = (select auth.uid())', '(select auth.uid()) is not null');
const isolationLine = expect.stringContaining('no one can reach rows that are not theirs');

describe('create-muse ends with the isolation proof', () => {
  it('refuses a kit in which every signed-in user can reach every row, and leaves nothing behind', async () => {
    const { directory, report } = await create(leaky);
    expect(report.error).toMatchObject({
      code: 'findings',
      message: expect.stringContaining('Nothing was provisioned'),
    });
    expect(report.findings).toContainEqual(
      expect.objectContaining({ rule: 'isolation-read', severity: 'error', object: 'public.homes' }),
    );
    expect(report.steps.map(({ id }) => id)).not.toContain('place');
    expect(existsSync(directory)).toBe(false);
  });

  it('accepts the same kit with repaired policies, and says what is proven', async () => {
    const { report } = await create(tableSql('homes'));
    expect(report.error).toBeUndefined();
    expect(report.proven).toContainEqual(isolationLine);
    expect(report.isolation).toMatchObject({
      proven: ['public.homes'],
      notProven: [],
      tables: [{ table: 'public.homes', kind: 'table' }],
    });
  });

  it('counts and names what is not proven, and does not claim that no one can reach rows of others', async () => {
    const { report } = await create(`${tableSql('homes')}${untried}`);
    expect(report.error).toBeUndefined();
    expect(report.proven).not.toContainEqual(isolationLine);
    expect(report.proven).toContain('tenant isolation: 1 proven, 1 not proven');
    expect(report.notes).toContainEqual(expect.stringContaining('Not proven: public.tidy()'));
    expect(report.findings).toContainEqual(
      expect.objectContaining({ rule: 'not-proven', severity: 'warning', object: 'public.tidy()' }),
    );
    expect(report.isolation?.notProven).toHaveLength(1);
  });

  it('skips the proof on request, and says so', async () => {
    const { report } = await create(leaky, { verify: false });
    expect(report.error).toBeUndefined();
    expect(report.isolation).toBeUndefined();
    expect(report.proven).not.toContainEqual(isolationLine);
    expect(report.notes).toContainEqual(expect.stringContaining('not proven (--no-verify)'));
  });
});
