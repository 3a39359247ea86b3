import { join, relative, resolve, sep } from 'node:path';
import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf, readUtf8, writeWhole } from '../shared/files.ts';
import type { Hooks } from '../shared/hooks.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment } from '../targets/open.ts';

/** What {@link museTypes} made. */
export interface TypesResult {
  /** The file, relative to the muse where it is in there; absent where it was not written to one. */
  file?: string;
  /** Whether the file was, or with `check` would be, changed. */
  changed: boolean;
  /** The file's text. */
  types: string;
}

export interface TypesOptions extends Hooks {
  /** Where to write: absolute, or relative to the muse; `-` for nowhere. Default: {@link defaultTypesFile}. */
  out?: string | undefined;
  /** Only compares: nothing is written. */
  check?: boolean | undefined;
  /** The schemas that the Data API serves. Default: `public`. */
  schemas?: readonly string[] | undefined;
}

/** Where the types of a muse are: in its app, if it has one. */
export async function defaultTypesFile(directory: string): Promise<string> {
  return (await kindOf(join(directory, 'app', 'src'))) === 'directory'
    ? 'app/src/database.types.ts'
    : 'database.types.ts';
}

/**
 * Writes TypeScript types of an environment's database, as the Supabase CLI's `gen types typescript` gives them.
 * @throws MuseError `bad-call` where another file would be overwritten, and what opening the database throws
 */
export async function museTypes(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { out, check = false, schemas = ['public'], ...hooks }: TypesOptions = {},
): Promise<TypesResult> {
  const file = out ?? (await defaultTypesFile(muse.directory));
  const path = file === '-' ? undefined : await pathOf(muse.directory, file);
  const before = path === undefined ? undefined : await readUtf8(path);
  if (before !== undefined && !isTypesFile(before)) throw notOurs(file);
  const { database } = await openEnvironment(muse, name, environment, { ...hooks, reads: true });
  let types: string;
  try {
    types = await databaseTypes(database, schemas);
  } finally {
    await database.close();
  }
  if (path === undefined) return { changed: false, types };
  const changed = before === undefined || !isSame(before, types);
  if (changed && !check) await writeWhole(path, types);
  return { file: shown(muse.directory, path), changed, types };
}

/**
 * Brings the types of a development database up to date, in the file that {@link defaultTypesFile} names, where there is one.
 * @returns the file, if it changed
 */
export async function refreshTypes(directory: string, database: Database): Promise<string | undefined> {
  const file = await defaultTypesFile(directory);
  const path = await inside(directory, file);
  const before = await readUtf8(path);
  if (before === undefined || !isTypesFile(before)) return undefined;
  const types = await databaseTypes(database, ['public']);
  if (isSame(before, types)) return undefined;
  await writeWhole(path, types);
  return file;
}

/** The types of a database as the text of a file. */
export async function databaseTypes(database: Database, schemas: readonly string[]): Promise<string> {
  const [{ readTypesCatalog }, { typesFile }] = await Promise.all([
    import('../publish/types/catalog.ts'),
    import('../publish/types.ts'),
  ]);
  return typesFile(await readTypesCatalog(database, schemas));
}

/** A path in the muse is not followed out of it by links; another is the caller's own. */
async function pathOf(directory: string, file: string): Promise<string> {
  const path = resolve(directory, file);
  return path.startsWith(directory + sep) ? inside(directory, relative(directory, path)) : path;
}

function shown(directory: string, path: string): string {
  return path.startsWith(directory + sep) ? relative(directory, path).replaceAll('\\', '/') : path;
}

/** Whether a program of this kind wrote the text: this one or the Supabase CLI, whatever formatted it since. */
function isTypesFile(text: string): boolean {
  return text.trim() === '' || (/\bexport type Json\b/.test(text) && /\bexport (type|interface) Database\b/.test(text));
}

function notOurs(file: string): MuseError {
  return new MuseError({
    code: 'bad-call',
    message: `${file} is not a file of generated types. It was not touched.`,
    suggestion: 'Choose another file: muse types --out <file>',
  });
}

/** Whether two files say the same, whatever a formatter made of either. */
function isSame(one: string, other: string): boolean {
  return one === other || tokensOf(one) === tokensOf(other);
}

/**
 * The text without what formatters choose: spaces, comments, line ends, quotes, semicolons and commas, parentheses, the bar before
 * the first type of a union.
 */
function tokensOf(text: string): string {
  const tokens: string[] = [];
  for (const [token] of text.matchAll(
    /\/\/.*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w$]+|[^\s\w$]/g,
  )) {
    if (/^(\/[/*]|[;,()])/.test(token)) continue;
    if (token === '|' && ['=', ':', '[', '{', '<', '?', 'extends'].includes(tokens.at(-1) ?? '')) continue;
    // A name as a key is the same with quotes and without.
    const key = /^["']([A-Za-z_$][\w$]*)["']$/.exec(tokens.at(-1) ?? '')?.[1];
    if (key !== undefined && [':', '?'].includes(token)) tokens.splice(-1, 1, key);
    tokens.push(token.startsWith("'") ? JSON.stringify(token.slice(1, -1).replaceAll("\\'", "'")) : token);
  }
  return tokens.join('\n');
}
