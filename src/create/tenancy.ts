import { posix } from 'node:path';
import { checkedSession, defaultSession } from '../scaffold/session.ts';
import { type CoreTable, helperFile, helperStart, tenancyMigration } from '../scaffold/tenancy.ts';
import { inside, kindOf, readText, writeWhole } from '../shared/files.ts';
import { buildCatalog } from '../sql/catalog/build.ts';
import type { Catalog, Policy } from '../sql/catalog/model.ts';
import { commandsOf, isForSessions } from '../rules/engine/policies.ts';
import type { Migration } from '../sql/migration.ts';
import { nextNumber } from '../migrations/order.ts';
import { loadParser } from '../sql/parser.ts';
import type { Isolation, MuseFile, SessionTenancy } from '../shared/muse-file.ts';
import { factsOf } from '../muse/declared-schema.ts';

/** What the name of a variable says that it holds; the first that fits counts. */
const meanings: readonly [key: 'organization' | 'user' | 'superadmin', pattern: RegExp][] = [
  ['superadmin', /super|bypass/],
  ['organization', /org|tenant|team|workspace|account|company/],
  ['user', /user|member|person/],
];

/** What a variable holds, by its last word, else by the one before the dot; undefined for anything that is not an id. */
function meaningOf(name: string): 'organization' | 'user' | 'superadmin' | undefined {
  const [, last = ''] = name.split('.');
  if (/^(?:request|pgrst)\.|^app\.settings$|role|name|mail|slug|plan/.test(name)) return undefined;
  return [last, name]
    .map((text) => meanings.find(([, pattern]) => pattern.test(text))?.[0])
    .find((key) => key !== undefined);
}

/** The roles and variables of a muse whose kit has this SQL: the kit's own names where it has them. */
export function sessionOf(migrations: readonly Pick<Migration, 'sql'>[]): SessionTenancy {
  const session: SessionTenancy = { ...defaultSession };
  const found = new Set<string>();
  for (const { sql } of migrations) {
    for (const [, name = ''] of sql.matchAll(/current_setting\s*\(\s*'([a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*)'/gi)) {
      const key = meaningOf(name.toLowerCase());
      if (key === undefined || found.has(key)) continue;
      found.add(key);
      session[key] = name;
    }
  }
  return session;
}

/**
 * Writes the migration with the roles for session variables, and the helper that sets them; nothing if
 * the muse isolates by `auth.uid()`, and no file that exists already.
 * @param directory of the muse, or where it is put together
 * @returns the paths written, relative to the directory, with `/`
 * @throws MuseError `bad-session` if the names in `muse.json` cannot be used
 */
export async function writeTenancy(
  directory: string,
  museFile: MuseFile,
  migrations: readonly Migration[],
): Promise<string[]> {
  if (museFile.isolation !== 'session') return [];
  await loadParser();
  const core = await factsOf(migrations);
  if (core.functions.includes('private.superadmin_use_is_audited()')) return [];
  const catalog = buildCatalog(migrations);
  const session = checkedSession(museFile.session);
  const files = await tenancyMigration({
    name: museFile.name,
    core,
    tables: coreTables(catalog, session),
    schemas: [...catalog.schemas].filter(([, site]) => site !== undefined).map(([schema]) => schema),
    coreIsolation: coreIsolation(catalog),
    session,
    number: nextNumber(migrations, 'extension', museFile.migrations.order),
    folders: museFile.migrations,
  });
  files.push({ path: await helperPath(directory, museFile), content: await helperFile(session) });
  for (const file of files) await writeWhole(await inside(directory, file.path), file.content);
  return files.map(({ path }) => path);
}

const policiesOf = (catalog: Catalog): Policy[] =>
  [...catalog.tables.values()].flatMap(({ policies }) => [...policies.values()]);

/** How core's own policies isolate: the kind that most of them use. */
function coreIsolation(catalog: Catalog): Isolation {
  const all = policiesOf(catalog);
  return all.filter((policy) => isForSessions(policy, catalog)).length * 2 > all.length ? 'session' : 'auth-uid';
}

function coreTables(catalog: Catalog, session: SessionTenancy): CoreTable[] {
  const own = [...catalog.tables.values()].filter(
    ({ kind, site, temporary }) =>
      kind === 'table' && site?.piece.source.migration.layer === 'core' && temporary !== true,
  );
  return own.map(({ name, rls, policies }) => ({
    name,
    rls: rls !== undefined,
    open: [...policies.values()]
      .filter(({ permissive, roles }) => permissive && (roles.length === 0 || roles.includes(session.role)))
      .flatMap(commandsOf),
  }));
}

/** Where the helper goes: into the package that has core's migrations, else `src/lib`; never over another file. */
async function helperPath(directory: string, { migrations }: MuseFile): Promise<string> {
  const [, folder = 'src/lib'] = /^((?:packages|apps)\/[^/]+\/src)\//.exec(migrations.core[0] ?? '') ?? [];
  for (let count = 0; ; count += 1) {
    const path = posix.join(folder, ['tenant.ts', 'muse-tenant.ts'][count] ?? `muse-tenant-${count}.ts`);
    const target = await inside(directory, path);
    if ((await kindOf(target)) === undefined || (await readText(target))?.startsWith(helperStart) === true) return path;
  }
}
