/** The order of files that state what a schema is, in which nothing tells which comes first but what they need. */
import { join, matchesGlob, posix } from 'node:path';
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
  const patterns = schemaPaths((await readText(join(root, folder, '..', 'config.toml'))) ?? '');
  const parent = posix.dirname(folder);
  const stated = patterns.flatMap((pattern) =>
    sorted.filter((name) => matchesGlob(posix.join(folder, name), posix.join(parent, pattern))),
  );
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

/** The strings of `schema_paths = [ … ]` in the table `db.migrations` of a `config.toml`. */
function schemaPaths(toml: string): string[] {
  const lines = toml.split('\n').map((line) => line.trim());
  const start = lines.indexOf('[db.migrations]');
  if (start === -1) return [];
  const after = lines.slice(start + 1);
  const end = after.findIndex((line) => /^\[[\w".]+\]$/.test(line));
  const table = after
    .slice(0, end === -1 ? after.length : end)
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  const list = /^schema_paths\s*=\s*\[([^\]]*)\]/m.exec(table)?.[1] ?? '';
  return [...list.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, basic, literal]) => basic ?? literal ?? '');
}
