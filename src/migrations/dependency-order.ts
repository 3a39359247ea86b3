/** The order of files that state what a schema is, in which nothing tells which comes first but what they need. */
import { join, posix } from 'node:path';
import { readText } from '../shared/files.ts';
import type { Finding } from '../shared/finding.ts';
import { buildCatalog } from '../sql/catalog/build.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';

/**
 * Orders the files of a folder: as the `schema_paths` of a `config.toml` beside the folder say, else so that each comes
 * after the files that create what it needs, by name where nothing else decides.
 * @param names paths below the folder
 * @returns the paths without `.sql`, and a finding for each of those paths that no file has
 */
export async function dependencyOrder(
  root: string,
  folder: string,
  names: readonly string[],
  textOf: (name: string) => string,
): Promise<{ tags: string[]; findings: Finding[] }> {
  const tagOf = (name: string): string => name.replace(/\.sql$/, '');
  const sorted = [...names].sort();
  const config = posix.join(folder, '..', 'config.toml');
  const stated = await statedOrder((await readText(join(root, config))) ?? '', folder, sorted);
  const findings = stated.unmatched.map((pattern): Finding => ({
    rule: 'bad-file-name',
    severity: 'warning',
    file: config,
    message: `schema_paths has ${pattern}, and no file is called so.`,
    suggestion: 'Restore the file, or remove the path from the list.',
  }));
  if (stated.names.length > 0) return { tags: [...new Set(stated.names)].map(tagOf), findings };
  if (sorted.length < 2) return { tags: sorted.map(tagOf), findings };
  await loadParser();
  const ordered = inOrderOfNeed(
    sorted.map((name) => ({ layer: 'core', file: name, number: '', sql: textOf(name), checksum: '' })),
  );
  return { tags: ordered.map(({ file }) => tagOf(file)), findings };
}

/**
 * Moves files behind those that create what they need. Each round may show needs that the round before hid; files that
 * need each other stay in the order of their names.
 */
function inOrderOfNeed(files: Migration[]): Migration[] {
  const needs = new Map<string, Set<string>>(files.map(({ file }) => [file, new Set()]));
  let order = files;
  for (let round = 0; round < files.length; round += 1) {
    const catalog = buildCatalog(order);
    let found = false;
    for (const { kind, name, late, site } of catalog.needs) {
      const { file } = site.piece.source.migration;
      const maker = catalog.created.get(`${kind} ${name}`)?.find(({ piece }) => piece.order > site.piece.order);
      const made = maker?.piece.source.migration.file;
      if (late || made === undefined || made === file || needs.get(file)!.has(made)) continue;
      needs.get(file)!.add(made);
      found = true;
    }
    if (!found) break;
    order = afterNeeds(files, needs);
  }
  return order;
}

function afterNeeds(files: readonly Migration[], needs: ReadonlyMap<string, ReadonlySet<string>>): Migration[] {
  const byName = new Map(files.map((each) => [each.file, each]));
  const placed = new Set<Migration>();
  const visiting = new Set<string>();
  const place = (each: Migration): void => {
    if (placed.has(each) || visiting.has(each.file)) return;
    visiting.add(each.file);
    for (const need of [...needs.get(each.file)!].sort()) place(byName.get(need)!);
    visiting.delete(each.file);
    placed.add(each);
  };
  for (const each of files) place(each);
  return [...placed];
}

/**
 * The files that the patterns of `schema_paths` in a `config.toml` match, in their order, and the patterns for the folder that
 * match none; the patterns are relative to the folder of that file. None where it has no such list, or cannot be read.
 */
async function statedOrder(
  toml: string,
  folder: string,
  sorted: readonly string[],
): Promise<{ names: string[]; unmatched: string[] }> {
  const stated: { names: string[]; unmatched: string[] } = { names: [], unmatched: [] };
  if (toml === '') return stated;
  const [{ parse, TomlError }, { default: picomatch }] = await Promise.all([import('smol-toml'), import('picomatch')]);
  try {
    const { db } = parse(toml) as { db?: { migrations?: { schema_paths?: unknown } } };
    const patterns = db?.migrations?.schema_paths;
    for (const pattern of Array.isArray(patterns) ? patterns : []) {
      if (typeof pattern !== 'string') continue;
      const own = posix.normalize(pattern);
      const matches = picomatch(own);
      const names = sorted.filter((name) => matches(posix.join(posix.basename(folder), name)));
      stated.names.push(...names);
      if (names.length === 0 && own.startsWith(`${posix.basename(folder)}/`)) stated.unmatched.push(pattern);
    }
    return stated;
  } catch (error) {
    if (error instanceof TomlError) return { names: [], unmatched: [] };
    throw error;
  }
}
