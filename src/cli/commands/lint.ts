import { resolve } from 'node:path';
import type { FixResult } from '../../muse/fix.ts';
import { MuseError } from '../../shared/error.ts';
import { hasErrors } from '../../shared/finding.ts';
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { Muse } from '../../shared/muse-file.ts';
import { counted, printableLine } from '../../shared/printable.ts';
import { wrap } from '../../shared/wrap.ts';
import type { MuseCommand } from '../muse-command.ts';
import { type MuseContext, museFields } from '../muse-context.ts';
import type { CommandResult } from '../run.ts';

const group = 'Command';

/** How findings are written for another program. */
const formats = {
  sarif: async () => (await import('../../publish/findings-sarif.ts')).formatSarif,
  github: async () => (await import('../../publish/findings-github.ts')).formatGithub,
};

/** `muse lint`: every static rule over all migrations; with `--fix` what can be fixed is. */
export const command: MuseCommand = {
  section: 'Checks',
  about: 'check all migrations without a database; --fix repairs them',
  usage: ['[file …] [--watch] [--format text|json|sarif|github]', '--fix [--dry-run] [--allow-widening]'],
  takesWords: true,
  flags: [
    { name: 'fix', type: 'boolean', about: 'fix what can be fixed, one commit for each rule', group },
    { name: 'dry-run', type: 'boolean', about: 'with --fix: show the diffs, change nothing', group },
    { name: 'allow-widening', type: 'boolean', about: 'with --fix: also make the repairs that widen access', group },
    { name: 'watch', type: 'boolean', about: 'check again at every change, until Ctrl-C', group },
    {
      name: 'format',
      type: 'string',
      value: '<f>',
      choices: ['text', 'json', 'sarif', 'github'],
      about: 'text (default), json, sarif or github',
      group,
    },
  ],
  async run(context) {
    const { typed } = context;
    const [fix, dryRun, format] = [typed.has('fix'), typed.has('dry-run'), typed.text('format')];
    if (dryRun && !fix)
      throw badCall('--dry-run needs --fix: it shows what --fix would change.', 'muse lint --fix --dry-run');
    if (typed.has('allow-widening') && !fix)
      throw badCall('--allow-widening needs --fix: it says what --fix may do.', 'muse lint --fix --allow-widening');
    if (fix && (format === 'sarif' || format === 'github')) {
      throw badCall(
        '--fix and --format cannot be combined.',
        `Run muse lint --fix first, then muse lint --format ${format}`,
      );
    }
    if (fix && typed.positionals.length > 0)
      throw badCall('--fix takes no files: what one file needs may have to be written in another.', 'muse lint --fix');
    const watch = typed.has('watch');
    if (watch && (fix || context.output.json || (format ?? 'text') !== 'text'))
      throw badCall('--watch shows findings as text, and changes nothing.', 'muse lint --watch');
    const muse = await context.openMuse();
    if (watch) return watchLint(muse, context);
    return fix ? lintFix(muse, dryRun, context) : lint(muse, format, context);
  },
};

async function lint(muse: Muse, format: string | undefined, context: MuseContext): Promise<CommandResult> {
  const { output } = context;
  const { lintMuse } = await import('../../muse/lint.ts');
  const { findings, silenced, files } = await lintMuse(muse, pathsOf(context));
  const json = { ...museFields(muse), findings, silenced };
  if (format === 'sarif' || format === 'github') {
    const [write, { packageVersion }] = await Promise.all([formats[format](), import('../../shared/version.ts')]);
    // The text is for a program; the exit code alone says whether there are errors.
    return {
      json,
      text: write(findings, packageVersion()),
      verbatim: true,
      ...(hasErrors(findings) ? { exitCode: 3 } : {}),
    };
  }
  if (hasErrors(findings)) {
    const { fixInMuse, refusal } = await import('../../muse/examine.ts');
    return { json, error: refusal(findings, 'No database was touched.', fixInMuse) };
  }
  const { formatText } = await import('../../publish/findings-text.ts');
  const lines = [
    ...(findings.length === 0 ? [] : [formatText(findings, output), '']),
    `${output.paint('green', '✓')} ${counted(files, 'file')}: no errors, ` +
      `${findings.length === 0 ? 'no' : findings.length} ${findings.length === 1 ? 'warning' : 'warnings'}.`,
    ...silencedLines(silenced),
  ];
  return { json, text: lines.join('\n') };
}

/** Checks the files again at each change of one of them, until the person has enough. */
async function watchLint({ directory }: Muse, context: MuseContext): Promise<never> {
  const [{ lintMuse }, { watchFolders }, { formatText }, { join }] = await Promise.all([
    import('../../muse/lint.ts'),
    import('../../shared/watch.ts'),
    import('../../publish/findings-text.ts'),
    import('node:path'),
  ]);
  const { output, signal } = context;
  const { core, extensions, rollback } = (await context.openMuse()).museFile.migrations;
  const folders = [...new Set([...core, ...extensions, rollback, `${rollback}/core`, `${rollback}/extensions`, '.'])];
  const nextChange = watchFolders(
    folders.map((folder) => join(directory, folder)),
    signal,
  );
  for (;;) {
    // What muse.json says of rules may be what changed.
    const { findings, silenced, files } = await lintMuse(await context.openMuse(), pathsOf(context));
    const mark = hasErrors(findings) ? output.paint('red', '✗') : output.paint('green', '✓');
    output.progress(
      [
        ...(findings.length === 0 ? [] : [formatText(findings, output), '']),
        `${mark} ${counted(files, 'file')} at ${new Date().toLocaleTimeString()}. Waiting for changes; Ctrl-C ends.`,
        ...silencedLines(silenced),
      ].join('\n'),
    );
    await nextChange();
  }
}

