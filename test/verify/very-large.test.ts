/** Schemas of many tables and functions: what is tried grows with their number, not with its square, and nothing is left out unsaid. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { type IsolationOptions, verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { isWhole } from '../support/sample.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { callable, ours, teams } from './designs.ts';

/** Tables of teams. */
const tableOf = (
  number: number,
): string => `create table public.things_${number} (id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id) on delete cascade, title text not null);
  create index on public.things_${number} (team_id); alter table public.things_${number} enable row level security;
  grant select on public.things_${number} to authenticated;
  create policy r on public.things_${number} for select to authenticated using (${ours});`;

const isAdmin =
  "exists (select from public.team_users m where m.team_id = p_team and m.user_id = auth.uid() and m.role = 'admin')";

/** Lets an admin of a team add a member: for anyone else, it does nothing without a word. */
const adds = (number: number, guard = isAdmin): string =>
  callable(
    `public.add_${number}(p_team uuid, p_user uuid, p_note text)`,
    'void',
    `insert into public.team_users (team_id, user_id) select p_team, p_user where ${guard} on conflict do nothing`,
  );

const schemaOf = (tables: number, functions: number): string =>
  [teams, ...numbers(tables).map(tableOf), ...numbers(functions).map((number) => adds(number))].join('\n');

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** How much is tried: attempts of the first round, paths of writes that are followed, attempts that are really made after them. */
async function countOf(
  database: Database,
  sql: string,
  options: Partial<IsolationOptions> = {},
): Promise<{ first: number; paths: number; after: number; report: IsolationReport }> {
  let [first, paths, after] = [0, 0, 0];
  const report = await withSchema(database, sql, (session) =>
    verifyIsolation(
      {
        ...session,
        async script(text) {
          try {
            return await session.script(text);
          } catch (error) {
            const { message } = error as Error;
            if (message.includes('"made":')) {
              first += (JSON.parse(/"cells":(\[.*\]),"opened":/s.exec(message)?.[1] ?? '[]') as unknown[]).length;
              paths += text.match(/"lead":/g)?.length ?? 0;
              after += Number(/"made":(\d+)/.exec(message)?.[1]);
            }
            throw error;
          }
        },
      },
      { declarations: [], ...options },
    ),
  );
  return { first, paths, after, report };
}

const errorsOf = ({ findings }: IsolationReport): string[] =>
  findings.flatMap(({ severity, rule, object }) => (severity === 'error' ? [`${rule} ${object}`] : []));

describe('a schema of many tables and functions', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openProofDatabase();
  });
  afterAll(() => database.close());

  it.runIf(isWhole)('takes attempts by the number of both, not by their product', async () => {
    const small = await countOf(database, schemaOf(12, 30));
    const large = await countOf(database, schemaOf(24, 60));
    for (const { report } of [small, large]) expect(report.findings.map(({ rule }) => rule)).toEqual([]);
    expect(large.first).toBeLessThanOrEqual(2 * small.first);
    expect(large.paths).toBeLessThanOrEqual(2 * small.paths);
    expect(large.after).toBeLessThanOrEqual(2 * small.after);
  });

  it.runIf(isWhole)(
    'ends with a hundred tables and 250 functions',
    async () => {
      const { first, paths, after, report } = await countOf(database, schemaOf(100, 250));
      expect(report.findings.map(({ rule }) => rule)).toEqual([]);
      expect(first + paths + after).toBeLessThan(120 * 350);
    },
    1_200_000,
  );

  it('finds the one function that lets anyone in', async () => {
    const { report } = await countOf(database, `${schemaOf(12, 30)} ${adds(17, 'true')}`);
    const name = 'public.add_17(uuid, uuid, text)';
    expect(errorsOf(report)).toEqual([
      `isolation-insert ${name}`,
      `isolation-write ${name}`,
      `isolation-escalation ${name}`,
    ]);
  });

  it('says what it did not follow, of which object and how often', async () => {
    const { report } = await countOf(database, schemaOf(12, 30), { mostAttempts: 100 });
    const gaps = report.findings.filter(({ rule }) => rule === 'not-proven');
    expect(gaps.length).toBeGreaterThan(20);
    expect(new Set(gaps.map(({ object }) => object)).size).toBe(gaps.length);
    for (const { object, message } of gaps)
      expect(message.replace(/ \d+ permitted/, ' some permitted')).toBe(
        `${object} is not proven: some permitted calls of it were not followed, since the proof makes at most 100 attempts after writes, ` +
          'so what they open is not known.',
      );
    expect(report.notProven).toBe(gaps.length);
    const again = await countOf(database, schemaOf(12, 30), { mostAttempts: 100 });
    expect(again.report.findings).toEqual(report.findings);
  });
});
