/**
 * The questions of `create-muse` in a terminal. Each answer is checked when it is given; Esc goes back to the question before,
 * and what was answered stays; nothing has an effect before the last one.
 */
import { resolve } from 'node:path';
import type { Secrets, SupabaseAnswers } from '../create/answers.ts';
import { type GivenAnswers, withDefaults } from '../create/defaults.ts';
import { checkPrefix } from '../create/tables.ts';
import type { Answers } from '../create/answers.ts';
import { MuseError } from '../shared/error.ts';
import { kindOf, listNames } from '../shared/files.ts';
import { printableLine } from '../shared/printable.ts';
import { wrap } from '../shared/wrap.ts';
import { listPresets } from '../scaffold/presets.ts';
import { parseTable } from '../scaffold/parse-table.ts';
import { checkMuseName } from '../kit/name.ts';
import { parseKitSource } from '../kit/source.ts';
import { targetOf } from '../targets/open.ts';
import { targetKinds, type TargetKind } from '../targets/kinds.ts';
import { targets } from '../targets/targets.ts';
import type { Ask } from './ask.ts';
import type { CommandContext } from './run.ts';

/** The answers so far. */
interface State extends GivenAnswers {
  /** The kit is one of the user's own. */
  ownKit?: boolean;
  /** The server lacks what every Supabase project has. */
  plainServer?: boolean;
  secrets: Secrets;
  /** The answers of a plan that was agreed to. */
  agreed?: Answers | undefined;
}

/** What a question is asked with. */
interface Tools {
  ask: Ask;
  context: CommandContext;
}

interface Question {
  /** Whether it is asked, by what was typed and answered. */
  applies(state: State): boolean;
  /** @returns what the answer changes */
  ask(state: State, tools: Tools): Promise<Partial<State>>;
}

/**
 * Asks for everything that was not typed, then for a yes to the plan.
 * @param given what was typed: it is not asked for
 * @param secrets gets the database's URL
 * @throws MuseError `cancelled` for a no; what checking the answers as a whole throws
 */
export async function askAnswers(
  given: GivenAnswers,
  secrets: Secrets,
  ask: Ask,
  context: CommandContext,
): Promise<Answers> {
  const state: State = { ...given, secrets };
  const questions = questionsFor(given, secrets);
  if (questions.some((question) => question.applies(state)))
    context.output.progress('Enter takes what is shown, Esc goes back, Ctrl-C ends.\n');
  const asked: number[] = [];
  for (let index = 0; state.agreed === undefined;) {
    const question = questions[index];
    if (question === undefined) {
      state.agreed = await agree(state, { ask, context }).catch((error: unknown) =>
        backFrom(error, context, asked.length > 0),
      );
      if (state.agreed === undefined) index = asked.pop() ?? questions.length;
      continue;
    }
    if (!question.applies(state)) {
      index += 1;
      continue;
    }
    const changes = await question
      .ask(state, { ask, context })
      .catch((error: unknown) => backFrom(error, context, asked.length > 0));
    if (changes === undefined) {
      index = asked.pop() ?? index;
      continue;
    }
    Object.assign(state, changes);
    asked.push(index);
    index += 1;
  }
  if (state.secrets.databaseUrl !== undefined) secrets.databaseUrl = state.secrets.databaseUrl;
  return state.agreed;
}

/**
 * Back to the question before: by Esc, or because this one cannot be asked, which is said. Any other error is thrown.
 * @param isQuestionBefore whether there is one: what cannot be asked at all ends the run
 */
function backFrom(error: unknown, { output, signal }: CommandContext, isQuestionBefore = true): undefined {
  if (signal.aborted) throw error;
  if (error instanceof Error && error.name === 'AbortPromptError') return;
  if (!isQuestionBefore || !(error instanceof MuseError) || error.code === 'cancelled') throw error;
  const { message, suggestion } = error;
  output.progress([...wrap(printableLine(message), output.width), `→ ${suggestion}`].join('\n'));
}

