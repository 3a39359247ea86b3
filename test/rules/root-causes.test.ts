import { describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { examine } from '../../src/muse/examine.ts';
import { foldConsequences } from '../../src/rules/engine/root-causes.ts';
import { hasErrors, type Finding } from '../../src/shared/finding.ts';
import { migrationsOf } from '../migrations/files.ts';
import { museOnDisk } from '../muse/muse-on-disk.ts';

const one = 'migrations/core/001_one.sql';
const two = 'migrations/core/002_two.sql';
const three = 'migrations/core/003_three.sql';

/** The errors of a whole check: rule and place, and how many others each has folded under it. */
async function errorsOf(files: Record<string, string>): Promise<string[]> {
  const { museFile } = await museOnDisk({});
  const database = await openEmbedded();
  try {
    const { findings } = await examine(
      database,
      { migrations: migrationsOf(files), rollbacks: new Map(), unreadable: [], findings: [] },
      museFile,
    );
    return findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, file, line, consequences = [] }) => `${rule} ${file}:${line} +${consequences.length}`);
  } finally {
    await database.close();
  }
}

const closed = (table: string): string => `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;\n`;

describe('one error for one cause', () => {
  it.each<[string, Record<string, string>, string[]]>([
    [
      'a table that nothing creates, used in three files',
      {
        [one]: `-- One.\nCREATE TABLE a (id uuid PRIMARY KEY, ghost_id uuid REFERENCES ghosts (id));\n${closed('a')}`,
        [two]: '-- Two.\nCREATE INDEX ON ghosts (id);\nUPDATE ghosts SET id = NULL;\n',
        [three]: '-- Three.\nSELECT * FROM public.ghosts;\n',
      },
      [`unknown-relation ${one}:2`],
    ],
    [
      'variables of psql in two files, each command once',
      {
        [one]: '-- One.\n\\set a 1\n\\set b 2\n\\echo x\nSELECT 1;\n',
        [two]: '-- Two.\n\\set c 3\nSELECT 2;\n',
      },
      [`psql-command ${one}:2`, `psql-command ${one}:4`],
    ],
    [
      'a search path that the tool sets: what it would find is named without its schema',
      {
        [one]:
          '-- One.\nCREATE SCHEMA app;\nCREATE TABLE app.a (id int);\nALTER TABLE app.a ENABLE ROW LEVEL SECURITY;\nCREATE VIEW app.b WITH (security_invoker = on) AS SELECT 1 AS x;\nCREATE TYPE app.c AS ENUM ();\n',
        [two]: '-- Two.\nALTER TABLE a ADD COLUMN x int;\nSELECT * FROM b;\nALTER TABLE app.a ADD COLUMN y c;\n',
        [three]: '-- Three.\nSELECT id FROM a, b;\n',
      },
      [`unknown-relation ${two}:2`],
    ],
    [
      'a table that cannot be made, is open to everyone as well, and what builds on it',
      {
        [one]: "-- One.\nCREATE TABLE a (id uuid PRIMARY KEY, kind text DEFAULT 1 / 0 || 'x'::int4);\n",
        [two]: '-- Two.\nCREATE INDEX ON a (kind);\n',
      },
      [`statement-failed ${one}:2`, `rls-missing ${one}:2`],
    ],
    [
      'a statement that cannot run, and what builds on it',
      {
        [one]: `-- One.\nCREATE TABLE a (\n  id uuid PRIMARY KEY,\n  kind text DEFAULT 1 / 0 || 'x'::int4\n);\n${closed('a')}`,
        [two]: `-- Two.\nCREATE TABLE b (id uuid PRIMARY KEY, a_id uuid REFERENCES a (id));\n${closed('b')}`,
        [three]: '-- Three.\nCREATE INDEX ON b (a_id);\n',
      },
      [`statement-failed ${one}:4`],
    ],
  ])('%s', async (_what, files, roots) => {
    const errors = await errorsOf(files);
    expect(errors.map((error) => error.replace(/ \+\d+$/, '')).sort()).toEqual(roots.toSorted());
    // All that follows is under the first.
    const folded = errors.map((error) => [error.startsWith(roots[0]!), !error.endsWith('+0')]);
    expect(folded.every(([first, any]) => first === any)).toBe(true);
  });
});

describe('folding', () => {
  const finding = (line: number, more: Partial<Finding>): Finding => ({
    rule: 'statement-failed',
    severity: 'error',
    file: one,
    line,
    message: String(line),
    suggestion: '',
    ...more,
  });
  const lines = (findings: readonly Finding[]): unknown[] =>
    findings.map(({ line, consequences }) => [line, ...(consequences ?? []).map((each) => each.line)]);

  it.each<[string, Finding[], unknown[]]>([
    [
      'a chain ends at its first cause',
      [
        finding(1, {}),
        finding(5, { cause: { file: one, line: 1, lastLine: 3 } }),
        finding(9, { cause: { file: one, line: 5, lastLine: 5 } }),
      ],
      [[1, 5, 9]],
    ],
    ['a cause that has no finding hides nothing', [finding(5, { cause: { file: one, line: 1, lastLine: 3 } })], [[5]]],
    [
      'a warning is no cause',
      [finding(1, { severity: 'warning' }), finding(5, { cause: { file: one, line: 1, lastLine: 3 } })],
      [[1], [5]],
    ],
    [
      'two that name each other both stay',
      [
        finding(1, { cause: { file: one, line: 5, lastLine: 5 } }),
        finding(5, { cause: { file: one, line: 1, lastLine: 1 } }),
      ],
      [[1], [5]],
    ],
    [
      'findings about two objects are two',
      [
        finding(1, { rule: 'unknown-relation', object: 'public.a' }),
        finding(2, { rule: 'unknown-relation', object: 'b.a' }),
        finding(3, { rule: 'unknown-relation', object: 'a' }),
      ],
      [[1, 3], [2]],
    ],
    [
      'a template, or another dialect, is said once, and explains what cannot be read in its file',
      [
        finding(1, { rule: 'template-file' }),
        finding(2, { rule: 'syntax-error' }),
        finding(3, { rule: 'template-file', file: two }),
        finding(4, { rule: 'foreign-dialect', file: 'other/001.sql' }),
        finding(5, { rule: 'foreign-dialect', file: 'other/001.sql' }),
        finding(6, { rule: 'syntax-error', file: 'other/001.sql' }),
        finding(7, { rule: 'syntax-error', file: 'other/002.sql' }),
      ],
      [[1, 2, 3], [4, 5, 6], [7]],
    ],
    [
      'a history that starts in the middle explains what it says is missing, and nothing else',
      [
        finding(1, { rule: 'history-incomplete', explains: ['public.a', 'public.b'] }),
        finding(2, { rule: 'unknown-relation', object: 'public.a' }),
        finding(3, { rule: 'unknown-relation', object: 'public.b.title' }),
        finding(4, { rule: 'unknown-relation', object: 'public.bc' }),
      ],
      [[1, 2, 3], [4]],
    ],
    [
      'a rule whose findings each need a change of their own is never folded',
      [
        finding(1, { rule: 'rls-missing', object: 'public.a' }),
        finding(2, { rule: 'rls-missing', object: 'public.a' }),
      ],
      [[1], [2]],
    ],
  ])('%s', (_what, findings, folded) => {
    const result = foldConsequences(findings);
    expect(lines(result)).toEqual(folded);
    expect(hasErrors(result)).toBe(true);
  });
});
