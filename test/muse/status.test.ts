import { expect, it } from 'vitest';
import { museStatuses } from '../../src/muse/status.ts';
import { museOnDisk, tableFiles } from './muse-on-disk.ts';

it('reports the environments that can be reached, and why the others cannot', async () => {
  const muse = await museOnDisk(tableFiles('001', 'homes'), {
    production: 'postgres://nobody:hidden-password@127.0.0.1:1/none',
  });
  const [development, production] = await museStatuses(muse, {});
  expect(development).toMatchObject({
    name: 'development',
    pending: [{ file: 'migrations/extensions/001_homes.sql' }],
  });
  expect(production).toMatchObject({
    name: 'production',
    target: 'postgres',
    applied: [],
    error: { code: 'database-unreachable' },
  });
  expect(JSON.stringify(production)).not.toContain('hidden-password');
  const { development: _, ...rest } = muse.museFile.environments;
  await expect(museStatuses({ ...muse, museFile: { ...muse.museFile, environments: rest } }, {})).rejects.toMatchObject(
    { code: 'database-unreachable' },
  );
});
