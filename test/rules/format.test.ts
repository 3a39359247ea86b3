import { styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { formatGithub } from '../../src/publish/findings-github.ts';
import { formatSarif } from '../../src/publish/findings-sarif.ts';
import { formatText, type TextOptions } from '../../src/publish/findings-text.ts';

const plain: Omit<TextOptions, 'width'> = { paint: (_format, text) => text, verbose: false };
const colored: Omit<TextOptions, 'width'> = {
  paint: (format, text) => styleText(format, text, { validateStream: false }),
  verbose: false,
};

const error: Finding = {
  rule: 'rls-missing',
  severity: 'error',
  file: 'migrations/core/001_ä b.sql',
  line: 12,
  column: 14,
  object: 'public.notes',
  message: 'Table public.notes has no row-level security.',
  suggestion: 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nGRANT SELECT ON notes TO authenticated;',
  snippet: 'CREATE TABLE notes (id uuid);',
};
const warning: Finding = {
  rule: 'schema-drift',
  severity: 'warning',
  object: 'public.notes',
  message: 'Differs: 100%, a:b.',
  suggestion: 'muse migrate',
};

describe('text', () => {
  it('shows the place, the line with a caret, what it means and what to write', () => {
    expect(formatText([error, warning], { ...plain, width: 80 }))
      .toBe(`migrations/core/001_ä b.sql:12:14 error rls-missing
  12 │ CREATE TABLE notes (id uuid);
     │              ^
  Table public.notes has no row-level security.
  → ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON notes TO authenticated;

public.notes warning schema-drift
  Differs: 100%, a:b.
  → muse migrate

1 error, 1 warning`);
  });

  it('shows the SQL to try by hand where all is shown', () => {
    const found = {
      ...warning,
      probe: "select *\nfrom public.notes where id = 'a very long value that is copied as a whole'",
    };
    expect(formatText([found], { ...plain, width: 40 })).not.toContain('select');
    expect(formatText([found], { ...plain, width: 40, verbose: true })).toContain(`  → muse migrate
  Try it by hand:
    select *
    from public.notes where id = 'a very long value that is copied as a whole'`);
  });

  it('says an error that differs in its names only as such, and each rule of many warnings once', () => {
    const fold = (name: string, line: number): Finding => ({
      ...error,
      line,
      object: `public.${name}`,
      message: `Table public.${name} has no row-level security.`,
      suggestion: `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;`,
    });
    const policy = { ...error, rule: 'policy-recursive', line: 30, message: 'It reads its own table.' };
    const findings = [
      warning,
      fold('notes', 12),
      policy,
      warning,
      { ...fold('tags', 20), consequences: [warning, warning] },
      warning,
      { ...warning, rule: 'number-gap' },
    ];
    expect(formatText(findings, { ...plain, width: 80 })).toBe(`migrations/core/001_ä b.sql:12:14 error rls-missing
  12 │ CREATE TABLE notes (id uuid);
     │              ^
  Table public.notes has no row-level security.
  → ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
migrations/core/001_ä b.sql:20:14 error rls-missing
  the same for public.tags
  → ALTER TABLE tags ENABLE ROW LEVEL SECURITY;
  and 2 statements that need it

migrations/core/001_ä b.sql:30:14 error policy-recursive
  30 │ CREATE TABLE notes (id uuid);
     │              ^
  It reads its own table.
  → ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON notes TO authenticated;

Warnings by rule, each with its first place (all of them: --verbose):
  3  schema-drift  public.notes
  1  number-gap    public.notes

3 errors, 4 warnings
Errors by rule: 2 rls-missing, 1 policy-recursive`);
    const whole = formatText(findings, { ...plain, width: 80, verbose: true });
    expect(whole.match(/Differs: 100%/g)).toHaveLength(4);
    expect(whole).toContain('Table public.tags has no row-level security.');
  });

  it('says of an error without names that it is the same, and where', () => {
    const named = ['a', 'b', 'c'].map((name): Finding => ({
      rule: 'bad-file-name',
      severity: 'error',
      file: `migrations/${name}.sql`,
      message: 'The name does not say when the file runs.',
      suggestion: 'Rename it.',
    }));
    const other = { ...named[0]!, file: 'migrations/d.sql', suggestion: 'Move it.' };
    expect(formatText([...named, other], { ...plain, width: 80 })).toBe(`migrations/a.sql error bad-file-name
  The name does not say when the file runs.
  → Rename it.
migrations/b.sql error bad-file-name
  the same
migrations/c.sql error bad-file-name
  the same
migrations/d.sql error bad-file-name
  the same
  → Move it.

4 errors, 0 warnings
Errors by rule: 4 bad-file-name`);
  });

  it('tells what keeps files from running first, and all causes on the first screen of a long list', () => {
    const told = (rule: string, count: number): Finding[] =>
      Array.from({ length: count }, (_, index) => ({ ...error, rule, line: index + 1, object: `public.t${index}` }));
    const cases: [what: string, findings: Finding[], first: RegExp, screen: RegExp][] = [
      [
        'many errors of one rule before one statement that fails',
        [...told('rls-missing', 30), ...told('statement-failed', 1)],
        /^Errors by rule: 1 statement-failed, 30 rls-missing$/,
        /error statement-failed/,
      ],
      [
        'two that stop a file, in their own order',
        [...told('grant-missing', 9), ...told('used-before-created', 7), ...told('syntax-error', 1)],
        /^Errors by rule: 7 used-before-created, 1 syntax-error, 9 grant-missing$/,
        /error used-before-created/,
      ],
      [
        'what explains most of the others, before those',
        [...told('duplicate-number', 9), ...told('unknown-relation', 7), ...told('history-incomplete', 1)],
        /^Errors by rule: 1 history-incomplete, 9 duplicate-number, 7 unknown-relation$/,
        /error history-incomplete/,
      ],
      [
        'few errors',
        [...told('rls-missing', 1), ...told('statement-failed', 1)],
        /error statement-failed$/,
        /error rls-missing/,
      ],
      ['one rule', told('rls-missing', 40), /error rls-missing$/, /the same for public.t1$/m],
    ];
    for (const [what, findings, first, screen] of cases) {
      const lines = formatText(findings, { ...plain, width: 80 }).split('\n');
      expect([what, lines[0]]).toEqual([what, expect.stringMatching(first)]);
      expect([what, lines.slice(0, 24).join('\n')]).toEqual([what, expect.stringMatching(screen)]);
    }
  });

  it('says of the seventh error of a kind only where it is, and of what', () => {
    const made = Array.from({ length: 20 }, (_, index) => ({
      ...error,
      line: index + 1,
      object: `public.table_${index}`,
      message: `Table public.table_${index} has no row-level security.`,
      suggestion: `ALTER TABLE table_${index} ENABLE ROW LEVEL SECURITY;`,
    }));
    const lines = formatText(made, { ...plain, width: 80 }).split('\n');
    expect(lines.filter((line) => line.includes('→'))).toHaveLength(6);
    expect(lines.filter((line) => line.startsWith('The same for'))).toHaveLength(1);
    expect(lines.filter((line) => / public\.table_\d+$/.test(line) && line.includes(':14 '))).toHaveLength(14);
    expect(formatText(made, { ...plain, width: 80, verbose: true }).match(/→/g)).toHaveLength(20);
  });

  it('shows 8 errors of two rules whole, and 55 warnings, in less than 50 lines', () => {
    const made = (rule: string, severity: Finding['severity'], count: number): Finding[] =>
      Array.from({ length: count }, (_, index) => ({
        ...error,
        rule,
        severity,
        line: index + 1,
        object: `public.table_${index}`,
        message: `Table public.table_${index} has policies for authenticated but no grant: every request ends in 42501.`,
        suggestion: `GRANT SELECT, INSERT, UPDATE, DELETE ON public.table_${index} TO authenticated;`,
      }));
    const warnings = [26, 13, 12, 2, 1, 1].flatMap((count, index) => made(`rule-${index}`, 'warning', count));
    const lines = formatText(
      [...warnings, ...made('grant-missing', 'error', 6), ...made('policy-recursive', 'error', 2)],
      { ...plain, width: 80 },
    ).split('\n');
    expect(lines.length).toBeLessThan(50);
    expect(lines.filter((line) => / error (?:grant-missing|policy-recursive)$/.test(line))).toHaveLength(8);
    expect(lines.findLastIndex((line) => line.includes(' error '))).toBeLessThan(
      lines.findIndex((line) => line.startsWith('Warnings by rule')),
    );
    expect(lines.at(-2)).toBe('8 errors, 55 warnings');
  });

  it.each(['text', 'github', 'sarif'])('spells out what would act on a terminal, as %s', (format) => {
    const evil = '\u001B[2J\u202Eno\n::error::yes';
    const finding = { ...error, file: `a${evil}.sql`, object: evil, message: evil, suggestion: evil, snippet: evil };
    const written = {
      text: () => formatText([finding], { ...plain, width: 80 }),
      github: () => formatGithub([finding]),
      sarif: () => formatSarif([finding], '1.2.3'),
    }[format as 'text']();
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) > 0 } as unknown as NodeJS.WriteStream;
    createOutput({ json: false, quiet: false, verbose: false, stdout: stream, stderr: stream, environment: {} }).result(
      written,
    );
    // oxlint-disable-next-line no-control-regex
    expect(lines.join('')).not.toMatch(/[\u001B\u202E]/);
    expect(lines.join('')).not.toMatch(/^::error::yes/m);
    if (format === 'sarif')
      expect(JSON.parse(lines.join(''))).toMatchObject({
        runs: [{ results: [{ message: { text: `${evil}\n${evil}` } }] }],
      });
  });

  it('cuts a long line around the caret, which stays under the place', () => {
    const snippet = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
    const [, line = '', caret = ''] = formatText([{ ...error, snippet, column: 501 }], {
      ...plain,
      width: 60,
    }).split('\n');
    expect(line.length).toBeLessThanOrEqual(62);
    expect(line.slice(caret.indexOf('^'), caret.indexOf('^') + 4)).toBe('HERE');
  });

  it('colors only where it is told to', () => {
    expect(formatText([error], { ...plain, width: 80 })).not.toContain('\u001B');
    expect(formatText([error], { ...colored, width: 80 })).toContain('\u001B[31m');
  });
});

