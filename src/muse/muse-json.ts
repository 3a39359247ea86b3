import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readText, writeWhole } from '../shared/files.ts';
import type { MuseFile } from '../shared/muse-file.ts';

/**
 * `muse.json` of a muse.
 * @param directory absolute path of the muse
 * @throws MuseError `muse-json-missing`, `muse-json-unreadable` with what is wrong in it
 */
export async function readMuseFile(directory: string): Promise<MuseFile> {
  const path = join(directory, 'muse.json');
  const text = await readText(path);
  if (text === undefined) {
    throw new MuseError({
      code: 'muse-json-missing',
      message: `There is no muse.json in ${directory}.`,
      suggestion: 'Run muse inside a muse, or name it by --dir <path>. create-muse <name> makes one.',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, `it is no JSON: ${(error as Error).message}`);
  }
  const wrong = whatIsWrong(value);
  if (wrong !== undefined) throw unreadable(path, wrong);
  return value as MuseFile;
}

/** Writes `muse.json` whole. */
export async function writeMuseFile(directory: string, museFile: MuseFile): Promise<void> {
  await writeWhole(join(directory, 'muse.json'), `${JSON.stringify(museFile, undefined, 2)}\n`);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** What the commands rely on, by its path in the file. */
const checks: readonly [path: string, good: (value: unknown) => boolean, shape: string][] = [
  ['name', isText, 'a name'],
  ['kit', isRecord, 'an object'],
  ['kit.source', isText, 'a text'],
  ['migrations', isRecord, 'an object'],
  ['migrations.core', isTexts, 'a list of folders'],
  ['migrations.extensions', isTexts, 'a list of folders'],
  ['migrations.rollback', isText, 'a folder'],
  ['migrations.archive', isText, 'a folder'],
  ['migrations.order', (value) => ['number', 'timestamp', 'journal'].includes(String(value)), '"number", "timestamp" or "journal"'],
  ['environments', isRecord, 'an object'],
];

function whatIsWrong(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is no object.';
  if (value['version'] !== 1) return `its version is ${JSON.stringify(value['version'])}, and this tool knows version 1.`;
  for (const [path, good, shape] of checks) {
    let current: unknown = value;
    for (const key of path.split('.')) current = isRecord(current) ? current[key] : undefined;
    if (!good(current)) return `"${path}" must be ${shape}, and is ${JSON.stringify(current) ?? 'missing'}.`;
  }
  return undefined;
}

function unreadable(path: string, why: string): MuseError {
  return new MuseError({
    code: 'muse-json-unreadable',
    message: `${path} cannot be used: ${why}`,
    suggestion: 'Mend it by hand, or take the last good one from git: git checkout -- muse.json',
  });
}
