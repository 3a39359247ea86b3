import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import {
  type AppTemplate,
  fillEnvironment,
  neededPlaceholders,
  parseEnvironment,
  readAppTemplates,
  readEnvironmentTemplate,
  updateEnvironment,
  writeEnvironmentFile,
} from '../kit/environment-file.ts';
import { MuseError } from '../shared/error.ts';
import { kindOf, readText, readUtf8, writeWhole } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { environmentValues } from '../supabase/environment.ts';
import { secret } from '../supabase/secret.ts';
import { secretsFileOf } from '../targets/secrets-file.ts';
import { loopback } from './http.ts';
import type { KeptKeys } from './keys.ts';

/** What an app needs to know of the server. */
export interface Served {
  url: string;
  keys: KeptKeys;
  /** The port of the wire protocol; undefined where the database has an address of its own, which the app knows. */
  databasePort: number | undefined;
}

/** What leads to this server now. */
export interface Filled {
  /** The muse's own file first, then those of apps in folders; only files with such variables. */
  files: FilledFile[];
  /** Where the app is, as far as a file says so. */
  siteUrl: string | undefined;
}

export interface FilledFile {
  /** Relative to the muse, with `/`. */
  file: string;
  /** Variables that lead to this server, whether they were written now or earlier. */
  names: string[];
}

/** A secrets file, and what decides what goes into it. */
interface Place {
  /** Relative to the muse, with `/`. */
  file: string;
  /** What it holds; undefined where it is missing. */
  text: string | undefined;
  /** The kit's template for it. */
  template: string;
  /** What counts where the file does not set a variable. */
  behind: Readonly<Record<string, string>>;
  /** Variables that it gets even if nothing names them. */
  always: readonly string[];
  /** The text of a new file. */
  fresh: (change: Readonly<Record<string, string>>) => string;
}

/** The variables without which no app finds the server. */
const always = ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'SUPABASE_SERVICE_ROLE_KEY'];

/**
 * Fills in the variables that lead to this server, in the environment's secrets file and in that of each app in a folder whose
 * template names a variable of Supabase: those that are empty, still have the placeholder of the kit's template, or have
 * what an earlier start wrote. What a person wrote stays.
 * @param onNote gets why the file of an app could not be filled
 * @throws MuseError `environment-not-ignored` for the muse's own file
 */
export async function fillSecretsFiles(
  directory: string,
  name: EnvironmentName,
  served: Served,
  onNote?: (text: string) => void,
): Promise<Filled> {
  const values = variablesOf(served);
  const notePath = join(directory, '.muse', `dev-${name}-filled.json`);
  const [earlier, own, templates] = await Promise.all([
    readText(notePath).then(parseNote),
    ownPlace(directory, name),
    readAppTemplates(directory),
  ]);
  const filled = [await fill(directory, own, values, earlier)];
  for (const { folder, text } of forSupabase(templates, values)) {
    try {
      const place = await appPlace(directory, folder, name, text);
      if (place !== undefined) filled.push(await fill(directory, place, values, earlier));
    } catch (error) {
      if (!(error instanceof MuseError)) throw error;
      onNote?.(`${error.message} ${error.suggestion}`);
    }
  }
  if (filled.some(({ written }) => written)) {
    const digests = filled.flatMap(({ file, names }) =>
      names.map((variable) => [noteKey(file, variable), digest(values[variable]!)]),
    );
    const note = { ...earlier, ...Object.fromEntries(digests) };
    await writeWhole(notePath, `${JSON.stringify(note, undefined, 2)}\n`, 0o600);
  }
  const siteUrl = filled.map((one) => one.siteUrl).find((url) => url !== undefined);
  const files = filled.map(({ file, names }) => ({ file, names }));
  return { files: files.filter(({ names }) => names.length > 0), siteUrl };
}

/** The muse's own file. */
async function ownPlace(directory: string, name: EnvironmentName): Promise<Place> {
  const file = secretsFileOf(name);
  const [text, template] = await Promise.all([readUtf8(join(directory, file)), readEnvironmentTemplate(directory)]);
  return {
    file,
    text,
    template,
    behind: text === undefined ? parseEnvironment(fillEnvironment(template, {})) : {},
    always,
    fresh: (change) => fillEnvironment(template, change),
  };
}

/**
 * The file of an app in a folder. A person's `.env` there stays in force: a new file leaves out what it sets.
 * @returns undefined where a link or folder is in its place, which a person made on purpose
 */