it('sarif names tool, rule and region', () => {
  const { runs } = JSON.parse(formatSarif([error, warning], '1.2.3')) as {
    runs: { tool: object; results: object[] }[];
  };
  expect(runs[0]?.tool).toMatchObject({
    driver: {
      version: '1.2.3',
      rules: [{ id: 'rls-missing', defaultConfiguration: { level: 'error' } }, { id: 'schema-drift' }],
    },
  });
  expect(runs[0]?.results).toMatchObject([
    {
      ruleId: 'rls-missing',
      ruleIndex: 0,
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'migrations/core/001_%C3%A4%20b.sql' },
            region: { startLine: 12, startColumn: 14 },
          },
        },
      ],
    },
    {
      ruleId: 'schema-drift',
      level: 'warning',
      locations: [{ logicalLocations: [{ fullyQualifiedName: 'public.notes' }] }],
    },
  ]);
});

it('github escapes the syntax of its commands', () => {
  expect(formatGithub([error, warning])).toBe(
    '::error file=migrations/core/001_ä b.sql,line=12,col=14,title=rls-missing::Table public.notes has no row-level security.%0AALTER TABLE notes ENABLE ROW LEVEL SECURITY;%0AGRANT SELECT ON notes TO authenticated;\n' +
      '::warning title=schema-drift::Differs: 100%25, a:b.%0Amuse migrate',
  );
});

it('what follows from a finding is in every format', () => {
  const root = { ...error, consequences: [{ ...error, line: 40 }, warning] };
  expect(formatGithub([root])).toMatch(/%0Aand 2 statements that need it$/);
  expect(JSON.parse(formatSarif([root], '1.2.3'))).toMatchObject({
    runs: [
      {
        results: [
          {
            relatedLocations: [
              { physicalLocation: { region: { startLine: 40 } }, message: { text: error.message } },
              { message: { text: warning.message } },
            ],
          },
        ],
      },
    ],
  });
});
