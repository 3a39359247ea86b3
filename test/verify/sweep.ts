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
export async function sweep(world: World, sample: number): Promise<Outcome> {
  const counts = { 'not valid': 0, rules: 0, matrix: 0, nothing: 0 };
  const reasons = new Map<string, number>();
  const missed: Mutant[] = [];
  const tried: Mutant[] = [];
  const { every, first } = partOf(sample);
  const result = (): string[] => [
    `${world.name}: mutants ${tried.length} of ${world.mutants.length}, not valid SQL ${counts['not valid']}, killed ${counts.rules + counts.matrix} (by the rules ${counts.rules}, by the matrix of the world as it is ${counts.matrix}), equivalent ${counts.nothing - missed.length}, missed ${missed.length}`,
    ...[...reasons].map(([reason, count]) => `  equivalent: ${reason}: ${count}`),
    ...missed.map(({ name }) => `  missed: ${name}`),
  ];
  let printed = Date.now();
  for (let number = first; number < world.mutants.length; number += every) {
    const mutant = world.mutants[number]!;
    const verdict = await judge(world, mutant);
    tried.push(mutant);
    counts[verdict] += 1;
    if (verdict === 'nothing') {
      const reason = whyEquivalent(mutant);
      if (reason === undefined) missed.push(mutant);
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    // A sweep that is stopped has said what it found, and where the next one can continue.
    if (Date.now() - printed < 30_000) continue;
    printed = Date.now();
    process.stderr.write(`${[...result(), `  continues from ${number + every}`].join('\n')}\n`);
  }
  console.log(result().join('\n'));
  return { missed, killed: counts.rules + counts.matrix, tried };
}

/**
 * The mutants to try: all if everything is tested, each n-th with `CREATE_MUSE_ALL_MUTANTS=n`, otherwise a sample of
 * every kind; the first is `CREATE_MUSE_MUTANTS_FROM`, counted from 0.
 */
function partOf(sample: number): { every: number; first: number } {
  const asked = Number(process.env['CREATE_MUSE_ALL_MUTANTS'] ?? Number.NaN);
  const from = Number(process.env['CREATE_MUSE_MUTANTS_FROM'] ?? 0);
  return {
    every: asked >= 1 ? asked : process.env['CREATE_MUSE_ALL'] === undefined ? sample : 1,
    first: from >= 0 ? from : 0,
  };
}
