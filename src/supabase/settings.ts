/**
 * supabase/: the Management API client, the life cycle of a project, the choice of a connection, configuration and
 * proof. May touch: HTTP by global `fetch`, the database connections that it opens, and, for reading, the files in
 * which the Supabase CLI keeps its token and profile. Writes no file: what must be remembered goes out by callbacks.
 * Imports nothing from the other folders but `database/`.
 */
import { homedir } from 'node:os';
import { extname, join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readText } from '../shared/files.ts';
import { secret, type Secret } from './secret.ts';

/** Where the API and the projects are, and the token for it. */
export interface SupabaseSettings {
  token: Secret;
  /** Base of the Management API, without a slash at the end. */
  apiUrl: string;
  /** A project's own URL, without a slash at the end. */
  projectUrl: (ref: string) => string;
  /** `db.<ref>.<projectHost>` is the direct host; may end in `:port`. */
  projectHost: string;
  /** What a pooler's host must end in; undefined: not checked (loopback is never checked). */
  poolerHost: string | undefined;
}

/** Environment variables by name, e.g. `process.env`. */
type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The shape of an access token, the same expression as the Supabase CLI has. */
const tokenShape = /^sbp_(?:oauth_)?[a-f0-9]{40}$/;

/**
 * Reads the settings from environment variables and the Supabase CLI's own files. Sends nothing.
 * @param env `SUPABASE_ACCESS_TOKEN`, `SUPABASE_API_URL`, `SUPABASE_PROFILE`, `SUPABASE_PROJECT_URL`
 * @param home the directory that has `.supabase/access-token`
 * @throws MuseError `bad-token-missing`, `bad-token`, `bad-profile`, `bad-url`
 */
export async function readSettings(env: EnvironmentVariables, home = homedir()): Promise<SupabaseSettings> {
  const profile = env['SUPABASE_PROFILE'] ? await readProfile(env['SUPABASE_PROFILE']) : defaultProfile;
  const template = env['SUPABASE_PROJECT_URL'] || `https://{ref}.${profile.projectHost}`;
  checkUrl('SUPABASE_PROJECT_URL', template.replaceAll('{ref}', 'abcdefghijklmnopqrst'));
  return {
    token: await readToken(env, home),
    apiUrl: checkUrl('SUPABASE_API_URL', env['SUPABASE_API_URL'] || profile.apiUrl),
    projectUrl: (ref) => template.replaceAll('{ref}', ref).replace(/\/+$/, ''),
    projectHost: profile.projectHost,
    poolerHost: profile.poolerHost,
  };
}

async function readToken(env: EnvironmentVariables, home: string): Promise<Secret> {
  const file = join(home, '.supabase', 'access-token');
  const text = (env['SUPABASE_ACCESS_TOKEN'] || (await readText(file).catch(() => undefined)) || '').trim();
  if (text === '') {
    throw new MuseError({
      code: 'bad-token-missing',
      message: `There is no Supabase access token: SUPABASE_ACCESS_TOKEN is not set and ${file} does not exist.`,
      suggestion:
        'Create one at https://supabase.com/dashboard/account/tokens and set SUPABASE_ACCESS_TOKEN. A token that ' +
        '`supabase login` stored in the system keyring cannot be read from here.',
    });
  }
  if (!tokenShape.test(text)) {
    throw new MuseError({
      code: 'bad-token',
      message: `The access token in ${env['SUPABASE_ACCESS_TOKEN'] ? 'SUPABASE_ACCESS_TOKEN' : file} does not look like a token.`,
      detail: `It has ${text.length} characters; a token is "sbp_" and 40 characters of 0-9 a-f. It was not sent anywhere.`,
      suggestion: 'Copy the whole token again. The keys of a project (sb_secret_…, eyJ…) are not access tokens.',
    });
  }
  return secret(text);
}

/** Only TLS leaves this machine: anyone could read a token sent over plain HTTP. */
function checkUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === 'http:' && isLoopback(url.hostname);
  if (!url || (url.protocol !== 'https:' && !plain) || url.username !== '' || url.password !== '') {
    throw new MuseError({
      code: 'bad-url',
      message: `${name} is not a URL that a token can safely be sent to.`,
      suggestion:
        'Write https://…, without a user name or password; http:// is accepted for this machine only (127.0.0.1, localhost).',
    });
  }
  return text.replace(/\/+$/, '');
}

/** Says whether a host name is this machine itself (RFC 6761 for names under `localhost`). */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** What a profile of the Supabase CLI says: where its API and its projects are. */
interface Profile {
  apiUrl: string;
  projectHost: string;
  poolerHost: string | undefined;
}

/** Supabase's own cloud, the profile that the CLI calls `supabase`. */
const defaultProfile: Profile = {
  apiUrl: 'https://api.supabase.com',
  projectHost: 'supabase.co',
  poolerHost: 'supabase.com',
};

/**
 * Reads the CLI's own profile file: YAML, JSON or TOML, keys `api_url`, `project_host`, `pooler_host`; others are its
 * own.
 * @param source a path, or `supabase` for the cloud itself
 * @throws MuseError `bad-profile`
 */
async function readProfile(source: string): Promise<Profile> {
  if (source === 'supabase') return defaultProfile;
  const text = await readText(source);
  if (text === undefined) throw badProfile(source, 'that file does not exist');
  const values =
    extname(source).toLowerCase() === '.toml' ? await readToml(source, text) : await readYaml(source, text);
  const apiUrl = values['api_url'];
  const projectHost = values['project_host'];
  const poolerHost = values['pooler_host'];
  if (typeof apiUrl !== 'string' || typeof projectHost !== 'string') {
    throw badProfile(source, 'it lacks api_url or project_host');
  }
  return {
    apiUrl,
    projectHost,
    poolerHost: typeof poolerHost === 'string' && poolerHost !== '' ? poolerHost : undefined,
  };
}

async function readYaml(source: string, text: string): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // What the parser quotes may be any file's content, so it is not shown.
  }
  throw badProfile(source, 'it is not YAML with keys and values');
}

async function readToml(source: string, text: string): Promise<Record<string, unknown>> {
  const { parse } = await import('smol-toml');
  try {
    return parse(text);
  } catch {
    // What the parser quotes may be any file's content, so it is not shown.
  }
  throw badProfile(source, 'it is not TOML with keys and values');
}

function badProfile(source: string, reason: string): MuseError {
  return new MuseError({
    code: 'bad-profile',
    message: `SUPABASE_PROFILE names "${source}", but ${reason}.`,
    suggestion:
      'Set it to the path of a Supabase CLI profile file (api_url, project_host, pooler_host), or unset SUPABASE_PROFILE.',
  });
}
