import { join } from 'node:path';
import { readUtf8 } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

/** The file with an environment's secrets: `.env.local` for development, which the app reads; a separate file for each of the others. */
export function secretsFileOf(name: EnvironmentName): string {
  return name === 'development' ? '.env.local' : `.env.${name}.local`;
}

/** The variables of an environment's secrets file; none if it does not exist. */
export async function readVariables(directory: string, name: EnvironmentName): Promise<Record<string, string>> {
  const text = await readUtf8(join(directory, secretsFileOf(name)));
  // Loaded only where there is a file: the variables may all come from the process.
  return text === undefined ? {} : (await import('../kit/environment-file.ts')).parseEnvironment(text);
}

/**
 * Sets variables in an environment's secrets file, created if needed: mode 0600, ignored by git.
 * @throws MuseError `environment-not-ignored`, `bad-environment-value`
 */
export async function updateVariables(
  directory: string,
  name: EnvironmentName,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const file = secretsFileOf(name);
  const text = (await readUtf8(join(directory, file))) ?? '';
  // It loads the git module, which reading does not need.
  const [{ updateEnvironment }, { writeEnvironmentFile }] = await Promise.all([
    import('../kit/environment-file.ts'),
    import('../kit/environment-file.ts'),
  ]);
  await writeEnvironmentFile(directory, file, updateEnvironment(text, values));
}
