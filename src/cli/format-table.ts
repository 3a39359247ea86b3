import type { TextResult } from '../database/database.ts';
import { printableLine } from '../shared/printable.ts';
import { counted } from './text.ts';

/** A result as psql prints it: a table with the number of its rows, or what the statement did. */
export function formatTable({ columns, rows, command, affected }: TextResult): string {
  if (columns.length === 0) return [command || 'Done', ...(affected === 0 ? [] : [affected])].join(' ');
  const cells = [columns, ...rows].map((row) => row.map((value) => printableLine(value ?? '')));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) =>
    ` ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')}`.trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  return [lines[0], rule, ...lines.slice(1), `(${counted(rows.length, 'row')})`, ''].join('\n');
}
