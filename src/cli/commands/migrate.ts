import { migrateMuse } from '../../muse/migrate.ts';
import { MuseError } from '../../shared/error.ts';
import type { Finding } from '../../shared/finding.ts';
import { consentOf } from '../consent.ts';
import { limitsOf } from '../limits.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import { type CommandContext, type CommandResult, withoutSnippets } from '../run.ts';

/** `muse migrate`: what is pending, after a rehearsal. */
export async function migrateCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'migrate');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const { paint } = context.output;
  let file = '';
  const working = (text: string): void => context.output.transient(`${paint('cyan', '…')} ${text}`);
  const { applied, skipped, notes, backup, findings, error } = await migrateMuse(muse, name, context.environment, {
    ...consentOf(parsed, context),
    ...limitsOf(parsed),
    supabaseBaseline: isSet(parsed, 'supabase-baseline'),
    acceptEdited: isSet(parsed, 'accept-edited'),
    force: isForced(parsed, name),
    onRehearsal: () => working('Rehearsing on a throw-away database'),
    onPhase: working,
    onProgress: (event) => {
      file = event.file;
      working(file);
    },
    onRaise: (text) => working(`${file}: ${text}`),
  });
  const json = {
    name: muse.museFile.name,
    directory: muse.directory,
    environment: name,
    migrations: { applied, skipped },
    ...(backup === undefined ? {} : { backup }),
    ...(findings === undefined ? {} : { findings: withoutSnippets(findings) }),
  };
  if (error !== undefined) return { json, error };
  const lines = applied.map(({ file, ms }) => `${paint('green', '✓')} ${file} ${paint('gray', `${ms} ms`)}`);
  lines.push(applied.length === 0 ? `Nothing to do: all ${skipped.length} are applied.` : `${applied.length} applied to ${name}.`, ...notes);
  if (findings !== undefined) lines.push(...verifiedLines(findings, name, context));
  if (backup !== undefined) lines.push(`The backup of before is ${backup}.`);
  return { json, text: lines.join('\n') };
}

/** @throws MuseError `bad-flag` where the name is another environment's */
function isForced(parsed: ParsedArguments, name: string): boolean {
  const forced = flagText(parsed, 'force');
  if (forced === undefined || forced === name) return forced !== undefined;
  throw new MuseError({
    code: 'bad-flag',
    message: `--force says "${forced}", and the environment is ${name}. Nothing was run.`,
    suggestion: 'It takes production past staging: muse migrate --env production --force production',
  });
}

/** What the verification behind a run came to, where it found no error. */
function verifiedLines(findings: readonly Finding[], name: string, { output }: CommandContext): string[] {
  if (findings.length === 0) return [`${output.paint('green', '✓')} Verified: nobody reaches rows that are not theirs.`];
  const count = findings.length === 1 ? 'one warning' : `${findings.length} warnings`;
  return [`${output.paint('yellow', '!')} Verified, with ${count}: muse verify --env ${name} tells more.`];
}
