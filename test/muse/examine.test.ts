import { expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { examine } from '../../src/muse/examine.ts';
import { lint } from '../../src/rules/registry.ts';
import { asMigration } from '../verify/kit.ts';
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