/** The files that were named, as absolute paths. */
function pathsOf({ typed, directory }: MuseContext): string[] {
  return typed.positionals.map((path) => resolve(directory, path));
}

async function lintFix(muse: Muse, dryRun: boolean, context: MuseContext): Promise<CommandResult> {
  const { fixMuse } = await import('../../muse/fix.ts');
  const { environment, output, hooks } = context;
  const { accessNotes } = await import('../../muse/repair/access-text.ts');
  const fixed = await fixMuse(muse, {
    environment,
    ...hooks,
    dryRun,
    mayWiden: await wideningOf(dryRun, context),
    onProgress: (text) => context.working(`Fixing: ${text}`),
  });
  const json = { ...museFields(muse), dryRun, ...fixed };
  const notes = [
    ...fixed.notes,
    ...accessNotes(fixed.access, 'To make these repairs too: muse lint --fix --allow-widening'),
  ];
  const text = (await fixLines({ ...fixed, notes }, dryRun, context)).join('\n');
  if (!hasErrors(fixed.findings)) return { json, text };
  // What was fixed is shown even where it was not enough.
  if (!output.json) output.progress(text);
  const { refusal } = await import('../../muse/examine.ts');
  return {
    json,
    error: refusal(
      fixed.findings,
      dryRun ? 'These would remain and need a manual fix.' : 'These need a manual fix.',
      'Fix the findings above.',
    ),
  };
}

/** Who says whether a repair may widen access: the flag, else the person at the terminal, one question for each table. */
async function wideningOf(
  dryRun: boolean,
  { typed, ask, output }: MuseContext,
): Promise<(changes: readonly AccessChange[]) => boolean | Promise<boolean>> {
  if (typed.has('allow-widening')) return () => true;
  if (ask === undefined || dryRun) return () => false;
  const { wideningQuestion } = await import('../../muse/repair/access-text.ts');
  return async (changes) => {
    const lines = wideningQuestion(changes).split('\n');
    const question = lines.pop() ?? '';
    for (const line of lines.flatMap((text) => wrap(text, output.width))) output.progress(line);
    return (await ask()).confirm(question, false);
  };
}

async function fixLines(
  { changes, decisions, findings, silenced, kept, notes }: FixResult,
  dryRun: boolean,
  { output }: MuseContext,
): Promise<string[]> {
  const { formatDecisions } = await import('../repairs.ts');
  const { paint, width } = output;
  const lines: string[] = [];
  for (const { rule, files, commit, diff } of changes) {
    const what = commit === undefined ? '' : ` ${paint('gray', commit.slice(0, 12))}`;
    lines.push(`${paint(dryRun ? 'cyan' : 'green', dryRun ? '~' : '✓')} ${paint('bold', rule)}${what}`);
    if (diff === undefined) lines.push(...files.map((file) => `  ${file}`));
    else lines.push('', diff.trimEnd(), '');
  }
  if (decisions.length > 0) lines.push('', ...formatDecisions(decisions, output));
  if (kept.length > 0)
    lines.push(
      '',
      'Not committed before, and not now. What they held:',
      ...kept.map(({ file, copy }) => `  ${printableLine(file)}  ${printableLine(copy)}`),
    );
  for (const note of notes) lines.push('', ...wrap(note, width));
  if (!hasErrors(findings) && findings.length > 0) {
    const { formatText } = await import('../../publish/findings-text.ts');
    lines.push('', formatText(findings, output));
  }
  const more = silencedLines(silenced);
  lines.push(...(more.length > 0 ? ['', ...more] : []), '', `${paint('green', '✓')} ${fixSummary(changes, dryRun)}`);
  return lines[0] === '' ? lines.slice(1) : lines;
}

function fixSummary(changes: FixResult['changes'], dryRun: boolean): string {
  if (changes.length === 0) return 'Nothing to fix.';
  const where = `${counted(new Set(changes.flatMap(({ files }) => files)).size, 'file')} for ${counted(changes.length, 'rule')}`;
  if (dryRun) return `Would fix ${where}. Nothing was changed.`;
  return changes.some(({ commit }) => commit !== undefined)
    ? `Fixed ${where}, one commit for each rule.`
    : `Fixed ${where}.`;
}

function silencedLines(silenced: number): string[] {
  return silenced === 0 ? [] : [`${counted(silenced, 'finding')} silenced by comments in the SQL.`];
}

function badCall(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-call', message, suggestion });
}
