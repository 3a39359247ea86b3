/** From the answers that were given to all of them: checked, paths absolute, and a default for each that is missing. */
import { basename, resolve } from 'node:path';
import { moduleIds, tablesWithout } from '../kit/modules.ts';
import { checkMuseName } from '../kit/name.ts';
import { parseKitSource } from '../kit/source.ts';
import { listPresets, loadPreset } from '../scaffold/presets.ts';
import { MuseError } from '../shared/error.ts';
import type { Muse } from '../shared/muse-file.ts';
import { shellPath } from '../shared/shell.ts';
import { defaultTarget } from '../targets/target.ts';
import { targetOf } from '../targets/open.ts';
import type { Answers, Secrets, SupabaseAnswers } from './answers.ts';
import { checkDirectory } from './claim.ts';
import { checkTableAnswers } from './tables.ts';

type Maybe<T> = { [K in keyof T]?: T[K] | undefined };

/** Answers as they were given: those that are missing are asked for, or get their default. */
export type GivenAnswers = Maybe<Omit<Answers, 'supabase' | 'environment'>> & { supabase: SupabaseAnswers };

/**
 * Checks what can be known to be wrong before anything is asked, fetched or made. Only reads this machine's files.
 * @param directory absolute path that relative ones start from
 * @throws MuseError `bad-name`, `bad-kit-source`, `bad-flag`, `bad-preset`, `bad-table`, `bad-spec`, `bad-target`, and where the
 * product cannot be made what {@link checkDirectory} throws
 */
export async function checkGiven(given: GivenAnswers, directory: string): Promise<void> {
  const { name, kit, ref, presets = [], spec, target, without = [] } = given;
  if (name !== undefined) checkName(name);
  if (kit !== undefined) parseKitSource(kit, ref);
  if (target !== undefined) targetOf(target);
  await checkPresets(presets);
  await checkModules(without, kit, presets);
  await checkTableAnswers({ ...given, spec: spec === undefined ? undefined : resolve(directory, spec) });
  const place = given.directory ?? name;
  if (place !== undefined) await checkDirectory(resolve(directory, place));
}

/**
 * The name for a product that is named after its directory.
 * @param directory absolute path
 * @throws MuseError `bad-name` where the directory's name cannot be the product's
 */
export function nameOfDirectory(directory: string): string {
  const name = basename(directory);
  const checked = checkMuseName(name);
  if (checked.ok) return name;
  throw new MuseError({
    code: 'bad-name',
    message: `The name of the directory ${directory} cannot be the product's name: ${checked.reason}`,
    suggestion: `Name the product: create-muse ${checked.nearest} --dir ${shellPath(directory)}`,
  });
}

/**
 * All answers, checked.
 * @param directory absolute path that relative ones start from
 * @throws MuseError what {@link checkGiven} throws; `bad-call` without a name
 */
export async function withDefaults(given: GivenAnswers, directory: string): Promise<Answers> {
  const { databaseCa, spec, supabase } = given;
  const name = given.name ?? (given.directory === undefined ? undefined : nameOfDirectory(given.directory));
  if (name === undefined) {
    throw new MuseError({
      code: 'bad-call',
      message: 'The name of the product is missing, and there is no terminal to ask for it.',
      suggestion: 'Add it: create-muse <name> --yes',
    });
  }
  await checkGiven({ ...given, name }, directory);
  const presets = given.presets ?? [];
  const target = given.target ?? (supabase.organization === undefined ? defaultTarget : 'supabase');
  return {
    name,
    directory: resolve(directory, given.directory ?? name),
    kit: given.kit ?? 'builtin',
    ...present('ref', given.ref),
    ...present('core', given.core),
    ...present('extensions', given.extensions),
    kitExtensions: given.kitExtensions ?? 'archive',
    ...present('without', given.without?.length === 0 ? undefined : given.without),
    presets: presets.filter((preset) => preset !== 'blank'),
    tables: given.tables ?? [],
    ...present('spec', spec === undefined ? undefined : resolve(directory, spec)),
    prefix: given.prefix ?? '',
    ...present('tenancy', given.tenancy),
    target,
    environment: 'development',
    supabaseBaseline: given.supabaseBaseline ?? false,
    ...present('databaseCa', databaseCa === undefined ? undefined : resolve(directory, databaseCa)),
    supabase,
    fix: given.fix ?? false,
    ...present('allowWidening', given.allowWidening),
    verify: given.verify ?? true,
    ...present('git', given.git),
    ...present('statementTimeoutMs', given.statementTimeoutMs),
    install: given.install ?? false,
  };
}

