import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { watchFolders } from '../../src/shared/watch.ts';

it('tells of each change once, of one that came meanwhile too, and ends when it is stopped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'there'));
  const controller = new AbortController();
  const next = watchFolders([join(folder, 'there'), join(folder, 'not-there')], controller.signal);
  await sleep(50);
  let seen = 0;
  const waiting = next().then(() => (seen += 1));
  await sleep(200);
  expect(seen).toBe(0);
  for (let step = 0; step < 5; step += 1) await writeFile(join(folder, 'there', 'a.sql'), String(step));
  await waiting;
  expect(seen).toBe(1);

  await writeFile(join(folder, 'there', 'b.sql'), 'meanwhile');
  await sleep(50);
  await next();

  const last = next();
  controller.abort();
  await expect(last).rejects.toMatchObject({ name: 'AbortError' });
});
