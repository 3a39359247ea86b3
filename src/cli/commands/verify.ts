import type { MuseProof } from '../../muse/verify.ts';
import type { OfflineReport } from '../../muse/verify-offline.ts';
import { hasErrors } from '../../shared/finding.ts';
import { wrap } from '../../shared/wrap.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';
import { counted } from '../text.ts';

const group = 'Command';

/** `muse verify`: who can do what with whose rows, proven by acting as users. */
export const command: MuseCommand = {
  section: 'Checks',
  about: 'prove that tenants are isolated, by acting as users',
  usage: ['[--env <name>] [--offline] [--format text|json|markdown]'],
  flags: [
    { name: 'offline', type: 'boolean', about: 'test a copy of the schema; the database is only read', group },
    { name: 'format', type: 'string', value: '<f>', choices: ['text', 'json', 'markdown'], about: 'text (default), json or markdown', group },
  ],
  async run(context) {
    const { output, typed, environmentName: name } = context;
    const muse = await context.openMuse();
    context.working('Acting as users on every table');
    const offline: OfflineReport | undefined = typed.has('offline')
      ? await (await import('../../muse/verify-offline.ts')).verifyOffline(muse, name, context.environment)
      : undefined;
    const report = offline ?? (await (await import('../../muse/verify.ts')).verifyMuse(muse, name, context.environment));
    const notProven = notProvenOf(report, name);
    const json = {
      ...environmentFields(muse, context),
      isolation: {
        proven: provenOf(report),
        notProven,
        tables: report.tables.map(({ table, scope, checks }) => ({ table, scope, checks })),
      },
      findings: report.findings,
      pending: report.pending,
      ...(offline === undefined ? {} : { offline: { standIns: offline.standIns, notCopied: offline.notCopied } }),
    };
    const failed = hasErrors(report.findings);
    const lists = (width: number): string[] => [
      ...listed('Not proven:', notProven, width),
      ...(offline === undefined ? [] : offlineLists(name, offline, width)),
    ];
    const exit = failed ? { exitCode: 3 } : {};
    if (typed.text('format') === 'markdown') {
      const { formatMatrixMarkdown } = await import('../../verify/report/format-markdown.ts');
      return { json, text: `${formatMatrixMarkdown(report)}\n${lists(Infinity).join('\n')}`.trimEnd(), ...exit };
    }
    const [{ formatMatrix }, { formatText }] = await Promise.all([
      import('../../verify/report/format-matrix.ts'),
      import('../../publish/findings-text.ts'),
    ]);
    const checks = report.tables.reduce((sum, table) => sum + table.checks.length, 0);
    const lines = [
      formatMatrix(report, output),
      ...(report.findings.length === 0 ? [] : ['', formatText(report.findings, output)]),
      '',
      failed
        ? `${output.paint('red', '✗')} Tenants are not isolated: see the findings above.`
        : `${output.paint('green', '✓')} ${report.tables.length} tables, views and functions in ${counted(checks, 'check')}:\n  no one can reach rows that are not theirs.`,
      ...lists(output.width),
    ];
    return { json, text: lines.join('\n'), ...exit };
  },
};

/** The tables, views, functions and buckets that were tried, with nothing found. */
function provenOf({ tables, findings }: MuseProof): string[] {
  const found = new Set(findings.filter(({ severity }) => severity === 'error').map(({ object }) => object));
  return tables.filter(({ table, checks }) => checks.length > 0 && !found.has(table) && !checks.some(({ rule }) => rule !== undefined)).map(({ table }) => table);
}

/** What nothing is proven of, and why, one line each. */
function notProvenOf({ findings, pending }: MuseProof, environment: string): string[] {
  return [
    ...findings.filter(({ rule }) => rule === 'table-not-filled').map(({ message }) => message),
    ...pending.map((file) => `${file} is not applied to ${environment} yet. Apply it: muse migrate`),
  ];
}

/** What a copy was made of: what replaces what, and what the copy lacks. */
function offlineLists(environment: string, { standIns, notCopied }: OfflineReport, width: number): string[] {
  return [
    ...wrap(`Proven on a copy of the schema in the embedded database; ${environment} was only read.`, width),
    ...listed('Replaced in the copy:', standIns, width),
    ...listed('Not copied:', notCopied.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`), width),
  ];
}

function listed(heading: string, entries: readonly string[], width: number): string[] {
  if (entries.length === 0) return [];
  return [heading, ...entries.flatMap((entry) => wrap(entry, width - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`))];
}
