import type { Answers, Secrets } from '../create/answers.ts';
import { checkGiven, type GivenAnswers, withDefaults } from '../create/defaults.ts';
import type { CommandContext } from './run.ts';

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
  if (ask === undefined) return withDefaults(given, context.directory);
  const { askAnswers } = await import('./wizard.ts');
  return askAnswers(given, secrets, ask, context);
}
