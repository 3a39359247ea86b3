import { actorsOf, cellOf, legend } from '../probes/cells.ts';
import { markdownCode, markdownLine } from '../../shared/text.ts';
import type { IsolationReport } from './report.ts';

/** The isolation matrix and its findings as Markdown, for a pull request. */
export function formatMatrixMarkdown(report: IsolationReport): string {
  const actors = actorsOf(report.tables);
  const row = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const lines = report.tables.map((table) =>
    row([
      markdownCode(table.table),
      escape(table.scope),
      ...actors.map((actor) => {
        const cell = cellOf(table, actor);
        return cell.broken ? `**${cell.text}** ❌` : cell.text;
      }),
    ]),
  );
  const findings = report.findings.map(
    (finding) => `- **${finding.rule}** ${escape(finding.message)} ${escape(finding.suggestion)}`,
  );
  return [
    row(['table', 'rows belong to', ...actors]),
    row(['---', '---', ...actors.map(() => ':---:')]),
    ...lines,
    '',
    legend,
    '',
    `${report.proven} proven, ${report.notProven} not proven.`,
    ...(findings.length === 0 ? ['', 'No finding.'] : ['', ...findings]),
    '',
  ].join('\n');
}

/** Escapes Markdown table cells and lists: a bar would end the cell. */
function escape(text: string): string {
  return markdownLine(text).replaceAll('|', '\\|');
}
