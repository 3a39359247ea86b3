import { mendInMuse, refusal } from '../../muse/examine.ts';
import { rehearseMuse } from '../../muse/rehearse.ts';
import { hasErrors } from '../../shared/finding.ts';
import { museOf, noPositionals } from '../muse-context.ts';
import type { ParsedArguments } from '../parse.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from '../run.ts';

/** `muse rehearse`: all migrations on a throw-away database, twice and back, with every check. */
export async function rehearseCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'rehearse');
  const muse = await museOf(parsed, context);
  context.output.transient(`${context.output.paint('cyan', '…')} Rehearsing on a throw-away database`);
  const { findings, rehearsal, silenced } = await rehearseMuse(muse);
  const json = { name: muse.museFile.name, directory: muse.directory, findings: withoutSnippets(findings), silenced };
  if (hasErrors(findings)) return { json, error: refusal(findings, 'Nothing was applied anywhere.', mendInMuse) };
  const { formatText } = await import('../../publish/findings-text.ts');
  const facts = rehearsal.files.map(({ file }) => file).length;
  const { paint } = context.output;
  const lines = [
    ...(findings.length === 0 ? [] : [formatText(findings, context.output), '']),
    `${paint('green', '✓')} ${facts} files ran, ran again without a change, and the extensions went back and forth.`,
    ...(silenced === 0 ? [] : [`${silenced} findings are silenced by comments in the SQL.`]),
  ];
  return { json, text: lines.join('\n') };
}
