import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import { readCatalog } from '../../src/verify/catalog/read-catalog.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { withSchema } from './database.ts';
import { whyEquivalent } from './equivalent.ts';
import { installKit } from './kit.ts';
import { allMutants, type Mutant, redefinition } from './mutants.ts';

/** All mutants take some minutes; without this every ninth is tried, by turns of all kinds. */
const every = process.env['CREATE_MUSE_ALL_MUTANTS'] === undefined ? 9 : 1;

let database: Database;
let declarations: Declaration[];
let whole: IsolationReport;
let mutants: Mutant[];

beforeAll(async () => {
  database = await openEmbedded();
  declarations = await installKit(database, ['crm', 'deliverables', 'realty', 'social']);
  // What is rolled back leaves dead rows, and a table that was never analyzed is judged by its size.
  await database.script('analyze');
  const { rows } = await database.query<{ oid: string; definition: string }>(
    "select p.oid::text as oid, pg_get_functiondef(p.oid) as definition from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private') and p.prokind = 'f'");
  const definitions = new Map(rows.map((row) => [row.oid, row.definition]));
  whole = await verifyIsolation(database, { declarations });
  mutants = allMutants(await readCatalog(database), (routine, source) => redefinition(definitions.get(routine.oid)!, routine.source, source));
});
afterAll(() => database.close());

/** What the proof says of a mutant: its findings, by the rules alone and against the matrix of the kit as it is. */
async function judge(mutant: Mutant): Promise<'not valid' | 'rules' | 'matrix' | 'nothing'> {
  let isValid = false;
  try {
    const { findings } = await withSchema(database, mutant.sql, (session) => {
      isValid = true;
      return verifyIsolation(session, { declarations, expected: whole.tables, ...(mutant.touches === undefined ? {} : { only: mutant.touches }) });
    });
    if (findings.some(({ message }) => !message.includes('expected matrix'))) return 'rules';
    return findings.length > 0 ? 'matrix' : 'nothing';
  } catch (error) {
    if (isValid) throw error;
    return 'not valid';
  }
}

describe('the built-in kit and its presets', () => {
  it('hold: nothing is found', () => {
    expect(whole.findings).toEqual([]);
    expect(whole.tables.length).toBeGreaterThan(30);
  });

  it('report every mutant that changes what somebody can do', async () => {
    const counts = { mutants: 0, 'not valid': 0, rules: 0, matrix: 0, equivalent: 0 };
    const reasons = new Map<string, number>();
    const missed: string[] = [];
    for (const mutant of mutants.filter((_, number) => number % every === 0)) {
      counts.mutants += 1;
      const verdict = await judge(mutant);
      const reason = verdict === 'nothing' ? whyEquivalent(mutant) : undefined;
      if (verdict !== 'nothing') counts[verdict] += 1;
      else if (reason === undefined) missed.push(mutant.name);
      else {
        counts.equivalent += 1;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    }
    const killed = counts.rules + counts.matrix;
    console.log([
      `mutants ${counts.mutants} of ${mutants.length}, not valid SQL ${counts['not valid']}, killed ${killed} (by the rules ${counts.rules}, by the kit's own matrix ${counts.matrix}), equivalent ${counts.equivalent}, missed ${missed.length}`,
      ...[...reasons].map(([reason, count]) => `  equivalent: ${reason}: ${count}`), ...missed.map((name) => `  missed: ${name}`),
    ].join('\n'));
    expect(missed).toEqual([]);
    expect(killed).toBeGreaterThan(counts.mutants / 2);
  }, 1_200_000);
});
