import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellPath, shellWord } from '../../src/shared/shell.ts';

describe('shellWord', () => {
  it.each([
    ['realtymuse', 'realtymuse'],
    ['../apps/Über', '../apps/Über'],
    ['/tmp/my app', "'/tmp/my app'"],
    ["it's", String.raw`'it'\''s'`],
    ['a$(id)`id`', "'a$(id)`id`'"],
    ['~/x', "'~/x'"],
    ['=x', "'=x'"],
    ['', "''"],
  ])('%j is written %s', (text, word) => {
    expect(shellWord(text, 'linux')).toBe(word);
  });

  it
    .skipIf(process.platform === 'win32')
    .each(['my app', "it's", 'a$(id)`id`', '"quoted" \\ #', 'a*?[b]{c,d}', 'line\nend', '~', '!1'])(
    'sh reads %j back',
    (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
    },
  );

  it('uses double quotes on Windows', () => {
    expect(shellWord(String.raw`C:\My Apps\x`, 'win32')).toBe(String.raw`"C:\My Apps\x"`);
    expect(shellWord(String.raw`C:\apps\x`, 'win32')).toBe(String.raw`C:\apps\x`);
  });
});

it('shellPath starts with no hyphen', () => {
  expect(shellPath('-rf', 'linux')).toBe('./-rf');
});
