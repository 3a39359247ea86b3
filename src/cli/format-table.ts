import type { TextResult } from '../database/database.ts';
import { counted, printableLine } from '../shared/printable.ts';

/** Commands that are told with the number of their rows, also where it is 0. */
const counting = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** A result as psql prints it: a table with the number of its rows, or what the statement did. */
export function formatTable({ columns, rows, command, affected }: TextResult): string {
  if (columns.length === 0) return [command || 'Done', ...(counting.has(command) ? [affected] : [])].join(' ');
  const cells = [columns, ...rows].map((row) => row.map((value) => printableLine(value ?? '')));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) =>
    ` ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')}`.trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  return [lines[0], rule, ...lines.slice(1), `(${counted(rows.length, 'row')})`, ''].join('\n');
}
