import { describe, expect, it } from 'vitest';
import type { Ask } from '../../src/cli/ask.ts';
import { completeAnswers } from '../../src/cli/complete.ts';
import type { GivenAnswers } from '../../src/create/defaults.ts';
import { SoFar } from '../../src/cli/so-far.ts';
import { createOutput } from '../../src/cli/output.ts';
import type { CommandContext } from '../../src/cli/run.ts';

/** Answers questions in order, records them, and validates each answer as the terminal does. */
function scripted(answers: unknown[]): { ask: Ask; asked: string[]; refused: string[] } {
  const asked: string[] = [];
  const refused: string[] = [];
  const next = async <T>(
    message: string,
    check?: (value: string) => true | string | Promise<true | string>,
  ): Promise<T> => {
    asked.push(message);
    for (;;) {
      if (answers.length === 0) throw new Error(`Nothing to answer "${message}" with.`);
      const answer = answers.shift();
      const verdict = (await check?.(String(answer))) ?? true;
      if (verdict === true) return answer as T;
      refused.push(verdict);
    }
  };
  const ask: Ask = {
    text: (message, options) => next(message, options?.check),
    secret: (message) => next(message),
    one: (message) => next(message),
    many: (message) => next(message),
    confirm: (message) => next(message),
  };
  return { ask, asked, refused };
}

function contextWith(ask?: Ask): CommandContext & { printed: string[] } {
  const printed: string[] = [];
  const { signal } = new AbortController();
  const stream = {
    write: (text: string) => printed.push(text) > 0,
    isTTY: false,
    columns: 80,
  } as unknown as NodeJS.WriteStream;
  return {
    output: createOutput({
      json: false,
      quiet: false,
      verbose: false,
      stdout: stream,
      stderr: stream,
      environment: {},
    }),
    signal,
    hooks: { signal },
    soFar: new SoFar(),
    working: () => undefined,
    leaveCtrlC: () => () => undefined,
    environment: {},
    directory: '/somewhere',
    printed,
    ...(ask === undefined ? {} : { ask: async () => ask }),
  };
}

const nothing: GivenAnswers = { supabase: {} };

describe('in a terminal', () => {
  it('asks for what is missing, checks it, shows the plan, and asks once to continue', async () => {
    const { ask, asked, refused } = scripted([
      'My Muse',
      'realtymuse',
      'builtin',
      ['realty'],
      'nonsense',
      'notes: title text!',
      '',
      'embedded',
      'kv_',
      true,
    ]);
    const context = contextWith(ask);
    const answers = await completeAnswers(nothing, {}, context, false);
    expect(answers).toMatchObject({
      name: 'realtymuse',
      kit: 'builtin',
      presets: ['realty'],
      tables: ['notes: title text!'],
      target: 'embedded',
      prefix: 'kv_',
    });
    expect(refused).toHaveLength(2);
    expect(refused[0]).toContain('my-muse');
    expect(asked.at(-1)).toBe('Continue?');
    expect(context.printed.join('')).toContain('preset realty, table notes');
  });

  it.each([
    ['only the plan, where everything that matters was typed', { name: 'a-muse', presets: ['crm'] }, ['Continue?']],
    [
      'not for what was typed',
      { name: 'a-muse', kit: 'builtin', target: 'embedded' as const, prefix: '' },
      [
        'Presets (space to select, enter to continue):',
        'A table to add, e.g. "notes: title text!, owner user" (empty for none):',
        'Continue?',
      ],
    ],
  ])('%s', async (_, given, questions) => {
    const { ask, asked } = scripted(questions.length === 1 ? [true] : [[], '', true]);
    await completeAnswers({ ...nothing, ...given }, {}, contextWith(ask), false);
    expect(asked).toEqual(questions);
  });

  it('keeps the URL of a database out of the answers', async () => {
    const { ask } = scripted(['postgresql://u:p@h/d', true]);
    const secrets = {};
    const answers = await completeAnswers(
      {
        ...nothing,
        name: 'a-muse',
        kit: 'builtin',
        tables: undefined,
        presets: undefined,
        target: 'postgres',
        prefix: '',
      },
      secrets,
      contextWith({ ...ask, many: async () => [], text: async () => '' }),
      false,
    );
    expect(secrets).toEqual({ databaseUrl: 'postgresql://u:p@h/d' });
    expect(JSON.stringify(answers)).not.toContain('postgresql://');
  });

  it('accepts no as an answer', async () => {
    const { ask } = scripted([false]);
    await expect(
      completeAnswers({ ...nothing, name: 'a-muse', presets: [] }, {}, contextWith(ask), false),
    ).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('without a terminal', () => {
  it('uses the defaults', async () => {
    const answers = await completeAnswers({ ...nothing, name: 'a-muse' }, {}, contextWith(), false);
    expect(answers).toMatchObject({
      directory: expect.stringContaining('a-muse'),
      kit: 'builtin',
      kitExtensions: 'archive',
      presets: [],
      target: 'embedded',
    });
    // Whether there is a repository is up to the directory.
    expect(answers).not.toHaveProperty('git');
  });

  it.each([
    ['a-muse', '/somewhere/web', 'a-muse'],
    [undefined, '/somewhere/web', 'web'],
  ])('the name %s in %s is %s', async (name, directory, expected) => {
    expect(await completeAnswers({ ...nothing, name, directory }, {}, contextWith(), false)).toMatchObject({
      name: expected,
      directory,
    });
  });

  it.each([
    ['a missing name', {}, 'bad-call'],
    ['a bad name', { name: 'Nö' }, 'bad-name'],
    ['a bad preset', { name: 'a-muse', presets: ['reality'] }, 'bad-preset'],
    ['a bad table', { name: 'a-muse', tables: ['x'] }, 'bad-table'],
    ['a bad kit', { name: 'a-muse', kit: 'git://example.com/x' }, 'bad-kit-source'],
  ])('names %s', async (_, given, code) => {
    await expect(completeAnswers({ ...nothing, ...given }, {}, contextWith(), false)).rejects.toMatchObject({ code });
  });
});
