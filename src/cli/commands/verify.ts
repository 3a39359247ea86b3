import type { MuseProof, VerifyHooks } from '../../muse/verify.ts';
import type { OfflineReport } from '../../muse/verify-offline.ts';
import { MuseError } from '../../shared/error.ts';
import { hasErrors } from '../../shared/finding.ts';
import { wrap } from '../../shared/wrap.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields, museFields } from '../muse-context.ts';
import type { Output } from '../output.ts';
import { counted } from '../../shared/printable.ts';

const group = 'Command';

/** `muse verify`: who can do what with whose rows, proven by acting as users. */
export const command: MuseCommand = {
  section: 'Checks',
  about: 'prove that tenants are isolated, by acting as users',
  usage: ['[--env <name>] [--offline] [--strict] [--format <f>]', '--files [--strict] [--format <f>]'],
  flags: [
    { name: 'offline', type: 'boolean', about: 'test a copy of the schema; the database is only read', group },
    {
      name: 'files',
      type: 'boolean',
      about: 'test the migration files on a shadow database; no environment is opened',
      group,
    },
    { name: 'strict', type: 'boolean', about: 'exit 3 also where something is not proven', group },
    {
      name: 'format',
      type: 'string',
      value: '<f>',
      choices: ['text', 'json', 'markdown'],
      about: 'text (default), json or markdown',
      group,
    },
  ],
  async run(context) {
    const { output, typed, environmentName: name } = context;
    const files = typed.has('files');
    if (files && (typed.has('offline') || typed.text('env') !== undefined)) {
      throw new MuseError({
        code: 'bad-call',
        message: '--files opens no environment, so it cannot be combined with --env or --offline.',
        suggestion: 'Leave one of them out.',
      });
    }
    const muse = await context.openMuse();
    const what = 'Acting as users on every table';
    context.working(what);
    const hooks: VerifyHooks = { ...context.hooks, onProgress: (text) => context.working(`${what}: ${text}`) };
    const offline: OfflineReport | undefined = typed.has('offline')
      ? await (await import('../../muse/verify-offline.ts')).verifyOffline(muse, name, context.environment, hooks)
      : undefined;
    const { isolationJson } = await import('../../verify/report/isolation-json.ts');
    const { verifyFiles, verifyMuse } = await import('../../muse/verify.ts');
    const report =
      offline ?? (files ? await verifyFiles(muse, hooks) : await verifyMuse(muse, name, context.environment, hooks));
    const unread = new Set(report.findings.flatMap(({ rule, file }) => (rule === 'unreadable-file' ? [file] : [])));
    const pending = report.pending.map((file) =>
      unread.has(file) ? `${file} cannot be read` : `${file} is not applied to ${name} yet. Apply it: muse migrate`,
    );
    const json = {
      ...(files ? museFields(muse) : environmentFields(muse, context)),
      isolation: isolationJson(report, pending),
      findings: report.findings,
      silenced: report.silenced,
      pending: report.pending,
      ...(offline === undefined ? {} : { offline: { standIns: offline.standIns, notCopied: offline.notCopied } }),
    };
    const failed = hasErrors(report.findings) || (typed.has('strict') && report.notProven > 0);
    const lists = (width: number): string[] => [
      ...listed('Not proven:', pending, width),
      ...(offline === undefined ? [] : offlineLists(name, offline, width)),
    ];
    const exit = failed ? { exitCode: 3 } : {};
    if (typed.text('format') === 'markdown') {
      const { formatMatrixMarkdown } = await import('../../verify/report/format-markdown.ts');
      return {
        json,
        text: `${formatMatrixMarkdown(report)}\n${lists(Infinity).join('\n')}`.trimEnd(),
        verbatim: true,
        ...exit,
      };
    }
    const [{ formatMatrix }, { formatText }] = await Promise.all([
      import('../../verify/report/format-matrix.ts'),
      import('../../publish/findings-text.ts'),
    ]);
    const lines = [
      formatMatrix(report, output),
      ...(report.findings.length === 0 ? [] : ['', formatText(report.findings, output)]),
      '',
      ...conclusion(report, failed, output.paint),
      ...(report.silenced === 0 ? [] : [`${counted(report.silenced, 'finding')} silenced by comments in the SQL.`]),
      ...lists(output.width),
    ];
    return { json, text: lines.join('\n'), ...exit };
  },
};

/** Rules of findings that say nothing about who reaches whose rows. */
const notOfRows = new Set(['not-proven', 'unreadable-file']);

/** What the proof comes to: that no one reaches rows of others is said only where everything was tried. */
function conclusion(report: MuseProof, failed: boolean, paint: Output['paint']): string[] {
  const count = `${report.proven} proven, ${report.notProven} not proven`;
  if (report.findings.some(({ rule, severity }) => severity === 'error' && !notOfRows.has(rule))) {
    return [`${paint('red', '✗')} Tenants are not isolated: see the findings above. ${count}.`];
  }
  if (report.notProven > 0)
    return [
      `${failed ? paint('red', '✗') : paint('yellow', '!')} ${count}: the findings above say what was not tried, and why.`,
    ];
  const checks = report.tables.reduce((sum, table) => sum + table.checks.length, 0);
  const tried = `${paint('green', '✓')} ${report.proven} tables, views and functions in ${counted(checks, 'check')}`;
  return report.pending.length > 0 ? [`${tried}.`] : [`${tried}:`, '  no one can reach rows that are not theirs.'];
}

/** What a copy was made of: what replaces what, and what the copy lacks. */
function offlineLists(environment: string, { standIns, notCopied }: OfflineReport, width: number): string[] {
  return [
    ...wrap(`Proven on a copy of the schema in the embedded database; ${environment} was only read.`, width),
    ...listed('Replaced in the copy:', standIns, width),
    ...listed(
      'Not copied:',
      notCopied.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`),
      width,
    ),
  ];
}

function listed(heading: string, entries: readonly string[], width: number): string[] {
  if (entries.length === 0) return [];
  return [
    heading,
    ...entries.flatMap((entry) =>
      wrap(entry, width - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`),
    ),
  ];
}
