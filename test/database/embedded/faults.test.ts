/** What stops the embedded engine in the middle: nothing of it may pass for success. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EmbeddedDatabase, openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { smallDisk } from '../../support/small-disk.ts';

describe('a stack that is full', () => {
  it.each([
    [
      'a function',
      `create function f(i int) returns int language plpgsql as 'begin return f(i + 1); end'`,
      'select f(1)',
    ],
    ['nested JSON', 'select 1', `select repeat('[', 200000)::jsonb`],
  ])('is an error, and not a result without rows: %s', async (_, before, sql) => {
    const database = await openEmbedded();
    await database.script(before);
    await expect(database.query(sql)).rejects.toMatchObject({
      code: 'embedded-failed',
      suggestion: expect.stringContaining('calls itself'),
    });
    await database.terminate();
  });
});

describe('a disk that is full', () => {
  const disk = smallDisk('20m');
  it.runIf(disk !== undefined)('is told with the path, and the database is whole afterwards', async () => {
    const directory = join(disk!, 'database');
    let database: EmbeddedDatabase | undefined;
    try {
      database = await openEmbedded({ directory });
      await database.script('create table kept (id int); insert into kept values (1)');
      const fill = `create table big as select i, repeat(md5(i::text), 200) as text from generate_series(1, 60000) i`;
      await expect(
        database.script(`${fill}; alter table big alter text set storage external; insert into big select * from big`),
      ).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining(directory),
      });
      await database.terminate();
      database = await openEmbedded({ directory });
      expect((await database.query('select * from kept')).rows).toEqual([{ id: 1 }]);
    } finally {
      await database?.terminate();
      spawnSync('umount', [disk!]);
      rmSync(disk!, { recursive: true, force: true });
    }
  });
});
