import { mendInMuse, refusal } from '../../muse/examine.ts';
import { lintMuse } from '../../muse/lint.ts';
import { MuseError } from '../../shared/error.ts';
import { hasErrors } from '../../shared/finding.ts';
import { packageVersion } from '../../shared/version.ts';
import { museOf, noPositionals } from '../muse-context.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from '../run.ts';

/** How findings are written for another program. */
const formats = {
  sarif: async () => (await import('../../publish/findings-sarif.ts')).formatSarif,
  github: async () => (await import('../../publish/findings-github.ts')).formatGithub,
};

/** `muse lint`: every static rule over all migrations; with `--fix` what can be mended is. */
export async function lintCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'lint');
  const muse = await museOf(parsed, context);
  const fix = isSet(parsed, 'fix');
  const format = flagText(parsed, 'format');
  if (isSet(parsed, 'dry-run') && !fix) throw badCall('--dry-run shows what --fix would change.', 'muse lint --fix --dry-run; muse lint alone changes nothing.');
  if (fix && (format === 'sarif' || format === 'github')) throw badCall('--fix and --format do not go together.', `Run muse lint --fix first, then muse lint --format ${format}.`);
  if (fix) return (await import('./lint-fix.ts')).lintFix(muse, isSet(parsed, 'dry-run'), context);
  const { findings, silenced, files } = await lintMuse(muse);
  const json = { name: muse.museFile.name, directory: muse.directory, findings: withoutSnippets(findings), silenced };
  if (format === 'sarif' || format === 'github') {
    const write = await formats[format]();
    // The text is for a program; the exit code alone says whether there are errors.
    return { json, text: write(findings, packageVersion()), ...(hasErrors(findings) ? { exitCode: 3 } : {}) };
  }
  if (hasErrors(findings)) return { json, error: refusal(findings, 'No database was touched.', mendInMuse) };
  const { formatText } = await import('../../publish/findings-text.ts');
  const { paint } = context.output;
  const count = findings.length === 1 ? '1 warning' : `${findings.length} warnings`;
  const lines = [
    ...(findings.length === 0 ? [] : [formatText(findings, context.output), '']),
    `${paint('green', '✓')} ${files} files, ${findings.length === 0 ? 'nothing wrong' : `no error, ${count}`}.`,
    ...(silenced === 0 ? [] : [`${silenced} findings are silenced by comments in the SQL.`]),
  ];
  return { json, text: lines.join('\n') };
}

function badCall(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-call', message, suggestion });
}
