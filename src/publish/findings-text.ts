/**
 * publish/: what people and other tools look at: findings as text, annotations and SARIF.
 * May touch: nothing. Values in, text out.
 */
import { styleText } from 'node:util';
import type { Finding } from '../shared/finding.ts';
import { wrap } from '../shared/wrap.ts';

export interface TextOptions {
  color: boolean;
  /** Columns of the terminal. */
  width: number;
}

type Format = Parameters<typeof styleText>[0];

/**
 * Findings for people: `file:line:column`, the line with a caret under the place, what it means and what to write instead.
 * Files in the order of the findings; a count at the end.
 */
export function formatText(findings: readonly Finding[], { color, width }: TextOptions): string {
  const paint = (format: Format, text: string): string =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const blocks = findings.map((finding) => block(finding, paint, Math.max(40, width)));
  return [...blocks, summary(findings, paint)].join('\n\n');
}

function block(finding: Finding, paint: (format: Format, text: string) => string, width: number): string {
  const place =
    [finding.file, finding.line, finding.column].filter((part) => part !== undefined).join(':') || finding.object;
  const severity = paint(finding.severity === 'error' ? 'red' : 'yellow', finding.severity);
  const lines = [`${paint('bold', place ?? '')} ${severity} ${paint('dim', finding.rule)}`];
  if (finding.snippet !== undefined && finding.line !== undefined)
    lines.push(...snippet(finding.snippet, finding.line, finding.column ?? 1, width, paint));
  lines.push(...wrap(finding.message, width - 2).map((line) => `  ${line}`));
  const [first = '', ...rest] = finding.suggestion.split('\n');
  lines.push(`  ${paint('cyan', '→')} ${first}`, ...rest.map((line) => `    ${line}`));
  return lines.join('\n');
}

/** The source line, cut to fit around the column, and the caret. */
function snippet(
  text: string,
  line: number,
  column: number,
  width: number,
  paint: (format: Format, text: string) => string,
): string[] {
  const number = String(line).padStart(4);
  const space = width - number.length - 4;
  // Tabs take one column here, so that the caret stands right.
  const clean = text.replaceAll('\t', ' ');
  const from = column - 1 > space - 10 ? column - 1 - Math.floor(space / 2) : 0;
  const shown = `${from > 0 ? '…' : ''}${clean.slice(from + (from > 0 ? 1 : 0), from + space)}${clean.length > from + space ? '…' : ''}`;
  return [
    `${paint('dim', `${number} │`)} ${shown}`,
    `${paint('dim', `${' '.repeat(number.length)} │`)} ${' '.repeat(column - 1 - from)}${paint('red', '^')}`,
  ];
}

function summary(findings: readonly Finding[], paint: (format: Format, text: string) => string): string {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const say = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  const [errors, warnings] = [count('error'), count('warning')];
  return paint(
    errors > 0 ? 'red' : warnings > 0 ? 'yellow' : 'green',
    `${say(errors, 'error')}, ${say(warnings, 'warning')}`,
  );
}
