import { printableLine } from '../shared/printable.ts';

/** A choice of a list. */
export interface Choice {
  name: string;
  value: string;
  description?: string;
  /** Why it cannot be chosen. */
  disabled?: string;
}

/** Says whether a text can be the answer, and if not, why. */
export type Check = (value: string) => true | string | Promise<true | string>;

/** Questions to the person at the terminal; handed in, so that tests answer them. Esc rejects with an `AbortPromptError`. */
export interface Ask {
  text(message: string, options?: { default?: string; check?: Check }): Promise<string>;
  /** A text that the terminal does not show. */
  secret(message: string, options?: { check?: Check }): Promise<string>;
  one(message: string, choices: readonly Choice[], initial?: string): Promise<string>;
  /** @param initial values that are chosen at first */
  many(message: string, choices: readonly Choice[], initial?: readonly string[]): Promise<string[]>;
  /** @param initial what Enter says; default yes */
  confirm(message: string, initial?: boolean): Promise<boolean>;
}

/** The names of a choice may be of others: a project or an organization, as a service calls it. */
function printableChoice({ name, value, description, disabled }: Choice): Omit<Choice, 'disabled'> & {
  disabled?: string;
} {
  return {
    name: printableLine(name),
    value,
    ...(description === undefined ? {} : { description: printableLine(description) }),
    ...(disabled === undefined ? {} : { disabled: `(${printableLine(disabled)})` }),
  };
}

/**
 * Questions asked by inquirer in this terminal.
 * @param signal takes an open question away when it aborts
 */
export async function terminalAsk(signal: AbortSignal): Promise<Ask> {
  const { default: inquirer } = await import('inquirer');
  /** One question, which Esc takes away. */
  const answer = async <T>(question: { type: string; message: string } & Record<string, unknown>): Promise<T> => {
    const escape = new AbortController();
    const onKey = (_text: string | undefined, key: { name?: string } | undefined): void => {
      if (key?.name === 'escape') escape.abort();
    };
    process.stdin.on('keypress', onKey);
    try {
      const prompt = inquirer.createPromptModule({ signal: AbortSignal.any([signal, escape.signal]) });
      const asked = { ...question, name: 'answer', message: printableLine(question.message) };
      return ((await prompt([asked as never])) as { answer: T }).answer;
    } finally {
      process.stdin.off('keypress', onKey);
    }
  };
  return {
    async text(message, { default: initial, check } = {}) {
      const given = await answer<string>({
        type: 'input',
        message,
        ...(initial === undefined ? {} : { default: initial }),
        ...(check === undefined ? {} : { validate: printableCheck(check) }),
      });
      return given.trim();
    },
    async secret(message, { check } = {}) {
      const given = await answer<string>({
        type: 'password',
        message,
        mask: '*',
        ...(check === undefined ? {} : { validate: printableCheck(check) }),
      });
      return given.trim();
    },
    one: (message, choices, initial) =>
      answer<string>({
        type: 'select',
        message,
        choices: choices.map(printableChoice),
        ...(initial === undefined ? {} : { default: initial }),
      }),
    many: (message, choices, initial = []) =>
      answer<string[]>({
        type: 'checkbox',
        message,
        choices: choices.map((choice) => ({ ...printableChoice(choice), checked: initial.includes(choice.value) })),
      }),
    confirm: (message, initial = true) => answer<boolean>({ type: 'confirm', message, default: initial }),
  };
}

/** The check, with what it says on one line. */
function printableCheck(check: Check): Check {
  return async (value) => {
    const verdict = await check(value);
    return verdict === true ? true : printableLine(verdict);
  };
}
