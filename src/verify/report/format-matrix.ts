import { actorsOf, cellOf, legend, type MatrixCell } from '../probes/cells.ts';
import type { IsolationReport, TableReport } from './report.ts';

export interface MatrixStyle {
  /** Paints text where there is color. */
  paint(color: 'red' | 'green' | 'dim', text: string): string;
  /** Columns of the terminal; 80 where it does not say. */
  width: number;
}

/** Width of a cell: the letters, the mark for a broken rule, and a space. */
const cellWidth = 7;
const leastNameWidth = 16;

/**
 * The isolation matrix for a terminal: one line per table, one column per actor (`+role` is a member of the owner's
 * organization), letters for what the actor can do with another's rows. Columns that do not fit go into a separate
 * block below.
 */
export function formatMatrix(report: Pick<IsolationReport, 'tables'>, style: MatrixStyle): string {
  const { tables } = report;
  const actors = actorsOf(tables);
  const wanted = Math.max(leastNameWidth, ...tables.map((table) => nameOf(table).length + 1));
  const nameWidth = Math.max(leastNameWidth, Math.min(wanted, style.width - actors.length * cellWidth));
  const perBlock = Math.max(1, Math.floor((style.width - nameWidth) / cellWidth));
  const blocks: string[] = [];
  for (let start = 0; start < actors.length; start += perBlock) {
    const shown = actors.slice(start, start + perBlock);
    const head = fit('', nameWidth) + shown.map((actor) => fit(actor.replace(/^member:/, '+'), cellWidth)).join('');
    const lines = tables.map(
      (table) => fit(nameOf(table), nameWidth) + shown.map((actor) => painted(cellOf(table, actor), style)).join(''),
    );
    blocks.push([head, ...lines].map((line) => line.trimEnd()).join('\n'));
  }
  return [...blocks, ...fold(legend, style.width)].join('\n');
}

function nameOf(table: TableReport): string {
  return table.table.replace(/^public\./, '').replace(/\(.*\)$/, '()');
}

function fit(text: string, width: number): string {
  return text.length < width ? text.padEnd(width) : `${text.slice(0, width - 2)}… `;
}

function painted(cell: MatrixCell, { paint }: MatrixStyle): string {
  const text = `${cell.text}${cell.broken ? '!' : ''}`.padEnd(cellWidth);
  return paint(cell.broken ? 'red' : /^\.*$/.test(cell.text) ? 'dim' : 'green', text);
}

function fold(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
