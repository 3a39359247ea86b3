import { describe, expect, it } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';

/** A terminal of some columns; what is written to it. */
function terminal(columns: number): { output: ReturnType<typeof createOutput>; written: string[] } {
  const written: string[] = [];
  const stream = {
    isTTY: true,
    columns,
    write: (text: string) => written.push(text) > 0,
  } as unknown as NodeJS.WriteStream;
  return {
    written,
    output: createOutput({
      json: false,
      quiet: false,
      verbose: false,
      stdout: stream,
      stderr: stream,
      environment: {},
    }),
  };
}

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
