import { type MuseProof, verifyMuse } from '../../muse/verify.ts';
import type { OfflineReport } from '../../muse/verify-offline.ts';
import { hasErrors } from '../../shared/finding.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { offlineLines } from '../offline.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from '../run.ts';
import { wrap } from '../../shared/wrap.ts';

/** `muse verify`: who can do what with whose rows, proven by acting as users. */
export async function verifyCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'verify');
  const muse = await museOf(parsed, context);
  const { output } = context;
  output.transient(`${output.paint('cyan', '…')} Acting as users on every table`);
  const name = environmentNameOf(parsed);
  const offline: OfflineReport | undefined = isSet(parsed, 'offline')
    ? await (await import('../../muse/verify-offline.ts')).verifyOffline(muse, name, context.environment)
    : undefined;
  const report = offline ?? (await verifyMuse(muse, name, context.environment));
  const json = {
    name: muse.museFile.name,
    directory: muse.directory,
    isolation: { proven: report.proven, notProven: report.notProven, tables: report.tables },
    findings: withoutSnippets(report.findings),
    pending: report.pending,
    ...(offline === undefined ? {} : { offline: { standIns: offline.standIns, notCopied: offline.notCopied } }),
  };
  const failed = hasErrors(report.findings) || (isSet(parsed, 'strict') && report.notProven > 0);
  const pending = report.pending.length === 0 ? [] : [`Not applied to ${name} yet, so not proven: ${report.pending.join(', ')}. See muse migrate.`];
  if (flagText(parsed, 'format') === 'markdown') {
    const { formatMatrixMarkdown } = await import('../../verify/report/format-markdown.ts');
    const told = [...pending, ...(offline === undefined ? [] : offlineLines(name, offline, Infinity))].join('\n');
    return { json, text: `${formatMatrixMarkdown(report)}\n${told}`.trimEnd(), ...(failed ? { exitCode: 3 } : {}) };
  }
  const [{ formatMatrix }, { formatText }] = await Promise.all([
    import('../../verify/report/format-matrix.ts'),
    import('../../publish/findings-text.ts'),
  ]);
  const lines = [
    formatMatrix(report, output),
    ...(report.findings.length === 0 ? [] : ['', formatText(report.findings, output)]),
    '',
    ...conclusion(report, failed, output),
    ...pending.flatMap((line) => wrap(line, output.width)),
    ...(offline === undefined ? [] : offlineLines(name, offline, output.width)),
  ];
  return { json, text: lines.join('\n'), ...(failed ? { exitCode: 3 } : {}) };
}

/** What the proof comes to: that nobody reaches rows of others is said only where everything was tried. */
function conclusion(report: MuseProof, failed: boolean, { paint }: CommandContext['output']): string[] {
  const count = `${report.proven} proven, ${report.notProven} not proven.`;
  const isBroken = report.findings.some(({ rule, severity }) => severity === 'error' && rule !== 'not-proven');
  if (isBroken) return [`${paint('red', '✗')} Isolation does not hold. ${count}`];
  if (report.notProven > 0) return [`${failed ? paint('red', '✗') : paint('yellow', '!')} ${count} The findings above say what was not tried, and why.`];
  const checks = report.tables.reduce((sum, table) => sum + table.checks.length, 0);
  const tried = `${paint('green', '✓')} ${report.proven} tables, views and functions proven in ${checks} checks`;
  return report.pending.length > 0 ? [`${tried}.`] : [`${tried}:`, '  nobody reaches rows that are not theirs.'];
}
