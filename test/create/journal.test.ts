import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJournal } from '../../src/create/journal.ts';
import { temporaryDirectory } from '../support/cli.ts';

async function directoryWith(journal: string): Promise<string> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, '.muse'));
  await writeFile(join(directory, '.muse', 'journal.json'), journal);
  return directory;
}

describe('a journal of format 1', () => {
  it('keeps its steps, and what it proved once', async () => {
    const old = {
      version: 1,
      pipeline: 'create',
      answers: { name: 'old' },
      steps: [{ id: 'rehearse', status: 'done', ms: 7 }, { id: 'migrate', status: 'started' }],
      data: { commit: 'abc', proven: ['2 migrations run', '2 migrations run'] },
    };
    const journal = await readJournal(await directoryWith(JSON.stringify(old)));
    expect(journal).toMatchObject({ version: 2, pipeline: 'create', answers: { name: 'old' }, data: { commit: 'abc' } });
    expect(journal?.steps).toMatchObject([
      { id: 'rehearse', status: 'done', ms: 7, output: { proven: ['2 migrations run'], notes: [] } },
      { id: 'migrate', status: 'started', output: { proven: [] } },
    ]);
  });
});

describe('a file that is not a journal of this version is refused', () => {
  it.each([
    ['cut off', '{"version": 2, "st', 'is not valid JSON'],
    ['another file', '{"name": "x"}', 'is not a journal of create-muse'],
    ['a newer format', '{"version": 3, "steps": []}', 'has format 3; this version of create-muse reads formats 1 and 2'],
  ])('%s', async (_, text, message) => {
    const directory = await directoryWith(text);
    await expect(readJournal(directory)).rejects.toMatchObject({ code: 'journal-unreadable', message: expect.stringContaining(message) });
  });
});
