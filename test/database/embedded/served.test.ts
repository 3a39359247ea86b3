import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../../src/database/database.ts';
import { openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { shareEmbedded } from '../../../src/database/embedded/shared.ts';

const own = `CREATE SCHEMA muse_dev; CREATE FUNCTION muse_dev.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TABLE public.notes (id int); CREATE TRIGGER note AFTER INSERT ON public.notes EXECUTE FUNCTION muse_dev.note()`;
const triggers = async (session: Session): Promise<unknown[]> =>
  (await session.query('SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = $1::regclass', ['notes']))
    .rows;

it('shows no command what the local Supabase keeps in the database', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const killed = await shareEmbedded({ directory });
  await killed.database.script(own);
  await killed.turns.take({}, (wire) => wire.terminate());
  await killed.close();
  const next = await openEmbedded({ directory });
  expect(await triggers(next), 'after a crash').toEqual([]);
  await next.script('DROP TABLE notes');
  await next.close();

  const serving = await shareEmbedded({ directory });
  onTestFinished(() => serving.close());
  await serving.database.script(own);
  expect(await triggers(serving.database)).toHaveLength(1);
  const borrowed = await openEmbedded({ directory });
  expect(await triggers(borrowed), 'while it runs').toEqual([]);
  await borrowed.close();
});
