/**
 * What a kit must not decide for a muse: its secrets, and which database is meant. A file or template of the kit that
 * names a database would otherwise be read as the owner's own.
 */
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocal, parseDatabaseUrl } from '../database/postgres/options.ts';
import { MuseError } from '../shared/error.ts';
import { kindOf, readText } from '../shared/files.ts';
import { parseEnvironment, updateEnvironment } from './environment-file.ts';

/** Where secrets are kept by convention, as a file, folder or link: never taken over, whatever is in it. */
const localFile = /^(?:.*\/)?\.env[^/]*\.local(?=\/|$)/i;

/** Other files of variables: taken over unless they hold a secret. */
const variables = /(?:^|\/)(?:\.env(?:rc|[._-][^/]*)?|\.dev\.vars(?:\.[^/]*)?|[^/]+\.env)$/i;
const template = /(?:template|example|sample|dist|schema|defaults)/i;

/** Larger than any file of variables. */
const mostBytes = 1_000_000;

/**
 * Removes files with secrets from a checkout: every `.env*.local`, and every other `.env*`, `*.env` or `.dev.vars` that holds a secret.
 * @param paths the files of the kit, relative to the directory, with `/`
 * @returns the paths that were removed, files and folders
 */
export async function leaveOutSecrets(directory: string, paths: readonly string[]): Promise<string[]> {
  const left = new Set<string>();
  for (const path of paths) {
    const local = localFile.exec(path)?.[0];
    if (local !== undefined) left.add(local);
    else if (variables.test(path) && !template.test(path) && (await holdsSecret(join(directory, path)))) left.add(path);
  }
  for (const path of left) await rm(join(directory, path), { recursive: true, force: true });
  return [...left].sort();
}

async function holdsSecret(path: string): Promise<boolean> {
  if ((await kindOf(path)) !== 'file' || (await lstat(path)).size > mostBytes) return false;
  const values = parseEnvironment((await readText(path)) ?? '');
  const { isPublicToken, secretForm } = await import('../shared/secret-forms.ts');
  return Object.entries(values).some(
    ([name, value]) =>
      !isPublicToken(value) &&
      !isLocalUrl(value) &&
      (secretForm(value) !== undefined || (secretName.test(name) && isRandom(value))),
  );
}

/** Names of variables that hold secrets; what a browser gets is none. */
const secretName =
  /^(?!.*PUBLIC|VITE_|REACT_APP_).*(?:SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE_KEY|API_?KEY|SERVICE_ROLE)/i;

/** Whether a value is made up by a machine: no word, no placeholder. */
function isRandom(value: string): boolean {
  if (value.length < 16 || !/\d/.test(value) || !/[a-z]/i.test(value)) return false;
  if (/your|change|example|placeholder|replace|dummy|super-?secret|xxx|<|\$\{|supabase[-_]?demo/i.test(value))
    return false;
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  const entropy = [...counts.values()].reduce((sum, count) => {
    const share = count / value.length;
    return sum - share * Math.log2(share);
  }, 0);
  return entropy > 3.2;
}

/** Whether a URL leads to this machine or a container on it, such as `db`: those passwords protect nothing. */
function isLocalUrl(value: string): boolean {
  const host = URL.canParse(value) ? new URL(value).hostname.replace(/^\[(.*)\]$/, '$1') : '';
  return host !== '' && (isLocal(host) || /^[\w-]+$/.test(host));
}

/** A template without the databases that it names, and what was taken out of it. */
export interface NeutralTemplate {
  text: string;
  /** The variables that are empty now, and the host that they named, if that can be told. */
  emptied: { name: string; host?: string }[];
}

/** The variables with which this tool itself reaches a database or Supabase. */
const reserved = new Set(['SUPABASE_DB_PASSWORD', 'SUPABASE_ACCESS_TOKEN']);

/**
 * The kit's template for `.env.local` without values that would decide which database the muse works with, or who else
 * knows its password: URLs of databases on other machines, and the variables that this tool reads.
 */
export function neutralTemplate(text: string): NeutralTemplate {
  const emptied = Object.entries(parseEnvironment(text)).flatMap(([name, value]): NeutralTemplate['emptied'] => {
    if (value === '') return [];
    if (reserved.has(name)) return [{ name }];
    const host = databaseHost(value);
    return host === undefined || isLocal(host) ? [] : [{ name, host }];
  });
  return { text: updateEnvironment(text, Object.fromEntries(emptied.map(({ name }) => [name, '']))), emptied };
}

/** The host of a database's URL; undefined for any other text, and for one that nothing could connect with. */
function databaseHost(value: string): string | undefined {
  try {
    return parseDatabaseUrl(value).address.host;
  } catch (error) {
    if (error instanceof MuseError) return undefined;
    throw error;
  }
}
