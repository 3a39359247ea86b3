import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  errorCodes,
  type ErrorCode,
  Muse,
  MuseError,
  createMuse,
  openMuse,
  planMuse,
  resumeMuse,
} from '../../src/index.ts';
import { museOnDisk, nativeDatabase, tableFiles } from '../muse/muse-on-disk.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { sampleOf } from '../support/sample.ts';
import { type Native, startNative } from '../support/native.ts';

let native: Native;
let url: string;
let muse: Muse;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());
beforeEach(async () => {
  ({ url } = await nativeDatabase(native, 'api'));
  const files = { ...tableFiles('001', 'homes'), 'seeds/001_nothing.sql': 'select 1;\n' };
  muse = await openMuse(
    (await museOnDisk(files, { development: url, production: 'postgres://nobody@127.0.0.1:1/none' })).directory,
  );
});

async function errorOf(work: Promise<unknown>): Promise<MuseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MuseError);
  return error as MuseError;
}

describe('a result', () => {
  it('is plain data for every method of a muse', async () => {
    const print = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const results = {
      lint: await muse.lint(),
      fix: await muse.fix({ dryRun: true }),
      new: await muse.new('notes', { tables: ['notes: title text!, owner user'] }),
      rehearse: await muse.rehearse(),
      migrate: await muse.migrate(),
      status: await muse.status({ env: 'development', drift: true }),
      seed: await muse.seed(),
      verify: await muse.verify(),
      backup: await muse.backup(),
      rollback: await muse.rollback(),
      docs: await muse.docs(),
      types: await muse.types(),
    };
    expect(print.flatMap(({ mock }) => mock.calls)).toEqual([]);
    for (const spy of print) spy.mockRestore();
    expect(JSON.parse(JSON.stringify(results))).toEqual(results);
    const homes = 'migrations/extensions/001_homes.sql';
    const notes = 'migrations/extensions/002_notes.sql';
    expect(results).toMatchObject({
      lint: { findings: [], silenced: 0, files: 1 },
      fix: { changes: [], findings: [] },
      new: { files: expect.arrayContaining([notes]) },
      rehearse: {
        findings: [],
        files: [{ file: homes }, { file: notes }],
        rolledBack: [{ file: homes }, { file: notes }],
      },
      migrate: { applied: [{ file: homes }, { file: notes }], skipped: [] },
      status: [{ name: 'development', pending: [], edited: [], missing: [], drift: [] }],
      seed: { seeds: [{ file: 'seeds/001_nothing.sql' }], added: {} },
      verify: { notProven: 0, pending: [] },
      backup: { file: expect.stringContaining(join(muse.directory, '.muse', 'backups', 'development-')) },
      rollback: { rolledBack: [{ file: notes }], losses: [] },
      docs: { tables: expect.arrayContaining(['notes']), changed: true },
      types: { file: 'database.types.ts', changed: true, types: expect.stringContaining('homes: {') },
    });
  });

  it('of a later call reflects the current muse.json', async () => {
    const { production: _production, ...environments } = muse.museFile.environments;
    await writeFile(join(muse.directory, 'muse.json'), JSON.stringify({ ...muse.museFile, environments }));
    expect((await muse.status()).map(({ name }) => name)).toEqual(['development']);
    expect(Object.keys(muse.museFile.environments)).toEqual(['development']);
  });
});

