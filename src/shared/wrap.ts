import { stripVTControlCharacters } from 'node:util';

/** Breaks a text into lines of at most `width` columns, never inside a word; colors take none. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let columns = 0;
  for (const word of text.split(' ')) {
    const size = stripVTControlCharacters(word).length;
    if (line !== '' && columns + 1 + size > width) {
      lines.push(line);
      line = word;
      columns = size;
    } else {
      columns += line === '' ? size : size + 1;
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** What a line starts with that its continuation is indented by: spaces, and the sign of a list or of a result. */
const start = /^ *(?:[-✓✗→!·…] )?/u;

/** Breaks each line that is too long, and indents what follows as the line itself is. */
export function fit(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const plain = stripVTControlCharacters(line);
      if (plain.length <= width) return [line];
      const spaces = ' '.repeat(line.length - line.trimStart().length);
      const indent = ' '.repeat(start.exec(plain)?.[0].length ?? 0);
      const [first = '', ...rest] = wrap(line.trimStart(), width - indent.length);
      return [`${spaces}${first}`, ...rest.map((more) => `${indent}${more}`)];
    })
    .join('\n');
}