/**
 * The answers for a Supabase project of an existing muse.
 * @param given `environment` is the one that the project is for; `databaseCa` an absolute path
 */
export function provisionAnswers(
  { directory, museFile }: Muse,
  given: Pick<Answers, 'environment' | 'supabase' | 'databaseCa'>,
): Answers {
  return {
    name: museFile.name,
    directory,
    kit: museFile.kit.source,
    kitExtensions: 'keep',
    presets: museFile.presets,
    tables: [],
    prefix: museFile.prefix,
    target: 'supabase',
    supabaseBaseline: false,
    fix: false,
    git: false,
    install: false,
    ...given,
  };
}

/** @throws MuseError `bad-call` where the database has to be named by its URL and is not */
export function checkUrl({ target }: Answers, { databaseUrl }: Secrets): void {
  if (!targetOf(target).needsUrl || databaseUrl !== undefined) return;
  throw new MuseError({
    code: 'bad-call',
    message: `The target is ${target}, but the URL of its database is missing.`,
    suggestion: 'Set DATABASE_URL=postgresql://user:password@host:5432/database, or add --database-url <url>.',
  });
}

function checkName(name: string): void {
  const checked = checkMuseName(name);
  if (checked.ok) return;
  throw new MuseError({
    code: 'bad-name',
    message: `"${name.slice(0, 80)}" cannot be the name: ${checked.reason}`,
    suggestion: `Use this name instead: create-muse ${checked.nearest}`,
  });
}

async function checkPresets(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { nearest } = await import('../shared/nearest.ts');
  const known = (await listPresets()).map(({ id }) => id);
  for (const id of ids) {
    if (known.includes(id)) continue;
    const near = nearest(id, known);
    throw new MuseError({
      code: 'bad-preset',
      message: `There is no preset "${id}".`,
      suggestion: near === undefined ? `Choose one of these: ${known.join(', ')}.` : `Did you mean --preset ${near}?`,
    });
  }
}

async function checkModules(
  without: readonly string[],
  kit: string | undefined,
  presets: readonly string[],
): Promise<void> {
  const unknown = without.find((id) => !moduleIds.includes(id));
  if (unknown !== undefined) {
    throw new MuseError({
      code: 'bad-flag',
      message: `The built-in kit has no module "${unknown.slice(0, 80)}" that can be left out.`,
      suggestion: `Use ${moduleIds.map((id) => `--without ${id}`).join(' or ')}, or omit the flag.`,
    });
  }
  if (without.length === 0) return;
  if (parseKitSource(kit ?? 'builtin').kind !== 'builtin') {
    throw new MuseError({
      code: 'bad-flag',
      message: '--without leaves out a module of the built-in kit, and this is another kit.',
      suggestion: 'Omit --without, or use the built-in kit.',
    });
  }
  const missing = tablesWithout(without);
  for (const { id, needs } of await Promise.all(presets.map(loadPreset))) {
    const table = needs.find((name) => missing.has(name));
    if (table === undefined) continue;
    throw new MuseError({
      code: 'bad-preset',
      message: `The preset ${id} needs ${table}, which --without ${missing.get(table)} leaves out.`,
      suggestion: `Omit --preset ${id} or --without ${missing.get(table)}.`,
    });
  }
}

function present<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, T>);
}