describe('failures are thrown', () => {
  it.each<[string, ErrorCode, (directory: string) => Promise<unknown>]>([
    ['a name that cannot be', 'bad-name', () => createMuse({ name: 'No Name' })],
    ['an unknown preset', 'bad-preset', (directory) => createMuse({ name: 'fine', directory, presets: ['realti'] })],
    [
      'an unknown target',
      'bad-target',
      (directory) => createMuse({ name: 'fine', directory, target: 'neon' as 'postgres' }),
    ],
    [
      'a server without its URL',
      'bad-call',
      (directory) => createMuse({ name: 'fine', directory, target: 'postgres', environment: {} }),
    ],
    ['a table that cannot be', 'bad-table', () => planMuse({ name: 'fine', tables: ['what is this'] })],
    ['nothing to continue', 'nothing-to-resume', (directory) => resumeMuse(directory)],
    ['no muse', 'no-muse', (directory) => openMuse(directory)],
    ['an environment that is not there', 'bad-environment', () => muse.backup({ env: 'staging' })],
    ['production without its name', 'bad-confirmation', () => muse.migrate({ env: 'production' })],
    [
      'production with another name',
      'bad-confirmation',
      () => muse.rollback({ env: 'production', confirm: 'staging' }),
    ],
    ['production by its name', 'database-unreachable', () => muse.seed({ env: 'production', confirm: 'production' })],
    ['a restore without its name', 'bad-confirmation', () => muse.restore('x.jsonl.gz', { confirm: 'production' })],
    ['a project that is not there', 'project-missing', () => muse.destroy({ confirm: 'any' })],
  ])('%s', async (_, code, work) => {
    expect(await errorOf(work(await temporaryDirectory()))).toMatchObject({
      code,
      message: expect.any(String),
      suggestion: expect.any(String),
    });
  });

  it('if rows would be lost, unless that is allowed', async () => {
    await muse.migrate();
    await muse.seed();
    await writeFile(
      join(muse.directory, 'seeds', '002_home.sql'),
      "insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001') on conflict do nothing;\n" +
        "insert into public.homes (id, user_id, title) values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'One') on conflict do nothing;\n",
    );
    expect((await muse.seed()).added).toMatchObject({ 'public.homes': 1 });
    expect((await errorOf(muse.rollback())).code).toBe('data-would-be-lost');
    const { file, rows } = await muse.backup({ environment: { ...process.env, PATH: '' } });
    expect(rows).toMatchObject({ 'public.homes': 1 });
    expect(await muse.rollback({ allowDataLoss: true })).toMatchObject({
      losses: [{ table: 'public.homes', rows: 1 }],
    });
    expect(await muse.restore(file, { confirm: 'development' })).toMatchObject({
      applied: [{ file: 'migrations/extensions/001_homes.sql' }],
      rows: { 'public.homes': 1 },
    });
    expect(await muse.reset({ allowDataLoss: true })).toMatchObject({
      applied: [{ file: 'migrations/extensions/001_homes.sql' }],
    });
  });
});

describe('an abort ends a call with the code cancelled', () => {
  const sleep = '-- Sleeps.\nselect pg_sleep(40);\n';

  it('before it began', async () => {
    expect((await errorOf(muse.lint({ signal: AbortSignal.abort() }))).code).toBe('cancelled');
  });

  // An embedded one: database/embedded/borrow.test.ts.
  it.each(sampleOf(['postgres', 'embedded'], 2))('in the middle of a statement, on %s', async (target) => {
    await writeFile(
      join(muse.directory, 'muse.json'),
      JSON.stringify({ ...muse.museFile, environments: { development: { target } } }),
    );
    await muse.migrate();
    await mkdir(join(muse.directory, 'seeds'), { recursive: true });
    await writeFile(join(muse.directory, 'seeds', '000_sleep.sql'), sleep);
    const controller = new AbortController();
    let began = 0;
    const onProgress = (): void => {
      setTimeout(() => {
        began = performance.now();
        controller.abort();
      }, 300);
    };
    expect((await errorOf(muse.seed({ signal: controller.signal, onProgress }))).code).toBe('cancelled');
    expect(performance.now() - began).toBeLessThan(5000);
    // The database can be used again immediately.
    expect(await muse.status({ env: 'development' })).toMatchObject([{ pending: [] }]);
  });
});

describe('ErrorCode', () => {
  const source = join(import.meta.dirname, '..', '..', 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files
    .filter((file) => file !== join('shared', 'error.ts'))
    .map((file) => readFileSync(join(source, file), 'utf8'));

  it('has every code that occurs in src', () => {
    const written = texts.flatMap((text) =>
      [...text.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)*)'/g)].map((match) => match[1] ?? ''),
    );
    expect(written.filter((code) => !(errorCodes as readonly string[]).includes(code))).toEqual([]);
  });

  it('has no code that is never thrown in src', () => {
    const all = texts.join('\n');
    const own: readonly ErrorCode[] = ['cancelled', 'unexpected'];
    expect(errorCodes.filter((code) => !own.includes(code) && !all.includes(`'${code}'`))).toEqual([]);
  });
});
