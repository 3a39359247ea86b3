/** Positions in a file's text, as an editor shows them. */
import { printable } from './printable.ts';

export interface Position {
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 code units. */
  column: number;
}

/** The line and column of an offset (UTF-16 code units). */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, Math.max(0, offset));
  const lastBreak = before.lastIndexOf('\n');
  let line = 1;
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line += 1;
  return { line, column: before.length - lastBreak };
}

/** The line's text, without its line end. */
export function lineText(text: string, line: number): string {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    start = text.indexOf('\n', start) + 1;
    if (start === 0) return '';
  }
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
}

/** The offset (UTF-16) of PostgreSQL's 1-based position, which counts characters (code points). */
export function offsetOfCharacter(text: string, position: number): number {
  let offset = 0;
  for (let count = 1; count < position && offset < text.length; count += 1) {
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  }
  return offset;
}

/**
 * The line with its number, and a caret under the column:
 * ```
 *   12 | create table t (
 *      |              ^
 * ```
 */
export function caretSnippet(text: string, { line, column }: Position): string {
  const source = lineText(text, line);
  const number = String(line);
  // Tabs stay tabs, so that the caret is under its column however wide the terminal draws them.
  const indent = source.slice(0, column - 1).replace(/[^\t]/g, ' ');
  return `  ${number} | ${source}\n  ${' '.repeat(number.length)} | ${indent}^`;
}

/** A text as one line of Markdown, without what acts on a reader unseen. */
export const markdownLine = (text: string): string => printable(text.replace(/[\p{Zl}\p{Zp}\s]+/gu, ' ').trim());

/** A text as Markdown code on one line, in as many backticks as needed; also for a table cell. */
export function markdownCode(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = '`'.repeat(longest + 1);
  const space = longest > 0 ? ' ' : '';
  return `${ticks}${space}${markdownLine(text).replaceAll('|', String.raw`\|`)}${space}${ticks}`;
}
