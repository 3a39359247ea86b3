import type { TableSummary } from '../scaffold/scaffold.ts';
import { checkedSession } from '../scaffold/session.ts';
import type { CoreFacts } from '../scaffold/table.ts';
import { readFiles } from '../sql/catalog/build.ts';
import { coreFacts } from '../sql/catalog/core-objects.ts';
import type { Table } from '../sql/catalog/model.ts';
import type { Migration } from '../sql/migration.ts';
import { type Directive, readDirectives } from '../rules/engine/directives.ts';
import { providedFor } from '../rules/engine/provided.ts';
import { serverOnlyTables } from '../rules/engine/server-only.ts';
import { loadParser } from '../sql/parser.ts';
import { rememberLast } from '../sql/remember.ts';
import { qualifiedName } from '../sql/names.ts';
import { fieldsOf } from '../sql/nodes.ts';
import { parseSql } from '../sql/split.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import type { Declaration, Expectations } from '../rules/engine/live/expectations.ts';

/** What a new extension file can be built on: what core creates, and the extension files before it. */
export async function factsOf(migrations: readonly Migration[]): Promise<CoreFacts> {
  await loadParser();
  const { catalog } = await readFiles(migrations);
  const extensions = new Set(migrations.filter(({ layer }) => layer === 'extension').map(({ file }) => file));
  const extensionTables = [...catalog.tables.values()].flatMap(({ name, site }): [string, string][] => {
    const file = site?.piece.source.migration.file;
    return file !== undefined && extensions.has(file) ? [[name, file]] : [];
  });
  return { ...coreFacts(catalog, ['core', 'extension']), extensionTables: Object.fromEntries(extensionTables) };
}

const isKept = ({ kind, site, temporary }: Table): boolean =>
  kind === 'table' && site !== undefined && temporary !== true;

/** What a database must have by the files, and what they declare about its tables. */
export async function expectationsOf(
  migrations: readonly Migration[],
  museFile?: Pick<MuseFile, 'isolation' | 'session' | 'migrations'>,
): Promise<Expectations> {
  const userRole = museFile?.isolation === 'session' ? { userRole: checkedSession(museFile.session).role } : {};
  const declared = await declaredBy(migrations);
  const provided = providedFor((await readFiles(migrations)).pieces, museFile?.migrations.order);
  return { ...declared, ...userRole, provided };
}

const declaredBy = rememberLast(async (migrations): Promise<Expectations> => {
  await loadParser();
  const { catalog } = await readFiles(migrations);
  const tables = [...catalog.tables.values()].filter(isKept);
  const declarations = readDirectives(migrations).flatMap((directive): Declaration[] => {
    if (directive.kind === 'ignore') return [];
    // It holds for every table, so it may stand beside any statement, and after the last one.
    if (directive.kind === 'staff') return [{ scope: directive.kind, claim: directive.claim }];
    const { table, kind: scope, policy } = directive;
    if (table === undefined) return [];
    return [
      {
        table,
        scope,
        ...(directive.kind === 'shared-with' ? { column: directive.column } : {}),
        ...(policy === undefined ? {} : { policy }),
      },
    ];
  });
  const columnRevokes = tables.flatMap(({ name: table, columnRevokes: all }) =>
    all.map(({ role, privilege, columns }) => ({ table, role, privilege, columns })),
  );
  return { tables: tables.map(({ name }) => name), declarations, serverOnly: serverOnlyTables(catalog), columnRevokes };
});

/** The tables that the extension files add, for the README: columns, comment, and whose rows they hold. */
export async function extensionTables(migrations: readonly Migration[]): Promise<TableSummary[]> {
  await loadParser();
  const extensions = migrations.filter(({ layer }) => layer === 'extension');
  const directives = readDirectives(extensions);
  const comments = tableComments(extensions);
  const { catalog } = await readFiles(migrations);
  return [...catalog.tables.values()]
    .filter((table) => isKept(table) && table.site?.piece.source.migration.layer === 'extension')
    .map((table) => ({
      name: table.name.replace(/^public\./, ''),
      scope: scopeOf(table, directives),
      ...(directives.some(
        ({ table: of, kind, policy }) => of === table.name && kind === 'public-read' && policy !== undefined,
      ) && {
        open: true,
      }),
      columns: [...table.columns.values()].map(({ name, type }) => ({ name, type })),
      comment: comments.get(table.name) ?? '',
    }));
}

/** `public` and the schemas that the files create. */
export async function schemasOf(migrations: readonly Migration[]): Promise<string[]> {
  await loadParser();
  const { catalog } = await readFiles(migrations);
  const made = [...catalog.schemas].filter(([, site]) => site !== undefined).map(([name]) => name);
  return [...new Set(['public', ...made])];
}

function scopeOf(table: Table, directives: readonly Directive[]): TableSummary['scope'] {
  const declared = directives.find(({ table: of, policy }) => of === table.name && policy === undefined);
  if (declared?.kind === 'public-read' || declared?.kind === 'service-only') return declared.kind;
  const toOrganizations = table.foreignKeys.some((key) => /\.(organi[sz]ations|orgs)$/.test(key.table));
  return toOrganizations ? 'organization' : 'owner';
}

/** `COMMENT ON TABLE`, by `schema.name`; the last one counts. */
function tableComments(migrations: readonly Migration[]): Map<string, string> {
  const comments = new Map<string, string>();
  for (const { sql } of migrations) {
    for (const { tree } of parseSql(sql).statements) {
      const comment = fieldsOf(tree, 'CommentStmt');
      if (comment?.objtype === 'OBJECT_TABLE') comments.set(qualifiedName(comment.object), comment.comment ?? '');
    }
  }
  return comments;
}
