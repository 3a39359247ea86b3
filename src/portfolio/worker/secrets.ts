/** The secrets of one environment of a muse: from the variables of the worker and from a command, never from the registry. */
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName, MuseFile } from '../../shared/muse-file.ts';

/** Variables that belong to one database: those of the worker's own shell must not reach every muse. */
const ofOneDatabase = ['DATABASE_URL', 'SUPABASE_DB_PASSWORD', 'MUSE_REGISTRY'];

/**
 * The name of a worker's variable, e.g. `MUSE_KIDVAULT_PRODUCTION_URL`. A letter that no shell takes is spelled as its code, so
 * that no two muses of a portfolio share a variable.
 */
export function variableOf(muse: string, environment: EnvironmentName, what: 'URL' | 'PASSWORD'): string {
  const name = muse
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/[^a-z0-9_]/gu, (letter) => `U${letter.codePointAt(0)!.toString(16)}_`)
    .toUpperCase();
  return `MUSE_${name}_${environment.toUpperCase()}_${what}`;
}

/** The names of {@link variableOf}. */
const ofOneMuse = /^MUSE_.+_(?:DEVELOPMENT|STAGING|PRODUCTION)_(?:URL|PASSWORD)$/;

/** The variables that one item works with. */
export interface ItemEnvironment {
  variables: NodeJS.ProcessEnv;
  /** The values in them that must not be shown. */
  secrets: string[];
}

/**
 * The variables for one environment of a muse: the worker's own without those of other databases and muses, then what the
 * command says, then `MUSE_<NAME>_<ENV>_URL` and `_PASSWORD`.
 * @param own a plain object: of a thousand muses, `process.env` itself takes longer to read than their databases
 * @param command of `--secrets-from`: it gets the muse and the environment as its last two arguments and prints variables
 *   as in a secrets file
 * @throws MuseError `secrets-failed` where the command fails
 */
export async function itemEnvironment(
  muse: Pick<MuseFile, 'name' | 'environments'>,
  environment: EnvironmentName,
  own: NodeJS.ProcessEnv,
  command: string | undefined,
  signal?: AbortSignal,
): Promise<ItemEnvironment> {
  const urlVariable = muse.environments[environment]?.urlVariable ?? 'DATABASE_URL';
  const left = new Set([...ofOneDatabase, urlVariable]);
  const variables: NodeJS.ProcessEnv = {};
  for (const name of Object.keys(own)) if (!left.has(name) && !ofOneMuse.test(name)) variables[name] = own[name];
  const given: Record<string, string> =
    command === undefined ? {} : await askCommand(command, muse.name, environment, own, signal);
  const url = own[variableOf(muse.name, environment, 'URL')];
  const password = own[variableOf(muse.name, environment, 'PASSWORD')];
  if (url) given[urlVariable] = url;
  if (password) given['SUPABASE_DB_PASSWORD'] = password;
  if (given['DATABASE_URL'] !== undefined) given[urlVariable] ??= given['DATABASE_URL'];
  Object.assign(variables, given);
  const token = variables['SUPABASE_ACCESS_TOKEN'];
  return { variables, secrets: secretParts([...Object.values(given), ...(token ? [token] : [])]) };
}

/** What must not be shown of the values: each as a whole, and the password of each URL. */
function secretParts(values: readonly string[]): string[] {
  const parts = values.flatMap((value) => {
    const password = /^[a-z][a-z+]*:\/\/[^\s:/@]*:([^\s/]+)@/i.exec(value)?.[1];
    if (password === undefined) return [value];
    try {
      return [value, password, decodeURIComponent(password)];
    } catch {
      return [value, password];
    }
  });
  // A word that is in every sentence hides nothing.
  return [...new Set(parts)].filter((part) => part.length >= 6).sort((one, other) => other.length - one.length);
}

/** A text without the secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, part) => clean.replaceAll(part, '[secret]'), text);
}

async function askCommand(
  command: string,
  muse: string,
  environment: EnvironmentName,
  own: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<Record<string, string>> {
  const [program, ...words] = splitWords(command);
  if (program === undefined) throw secretsFailed('it is empty');
  const { execa } = await import('execa');
  const result = await execa(program, [...words, muse, environment], {
    env: { ...own, MUSE_NAME: muse, MUSE_ENVIRONMENT: environment },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: 60_000,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  // What it printed may hold secrets, so it is not shown.
  if (result.failed)
    throw secretsFailed(
      `for ${muse} ${environment} it ${result.exitCode === undefined ? 'could not be run' : `ended with ${result.exitCode}`}`,
    );
  const { parseEnvironment } = await import('../../kit/environment-file.ts');
  return parseEnvironment(result.stdout);
}

function secretsFailed(why: string): MuseError {
  return new MuseError({
    code: 'secrets-failed',
    message: `The command of --secrets-from failed: ${why}.`,
    suggestion:
      'Run it in a terminal with the name of the muse and the environment as its last arguments. It prints lines such as ' +
      'DATABASE_URL=postgres://…',
  });
}

/**
 * A command line as words, without a shell: spaces separate, quotes keep them, nothing is expanded.
 * @throws MuseError `bad-flag` for a quote without its end
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const character of command) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== undefined) {
    throw new MuseError({
      code: 'bad-flag',
      message: `A quote in --secrets-from does not end: ${quote}`,
      suggestion: 'Close it, or leave it out.',
    });
  }
  if (word !== undefined) words.push(word);
  return words;
}
