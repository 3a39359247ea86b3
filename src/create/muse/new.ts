import { join } from 'node:path';
import { newMigration } from '../../extension/new.ts';
import { parseTable } from '../../extension/parse-table.ts';
import { scaffold } from '../../extension/scaffold.ts';
import { checkedSession } from '../../extension/session.ts';
import { writeWhole } from '../../files.ts';
import { nextNumber } from '../../migrations/order.ts';
import { readMigrations } from '../../migrations/read.ts';
import { factsOf } from '../facts.ts';
import type { Muse } from './open.ts';

/**
 * Adds an extension migration with its rollback: empty, or with tables.
 * @param title free text: names the file
 * @param tables specifications as `--table` takes them
 * @returns the files written, relative to the muse, with `/`
 * @throws MuseError `bad-table` and what scaffolding throws
 */
export async function newInMuse({ directory, museFile }: Muse, title: string, tables: readonly string[]): Promise<string[]> {
  const { migrations } = await readMigrations(directory, museFile.migrations, { rollbacks: false });
  const number = nextNumber(migrations, 'extension', museFile.migrations.order);
  const folders = museFile.migrations;
  const files =
    tables.length === 0
      ? await newMigration({ title, number, folders })
      : (
          await scaffold({
            name: museFile.name,
            prefix: museFile.prefix,
            presets: [],
            tables: tables.map(parseTable),
            core: await factsOf(migrations),
            number,
            folders,
            isolation: museFile.isolation,
            ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
            title,
          })
        ).files;
  for (const { path, content } of files) await writeWhole(join(directory, path), content);
  return files.map(({ path }) => path);
}
