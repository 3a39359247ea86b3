import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fillEnvironment, readEnvironmentTemplate, writeEnvironmentFile } from '../../kit/environment-file.ts';
import { tableDocs } from '../../scaffold/docs.ts';
import { loadPreset } from '../../scaffold/presets.ts';
import { scaffold } from '../../scaffold/scaffold.ts';
import { checkedSession } from '../../scaffold/session.ts';
import { writeWhole } from '../../shared/files.ts';
import { neutralTemplate } from '../../kit/kit-secrets.ts';
import { ownDependency, writeManifest } from '../../kit/manifest.ts';
import { writeMuseFiles } from '../../kit/muse-files.ts';
import { packageManagerOf } from '../../kit/package-manager.ts';
import { nextNumber } from '../../migrations/order.ts';
import { readMigrations } from '../../migrations/read.ts';
import { writePages } from '../../muse/app-pages.ts';
import { drawSchema } from '../../muse/docs.ts';
import { writeMuseFile } from '../../muse/muse-json.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import { keepCertificate, takesCertificate } from '../../targets/certificate.ts';
import { targetOf } from '../../targets/open.ts';
import type { Answers, Secrets } from '../answers.ts';
import type { Configured } from '../context.ts';
import { extensionTables, factsOf } from '../../muse/declared-schema.ts';
import { repositoryOf } from '../repository.ts';
import { tablesOf } from '../tables.ts';
import { writeTenancy } from '../tenancy.ts';
import type { Step } from '../step.ts';

/**
 * Writes what the product adds to the kit: its settings and secrets, its own extension migration with its rollback, and
 * the files that every muse has.
 */
export const scaffoldStep: Step<Configured, Pick<Configured, 'museFile'>> = {
  id: 'scaffold',
  title: 'Scaffold the extension',
  async run({ answers, directory, stage, journal, museFile: taken, secrets }, output) {
    const museFile = await withCertificate(stage, taken, answers);
    await writeMuseFile(stage, museFile);
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
    output.notes.push(...(await writePages(stage, made.pages)).notes);
    // Another kit has other users, or none.
    if (made.seed !== undefined && museFile.kit.source === 'builtin' && museFile.isolation === 'auth-uid')
      await writeWhole(join(stage, 'seeds/extension.sql'), made.seed);
    // As "muse docs" does later, this lists the tables of all extension files, the kit's own included.
    output.notes.push(...(await pinSelf(stage, directory, answers)));
    const all = await read();
    await drawSchema(stage, all);
    await writeMuseFiles(stage, museFile, {
      tables: tableDocs(await extensionTables(all)),
      hook: repositoryOf(journal) !== 'none',
    });
    const values = { SESSION_SECRET: randomBytes(32).toString('base64url'), ...databaseValues(secrets) };
    const { text, emptied } = neutralTemplate(await readEnvironmentTemplate(stage));
    await writeEnvironmentFile(stage, '.env.local', fillEnvironment(text, values));
    for (const { name, host } of emptied.filter((one) => !Object.hasOwn(values, one.name)))
      output.notes.push(
        `The kit's template sets ${name}${host === undefined ? '' : ` to a database on ${host}`}: it is empty in .env.local.`,
      );
    journal.data.tables = made.tables.map(({ name, scope, open }) => ({ name, scope, ...(open === true && { open }) }));
    output.summary = made.tables.length === 1 ? '1 table' : `${made.tables.length} tables`;
    return { museFile };
  },
};

/**
 * Pins this tool in `package.json` and adds scripts that call it.
 * @returns what the user should know, one sentence each
 */
async function pinSelf(stage: string, directory: string, { name, install }: Answers): Promise<string[]> {
  const { specifier, checkout } = await ownDependency(directory);
  const [{ written, kept }, manager] = await Promise.all([
    writeManifest(stage, name, specifier),
    packageManagerOf(stage),
  ]);
  if (!written)
    return [
      `The kit's package.json cannot be edited, so it does not name create-muse: add "create-muse": "${specifier}".`,
    ];
  const notes: string[] = [];
  if (checkout !== undefined)
    notes.push(
      `create-muse runs from a checkout, so package.json depends on ${specifier}: the muse's commands need ${checkout}.`,
    );
  if (kept.length > 0) {
    const calls = kept.map((script) => `${manager.exec} muse ${script}`).join(', ');
    notes.push(`The kit's own scripts stay: ${kept.join(', ')}. To run the muse's: ${calls}`);
  }
  if (manager.lock !== undefined && !install)
    notes.push(`${manager.lock} does not have create-muse yet: ${manager.name} install adds it. Commit it then.`);
  return notes;
}

/** The settings with the certificate that the server is verified with, of which the muse gets a copy. */
async function withCertificate(
  stage: string,
  museFile: MuseFile,
  { databaseCa, environment, target }: Answers,
): Promise<MuseFile> {
  if (databaseCa === undefined || !takesCertificate(targetOf(target))) return museFile;
  const entry = { target, databaseCa: await keepCertificate(stage, environment, databaseCa) };
  return { ...museFile, environments: { ...museFile.environments, [environment]: entry } };
}

function databaseValues({ databaseUrl }: Secrets): Record<string, string> {
  return databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
}
