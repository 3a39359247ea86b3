import { printableLine } from '../shared/printable.ts';

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

/** The names of a choice may be of others: a project or an organization, as a service calls it. */
function printableChoice({ name, value, description }: Choice): Choice {
  return {
    name: printableLine(name),
    value,
    ...(description === undefined ? {} : { description: printableLine(description) }),
  };
}

/** Questions asked by inquirer in this terminal. */
export async function terminalAsk(): Promise<Ask> {
  const { default: inquirer } = await import('inquirer');
  return {
    async text(message, options = {}) {
      const { answer } = await inquirer.prompt([
        {
          type: 'input',
          name: 'answer',
          message: printableLine(message),
          ...(options.default === undefined ? {} : { default: options.default }),
          ...(options.check === undefined ? {} : { validate: options.check }),
        },
      ]);
      return answer.trim();
    },
    async secret(message) {
      const { answer } = await inquirer.prompt([
        { type: 'password', name: 'answer', message: printableLine(message), mask: '*' },
      ]);
      return answer.trim();
    },
    async one(message, choices, initial) {
      const { answer } = await inquirer.prompt([
        {
          type: 'select',
          name: 'answer',
          message: printableLine(message),
          choices: choices.map(printableChoice),
          ...(initial === undefined ? {} : { default: initial }),
        },
      ]);
      return answer as string;
    },
    async many(message, choices) {
      const { answer } = await inquirer.prompt([
        { type: 'checkbox', name: 'answer', message: printableLine(message), choices: choices.map(printableChoice) },
      ]);
      return answer as string[];
    },
    async confirm(message, initial = true) {
      const { answer } = await inquirer.prompt([
        { type: 'confirm', name: 'answer', message: printableLine(message), default: initial },
      ]);
      return answer;
    },
  };
}
