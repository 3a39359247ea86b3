import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

/** How somebody may say yes to what an environment is guarded against. */
export interface Consent {
  /** What `--confirm` said. */
  confirmed?: string;
  /** Shows what is about to happen and takes what is typed; absent where nobody can be asked. */
  ask?(plan: string): Promise<string>;
  /** Shows what is about to happen where it was confirmed in advance. */
  show?(plan: string): void;
}

/** A command as it has to be typed for an environment: development is meant where none is named. */
export function commandFor(command: string, name: EnvironmentName): string {
  return name === 'development' ? command : `${command} --env ${name}`;
}

/**
 * Refuses a call that could never be agreed to, before anything is opened.
 * @param command as it was typed, without its confirmation: `muse migrate --env production`
 * @throws MuseError `bad-confirmation` with the flag that is missing
 */
export function needConsent(name: EnvironmentName, { confirmed, ask }: Consent, command: string): void {
  const suggestion = name === 'development' ? `Say so: ${command} --yes` : `Say so by its name: ${command} --confirm ${name}`;
  if (confirmed !== undefined && confirmed !== name) {
    throw new MuseError({
      code: 'bad-confirmation',
      message: `--confirm says "${confirmed}", and the environment is ${name}. Nothing was run.`,
      suggestion,
    });
  }
  if (confirmed !== undefined || ask !== undefined) return;
  throw new MuseError({
    code: 'bad-confirmation',
    message: `This changes ${name}, and there is no terminal to confirm it in. Nothing was run.`,
    suggestion,
  });
}

/**
 * Goes on only where the environment's name was given in advance or is typed now.
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
    message: `Nothing was changed in ${name}: it was not confirmed by its name.`,
    suggestion: `Type ${name} when asked, or add --confirm ${name}.`,
  });
}
