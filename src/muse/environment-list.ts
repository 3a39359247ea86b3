import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import type { Environment, EnvironmentName, Muse } from '../shared/muse-file.ts';
import { readVariables, secretsFileOf, updateVariables } from '../targets/secrets-file.ts';
import { targetOf } from '../targets/open.ts';
import type { TargetKind } from '../targets/kinds.ts';
import { defaultTarget } from '../targets/target.ts';
import { commandFor } from './guard.ts';
import { writeMuseFile } from './muse-json.ts';

/** One environment of `muse.json`. */
export interface ListedEnvironment {
  name: EnvironmentName;
  target: string;
  /** The file with its secrets, relative to the muse. */
  secrets: string;
  /** Whether that file is there. */
  hasSecrets: boolean;
}

/** What adding an environment made. */
export interface AddedEnvironment {
  name: EnvironmentName;
  target: TargetKind;
  /** Files that were written, relative to the muse. */
  files: string[];
  /** Variables of the secrets file that are still empty. */
  empty: string[];
  /** The command that comes next. */
  next: string;
}

/** The environments of a muse, in the order of `muse.json`. */
export async function listEnvironments({ directory, museFile }: Muse): Promise<ListedEnvironment[]> {
  const entries = Object.entries(museFile.environments) as [EnvironmentName, Environment][];
  return Promise.all(
    entries.map(async ([name, { target }]) => {
      const secrets = secretsFileOf(name);
      return { name, target, secrets, hasSecrets: (await kindOf(join(directory, secrets))) === 'file' };
    }),
  );
}

/**
 * Adds an environment to `muse.json`, and a secrets file with the variables that its target needs, empty. What such a file
 * has already stays.
 * @throws MuseError `bad-environment` where the muse has it already
 */
export async function addEnvironment(
  { directory, museFile }: Muse,
  name: EnvironmentName,
  target: TargetKind,
): Promise<AddedEnvironment> {
  const known = museFile.environments[name];
  if (known !== undefined) {
    throw new MuseError({
      code: 'bad-environment',
      message: `muse.json has ${name} already: its target is ${known.target}. Nothing was changed.`,
      suggestion: `See where it stands: ${commandFor('muse status', name)}`,
    });
  }
  const { secrets, provisioned } = targetOf(target);
  const files: string[] = [];
  const held = await readVariables(directory, name);
  const missing = secrets.filter((variable) => held[variable] === undefined);
  // First the file: an environment that muse.json names can then be filled in.
  if (missing.length > 0) {
    await updateVariables(directory, name, Object.fromEntries(missing.map((variable) => [variable, ''])));
    files.push(secretsFileOf(name));
  }
  await writeMuseFile(directory, {
    ...museFile,
    environments: { ...museFile.environments, [name]: { target } },
  });
  files.unshift('muse.json');
  const next = commandFor(provisioned ? 'muse provision' : 'muse migrate', name);
  const empty = provisioned ? [] : secrets.filter((variable) => (held[variable] ?? '') === '');
  return { name, target, files, empty, next };
}

/** The target of a new environment where none is named: what stages a release is a server, not a directory. */
export const defaultEnvironmentTarget = (name: EnvironmentName): TargetKind =>
  name === 'development' ? defaultTarget : 'postgres';
