import { afterAll, beforeAll, expect, it } from 'vitest';
import { extensionsThere, rehearseMuse } from '../../src/muse/rehearse.ts';
import type { EnvironmentName } from '../../src/shared/muse-file.ts';
import { type Native, startNative } from '../support/native.ts';
import { museOnDisk, nativeDatabase } from './muse-on-disk.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

it('a rehearsal asks the environment which extensions its database has', async () => {
  const { url } = await nativeDatabase(native, 'extensions');
  // The server has the files of both, and the embedded database of neither.
  const sql = '-- Perl.\ncreate extension if not exists bool_plperl;\n';
  const muse = await museOnDisk(
    { 'migrations/core/001_perl.sql': sql },
    { staging: url, production: 'postgres://127.0.0.1:1/gone' },
  );
  const notes: string[] = [];
  const levels = async (name: EnvironmentName, isNamed: boolean) => {
    const there = extensionsThere(muse, name, {}, { isNamed, onNote: (note) => void notes.push(note) });
    const { findings } = await rehearseMuse(muse, { targetExtensions: there });
    return findings.filter(({ rule }) => rule === 'extension-unavailable').map(({ severity }) => severity);
  };
  expect(await levels('staging', true)).toEqual(['warning']);
  expect(await levels('development', false)).toEqual(['error']);
  expect(notes).toEqual([]);
  expect(await levels('production', false)).toEqual(['error']);
  expect(notes).toEqual([expect.stringContaining('The database of production was not asked')]);
  await expect(levels('production', true)).rejects.toMatchObject({ name: 'MuseError' });
});
