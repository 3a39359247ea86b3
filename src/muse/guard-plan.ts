import { DatabaseError, type Session } from '../database/database.ts';
import { quoteIdentifier } from '../shared/quote.ts';
import { type RangeVar, stringsOf, walk } from '../sql/nodes.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';

/** An existing table, and how many rows it has. */
export interface TouchedTable {
  table: string;
  rows: number;
}

/** The existing tables that scripts name, with their row counts; sorted by name. */
export async function touchedTables(session: Session, scripts: readonly string[]): Promise<TouchedTable[]> {
  await loadParser();
  const names = new Set<string>();
  for (const sql of scripts) {
    for (const { tree } of parseSql(sql).statements) {
      walk(tree, (type, fields) => {
        if (type === 'RangeVar') {
          const { schemaname, relname } = fields as unknown as RangeVar;
          names.add(JSON.stringify(schemaname === undefined ? [relname] : [schemaname, relname]));
        }
        if (type === 'DropStmt')
          for (const object of (fields['objects'] ?? []) as unknown[]) names.add(JSON.stringify(stringsOf(object)));
      });
    }
  }
  const touched: TouchedTable[] = [];
  for (const name of [...names].sort()) {
    const parts = (JSON.parse(name) as string[]).filter((part) => part !== '');
    if (parts.length === 0 || parts.length > 2) continue;
    const rows = await countOf(session, parts.map(quoteIdentifier).join('.'));
    if (rows !== undefined) touched.push({ table: parts.join('.'), rows });
  }
  return touched;
}

async function countOf(session: Session, name: string): Promise<number | undefined> {
  const { rows: found } = await session.query<{ kind: string | null }>(
    'select (select relkind from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)) as kind',
    [name],
  );
  if (!['r', 'p'].includes(found[0]?.kind ?? '')) return undefined;
  try {
    const { rows } = await session.query<{ count: string | number }>(`select count(*) as count from ${name}`);
    return Number(rows[0]?.count);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42501') return undefined;
    throw error;
  }
}

/** The plan that is shown before it is confirmed. */
export function planText(title: string, files: readonly string[], tables: readonly TouchedTable[]): string {
  const width = Math.max(0, ...tables.map(({ table }) => table.length));
  return [
    title,
    ...files.map((file) => `  ${file}`),
    ...(tables.length === 0
      ? []
      : [
          'Tables that they use:',
          ...tables.map(({ table, rows }) => `  ${table.padEnd(width)}  ${rows} ${rows === 1 ? 'row' : 'rows'}`),
        ]),
  ].join('\n');
}

interface DeleteNode {
  relation: RangeVar;
  whereClause?: unknown;
}

/**
 * Storage buckets with files that the scripts would delete: those whose id the statement names, else all.
 * @returns bucket and number of files
 */
export async function lostBuckets(
  session: Session,
  scripts: readonly string[],
): Promise<{ bucket: string; files: number }[]> {
  if (!scripts.some((sql) => sql.includes('storage'))) return [];
  await loadParser();
  const deletes = scripts.flatMap((sql) => parseSql(sql).statements.flatMap(({ tree }) => deletesOf(tree)));
  if (deletes.length === 0) return [];
  const { rows } = await session.query<{ bucket: string; files: string }>(
    'select bucket_id as bucket, count(*) as files from storage.objects where bucket_id is not null group by 1 order by 1',
  );
  return rows
    .map(({ bucket, files }) => ({ bucket, files: Number(files) }))
    .filter(({ bucket }) => deletes.some((texts) => texts === 'all' || texts.includes(bucket)));
}

/** The string literals in the condition of a statement that deletes from Storage's tables; `all` without any. */
function deletesOf(tree: unknown): (string[] | 'all')[] {
  const found: (string[] | 'all')[] = [];
  walk(tree, (type, fields) => {
    if (type !== 'DeleteStmt') return;
    const { relation, whereClause } = fields as unknown as DeleteNode;
    if (relation.schemaname !== 'storage' || !['buckets', 'objects'].includes(relation.relname)) return;
    const texts: string[] = [];
    walk(whereClause, (inner, constant) => {
      const text = inner === 'A_Const' ? (constant['sval'] as { sval?: string } | undefined)?.sval : undefined;
      if (text !== undefined) texts.push(text);
    });
    found.push(texts.length === 0 ? 'all' : texts);
  });
  return found;
}
