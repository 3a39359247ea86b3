import type { CreateReport } from '../create/create-report.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from './run.ts';

/** A report as a command's result: its JSON without what is only for eyes, and the summary. */
export async function finishReport(report: CreateReport, context: CommandContext): Promise<CommandResult> {
  const { error, adminPassword: _password, ok: _ok, ...rest } = report;
  const json = { ...rest, findings: withoutSnippets(report.findings) };
  if (error !== undefined) return { json, error };
  const { formatSummary } = await import('./summary.ts');
  return { json, text: await formatSummary(report, context) };
}