async function appPlace(
  directory: string,
  folder: string,
  name: EnvironmentName,
  template: string,
): Promise<Place | undefined> {
  const file = `${folder}/${secretsFileOf(name)}`;
  const path = join(directory, file);
  const plainPath = join(directory, folder, '.env');
  const [kind, plainKind] = await Promise.all([kindOf(path), kindOf(plainPath)]);
  if (kind !== 'file' && kind !== undefined) return undefined;
  const text = await readUtf8(path);
  // As a folder, it has a Python environment.
  const plain = plainKind === 'file' || plainKind === 'link' ? await readUtf8(plainPath) : undefined;
  const start = plain === undefined ? template : '';
  return {
    file,
    text,
    template,
    behind: parseEnvironment(plain ?? (text === undefined ? start : '')),
    always: Object.keys(parseEnvironment(template)),
    fresh: (change) => updateEnvironment(start, change),
  };
}

/** Of each folder the first template that names a variable of Supabase. */
function forSupabase(templates: readonly AppTemplate[], values: Readonly<Record<string, string>>): AppTemplate[] {
  const naming = templates.filter(({ text }) =>
    Object.keys(parseEnvironment(text)).some((name) => name.includes('SUPABASE') && values[name] !== undefined),
  );
  return naming.filter(({ folder }, at) => naming.findIndex((other) => other.folder === folder) === at);
}

/** Fills one file. */
async function fill(
  directory: string,
  place: Place,
  values: Readonly<Record<string, string>>,
  earlier: Readonly<Record<string, string>>,
): Promise<FilledFile & { written: boolean; siteUrl: string | undefined }> {
  const { file, text, template, behind } = place;
  const there = { ...behind, ...parseEnvironment(text ?? '') };
  const placeholders = { ...neededPlaceholders(), ...parseEnvironment(template) };
  const isOurs = (variable: string, value: string): boolean =>
    value === '' ||
    value === placeholders[variable] ||
    earlier[noteKey(file, variable)] === digest(value) ||
    value === values[variable];
  const wanted = [...new Set([...Object.keys(there), ...place.always])];
  const names = wanted.filter((name) => values[name] !== undefined && isOurs(name, there[name] ?? ''));
  const changes = names.filter((variable) => there[variable] !== values[variable]);
  const change = Object.fromEntries(changes.map((variable) => [variable, values[variable]!]));
  const written = changes.length > 0;
  if (written)
    await writeEnvironmentFile(
      directory,
      file,
      text === undefined ? place.fresh(change) : updateEnvironment(text, change),
    );
  return { file, names, written, siteUrl: siteOf(there, parseEnvironment(template)) };
}

/** How the note of what was written names a variable: that of the muse's own file by the name alone. */
function noteKey(file: string, variable: string): string {
  return posix.join(posix.dirname(file), variable);
}

/** The variables by which kits know where their app is, the most telling first. */
const siteVariables = ['NEXT_PUBLIC_SITE_URL', 'NEXT_PUBLIC_APP_URL'];

/** The app's address, unless it is none, or still the one elsewhere that the kit's template has in its place. */
function siteOf(variables: Record<string, string>, template: Record<string, string>): string | undefined {
  return siteVariables
    .filter((name) => isLocal(variables[name]) || variables[name] !== template[name])
    .map((name) => variables[name])
    .find((value) => value !== undefined && webPage(value) !== undefined);
}

function isLocal(value: string | undefined): boolean {
  return ['localhost', loopback, '[::1]'].includes(webPage(value ?? '')?.hostname ?? '');
}

/** Undefined for what is not the address of a web page. */
function webPage(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

/** Every variable that a kit may name for a Supabase project, with its value for this server. */
function variablesOf({ url, keys, databasePort }: Served): Record<string, string> {
  const database = { host: loopback, port: databasePort ?? 0, user: 'postgres', database: 'postgres', loopback: true };
  const all = environmentValues({
    ref: 'local',
    url,
    keys: {
      publishable: secret(keys.publishable),
      anon: secret(keys.anonToken),
      secret: secret(keys.secret),
      serviceRole: secret(keys.serviceToken),
      client: secret(keys.publishable),
      server: secret(keys.secret),
    },
    password: secret(keys.databasePassword),
    endpoints: { direct: database, session: undefined, transaction: undefined },
    directAnswers: true,
  });
  const plain = Object.entries(all).map(([variable, value]) => [variable, value.reveal()] as const);
  const kept = databasePort === undefined ? plain.filter(([, value]) => !isOfDatabase(value, keys)) : plain;
  return { ...Object.fromEntries(kept), SUPABASE_JWT_SECRET: keys.jwtSecret };
}

const isOfDatabase = (value: string, keys: KeptKeys): boolean =>
  value.startsWith('postgresql:') || value === keys.databasePassword;

/** What is noted of a value that was written: enough to know it again, and no second copy of a secret. */
function digest(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

function parseNote(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}
