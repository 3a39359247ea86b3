import type { Database } from '../database/database.ts';
import { wantsInput } from '../migrations/transactions.ts';
import { copiedRows } from '../rules/engine/psql.ts';
import { isPlatformSchema } from '../rules/engine/live/catalog.ts';
import { counted } from '../shared/printable.ts';
import type { Finding } from '../shared/finding.ts';
import type { Migration } from '../sql/migration.ts';
import { fieldsOf } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { diagnose } from './diagnose.ts';
import { type ParsedFiles, parsedFilesOf, type Place } from './parsed-files.ts';
import { tryStatements } from './rehearse-file.ts';

/**
 * Runs a kit's seeds in one transaction, once, and rolls it back: their tool runs them on a database that it has made anew, so what a
 * second run would do does not matter.
 * @param database where every migration has run without a failure
 * @returns a warning for each seed at its first statement that fails; what others follow from it are counted
 */
export async function rehearseSeeds(
  database: Database,
  migrations: readonly Migration[],
  seeds: readonly Migration[],
): Promise<Finding[]> {
  if (seeds.length === 0) return [];
  const files = [...migrations, ...seeds];
  const parsedFiles = await parsedFilesOf(files);
  const places = new Map<Statement, Place>(
    seeds.flatMap((migration) =>
      usable(parsedFiles, migration).map((statement) => [
        statement,
        { migration, file: files.indexOf(migration), statement },
      ]),
    ),
  );
  const failed = await tryStatements({ database }, [...places.keys()]);
  const findings: Finding[] = [];
  const before: Place[] = [];
  for (const seed of seeds) {
    const own = failed.filter(({ statement }) => places.get(statement)!.migration === seed);
    let first: Finding | undefined;
    while (first === undefined && own.length > 0) {
      const { statement, error } = own.shift()!;
      const place = places.get(statement)!;
      const finding = diagnose(error, place, parsedFiles, before);
      before.push(place);
      if (!isOfPlatform(finding)) first = finding;
    }
    if (first === undefined) continue;
    const more =
      own.length === 0 ? '' : ` So ${own.length === 1 ? 'does' : 'do'} ${counted(own.length, 'statement')} after it.`;
    findings.push({ ...first, severity: 'warning', message: `${first.message}${more}` });
  }
  return findings;
}

/** Returns whether what a seed lacks is Supabase's own or an extension's: its tool runs it where that is. */
function isOfPlatform({ rule, object = '' }: Finding): boolean {
  return rule === 'extension-unavailable' || isPlatformSchema(object.split('.')[0]!);
}

/** The statements of a seed that can be tried: those that do not parse, rows of COPY, BEGIN and COMMIT are told without a run. */
function usable(parsedFiles: ParsedFiles, seed: Migration): Statement[] {
  const { statements } = parsedFiles.parsed(seed);
  const rows = copiedRows(statements);
  return statements.filter(
    (statement) =>
      statement.error === undefined &&
      !wantsInput(statement) &&
      !rows.has(statement) &&
      !['TransactionStmt', 'VacuumStmt'].some((type) => fieldsOf(statement.tree, type as 'VacuumStmt') !== undefined),
  );
}
