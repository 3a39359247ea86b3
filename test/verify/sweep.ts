import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { readCatalog } from '../../src/verify/catalog/read-catalog.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { type IsolationOptions, verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';
import { whyEquivalent } from './equivalent.ts';
import { familyMutants } from './mutant-families.ts';
import { allMutants, type Mutant, redefinition } from './mutants.ts';

/** A correct schema, and the result of its proof. */
export interface World {
  name: string;
  database: Database;
  /** SQL that creates it, if it is not in the database yet. */
  sql: string;
  options: IsolationOptions;
  whole: IsolationReport;
  mutants: Mutant[];
}

/** Proves the original schema, and generates all its mutants. */
export async function makeWorld(
  name: string,
  database: Database,
  sql: string,
  options: IsolationOptions,
): Promise<World> {
  return withSchema(database, sql, async (session) => {
    const { rows } = await session.query<{ oid: string; definition: string }>(
      "select p.oid::text as oid, pg_get_functiondef(p.oid) as definition from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private') and p.prokind = 'f'",
    );
    const definitions = new Map(rows.map((row) => [row.oid, row.definition]));
    const whole = await verifyIsolation(session, options);
    const catalog = await readCatalog(session, options.session === undefined ? [] : [options.session.role]);
    const role = options.session?.role;
    const mutants = [
      // The weakenings of single policies assume Supabase's roles.
      ...(role === undefined
        ? allMutants(catalog, (routine, source) => redefinition(definitions.get(routine.oid)!, routine.source, source))
        : []),
      ...familyMutants(catalog, role),
    ];
    return { name, database, sql, options, whole, mutants };
  });
}

type Verdict = 'not valid' | 'rules' | 'matrix' | 'nothing';

/**
 * What the proof reports for a mutant: findings by the rules alone, or by comparison with the matrix of the original
 * schema.
 */
async function judge({ database, sql, options, whole }: World, mutant: Mutant): Promise<Verdict> {
  let isValid = false;
  const known = new Set(whole.findings.map(({ message }) => message));
  try {
    const findings = await withSchema(database, `${sql};\n${mutant.sql}`, async (session): Promise<Finding[]> => {
      isValid = true;
      const only = mutant.touches === undefined ? {} : { only: mutant.touches };
      const expectations = { tables: [], declarations: [...options.declarations], serverOnly: [] };
      const proof = await verifyIsolation(session, { ...options, expected: whole.tables, ...only });
      return [...proof.findings, ...(mutant.isOfCatalog === true ? await checkCatalog(session, expectations) : [])];
    });
    const fresh = findings.filter(({ message }) => !known.has(message));
    if (fresh.some(({ message }) => !message.includes('expected matrix'))) return 'rules';
    return fresh.length > 0 ? 'matrix' : 'nothing';
  } catch (error) {
    if (isValid) throw error;
    return 'not valid';
  }
}

/** The results for the mutants of one schema. */
interface Outcome {
  missed: Mutant[];
  killed: number;
  tried: Mutant[];
}

/** Tries a sample of the mutants, prints the results, and returns those that are neither found nor equivalent. */
export async function sweep(world: World, every: number): Promise<Outcome> {
  const counts = { 'not valid': 0, rules: 0, matrix: 0, nothing: 0 };
  const reasons = new Map<string, number>();
  const missed: Mutant[] = [];
  const tried = world.mutants.filter((_, number) => number % every === 0);
  for (const mutant of tried) {
    const verdict = await judge(world, mutant);
    counts[verdict] += 1;
    if (verdict !== 'nothing') continue;
    const reason = whyEquivalent(mutant);
    if (reason === undefined) missed.push(mutant);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const killed = counts.rules + counts.matrix;
  console.log(
    [
      `${world.name}: mutants ${tried.length} of ${world.mutants.length}, not valid SQL ${counts['not valid']}, killed ${killed} (by the rules ${counts.rules}, by the matrix of the world as it is ${counts.matrix}), equivalent ${counts.nothing - missed.length}, missed ${missed.length}`,
      ...[...reasons].map(([reason, count]) => `  equivalent: ${reason}: ${count}`),
      ...missed.map(({ name }) => `  missed: ${name}`),
    ].join('\n'),
  );
  return { missed, killed, tried };
}

/** Selects all mutants if everything is tested, each n-th with `CREATE_MUSE_ALL_MUTANTS=n`, otherwise a sample of every kind. */
export function strideOf(sample: number): number {
  const asked = Number(process.env['CREATE_MUSE_ALL_MUTANTS'] ?? Number.NaN);
  if (asked >= 1) return asked;
  return process.env['CREATE_MUSE_ALL'] === undefined ? sample : 1;
}
