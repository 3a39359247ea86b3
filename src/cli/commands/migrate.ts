import { MuseError } from '../../shared/error.ts';
import type { Finding } from '../../shared/finding.ts';
import type { IsolationReport } from '../../verify/report/report.ts';
import { confirmFlag, limitFlags } from '../flags.ts';
import type { MuseCommand } from '../muse-command.ts';
import { consentOf, environmentFields, limitsOf, type MuseContext } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

const group = 'Command';

/** `muse migrate`: what is pending, after a rehearsal. */
export const command: MuseCommand = {
  section: 'Migrations',
  about: 'rehearse, then apply all pending migrations',
  usage: ['[--env <name>] [--confirm <name>]'],
  flags: [
    {
      name: 'supabase-baseline',
      type: 'boolean',
      about: "add Supabase's schemas and roles to a plain PostgreSQL server first",
      group,
    },
    { name: 'accept-edited', type: 'boolean', about: 'accept applied files that were edited since', group },
    { name: 'no-verify', type: 'boolean', about: 'skip the proof that tenants are isolated', group },
    confirmFlag,
    {
      name: 'force',
      type: 'string',
      value: 'production',
      choices: ['production'],
      about: 'apply to production what staging does not have yet',
      group,
    },
    ...limitFlags,
  ],
  async run(context) {
    const { migrateMuse } = await import('../../muse/migrate.ts');
    const { typed, environmentName: name, output } = context;
    const muse = await context.openMuse();
    const { applied, skipped, notes, backup, findings, isolation, error } = await migrateMuse(
      muse,
      name,
      context.environment,
      {
        ...consentOf(context),
        ...limitsOf(typed),
        supabaseBaseline: typed.has('supabase-baseline'),
        acceptEdited: typed.has('accept-edited'),
        verify: !typed.has('no-verify'),
        force: isForced(context),
        ...context.hooks,
        onPhase: context.working,
      },
    );
    // Loaded only here: help and a run with nothing to do start faster without it.
    const proof = isolation === undefined ? undefined : await import('../../verify/report/isolation-json.ts');
    const json = {
      ...environmentFields(muse, context),
      migrations: { applied, skipped },
      ...(backup === undefined ? {} : { backup }),
      ...(findings === undefined ? {} : { findings }),
      ...(proof === undefined || isolation === undefined ? {} : { isolation: proof.isolationJson(isolation) }),
    };
    if (error !== undefined) return { json, error };
    const lines = applied.map(
      ({ file, ms }) => `${output.paint('green', '✓')} ${file} ${output.paint('gray', `${ms} ms`)}`,
    );
    lines.push(
      applied.length === 0
        ? `Nothing to do: ${counted(skipped.length, 'migration')} already applied.`
        : `Applied ${counted(applied.length, 'migration')} to ${name}.`,
      ...notes,
    );
    if (isolation !== undefined) lines.push(...(await provenLines(isolation, context)));
    if (name === 'production' && findings !== undefined) lines.push(...verifiedLines(findings, context));
    if (backup !== undefined) lines.push(`Backup taken before: ${backup}`);
    if (applied.length > 0 && isolation === undefined && findings === undefined)
      lines.push(`Next: ${name === 'development' ? 'muse verify' : `muse verify --env ${name}`}`);
    return { json, text: lines.join('\n') };
  },
};

/** @throws MuseError `bad-flag` where the name is another environment's */
function isForced({ typed, environmentName }: MuseContext): boolean {
  const forced = typed.text('force');
  if (forced === undefined || forced === environmentName) return forced !== undefined;
  throw new MuseError({
    code: 'bad-flag',
    message: `--force names "${forced}", but the environment is ${environmentName}. Nothing was run.`,
    suggestion: 'It lets production go ahead of staging: muse migrate --env production --force production',
  });
}

/** What the isolation proof came to, where it found no error. */
async function provenLines(isolation: IsolationReport, { output }: MuseContext): Promise<string[]> {
  const { isolationLine, notProvenNote } = await import('../../verify/report/isolation-json.ts');
  const note = notProvenNote(isolation.findings);
  const sign = isolation.notProven === 0 ? output.paint('green', '✓') : output.paint('yellow', '!');
  return isolation.proven + isolation.notProven === 0
    ? []
    : [`${sign} ${isolationLine(isolation)}`, ...(note === undefined ? [] : [note])];
}

/** What the verification after a run found, where it found no error. */
function verifiedLines(findings: readonly Finding[], { output, environmentName }: MuseContext): string[] {
  if (findings.length === 0)
    return [`${output.paint('green', '✓')} Verified: no one can reach rows that are not theirs.`];
  return [
    `${output.paint('yellow', '!')} Verified, with ${counted(findings.length, 'warning')}. Details: muse verify --env ${environmentName}`,
  ];
}
