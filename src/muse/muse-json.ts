import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readUtf8, writeWhole } from '../shared/files.ts';
import type { MuseFile } from '../shared/muse-file.ts';

/** Where the JSON Schema is in a muse that has this tool among its packages: the `$schema` of every `muse.json` that is written. */
const schemaPath = './node_modules/create-muse/muse.schema.json';

/** At most this many problems of a file are shown. */
const mostProblems = 10;

/**
 * `muse.json` of a muse.
 * @param directory absolute path of the muse
 * @throws MuseError `muse-json-missing`; `muse-json-unreadable` with what is wrong in it, where, and what was probably meant
 */
export async function readMuseFile(directory: string): Promise<MuseFile> {
  const path = join(directory, 'muse.json');
  const text = await readUtf8(path);
  if (text === undefined) {
    throw new MuseError({
      code: 'muse-json-missing',
      message: `There is no muse.json in ${directory}.`,
      suggestion: 'Run the command inside a muse, or pass --dir <path>. To create a muse: create-muse <name>',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, [`it is not valid JSON: ${(error as Error).message}`]);
  }
  const [{ museSchema }, { pathText, problemsOf }] = await Promise.all([
    import('./muse-schema.ts'),
    import('../shared/schema.ts'),
  ]);
  const problems = problemsOf(museSchema, value);
  if (problems.length > 0) {
    throw unreadable(
      path,
      problems.map(
        ({ path: at, message, suggestion }) => `${at.length === 0 ? '' : `${pathText(at)}: `}${message}. ${suggestion}`,
      ),
    );
  }
  return value as MuseFile;
}

/** Writes `muse.json` whole, with the name of its JSON Schema if it has none. */
export async function writeMuseFile(directory: string, museFile: MuseFile): Promise<void> {
  await writeWhole(
    join(directory, 'muse.json'),
    `${JSON.stringify({ $schema: schemaPath, ...museFile }, undefined, 2)}\n`,
  );
}

function unreadable(path: string, problems: readonly string[]): MuseError {
  const [first = '', ...others] = problems;
  const shown = others.slice(0, mostProblems);
  if (others.length > shown.length) shown.push(`and ${others.length - shown.length} more`);
  return new MuseError({
    code: 'muse-json-unreadable',
    message: `${path} cannot be used: ${first}`,
    ...(shown.length === 0 ? {} : { detail: shown.join('\n') }),
    suggestion: 'Correct it, or restore the last committed version: git checkout -- muse.json',
  });
}