/** Where a name and all that matters was typed, only the plan is shown. */
function questionsFor(given: GivenAnswers, secrets: Secrets): Question[] {
  const content = given.presets ?? given.tables ?? given.spec;
  const all = given.name === undefined || content === undefined;
  const isCloud = (state: State): boolean =>
    state.target !== undefined &&
    targetOf(state.target).provisioned &&
    given.supabase.projectRef === undefined &&
    (all || given.supabase.organization === undefined);
  return [
    { applies: () => given.name === undefined, ask: askName },
    { applies: () => all && given.kit === undefined, ask: askKit },
    { applies: ({ ownKit }) => ownKit === true, ask: askKitSource },
    { applies: () => content === undefined, ask: askPresets },
    { applies: () => content === undefined, ask: askTables },
    { applies: () => all && given.target === undefined, ask: askTarget },
    {
      applies: ({ target }) =>
        all && target !== undefined && targetOf(target).needsUrl && secrets.databaseUrl === undefined,
      ask: askUrl,
    },
    {
      applies: ({ target, plainServer }) =>
        target !== undefined && targetOf(target).needsUrl && plainServer === true && given.supabaseBaseline !== true,
      ask: askBaseline,
    },
    { applies: (state) => isCloud(state) && given.supabase.organization === undefined, ask: askOrganization },
    { applies: (state) => isCloud(state) && given.supabase.region === undefined, ask: askRegion },
    { applies: (state) => isCloud(state) && given.supabase.adminEmail === undefined, ask: askAdmin },
    { applies: () => all && given.prefix === undefined, ask: askPrefix },
  ];
}

async function askName({ name, directory }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const answer = await ask.text('Product name, e.g. realtymuse:', {
    ...(name === undefined ? {} : { default: name }),
    async check(text) {
      const checked = checkMuseName(text.trim());
      if (!checked.ok) return `${checked.reason} Try ${checked.nearest}.`;
      const place = resolve(context.directory, directory ?? text.trim());
      const taken = (await kindOf(place)) !== undefined && (await listNames(place)).length > 0;
      return taken && directory === undefined
        ? `The directory ${text.trim()} exists and is not empty. Try another name.`
        : true;
    },
  });
  return { name: answer };
}

async function askKit({ ownKit }: State, { ask }: Tools): Promise<Partial<State>> {
  const kind = await ask.one(
    'Kit:',
    [
      { name: 'built-in MuseKit core', value: 'builtin' },
      {
        name: 'another repository or path',
        value: 'other',
        description: 'owner/repo, a git URL or a local path; #ref pins it',
      },
    ],
    ownKit === true ? 'other' : 'builtin',
  );
  return kind === 'builtin' ? { ownKit: false, kit: 'builtin' } : { ownKit: true };
}

async function askKitSource({ kit, ref }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const answer = await ask.text('Repository or path, e.g. owner/repo or ./kit:', {
    ...(kit === undefined || kit === 'builtin' ? {} : { default: kit }),
    check: (text) =>
      orWhy(async () => {
        const { checkKit } = await import('../kit/fetch.ts');
        const { environment, signal, directory } = context;
        await checkKit(parseKitSource(text, ref), { environment, signal, from: directory });
      }),
  });
  return { kit: answer };
}

async function askPresets({ presets = [] }: State, { ask }: Tools): Promise<Partial<State>> {
  const known = (await listPresets()).filter(({ id }) => id !== 'blank');
  const width = Math.max(...known.map(({ id }) => id.length));
  return {
    presets: await ask.many(
      'Presets (space to select, enter to continue):',
      known.map(({ id, title }) => ({ name: `${id.padEnd(width)}  ${title}`, value: id })),
      presets,
    ),
  };
}

async function askTables({ tables: before = [] }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const tables: string[] = [];
  for (let known = [...before]; ;) {
    const initial = known[tables.length] ?? '';
    const answer = await ask
      .text(
        `${tables.length === 0 ? 'A table to add' : 'Another table'}, e.g. "notes: title text!, owner user" (empty for none):`,
        { default: initial, check: (text) => (text.trim() === '' ? true : orWhy(() => parseTable(text))) },
      )
      .catch((error: unknown) => {
        // Esc goes back to the table before; at the first, to the question before.
        if (tables.length === 0) throw error;
        return backFrom(error, context);
      });
    if (answer === undefined) {
      const last = tables.pop();
      if (last !== undefined) known = [...tables, last];
    } else if (answer === '') return { tables };
    else tables.push(answer);
  }
}

