/** Findings of lint that running the files refutes: what dynamic SQL makes, no text shows. */
import type { Database } from '../database/database.ts';
import type { RehearsalReport } from '../rehearsal/rehearse.ts';
import type { Finding } from '../shared/finding.ts';
import { fieldsOf } from '../sql/nodes.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import type { Statement } from '../sql/statement.ts';

/** Names that are there, of those asked for: `schema.name`, `schema.table.column` or a schema's. */
const present = `
select name from pg_catalog.unnest($1::text[]) as name
where name in (
  select nspname from pg_catalog.pg_namespace
  union all select n.nspname || '.' || c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  union all select n.nspname || '.' || p.proname from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  union all select n.nspname || '.' || t.typname from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  union all select n.nspname || '.' || c.relname || '.' || a.attname from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where not a.attisdropped)`;

/**
 * The findings without those that say that nothing creates a thing, where the rehearsal shows that something does: the statement ran,
 * or, for what is in a body, which may not have run, the thing is there at the end.
 * @param database the rehearsal's, with every file applied
 */
export async function withoutRefuted(
  database: Database,
  findings: readonly Finding[],
  rehearsal: RehearsalReport,
  migrations: readonly Migration[],
): Promise<Finding[]> {
  const whole = new Set(rehearsal.files.filter(({ failed }) => failed === 0).map(({ file }) => file));
  const doubtful = findings.filter(
    ({ rule, file, object }) =>
      rule === 'unknown-relation' && object !== undefined && file !== undefined && whole.has(file),
  );
  if (doubtful.length === 0 || rehearsal.ended) return [...findings];
  const { rows } = await database.query<{ name: string }>(present, [doubtful.map(({ object }) => object)]);
  const there = new Set(rows.map(({ name }) => name));
  await loadParser();
  const sqlOf = new Map(migrations.map(({ file, sql }) => [file, sql]));
  const refuted = new Set(
    doubtful.filter(({ file, line, object }) => {
      if (there.has(object!)) return true;
      const statement = statementOf(sqlOf.get(file!) ?? '', line ?? 0);
      return statement !== undefined && !bodies.some((type) => fieldsOf(statement.tree, type) !== undefined);
    }),
  );
  const made = new Set([...refuted].map(({ object }) => object));
  // What is made after all is no sign of a history that starts in the middle; what else is missing is told by itself.
  return findings.filter(
    (finding) => !refuted.has(finding) && finding.explains?.some((name) => made.has(name)) !== true,
  );
}

const bodies = ['CreateFunctionStmt', 'DoStmt'] as const;

function statementOf(sql: string, line: number): Statement | undefined {
  return parseSql(sql).statements.findLast((statement) => statement.line <= line);
}
