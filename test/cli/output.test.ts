import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOutput, type Output } from '../../src/cli/output.ts';

/** A terminal of some columns; what is written to it. */
function terminal(
  columns: number,
  more: { environment?: NodeJS.ProcessEnv; isTTY?: boolean; quiet?: boolean; stderr?: { isTTY: boolean } } = {},
): { output: ReturnType<typeof createOutput>; written: string[] } {
  const written: string[] = [];
  const stream = {
    isTTY: more.isTTY ?? true,
    columns,
    write: (text: string) => written.push(text) > 0,
  } as unknown as NodeJS.WriteStream;
  return {
    written,
    output: createOutput({
      json: false,
      quiet: more.quiet ?? false,
      verbose: false,
      stdout: stream,
      stderr: { ...stream, ...more.stderr } as unknown as NodeJS.WriteStream,
      environment: more.environment ?? {},
    }),
  };
}

describe('colors', () => {
  const cases: [Record<string, string>, boolean, boolean][] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: 'false' }, true, false],
    [{ FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
    [{ CLICOLOR: '0' }, true, false],
    [{ CLICOLOR: '1' }, false, false],
    [{ CLICOLOR_FORCE: '1' }, false, true],
    [{ CLICOLOR_FORCE: '1', CLICOLOR: '0' }, false, true],
    [{ CLICOLOR_FORCE: '0' }, false, false],
  ];
  it.each(cases)('%j, in a terminal %j: %j', (environment, isTTY, colored) => {
    const { output, written } = terminal(80, { environment, isTTY });
    output.result(output.paint('red', 'x'), true);
    expect(written).toEqual([colored ? '\u001B[31mx\u001B[39m\n' : 'x\n']);
  });

  it('are left out of what goes into a file while the other stream is a terminal', () => {
    const { output, written } = terminal(80, { stderr: { isTTY: false } });
    output.problem(output.paint('red', 'no'));
    output.progress(output.paint('red', 'yes'));
    expect(written).toEqual(['no\n', '\u001B[31myes\u001B[39m\n']);
  });
});

describe('a terminal', () => {
  const text = `✗ The file /srv/${'long/'.repeat(9)} could not be written.\n\n  Done before: nothing, and more words than fit into a line.\n→ Free some space, then run this again.`;
  it.each([40, 41, 60, 80, 120, 200])('of %d columns gets no broken word and no longer line', (columns) => {
    const { output, written } = terminal(columns);
    output.problem(text);
    const shown = written.join('');
    expect(shown.split(/\s+/).filter(Boolean)).toEqual(text.split(/\s+/));
    for (const line of shown.split('\n'))
      expect(line.trim().includes(' ') ? line.length : 0).toBeLessThanOrEqual(columns);
  });

  it('keeps the indentation of what it breaks', () => {
    const { output, written } = terminal(40);
    output.progress('    one two three four five six seven eight nine');
    output.progress('  - one two three four five six seven eight nine');
    expect(written.join('')).toBe(
      '    one two three four five six seven\n    eight nine\n  - one two three four five six seven\n    eight nine\n',
    );
  });

  it('gets text for programs as it is', () => {
    const { output, written } = terminal(40);
    output.result('word '.repeat(20).trim(), true);
    expect(written).toEqual([`${'word '.repeat(20).trim()}\n`]);
  });
});

it('prints only errors, and what is for programs, where it is quiet', () => {
  const { output, written } = terminal(80, { quiet: true });
  output.progress('progress');
  output.note('note');
  output.transient('transient');
  output.result('result');
  output.result('{}', true);
  output.problem('problem');
  expect(written).toEqual(['{}\n', 'problem\n']);
});

describe('a line that the next one replaces', () => {
  it.each<[string, number, string]>([
    ['short', 20, 'short'],
    ['nineteen characters', 20, 'nineteen characters'],
    ['twenty characters...', 20, 'twenty…'],
    ['{…} a colored one is as long as it looks', 44, '\u001B[36m…\u001B[39m a colored one is as long as it looks'],
    ['{…} a colored one that is too long', 20, '… a colored one…'],
  ])('%j in %d columns', (text, columns, shown) => {
    const { output, written } = terminal(columns);
    output.transient(text.replace('{…}', output.paint('cyan', '…')));
    output.progress('done');
    expect(written).toEqual([shown, '\r\u001B[2K', 'done\n']);
  });
});

describe('where no line can be replaced, what is being done', () => {
  afterEach(() => void vi.useRealTimers());

  it.each<[string, (output: Output) => void, string[]]>([
    ['nothing for a moment', () => vi.advanceTimersByTime(1000), []],
    [
      'its last line, and how long it takes already',
      (output) => {
        vi.advanceTimersByTime(1000);
        output.transient('… reading 2/3\n  and more');
        vi.advanceTimersByTime(1000);
        vi.advanceTimersByTime(1500);
      },
      ['… reading 2/3 (1 s)\n', '… reading 2/3 (2 s)\n'],
    ],
    [
      'nothing more once it is done',
      (output) => {
        output.progress('read');
        vi.advanceTimersByTime(5000);
      },
      ['read\n'],
    ],
    [
      'nothing more once the command has ended',
      (output) => {
        output.settle();
        vi.advanceTimersByTime(5000);
      },
      [],
    ],
  ])('%s', (_what, then, shown) => {
    vi.useFakeTimers();
    const { output, written } = terminal(80, { isTTY: false });
    output.transient('… reading 1/3');
    then(output);
    expect(written).toEqual(shown);
  });
});

describe('where a line can be replaced, what is being done', () => {
  afterEach(() => void vi.useRealTimers());

  it.each<[string, (output: Output) => void, string[]]>([
    ['stands there for a moment', () => vi.advanceTimersByTime(1000), []],
    [
      'says how long it takes already',
      () => vi.advanceTimersByTime(3100),
      [
        '\r\u001B[2K\u001B[1A\u001B[2K',
        '… reading 1/3 (2 s)\n  and more',
        '\r\u001B[2K\u001B[1A\u001B[2K',
        '… reading 1/3 (3 s)\n  and more',
      ],
    ],
    [
      'says nothing more once it is done',
      (output) => {
        output.progress('read');
        vi.advanceTimersByTime(5000);
      },
      ['\r\u001B[2K\u001B[1A\u001B[2K', 'read\n'],
    ],
    [
      'says nothing over a question',
      (output) => {
        output.settle();
        vi.advanceTimersByTime(5000);
      },
      [],
    ],
  ])('%s', (_what, then, shown) => {
    vi.useFakeTimers();
    const { output, written } = terminal(80);
    output.transient('… reading 1/3\n  and more');
    then(output);
    expect(written.slice(1)).toEqual(shown);
  });
});

describe('text of others', () => {
  it.each([
    ['a color', '\u001B[31mred', String.raw`\x1b[31mred`],
    ['what a paint would write', '\u001B[36m…\u001B[39m', String.raw`\x1b[36m…\x1b[39m`],
  ])('cannot bring %s, and our own colors stay', (_what, text, shown) => {
    const { output, written } = terminal(80);
    output.progress(`${output.paint('bold', 'ours')} ${text}`);
    output.resultJson({ text });
    expect(written).toEqual([`\u001B[1mours\u001B[22m ${shown}\n`, `${JSON.stringify({ text })}\n`]);
  });
});
