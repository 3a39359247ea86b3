/** The order of files that state what a schema is, in which nothing tells which comes first but what they need. */
import { join, posix } from 'node:path';
import { readText } from '../shared/files.ts';
import { buildCatalog } from '../sql/catalog/build.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';

/**
 * Orders the files of a folder: as the `schema_paths` of a `config.toml` beside the folder say, else so that each comes
 * after the files that create what it needs, by name where nothing else decides.
 * @param names paths below the folder
 * @returns the paths without `.sql`
 */
export async function dependencyOrder(
  root: string,
  folder: string,
  names: readonly string[],
  textOf: (name: string) => string,
): Promise<string[]> {
  const tagOf = (name: string): string => name.replace(/\.sql$/, '');
  const sorted = [...names].sort();
  const stated = await statedOrder((await readText(join(root, folder, '..', 'config.toml'))) ?? '', folder, sorted);
  if (stated.length > 0) return [...new Set(stated)].map(tagOf);
  if (sorted.length < 2) return sorted.map(tagOf);
  await loadParser();
  return inOrderOfNeed(
    sorted.map((name) => ({ layer: 'core', file: name, number: '', sql: textOf(name), checksum: '' })),
  ).map(({ file }) => tagOf(file));
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
 * The files that the patterns of `schema_paths` in a `config.toml` match, in their order; the patterns are relative to the
 * folder of that file. None where it has no such list, or cannot be read.
 */
async function statedOrder(toml: string, folder: string, sorted: readonly string[]): Promise<string[]> {
  if (toml === '') return [];
  const [{ parse, TomlError }, { default: picomatch }] = await Promise.all([import('smol-toml'), import('picomatch')]);
  try {
    const { db } = parse(toml) as { db?: { migrations?: { schema_paths?: unknown } } };
    const patterns = db?.migrations?.schema_paths;
    return (Array.isArray(patterns) ? patterns : [])
      .filter((pattern) => typeof pattern === 'string')
      .flatMap((pattern) => {
        const matches = picomatch(posix.normalize(pattern));
        return sorted.filter((name) => matches(posix.join(posix.basename(folder), name)));
      });
  } catch (error) {
    if (error instanceof TomlError) return [];
    throw error;
  }
}