async function askTarget({ target }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const { missingToken } = await import('../targets/choices.ts');
  const missing = await missingToken(context.environment);
  const chosen = (await ask.one(
    'Database:',
    targetKinds.map((kind) => ({
      name: targets[kind].title,
      value: kind,
      description: targets[kind].about,
      ...(targets[kind].provisioned && missing !== undefined ? { disabled: missing } : {}),
    })),
    target,
  )) as TargetKind;
  return { target: chosen };
}

async function askUrl(_state: State, { ask, context }: Tools): Promise<Partial<State>> {
  let plainServer = false;
  const url = await ask.secret('Database URL, e.g. postgresql://user:password@host:5432/app:', {
    check: (text) =>
      orWhy(async () => {
        const { checkServer } = await import('../targets/choices.ts');
        ({ plain: plainServer } = await checkServer(text.trim(), context.signal));
      }),
  });
  return { secrets: { databaseUrl: url }, plainServer };
}

async function askBaseline(_state: State, { ask }: Tools): Promise<Partial<State>> {
  const agreed = await ask.confirm("The server is a plain one. Add Supabase's schemas and roles to it?");
  if (agreed) return { supabaseBaseline: true };
  throw new MuseError({
    code: 'baseline-missing',
    message: 'Without them the migrations cannot run there.',
    suggestion: 'Name another database, or choose another target.',
  });
}

async function askOrganization({ supabase }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const { organizationChoices } = await import('../targets/choices.ts');
  const choices = await organizationChoices(context.environment);
  const [only, ...others] = choices;
  const organization =
    only !== undefined && others.length === 0
      ? only.value
      : await ask.one('Organization:', choices, supabase.organization);
  return cloudAnswer(supabase, { organization });
}

async function askRegion({ supabase }: State, { ask, context }: Tools): Promise<Partial<State>> {
  const { regionChoices } = await import('../targets/choices.ts');
  const choices = await regionChoices(context.environment, supabase.organization ?? '');
  return cloudAnswer(supabase, { region: await ask.one('Region:', choices, supabase.region) });
}

async function askAdmin({ supabase }: State, { ask }: Tools): Promise<Partial<State>> {
  const adminEmail = await ask.text('Email of the first admin, e.g. ada@example.com (empty for none):', {
    default: supabase.adminEmail ?? '',
    check: (text) =>
      text.trim() === '' || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim()) || 'Write it as name@example.com.',
  });
  const { adminEmail: _before, ...rest } = supabase;
  return { supabase: adminEmail === '' ? rest : { ...rest, adminEmail } };
}

const cloudAnswer = (before: SupabaseAnswers, answer: SupabaseAnswers): Partial<State> => ({
  supabase: { ...before, ...answer },
});

async function askPrefix({ prefix = '' }: State, { ask }: Tools): Promise<Partial<State>> {
  return {
    prefix: await ask.text('Table prefix, e.g. kv_ (empty for none):', {
      default: prefix,
      check: (text) => orWhy(() => checkPrefix(text.trim())),
    }),
  };
}

/** Shows what is about to be created, and the command that does the same; then asks whether to continue. */
async function agree(state: State, { ask, context }: Tools): Promise<Answers> {
  const { ownKit: _kit, plainServer: _plain, secrets, agreed: _agreed, ...given } = state;
  const answers = await withDefaults(given, context.directory);
  const [{ formatIntent }, { commandLine }] = await Promise.all([
    import('./format-plan.ts'),
    import('./command-line.ts'),
  ]);
  const { progress } = context.output;
  progress(formatIntent(answers));
  const needs = targetOf(answers.target).needsUrl && secrets.databaseUrl !== undefined ? ', with DATABASE_URL set' : '';
  progress(`Without questions${needs}:\n  ${commandLine(answers, context.directory)}\n`);
  if (await ask.confirm('Continue?')) return answers;
  throw new MuseError({
    code: 'cancelled',
    message: 'Cancelled. Nothing was created.',
    suggestion: 'To start again, run create-muse.',
  });
}

/** True where a check passes, else what is wrong and what to do, as a question shows it. */
async function orWhy(check: () => unknown): Promise<true | string> {
  try {
    await check();
    return true;
  } catch (error) {
    if (error instanceof MuseError && error.code !== 'cancelled') return `${error.message} ${error.suggestion}`;
    throw error;
  }
}
