import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  fillEnvironment,
  neededPlaceholders,
  parseEnvironment,
  readEnvironmentTemplate,
  writeEnvironmentFile,
} from '../kit/environment-file.ts';
import { readText, readUtf8, writeWhole } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { environmentValues } from '../supabase/environment.ts';
import { secret } from '../supabase/secret.ts';
import { secretsFileOf, updateVariables } from '../targets/secrets-file.ts';
import { loopback } from './http.ts';
import type { KeptKeys } from './keys.ts';

/** What an app needs to know of the server. */
export interface Served {
  url: string;
  keys: KeptKeys;
  /** The port of the wire protocol; undefined where the database has an address of its own, which the app knows. */
  databasePort: number | undefined;
}

/** What was written, by the names of the variables. */
export interface Filled {
  /** The file, relative to the muse. */
  file: string;
  /** Variables that the file has now and that lead to this server. */
  names: string[];
  /** Where the app is, as far as the file says so. */
  siteUrl: string | undefined;
}

/** The variables without which no app finds the server. */
const always = ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'SUPABASE_SERVICE_ROLE_KEY'];

/**
 * Fills in the variables of the environment's secrets file that lead to this server: those that are empty, still have the
 * placeholder of the kit's template, or have what an earlier start wrote. What a person wrote stays.
 * @throws MuseError `environment-not-ignored`
 */
export async function fillSecretsFile(directory: string, name: EnvironmentName, served: Served): Promise<Filled> {
  const file = secretsFileOf(name);
  const values = variablesOf(served);
  const notePath = join(directory, '.muse', `dev-${name}-filled.json`);
  const [text, template, note] = await Promise.all([
    readUtf8(join(directory, file)),
    readEnvironmentTemplate(directory),
    readText(notePath),
  ]);
  const written = text ?? fillEnvironment(template, {});
  const there = parseEnvironment(written);
  const placeholders = { ...neededPlaceholders(), ...parseEnvironment(template) };
  const earlier = parseNote(note);
  const isOurs = (variable: string, value: string): boolean =>
    value === '' ||
    value === placeholders[variable] ||
    earlier[variable] === digest(value) ||
    value === values[variable];
  const wanted = [...new Set([...Object.keys(there), ...always])].filter((variable) => values[variable] !== undefined);
  const filled = wanted.filter((variable) => isOurs(variable, there[variable] ?? ''));
  const changes = filled.filter((variable) => there[variable] !== values[variable]);
  const change = Object.fromEntries(changes.map((variable) => [variable, values[variable]!]));
  if (text === undefined) await writeEnvironmentFile(directory, file, fillEnvironment(template, change));
  else if (changes.length > 0) await updateVariables(directory, name, change);
  if (changes.length > 0) {
    const digests = Object.fromEntries(filled.map((variable) => [variable, digest(values[variable]!)]));
    await writeWhole(notePath, `${JSON.stringify({ ...earlier, ...digests }, undefined, 2)}\n`, 0o600);
  }
  return { file, names: filled, siteUrl: siteOf(there, parseEnvironment(template)) };
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
