import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { provisionAnswers } from '../../src/create/defaults.ts';
import { emptyOutput, type Journal, readJournal, writeJournal } from '../../src/create/journal.ts';

const directory = mkdtempSync(join(tmpdir(), 'create-muse-journal-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const museFile = {
  version: 1 as const,
  name: 'realtymuse',
  kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
  migrations: {
    core: ['core'],
    extensions: ['extensions'],
    rollback: 'rollback',
    archive: 'archive',
    order: 'number' as const,
  },
  isolation: 'auth-uid' as const,
  prefix: '',
  presets: [],
  environments: {},
};
const region = { type: 'specific' as const, code: 'eu-central-1' };
const good: Journal = {
  version: 2,
  pipeline: 'create',
  answers: provisionAnswers({ museFile, directory }, { environment: 'development', supabase: {} }),
  steps: [
    { id: 'preflight', status: 'done', ms: 5, output: emptyOutput() },
    { id: 'project', status: 'started', output: emptyOutput() },
  ],
  data: {
    project: {
      organization: 'acme',
      selection: region,
      ref: 'abcdefghijklmnopqrst',
      region: 'eu-central-1',
      settled: 'answered',
      intent: {
        name: 'realtymuse',
        organization: 'acme',
        region,
        at: '2026-01-01T00:00:00.000Z',
        skewMs: 0,
        digest: 'd',
        before: [],
      },
    },
  },
};

it('reads what was written, including additions of a later version', async () => {
  await writeJournal(directory, good);
  expect(await readJournal(directory)).toEqual(good);
  await writeJournal(directory, { ...good, added: 1 } as Journal);
  expect(await readJournal(directory)).toEqual({ ...good, added: 1 });
});

it('reads version 1, and keeps what it proved once', async () => {
  const steps = [
    { id: 'rehearse', status: 'done', ms: 7 },
    { id: 'migrate', status: 'started' },
  ];
  const old = { ...good, version: 1, steps, data: { ...good.data, proven: ['2 migrations run', '2 migrations run'] } };
  await writeJournal(directory, old as unknown as Journal);
  expect(await readJournal(directory)).toEqual({
    ...good,
    steps: [
      { id: 'rehearse', status: 'done', ms: 7, output: { ...emptyOutput(), proven: ['2 migrations run'] } },
      { id: 'migrate', status: 'started', output: emptyOutput() },
    ],
  });
});

it('is undefined if there is none', async () => {
  expect(await readJournal(join(directory, 'nothing'))).toBeUndefined();
});

describe('refuses', () => {
  const project = (more: object): object => ({ ...good, data: { project: { ...good.data.project, ...more } } });
  it.each<[string, string | object, string]>([
    ['what is not JSON', '{"version": 1', 'it is not valid JSON'],
    ['a later version', { ...good, version: 3 }, 'version: 2 was expected, not 3'],
    [
      'an unknown pipeline',
      { ...good, pipeline: 'destroy' },
      'pipeline: one of create, provision was expected, not "destroy"',
    ],
    [
      'an unknown target',
      { ...good, answers: { ...good.answers, target: 'neon' } },
      'answers.target: one of embedded, postgres, supabase was expected, not "neon"',
    ],
    ['no steps', { ...good, steps: {} }, 'steps: a list was expected, not an object'],
    ['a step without a status', { ...good, steps: [{ id: 'preflight' }] }, 'steps[0]: status is missing'],
    [
      'a step of version 1 without a status',
      { ...good, version: 1, steps: [{ id: 'preflight' }] },
      'steps[0]: status is missing',
    ],
    [
      'a step without its output',
      { ...good, steps: [{ id: 'preflight', status: 'done' }] },
      'steps[0]: output is missing',
    ],
    [
      'a ref that leads elsewhere',
      project({ ref: '../../admin' }),
      'data.project.ref: a project ref (20 letters a-z) was expected, not "../../admin"',
    ],
    [
      'an intent that was cut off',
      project({ intent: { name: 'realtymuse' } }),
      'data.project.intent: organization is missing',
    ],
  ])('%s', async (_, content, message) => {
    mkdirSync(join(directory, '.muse'), { recursive: true });
    writeFileSync(
      join(directory, '.muse', 'journal.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
    await expect(readJournal(directory)).rejects.toMatchObject({
      code: 'journal-unreadable',
      message: expect.stringContaining(
        `${join(directory, '.muse', 'journal.json')} is not a journal that this version can read: ${message}`,
      ),
    });
  });
});
