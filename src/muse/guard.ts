import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

/** How a change to a guarded environment is confirmed. */
export interface Consent {
  /** The value of `--confirm`. */
  confirmed?: string;
  /** Shows what is about to happen and returns what the user types; absent without a terminal. */
  ask?(plan: string): Promise<string>;
  /** Shows what is about to happen where it was confirmed in advance. */
  show?(plan: string): void;
}

/** A command with its `--env` flag; development is the default and needs none. */
export function commandFor(command: string, name: EnvironmentName): string {
  return name === 'development' ? command : `${command} --env ${name}`;
}

/**
 * Refuses a call that cannot be confirmed, before anything is opened.
 * @param command as it was typed, without its confirmation: `muse migrate --env production`
 * @throws MuseError `bad-confirmation` with the flag that is missing
 */
export function needConsent(name: EnvironmentName, { confirmed, ask }: Consent, command: string): void {
  const suggestion =
    name === 'development'
      ? `Confirm it: ${command} --yes`
      : `Confirm it with the environment's name: ${command} --confirm ${name}`;
  if (confirmed !== undefined && confirmed !== name) {
    throw new MuseError({
      code: 'bad-confirmation',
      message: `--confirm names "${confirmed}", but the environment is ${name}. Nothing was run.`,
      suggestion,
    });
  }
  if (confirmed !== undefined || ask !== undefined) return;
  throw new MuseError({
    code: 'bad-confirmation',
    message: `This changes ${name}, but there is no terminal to confirm it in. Nothing was run.`,
    suggestion,
  });
}

/**
 * Continues only if the environment's name was passed with `--confirm` or is typed now.
 * @param plan what is about to happen, lines
 * @throws MuseError `not-confirmed`
 */
export async function takeConsent(name: EnvironmentName, consent: Consent, plan: string): Promise<void> {
  if (consent.confirmed === name) {
    consent.show?.(plan);
    return;
  }
  if ((await consent.ask?.(plan))?.trim() === name) return;
  throw new MuseError({
    code: 'not-confirmed',
    message: `Nothing was changed in ${name}: its name was not typed to confirm.`,
    suggestion: `Type ${name} when asked, or add --confirm ${name}.`,
  });
}
