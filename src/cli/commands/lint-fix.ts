import { refusal } from '../../muse/examine.ts';
import { fixMuse, type MuseMending } from '../../muse/fix.ts';
import type { Muse } from '../../shared/muse-file.ts';
import { hasErrors } from '../../shared/finding.ts';
import { formatDecisions } from '../decisions.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from '../run.ts';
import { wrap } from '../../shared/wrap.ts';

/** `muse lint --fix`: mends what can be mended, each class in a commit; with `--dry-run` it shows the diffs instead. */
export async function lintFix(muse: Muse, dryRun: boolean, context: CommandContext): Promise<CommandResult> {
  const { environment, output, signal } = context;
  const mending = await fixMuse(muse, {
    environment,
    signal,
    dryRun,
    onProgress: (text) => output.transient(`${output.paint('cyan', '…')} Mending: ${text}`),
  });
  const { findings, ...rest } = mending;
  const json = { name: muse.museFile.name, directory: muse.directory, dryRun, ...rest, findings: withoutSnippets(findings) };
  const text = (await report(mending, dryRun, context)).join('\n');
  if (!hasErrors(findings)) return { json, text };
  // What was done is told although it was not enough.
  if (!output.json) output.progress(text);
  return { json, error: refusal(findings, dryRun ? 'They would stay: nothing mends them but a person.' : 'They stay: nothing mends them but a person.', 'Write what the findings say.') };
}

async function report({ changes, decisions, findings, silenced, notes }: MuseMending, dryRun: boolean, { output }: CommandContext): Promise<string[]> {
  const { paint, width } = output;
  const lines: string[] = [];
  for (const { rule, files, commit, diff } of changes) {
    const what = commit === undefined ? '' : ` ${paint('gray', commit.slice(0, 12))}`;
    lines.push(`${paint(dryRun ? 'cyan' : 'green', dryRun ? '~' : '✓')} ${paint('bold', rule)}${what}`);
    if (diff === undefined) lines.push(...files.map((file) => `  ${file}`));
    else lines.push('', diff.trimEnd(), '');
  }
  if (decisions.length > 0) lines.push('', ...formatDecisions(decisions, output));
  for (const note of notes) lines.push('', ...wrap(note, width));
  if (!hasErrors(findings) && findings.length > 0) {
    const { formatText } = await import('../../publish/findings-text.ts');
    lines.push('', formatText(findings, output));
  }
  if (silenced > 0) lines.push('', `${silenced} findings are silenced by comments in the SQL.`);
  const classes = changes.length === 1 ? '1 class' : `${changes.length} classes`;
  const count = new Set(changes.flatMap(({ files }) => files)).size;
  const done = dryRun ? 'would change; nothing was touched.' : changes.some(({ commit }) => commit !== undefined) ? 'mended, each class a commit.' : 'mended.';
  lines.push('', changes.length === 0 ? `${paint('green', '✓')} Nothing to mend.` : `${paint('green', '✓')} ${count} ${count === 1 ? 'file' : 'files'}, ${classes} ${done}`);
  return lines[0] === '' ? lines.slice(1) : lines;
}
