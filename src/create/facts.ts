import type { CoreFacts } from '../extension/table.ts';
import { buildCatalog } from '../migrations/catalog/build.ts';
import { coreFacts } from '../migrations/catalog/facts.ts';
import type { Migration } from '../migrations/migration.ts';
import { readDirectives } from '../migrations/parse/directives.ts';
import { loadParser } from '../migrations/parse/parser.ts';
import type { Expectations } from '../verify/expectations.ts';

/** What an extension can be built on, read from the files of core. */
export async function factsOf(migrations: readonly Migration[]): Promise<CoreFacts> {
  await loadParser();
  return coreFacts(buildCatalog(migrations));
}

/** What the files say that a database must have, and what they declare of its tables. */
export async function expectationsOf(migrations: readonly Migration[]): Promise<Expectations> {
  await loadParser();
  const catalog = buildCatalog(migrations);
  const tables = [...catalog.tables.values()].filter(({ kind, site, temporary }) => kind === 'table' && site !== undefined && temporary !== true);
  const declarations = readDirectives(migrations).flatMap((directive) => {
    if (directive.table === undefined || directive.kind === 'ignore') return [];
    const { table, kind: scope } = directive;
    return [directive.kind === 'shared-with' ? { table, scope, column: directive.column } : { table, scope }];
  });
  return { tables: tables.map(({ name }) => name), declarations };
}
