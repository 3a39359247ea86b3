import type { Session } from '../database/database.ts';
import { quoteIdentifier } from '../shared/quote.ts';
import type { FileName } from '../migrations/compare.ts';
import type { Migration } from '../sql/migration.ts';

/** The line with which a data migration declares the table it reads, and the table that records what it wrote. */
const report = /^-- Report: (\{.*\})$/m;

type Name = [schema: string, table: string];

/**
 * What data migrations did, a sentence each: rows read, written, skipped. Counted in the database, because notices that a script
 * raises while it runs do not arrive on every kind of connection.
 * @param applied the files of this run
 * @throws DatabaseError what PostgreSQL says
 */
export async function copyReports(
  database: Session,
  migrations: readonly Migration[],
  applied: readonly FileName[],
): Promise<string[]> {
  const sentences: string[] = [];
  for (const { layer, file, sql } of migrations) {
    if (!applied.some((one) => one.layer === layer && one.file === file)) continue;
    const names = namesIn(sql);
    if (names === undefined) continue;
    const count = (name: Name): string =>
      `(select count(*) from ${name.map((part) => quoteIdentifier(part)).join('.')})`;
    const { rows } = await database.query<{ read: string; written: string; skipped: string }>(
      `select read::text, written::text, (read - written)::text as skipped from (select ${count(names.from)} as ` +
        `read, ${count(names.written)} as written) as counted`,
    );
    const [{ read, written, skipped } = { read: '0', written: '0', skipped: '0' }] = rows;
    sentences.push(`${file}: ${read} rows read, ${written} written, ${skipped} skipped.`);
  }
  return sentences;
}

function namesIn(sql: string): { from: Name; written: Name } | undefined {
  const text = report.exec(sql)?.[1];
  if (text === undefined) return undefined;
  try {
    const { from, written } = JSON.parse(text) as { from?: unknown; written?: unknown };
    return isName(from) && isName(written) ? { from, written } : undefined;
  } catch {
    // Edited by hand: the migration works without its report.
    return undefined;
  }
}

function isName(value: unknown): value is Name {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string' && part !== '');
}
