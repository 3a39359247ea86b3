import { extname } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readText } from '../shared/files.ts';

/** What a profile of the Supabase CLI says: where its API and its projects are. */
interface Profile {
  apiUrl: string;
  projectHost: string;
  poolerHost: string | undefined;
}

/** Supabase's own cloud, the profile that the CLI calls `supabase`. */
export const defaultProfile: Profile = {
  apiUrl: 'https://api.supabase.com',
  projectHost: 'supabase.co',
  poolerHost: 'supabase.com',
};

/**
 * Reads the CLI's own profile file: YAML, JSON or TOML, keys `api_url`, `project_host`, `pooler_host`; others are its own.
 * @param source a path, or `supabase` for the cloud itself
 * @throws MuseError `bad-profile`
 */
export async function readProfile(source: string): Promise<Profile> {
  if (source === 'supabase') return defaultProfile;
  const text = await readText(source);
  if (text === undefined) throw badProfile(source, 'there is no such file');
  const values = extname(source).toLowerCase() === '.toml' ? readFlatToml(text) : await readYaml(source, text);
  const apiUrl = values['api_url'];
  const projectHost = values['project_host'];
  const poolerHost = values['pooler_host'];
  if (typeof apiUrl !== 'string' || typeof projectHost !== 'string') {
    throw badProfile(source, 'it lacks api_url or project_host');
  }
  return { apiUrl, projectHost, poolerHost: typeof poolerHost === 'string' && poolerHost !== '' ? poolerHost : undefined };
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

/** A profile is flat: `key = "value"` lines (TOML's basic and literal strings) and comments; all else is passed over. */
function readFlatToml(text: string): Record<string, unknown> {
  const line = /^\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"\\]*)"|'([^']*)')\s*(?:#.*)?$/;
  const values: Record<string, unknown> = {};
  for (const entry of text.split(/\r?\n/)) {
    const match = line.exec(entry);
    if (match?.[1]) values[match[1]] = match[2] ?? match[3];
  }
  return values;
}

function badProfile(source: string, reason: string): MuseError {
  return new MuseError({
    code: 'bad-profile',
    message: `SUPABASE_PROFILE names "${source}", and ${reason}.`,
    suggestion: 'Give the path of a profile file as the Supabase CLI reads it (api_url, project_host, pooler_host), or unset SUPABASE_PROFILE.',
  });
}
