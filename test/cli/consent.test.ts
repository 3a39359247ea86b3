import { describe, expect, it } from 'vitest';
import type { Ask } from '../../src/cli/ask.ts';
import { consentOf, museContext } from '../../src/cli/muse-context.ts';
import { ParsedArguments } from '../../src/cli/parse.ts';
import type { CommandContext } from '../../src/cli/run.ts';
import { takeConsent } from '../../src/muse/guard.ts';

/** A terminal at which these answers are typed one after the other. Returns its questions and objections. */
function terminal(answers: readonly string[]): { context: CommandContext; seen: string[] } {
  const seen: string[] = [];
  const text: Ask['text'] = async (message, options) => {
    seen.push(message);
    for (const answer of answers) {
      const verdict = (await options?.check?.(answer)) ?? true;
      if (verdict === true) return answer.trim();
      seen.push(verdict);
    }
    throw new Error('asked once more than is answered');
  };
  const ask = async (): Promise<Ask> => ({ text }) as Ask;
  return {
    seen,
    context: { ask, output: { progress: (line: string) => seen.push(line) } } as unknown as CommandContext,
  };
}

describe('typing the name of an environment', () => {
  it.each<[string, string[], boolean]>([
    ['the right name', ['production'], true],
    ['with a blank after it', ['production '], true],
    ['a wrong one first', ['prod', 'yes', 'production'], true],
    ['another environment’s', ['staging', ''], false],
    ['nothing', [''], false],
  ])('%s', async (_, answers, agreed) => {
    const { context, seen } = terminal(answers);
    const consent = consentOf(museContext(new ParsedArguments({ env: 'production' }, []), context));
    const taken = await takeConsent('production', consent, 'the plan').then(
      () => true,
      (error: { code: string }) => error.code,
    );
    expect(taken).toBe(agreed ? true : 'not-confirmed');
    expect(seen.slice(0, 2)).toEqual(['the plan', 'Type production to continue:']);
    expect(seen.slice(2)).toEqual(
      answers.slice(0, -1).map(() => 'That is not production. Type production, or press Enter to cancel.'),
    );
  });

  it('is not required if it was given', async () => {
    const { context, seen } = terminal([]);
    await takeConsent(
      'production',
      consentOf(museContext(new ParsedArguments({ env: 'production', confirm: 'production' }, []), context)),
      'the plan',
    );
    expect(seen).toEqual(['the plan']);
  });
});
