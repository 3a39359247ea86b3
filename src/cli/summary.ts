import { relative } from 'node:path';
import type { CreateReport } from '../create/create-report.ts';
import type { CommandContext } from './run.ts';
import { wrap } from '../shared/wrap.ts';

/** The end of a green run, for 80 columns: where it is, what it has, what was proven, what to type next. */
export async function formatSummary(report: CreateReport, { output, directory }: CommandContext): Promise<string> {
  const { paint } = output;
  const lines = ['', `${paint(['green', 'bold'], report.name)} is ready in ${shownPath(directory, report.directory)}`];
  if (report.tables.length > 0) {
    const width = Math.max(...report.tables.map(({ name }) => name.length));
    lines.push('', 'Tables of its extension:', ...report.tables.map(({ name, scope }) => `  ${name.padEnd(width)}  ${paint('gray', scopeWords[scope] ?? scope)}`));
  }
  lines.push('', 'Proven:', ...report.proven.map((fact) => `  ${paint('green', '✓')} ${fact}`));
  const warnings = report.findings.filter(({ severity }) => severity === 'warning');
  if (warnings.length > 0) {
    const rules = [...new Set(warnings.map(({ rule }) => rule))].join(', ');
    lines.push('', ...wrap(`${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'} (${rules}); muse lint shows them.`, output.width));
  }
  for (const note of report.notes) lines.push('', ...wrap(note, output.width));
  if (report.adminPassword !== undefined) {
    lines.push('', `The admin's password, shown this once: ${paint('bold', report.adminPassword.reveal())}`);
  }
  lines.push('', 'Next:', ...report.next.map((command) => `  ${paint('cyan', command)}`));
  return lines.join('\n');
}

const scopeWords: Record<string, string> = {
  owner: 'each row is its owner’s',
  organization: 'each row is its organization’s',
  'public-read': 'anyone may read',
  'service-only': 'the service only',
};

/** The shorter of the two ways to write the path. */
function shownPath(from: string, path: string): string {
  const near = relative(from, path);
  return near !== '' && near.length < path.length && !near.startsWith('../..') ? `./${near}`.replace(/^\.\/\.\./, '..') : path;
}
