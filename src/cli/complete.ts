import type { Answers, Secrets } from '../create/answers.ts';
import { checkGiven, type GivenAnswers, withDefaults } from '../create/defaults.ts';
import { MuseError } from '../shared/error.ts';
import { listPresets } from '../scaffold/presets.ts';
import { parseTable } from '../scaffold/parse-table.ts';
import { checkMuseName } from '../kit/name.ts';
import { parseKitSource } from '../kit/source.ts';
import { targetOf } from '../targets/open.ts';
import { targetKinds, type TargetKind } from '../targets/kinds.ts';
import { targets } from '../targets/targets.ts';
import type { Ask } from './ask.ts';
import type { CommandContext } from './run.ts';
import { askSupabase } from './supabase-answers.ts';

/**
 * All answers, before the first effect: those that were typed, checked; those that are missing are asked for in a terminal,
 * elsewhere the defaults are used.
 * @param secrets gets the database's URL, where it is asked for
 * @throws MuseError `bad-name`, `bad-preset`, `bad-table`, `bad-kit-source`, `bad-call` for a missing answer
 */
export async function completeAnswers(
  given: GivenAnswers,
  secrets: Secrets,
  context: CommandContext,
  dryRun: boolean,
): Promise<Answers> {
  const ask = dryRun ? undefined : await context.ask?.();
  await checkGiven(given, context.directory);
  const answers = ask === undefined ? given : await askWhatIsMissing(given, secrets, ask, context);
  const complete = await withDefaults(answers, context.directory);
  if (ask !== undefined) await confirmPlan(complete, ask, context);
  return complete;
}

/** Where a name and all that matters was typed, only the plan is confirmed. */
function asksAnything(given: GivenAnswers): boolean {
  return given.name === undefined || (given.presets ?? given.tables ?? given.spec) === undefined;
}

async function askWhatIsMissing(
  given: GivenAnswers,
  secrets: Secrets,
  ask: Ask,
  context: CommandContext,
): Promise<GivenAnswers> {
  if (asksAnything(given)) return askMissing(given, secrets, ask, context);
  if (given.target === undefined || !targetOf(given.target).provisioned || given.supabase.organization !== undefined)
    return given;
  return { ...given, supabase: await askSupabase(given.supabase, ask, context) };
}

async function askMissing(
  given: GivenAnswers,
  secrets: Secrets,
  ask: Ask,
  context: CommandContext,
): Promise<GivenAnswers> {
  const name = given.name ?? (await ask.text('Product name:', { check: nameOrWhy }));
  const kit = given.kit ?? (await askKit(ask));
  const content = (given.presets ?? given.tables ?? given.spec) === undefined ? await askTables(ask) : {};
  const target =
    given.target ??
    ((await ask.one(
      'Database:',
      targetKinds.map((kind) => ({ name: targets[kind].title, value: kind, description: targets[kind].about })),
    )) as TargetKind);
  if (targetOf(target).needsUrl) secrets.databaseUrl ??= await ask.secret('Database URL (postgresql://…):');
  const supabase = targetOf(target).provisioned ? await askSupabase(given.supabase, ask, context) : given.supabase;
  const prefix = given.prefix ?? (await ask.text('Table prefix (empty for none):', { default: '' }));
  return { ...given, ...content, name, kit, target, prefix, supabase };
}

async function askKit(ask: Ask): Promise<string> {
  const kind = await ask.one('Kit:', [
    { name: 'built-in MuseKit core', value: 'builtin' },
    {
      name: 'another repository or path',
      value: 'other',
      description: 'owner/repo, a git URL or a local path; #ref pins it',
    },
  ]);
  if (kind === 'builtin') return kind;
  return ask.text('Repository or path:', { check: (text) => orWhy(() => parseKitSource(text)) });
}

async function askTables(ask: Ask): Promise<Pick<GivenAnswers, 'presets' | 'tables'>> {
  const presets = await ask.many(
    'Presets (space to select, enter to continue):',
    (await listPresets())
      .filter(({ id }) => id !== 'blank')
      .map(({ id, title }) => ({ name: id, value: id, description: title })),
  );
  const tables: string[] = [];
  for (;;) {
    const spec = await ask.text(
      `${tables.length === 0 ? 'A table to add' : 'Another table'}, e.g. "notes: title text!, owner user" (empty for none):`,
      {
        default: '',
        check: (text) => (text.trim() === '' ? true : orWhy(() => parseTable(text))),
      },
    );
    if (spec === '') return { presets, tables };
    tables.push(spec);
  }
}

async function confirmPlan(answers: Answers, ask: Ask, context: CommandContext): Promise<void> {
  const { formatIntent } = await import('./format-plan.ts');
  context.output.progress(formatIntent(answers));
  if (await ask.confirm('Continue?')) return;
  throw new MuseError({
    code: 'cancelled',
    message: 'Cancelled. Nothing was created.',
    suggestion: 'To start again, run create-muse.',
  });
}

function nameOrWhy(name: string): true | string {
  const checked = checkMuseName(name.trim());
  return checked.ok || `${checked.reason} Try ${checked.nearest}.`;
}

function orWhy(check: () => unknown): true | string {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof MuseError) return `${error.message} ${error.suggestion}`;
    throw error;
  }
}
