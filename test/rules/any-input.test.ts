import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lint } from '../../src/rules/registry.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { repair } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { isWhole, sampled } from '../support/sample.ts';
import { builtinKit, seeded, statements } from './kit.ts';

await loadParser();

const one = 'migrations/core/001_one.sql';
const ours = 'migrations/extensions/001_ours.sql';
const kit = statements(builtinKit(), /^/).map(({ statement }) => statement.sql);

/** Statements of the kit with pieces removed, doubled and swapped: near-SQL, which reaches more code than noise. */
const scrambled = fc.tuple(fc.integer(), fc.integer({ min: 1, max: 6 })).map(([seed, count]) => {
  const random = seeded(seed);
  const statement = (): string => {
    const words = kit[Math.floor(random() * kit.length)]!.split(/\b/);
    for (let cut = 0; cut < 3; cut += 1) {
      const at = Math.floor(random() * words.length);
      const other = Math.floor(random() * words.length);
      if (random() < 0.4) words.splice(at, 1);
      else [words[at], words[other]] = [words[other]!, words[at]!];
    }
    return words.join('');
  };
  return Array.from({ length: count }, statement).join(';\n');
});

describe('any input leads to findings, each with its place in the file', () => {
  it.each([
    ['bytes', fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString()), 150],
    ['text', fc.string({ unit: 'binary', maxLength: 300 }), 150],
    ['scrambled SQL', scrambled, 400],
  ])('%s', async (_, inputs, numRuns) => {
    await fc.assert(
      fc.asyncProperty(inputs, inputs, async (sql, other) => {
        const { findings } = await lint({
          migrations: migrationsOf({ [one]: sql, [ours]: other }),
          rollbacks: new Set(),
        });
        for (const { file, line = 0, column = 0, snippet } of findings) {
          const lines = (file === one ? sql : other).split('\n');
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(snippet).toBe(lines[line - 1]?.replace(/\r$/, ''));
          expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
        }
      }),
      { numRuns: sampled(numRuns) },
    );
  });

  it('a repair of it terminates too', async () => {
    await fc.assert(
      fc.asyncProperty(scrambled, async (sql) => {
        const { migrations } = await repair({
          migrations: migrationsOf({ [one]: sql }),
          rollbacks: new Map(),
          folders,
          kit: 'x',
          builtin: [],
        });
        expect(migrations.length).toBeGreaterThan(0);
      }),
      { numRuns: sampled(40) },
    );
  });
});

describe('a large file terminates', () => {
  const size = isWhole ? 1 << 20 : 1 << 18;
  it.each([
    [
      'valid',
      (index: number) =>
        `create table t${index} (id uuid primary key, user_id uuid references auth.users(id));\nalter table t${index} enable row level security;\n`,
    ],
    ['broken', (index: number) => `create policy if not exists p on t${index} using (true;\n`],
    [
      'one table, many policies',
      (index: number) => `create policy p${index} on notes for select to authenticated using (auth.uid() = user_id);\n`,
    ],
  ])('%s', async (_, line) => {
    let sql = '-- large\ncreate table notes (user_id uuid);\n';
    for (let index = 0; sql.length < size; index += 1) sql += line(index);
    const { findings } = await lint({ migrations: migrationsOf({ [one]: sql }), rollbacks: new Set() });
    expect(findings.length).toBeGreaterThan(1000);
  });
});
