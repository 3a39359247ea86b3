/** A class of repair leaves out what would no longer run with it, and the others keep it. */
import { describe, expect, it } from 'vitest';
import type { Measured } from '../../src/rules/engine/fix/access.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { repair, type Repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';

const fileOf = (number: number): string => `migrations/core/${String(number).padStart(3, '0')}_t.sql`;

/**
 * Repairs files that run on nothing: what fails in them is said by a function of their texts.
 * @param absent the tables that are not there afterwards
 */
async function fix(
  texts: readonly string[],
  failing: (sql: string, file: string) => number,
  absent: readonly string[] = [],
): Promise<{ repaired: Repair; textOf: (number: number) => string; runs: number }> {
  const files = Object.fromEntries(texts.map((text, index) => [fileOf(index + 1), text]));
  let runs = 0;
  const repaired = await repair({
    migrations: migrationsOf(files),
    rollbacks: new Map(),
    folders,
    kit: 'kit',
    builtin: [],
    async measure(migrations, goesOn): Promise<Measured | undefined> {
      runs += 1;
      const failed = new Map<string, number>();
      const made = new Set<string>();
      for (const { file, sql } of migrations) {
        failed.set(file, failing(sql, file));
        for (const [, name] of sql.matchAll(/create table (?:if not exists )?(\w+)/gi)) made.add(`public.${name!}`);
        if (goesOn?.(file, failed.get(file)!) === false) return undefined;
      }
      for (const table of absent) made.delete(table);
      return { access: { cells: [], objects: made }, failed, doubtful: new Set() };
    },
  });
  const textOf = (number: number): string => repaired.migrations.find(({ file }) => file === fileOf(number))!.sql;
  return { repaired, textOf, runs };
}

const table = (number: number): string =>
  `-- t\ncreate table if not exists t${number} (id uuid primary key, other_id uuid references t1 (id));\n`;
const rls = (sql: string): boolean => /enable row level security/i.test(sql);

describe('files that would no longer run', () => {
  it('are left out, and named', async () => {
    const { repaired, textOf } = await fix([1, 2, 3, 4].map(table), (sql, file) =>
      rls(sql) && [fileOf(2), fileOf(3)].includes(file) ? 1 : 0,
    );
    expect([1, 2, 3, 4].map((number) => rls(textOf(number)))).toEqual([true, false, false, true]);
    expect(repaired.left).toEqual(
      [2, 3].map(fileOf).map((file) => ({
        rule: 'rls-missing',
        file,
        why: `its repair was rolled back, because ${file} would no longer run.`,
      })),
    );
    // The others have it, and what is in the file besides.
    expect(textOf(3)).toContain('CREATE INDEX');
  });

  it('have to be edited by the class: otherwise it is rolled back as a whole', async () => {
    let isOn = false;
    const { repaired, textOf } = await fix([table(1), '-- t\nselect 1;\n', table(3)], (sql, file) => {
      if (file === fileOf(1)) isOn = rls(sql);
      return file === fileOf(2) && isOn ? 1 : 0;
    });
    expect([1, 3].map((number) => rls(textOf(number)))).toEqual([false, false]);
    expect(repaired.left).toMatchObject([{ rule: 'rls-missing', file: fileOf(2) }]);
  });

  it('cost two runs more, however many they are; of too many the class is rolled back as a whole', async () => {
    const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
    const failsIn =
      (count: number) =>
      (sql: string, file: string): number =>
        rls(sql) && numbers.slice(0, count).map(fileOf).includes(file) ? 1 : 0;
    const few = await fix(numbers.map(table), failsIn(8));
    expect(numbers.map((number) => rls(few.textOf(number)))).toEqual(numbers.map((number) => number > 8));
    const one = await fix(numbers.map(table), failsIn(1));
    expect(few.runs).toBe(one.runs + 1);
    const many = await fix(numbers.map(table), failsIn(9));
    expect(numbers.some((number) => rls(many.textOf(number)))).toBe(false);
    expect(many.repaired.left).toHaveLength(1);
  });
});

it('an index waits for a table that is not there, and the others do not', async () => {
  const hasIndex = (sql: string): boolean => /create index/i.test(sql);
  const { repaired, textOf } = await fix(
    [1, 2, 3].map(table),
    (sql, file) => (file === fileOf(2) ? (hasIndex(sql) ? 2 : 1) : 0),
    ['public.t2'],
  );
  expect([2, 3].map((number) => hasIndex(textOf(number)))).toEqual([false, true]);
  expect([1, 2, 3].map((number) => rls(textOf(number)))).toEqual([true, true, true]);
  expect(repaired.left).toEqual([
    {
      rule: 'fk-without-index',
      file: fileOf(2),
      why: 'public.t2 is not there, or incomplete, since a statement that makes it fails.',
    },
  ]);
});

it('a class that lets statements run, and leaves more errors, is rolled back with one more run', async () => {
  const files = {
    [fileOf(1)]: '-- t\ncreate table if not exists t1 (id uuid primary key, other_id uuid references t1 (id));\n',
    [fileOf(2)]: '-- t\ninsert into nowhere (id, name) select id, $$a$$ from t1 on conflict do nothing;\n',
  };
  const makesIt = (migrations: readonly { sql: string }[]): boolean =>
    migrations.some(({ sql }) => /create table (?:if not exists )?(?:public\.)?nowhere/i.test(sql));
  let runs = 0;
  const measured: Measured = { access: { cells: [], objects: new Set() }, failed: new Map(), doubtful: new Set() };
  const finding = (line: number): Finding => ({
    rule: 'statement-failed',
    severity: 'error',
    file: fileOf(2),
    line,
    message: `It fails in ${line} ways.`,
    suggestion: 'Change it.',
  });
  const repaired = await repair({
    migrations: migrationsOf(files),
    rollbacks: new Map(),
    folders,
    kit: 'kit',
    builtin: [],
    measure: () => Promise.resolve(measured),
    rehearse(migrations) {
      runs += 1;
      return Promise.resolve({ measured, findings: makesIt(migrations) ? [1, 2, 3].map(finding) : [] });
    },
  });
  expect(makesIt(repaired.migrations)).toBe(false);
  expect(repaired.left).toMatchObject([
    { rule: 'unknown-relation', why: expect.stringContaining('more errors') as string },
  ]);
  expect(repaired.migrations.map(({ sql }) => rls(sql))).toEqual([true, false]);
  // The files as they are, all classes together, and all but one.
  expect(runs).toBe(3);
});
