import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentMuse } from '../../src/muse/docs.ts';
import { lintMuse } from '../../src/muse/lint.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import { newInMuse } from '../../src/muse/new.ts';
import { openMuse } from '../../src/muse/open.ts';
import { rehearseMuse } from '../../src/muse/rehearse.ts';
import { rollbackMuse } from '../../src/muse/rollback.ts';
import { seedMuse } from '../../src/muse/seed.ts';
import { museStatus } from '../../src/muse/status.ts';
import { verifyMuse } from '../../src/muse/verify.ts';
import { MuseError } from '../../src/shared/error.ts';
import type { Finding } from '../../src/shared/finding.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { isWhole } from '../support/sample.ts';
import { addFiles, museOnDisk, tableFiles, unrehearsed } from './muse-on-disk.ts';

const text = '-- Größe.\nselect 1;\n';
const encodings: Record<string, Uint8Array> = {
  'UTF-16': Buffer.from(`\uFEFF${text}`, 'utf16le'),
  'Latin-1': Buffer.from(text, 'latin1'),
  'a NUL byte': Buffer.from(text.replace('1', '\0')),
};

const pending = 'migrations/extensions/002_more.sql';
const applied = 'migrations/extensions/001_homes.sql';
const rollback = 'migrations/rollback/extensions/001_homes.sql';
const seed = 'seeds/10_first.sql';

/** A muse whose one file is applied: made by the first test, and copied for each. */
let made: Promise<string> | undefined;
const prepared = (): Promise<string> =>
  (made ??= (async () => {
    const muse = await museOnDisk(tableFiles('001', 'homes'));
    await migrateMuse(muse, 'development', {}, unrehearsed);
    const place = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    await cp(muse.directory, place, { recursive: true });
    return place;
  })());
afterAll(async () => rm(await prepared(), { recursive: true, force: true }));

async function museWith(file: string, bytes: Uint8Array): Promise<Muse> {
  const directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await cp(await prepared(), directory, { recursive: true });
  await addFiles(directory, { [file]: bytes });
  return openMuse(directory);
}

/** The files that a command's findings or its refusal call unreadable. */
async function unreadableIn(work: Promise<{ findings: readonly Finding[] } | object>): Promise<unknown[]> {
  const result = await work.catch((error: unknown) => {
    if (error instanceof MuseError && error.code === 'findings') return { findings: error.findings ?? [] };
    throw error;
  });
  const { findings } = result as { findings?: readonly Finding[] };
  return (findings ?? [])
    .filter(({ rule, severity }) => rule === 'unreadable-file' && severity === 'error')
    .map(({ file }) => file);
}

const commands: Record<string, (muse: Muse) => Promise<object>> = {
  lint: (muse) => lintMuse(muse),
  rehearse: (muse) => rehearseMuse(muse),
  migrate: (muse) => migrateMuse(muse, 'development', {}),
  status: (muse) => museStatus(muse, 'development', {}),
  verify: (muse) => verifyMuse(muse, 'development', {}),
  rollback: (muse) => rollbackMuse(muse, 'development', {}, {}, async () => true),
  new: (muse) => newInMuse(muse, 'more', []),
  docs: (muse) => documentMuse(muse),
  seed: (muse) => seedMuse(muse, 'development', {}),
};

it.each<[string, string, string[]]>([
  ['UTF-16', pending, ['lint', 'migrate', 'status', 'rollback', 'new', 'docs']],
  ['UTF-16', applied, ['lint', 'migrate', 'status', 'rollback']],
  ['UTF-16', rollback, ['lint', 'status', 'rollback']],
  ['UTF-16', seed, ['lint', 'status', 'seed']],
  // What reads them is the same for every encoding.
  ['Latin-1', pending, isWhole ? ['lint', 'migrate'] : ['lint']],
  ['a NUL byte', pending, isWhole ? ['lint', 'migrate'] : ['lint']],
])('%s in %s is said by %j', async (encoding, file, named) => {
  const muse = await museWith(file, encodings[encoding]!);
  for (const name of named) expect([name, await unreadableIn(commands[name]!(muse))]).toEqual([name, [file]]);
});

it.each([pending, rollback])('rehearse and verify say it too: %s', async (file) => {
  const muse = await museWith(file, encodings['UTF-16']!);
  expect(await unreadableIn(commands['rehearse']!(muse))).toEqual([file]);
  expect(await unreadableIn(commands['verify']!(muse))).toEqual(file === pending ? [file] : []);
});

it('in the status it is neither missing nor applied, and in a proof nothing is known about it', async () => {
  const muse = await museWith(applied, encodings['Latin-1']!);
  expect(await museStatus(muse, 'development', {})).toMatchObject({
    applied: [],
    pending: [],
    missing: [],
    unreadable: [{ layer: 'extension', file: applied }],
    findings: [{ rule: 'unreadable-file', line: 1, column: 6, message: expect.stringContaining('0xf6') }],
  });
  expect((await verifyMuse(muse, 'development', {})).pending).toEqual([applied]);
});

describe('other files', () => {
  it.each([
    ['muse.json', Buffer.from('{}', 'utf16le')],
    ['muse.json', Buffer.from('{\n "name": "größe" }', 'latin1')],
    ['.env.local', Buffer.from('\uFEFFDATABASE_URL=postgres://localhost/x\n', 'utf16le')],
  ])('%s ends with its place and what to do', async (file, bytes) => {
    const { directory } = await museOnDisk({}, { development: 'postgres://localhost:1/none' });
    await addFiles(directory, { [file]: bytes });
    const error: unknown = await openMuse(directory)
      .then((muse) => museStatus(muse, 'development', {}))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'unreadable-file',
      message: expect.stringMatching(new RegExp(`${file} cannot be read, at line \\d: `)),
      suggestion: expect.stringContaining('Save the file as UTF-8'),
    });
  });

  it('a mark at the beginning does no harm', async () => {
    const { directory, museFile } = await museOnDisk({});
    await addFiles(directory, { 'muse.json': `\uFEFF${JSON.stringify(museFile)}` });
    expect((await openMuse(directory)).museFile.name).toBe('guarded');
  });
});
