/** A choice of a list. */
export interface Choice {
  name: string;
  value: string;
  description?: string;
}

/** Questions to the person at the terminal; handed in, so that tests answer them. */
export interface Ask {
  text(
    message: string,
    options?: { default?: string; check?: (value: string) => true | string | Promise<true | string> },
  ): Promise<string>;
  /** A text that the terminal does not show. */
  secret(message: string): Promise<string>;
  one(message: string, choices: readonly Choice[], initial?: string): Promise<string>;
  many(message: string, choices: readonly Choice[]): Promise<string[]>;
  /** @param initial what Enter says; default yes */
  confirm(message: string, initial?: boolean): Promise<boolean>;
}

/**
 * Questions asked by inquirer in this terminal.
 * @param signal takes an open question away when it aborts
 */
export async function terminalAsk(signal: AbortSignal): Promise<Ask> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ signal });
  return {
    async text(message, options = {}) {
      const { answer } = await prompt([
        {
          type: 'input',
          name: 'answer',
          message,
          ...(options.default === undefined ? {} : { default: options.default }),
          ...(options.check === undefined ? {} : { validate: options.check }),
        },
      ]);
      return answer.trim();
    },
    async secret(message) {
      const { answer } = await prompt([{ type: 'password', name: 'answer', message, mask: '*' }]);
      return answer.trim();
    },
    async one(message, choices, initial) {
      const { answer } = await prompt([
        {
          type: 'select',
          name: 'answer',
          message,
          choices: [...choices],
          ...(initial === undefined ? {} : { default: initial }),
        },
      ]);
      return answer as string;
    },
    async many(message, choices) {
      const { answer } = await prompt([{ type: 'checkbox', name: 'answer', message, choices: [...choices] }]);
      return answer as string[];
    },
    async confirm(message, initial = true) {
      const { answer } = await prompt([{ type: 'confirm', name: 'answer', message, default: initial }]);
      return answer;
    },
  };
}
