import { join, resolve } from 'node:path';
import { MuseError } from '../../shared/error.ts';
import { tableDocs } from '../../scaffold/docs.ts';
import { parseTable } from '../../scaffold/parse-table.ts';
import { loadPreset } from '../../scaffold/presets.ts';
import { readSpecification } from '../../scaffold/read-spec.ts';
import { scaffold } from '../../scaffold/scaffold.ts';
import { checkedSession } from '../../scaffold/session.ts';
import type { TableSpecification } from '../../scaffold/table.ts';
import { readUtf8, writeWhole } from '../../shared/files.ts';
import { writeMuseFiles } from '../../kit/muse-files.ts';
import { nextNumber } from '../../migrations/order.ts';
import { readMigrations } from '../../migrations/read.ts';
import type { Answers } from '../answers.ts';
import type { Configured } from '../context.ts';
import { extensionTables, factsOf } from '../../muse/declared-schema.ts';
import { writeTenancy } from '../tenancy.ts';
import type { Step } from '../step.ts';

/** Writes the product's own extension migration with its rollback, and the files that every muse has. */
export const scaffoldStep: Step<Configured> = {
  id: 'scaffold',
  title: 'Scaffold the extension',
  async run({ answers, stage, journal, museFile }, output) {
    const read = async () => (await readMigrations(stage, museFile.migrations, { rollbacks: false })).migrations;
    const helper = (await writeTenancy(stage, museFile, await read())).at(-1);
    if (helper !== undefined)
      output.notes.push(
        `${helper} sets the user and organization of each connection: createTenancy(pool), with a pool of the package pg.`,
      );
    const migrations = await read();
    const made = await scaffold({
      name: answers.name,
      prefix: answers.prefix,
      presets: await Promise.all(answers.presets.map(loadPreset)),
      tables: await tablesOf(answers),
      core: await factsOf(migrations),
      number: nextNumber(migrations, 'extension', museFile.migrations.order),
      folders: museFile.migrations,
      isolation: museFile.isolation,
      ...(museFile.session === undefined ? {} : { session: checkedSession(museFile.session) }),
    });
    for (const file of made.files) await writeWhole(join(stage, file.path), file.content);
    // As "muse docs" does later, this lists the tables of all extension files, the kit's own included.
    await writeMuseFiles(stage, museFile, { tables: tableDocs(await extensionTables(await read())) });
    journal.data.tables = made.tables.map(({ name, scope }) => ({ name, scope }));
    output.summary = made.tables.length === 1 ? '1 table' : `${made.tables.length} tables`;
  },
};

/** The tables that `--table` and `--spec` specify. */
async function tablesOf(answers: Answers): Promise<TableSpecification[]> {
  const tables = answers.tables.map(parseTable);
  if (answers.spec === undefined) return tables;
  const path = resolve(answers.spec);
  const text = await readUtf8(path);
  if (text === undefined) {
    throw new MuseError({
      code: 'bad-spec',
      message: `The file ${path} does not exist.`,
      suggestion: 'Name a YAML or JSON file: --spec tables.yaml',
    });
  }
  return [...tables, ...(await readSpecification(text, path.endsWith('.json') ? 'json' : 'yaml'))];
}
