import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import type { OpenOptions, Place, Target } from './target.ts';
import { targetKinds } from './kinds.ts';
import { targets } from './targets.ts';

/** Where the database of an environment is, and what kind of target that is. */
export interface EnvironmentPlace {
  place: Place;
  target: Target;
}

/** An environment's database, open. */
export interface OpenEnvironment extends EnvironmentPlace {
  database: Database;
}

/**
 * The target of a name.
 * @throws MuseError `bad-target` where there is none
 */
export function targetOf(kind: string): Target {
  const known = targetKinds.find((one) => one === kind);
  if (known !== undefined) return targets[known];
  const meant = nearest(kind, targetKinds);
  throw new MuseError({
    code: 'bad-target',
    message: `${JSON.stringify(kind.slice(0, 40))} is not a target.`,
    suggestion: meant === undefined ? `Choose one of: ${targetKinds.join(', ')}.` : `Did you mean "${meant}"?`,
  });
}

/**
 * Where the database of one environment of a muse is. Opens nothing.
 * @param environment variables of the process
 * @throws MuseError `bad-environment` where `muse.json` has no such environment, `bad-target`
 */
export function placeOf(
  { directory, museFile }: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
): EnvironmentPlace {
  const entry = museFile.environments[name];
  if (entry !== undefined) return { place: { directory, name, entry, environment }, target: targetOf(entry.target) };
  const known = Object.keys(museFile.environments);
  throw new MuseError({
    code: 'bad-environment',
    message: `muse.json has no environment "${name}".`,
    suggestion:
      `It has ${known.join(', ')}. Add it: muse env add ${name}; or choose another: --env ` +
      `${nearest(name, known) ?? known[0] ?? '<name>'}.`,
  });
}

/**
 * Opens the database of one environment of a muse.
 * @param environment variables of the process; most of them override those of the secrets file
 * @throws MuseError what {@link placeOf} throws, `bad-database-url`, and what opening throws
 */
export async function openEnvironment(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options?: OpenOptions,
): Promise<OpenEnvironment> {
  const { place, target } = placeOf(muse, name, environment);
  return { place, target, database: (await target.open(place, options)).database };
}
