import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { probe, type Reach } from './prober/probe.ts';
import { Random } from './prober/random.ts';
import { makeSchema, type MadeSchema } from './prober/schema.ts';

const isAll = process.env['CREATE_MUSE_ALL'] !== undefined;
const seed = Number(process.env['CREATE_MUSE_SEED'] ?? (isAll ? Math.floor(Date.now() / 1000) : 20_261_128));
const perSchema = 25;
const schemas = (isAll ? 10_000 : 150) / perSchema;

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

/** An error or a `not-proven` finding that names one of the tables. */
function isSaid(findings: readonly Finding[], { table, touched }: Reach): boolean {
  const said = findings
    .filter(({ rule, severity }) => severity === 'error' || rule === 'not-proven')
    .map(({ object, message }) => `${object} ${message}`);
  return [table, ...touched].some((name) =>
    said.some((text) => new RegExp(`public\\.((get|set|give|v)_)?${name}\\b`).test(text)),
  );
}

const story = (number: number, made: MadeSchema, { table, how, steps }: Reach): string =>
  [
    `schema ${number} of seed ${seed}: public.${table} ${how} after`,
    ...steps,
    'in',
    made.sql.slice(made.sql.indexOf('alter table')),
  ].join('\n');

describe('what strangers reach by trial and error', () => {
  it(`is what the proof reports, in ${schemas} generated schemas with ${perSchema} sequences each (seed ${seed})`, async () => {
    const unsaid = new Map<string, string>();
    const falseErrors = new Set<string>();
    const counts = { sound: 0, reached: 0 };
    for (let number = 0; number < schemas; number += 1) {
      const random = new Random(seed + number * 7919);
      const made = makeSchema(random);
      const { findings } = await withSchema(database, made.sql, (session) =>
        verifyIsolation(session, { declarations: [] }),
      );
      if (made.isSound) {
        counts.sound += 1;
        for (const { rule, object, severity } of findings)
          if (severity === 'error') falseErrors.add(`${rule} ${object}`);
      }
      const reached = await probe(database, made, perSchema, random);
      if (reached.length > 0) counts.reached += 1;
      for (const reach of reached) {
        if (!isSaid(findings, reach)) unsaid.set(`${number} ${reach.table}`, story(number, made, reach));
        if (made.isSound)
          throw new Error(`The generator calls a schema sound that is not: ${story(number, made, reach)}`);
      }
    }
    console.log(
      `seed ${seed}: ${schemas * perSchema} sequences on ${schemas} schemas, ${counts.sound} of them without a mistake; rows of others reached in ${counts.reached}, ${unsaid.size} times unsaid; false errors: ${[...falseErrors].sort().join(', ') || 'none'}`,
    );
    expect([...unsaid.values()]).toEqual([]);
    expect([...falseErrors].sort()).toEqual([]);
  }, 7_200_000);
});
