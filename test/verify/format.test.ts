import { describe, expect, it } from 'vitest';
import { formatMatrixMarkdown } from '../../src/verify/report/format-markdown.ts';
import { stripVTControlCharacters, styleText } from 'node:util';
import { formatMatrix } from '../../src/verify/report/format-matrix.ts';
import type { Check, IsolationReport } from '../../src/verify/report/report.ts';

const check = (actor: string, verb: Check['verb'], outcome: Check['outcome'], more: Partial<Check> = {}): Check => ({
  actor,
  verb,
  outcome,
  expected: 'may',
  ...more,
});

const report: IsolationReport = {
  tables: [
    {
      table: 'public.notes',
      kind: 'table',
      scope: 'owner user_id',
      checks: [
        check('anon', 'select', 'refused'),
        check('owner', 'select', 'allowed', { rows: 'a' }),
        check('owner', 'insert', 'allowed'),
        check('owner', 'update', 'allowed', { rows: 'a' }),
        check('outsider', 'select', 'allowed', { rows: 'b' }),
        check('outsider', 'insert', 'allowed'),
        check('outsider', 'delete', 'allowed', { rows: 'a', expected: 'no', rule: 'isolation-write' }),
        check('member:admin', 'select', 'error', { rule: 'policy-error' }),
      ],
    },
    {
      table: 'public.leave(uuid, text)',
      kind: 'function',
      scope: 'callable by authenticated',
      checks: [check('owner', 'call', 'allowed')],
    },
  ],
  findings: [
    { rule: 'isolation-write', severity: 'error', object: 'public.notes', message: 'a | b', suggestion: 'Close it.' },
  ],
  proven: 2,
  notProven: 0,
};

const plain = { paint: (_color: string, text: string) => text };
const colored = {
  paint: (color: 'red' | 'green' | 'dim', text: string) => styleText(color, text, { validateStream: false }),
};

describe('formatMatrix', () => {
  it('shows what each actor can do with the rows of another', () => {
    expect(formatMatrix(report, { ...plain, width: 80 })).toBe(
      [
        '                anon   owner  outsi… +admin',
        'notes           .....  SIU..  .i.D.! E....!',
        'leave()         .      X      .      .',
        'S reads, I inserts (i only its own), U updates, D deletes, R reassigns, X calls,',
        'E error, ? not proven, ! breaks a rule; +role is a member of the same',
        'organization',
      ].join('\n'),
    );
  });

  it('shows what was not tried as unknown, not as refused', () => {
    const notes = ['its trigger hook sends HTTP requests'];
    const tables = report.tables.map((table) => ({ ...table, notes }));
    expect(
      formatMatrix({ tables }, { ...plain, width: 80 })
        .split('\n')
        .slice(1, 3),
    ).toEqual(['notes           ?????  SIU??  ?i?D?! E????!', 'leave()         ?      X      ?      ?']);
  });

  it.each([40, 60, 80])('fits %d columns', (width) => {
    const many = {
      tables: report.tables.map((table) => ({
        ...table,
        checks: [...'abcdefghijkl'].map((actor) => check(`member:${actor}dmin`, 'select', 'allowed')),
      })),
    };
    for (const line of formatMatrix(many, { ...plain, width }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(width);
  });

  it('colors what breaks a rule red, without adding width', () => {
    const painted = formatMatrix(report, { ...colored, width: 80 });
    expect(painted).toContain('\u001B[31m.i.D.! ');
    expect(
      stripVTControlCharacters(painted)
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n'),
    ).toBe(formatMatrix(report, { ...plain, width: 80 }));
  });
});

it('writes the matrix and the findings as Markdown', () => {
  expect(formatMatrixMarkdown(report)).toBe(
    [
      '| table | rows belong to | anon | owner | outsider | member:admin |',
      '| --- | --- | :---: | :---: | :---: | :---: |',
      '| `public.notes` | owner user_id | ..... | SIU.. | **.i.D.** ❌ | **E....** ❌ |',
      '| `public.leave(uuid, text)` | callable by authenticated | . | X | . | . |',
      '',
      'S reads, I inserts (i only its own), U updates, D deletes, R reassigns, X calls, E error, ? not proven, ! breaks a rule; +role is a member of the same organization',
      '',
      '2 proven, 0 not proven.',
      '',
      '- **isolation-write** a \\| b Close it.',
      '',
    ].join('\n'),
  );
});
