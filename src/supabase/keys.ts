import type { SupabaseClient } from '@supabase/supabase-js';
import { MuseError } from '../shared/error.ts';
import { listApiKeys } from './api.ts';
import { jittered } from './clock.ts';
import { connectionCode } from './failure.ts';
import { fetchWhole, type Http } from './http.ts';
import { secret, type Secret } from './secret.ts';
import type { ApiKey } from './types.ts';

/** A project's keys. There is at least one of each kind; the legacy ones end with 2026. */
export interface ProjectKeys {
  publishable: Secret | undefined;
  anon: Secret | undefined;
  secret: Secret | undefined;
  serviceRole: Secret | undefined;
  /** For the browser: the publishable key, else the legacy `anon`. */
  client: Secret;
  /** For the server only: the secret key, else the legacy `service_role`. */
  server: Secret;
}

/**
 * Reads the project's keys, matched by type: both new ones may have the same name. Waits until a new project has some.
 * @throws MuseError `keys-missing`, and what the API refuses
 */
export async function readKeys(http: Http, ref: string, timeoutMs = 120_000): Promise<ProjectKeys> {
  const until = http.clock.now() + timeoutMs;
  for (;;) {
    const keys = sortKeys(await listApiKeys(http, ref));
    const client = keys.publishable ?? keys.anon;
    const server = keys.secret ?? keys.serviceRole;
    if (client && server) return { ...keys, client, server };
    if (http.clock.now() >= until) {
      throw new MuseError({
        code: 'keys-missing',
        message: `The project ${ref} has no ${client ? 'secret' : 'publishable'} key that the token can read.`,
        suggestion:
          'Create one in the dashboard (Settings, API keys), or use a token that can read secrets, and continue with --resume.',
      });
    }
    await http.clock.sleep(2000 + jittered(http.clock, 2000));
  }
}

function sortKeys(keys: readonly ApiKey[]): Omit<ProjectKeys, 'client' | 'server'> {
  const find = (type: string, name?: string): Secret | undefined => {
    const key = keys.find(
      (one) => (one.type ?? 'legacy') === type && (name === undefined || one.name === name) && one.api_key,
    );
    return key?.api_key ? secret(key.api_key) : undefined;
  };
  return {
    publishable: find('publishable'),
    secret: find('secret'),
    anon: find('legacy', 'anon'),
    serviceRole: find('legacy', 'service_role'),
  };
}

/**
 * A client of a project's own API, without a stored or refreshed session.
 * @param url the project's URL
 */
export async function openClient(url: string, key: Secret): Promise<SupabaseClient> {
  const { createClient } = await import('@supabase/supabase-js');
  return createClient(url, key.reveal(), {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: limitedFetch },
  });
}

/** Limit for one request, ms: a service that works is faster. */
const limitMs = 30_000;

/**
 * A lost connection becomes an answer with status 502, so that it is retried as one and supabase-js prints nothing. (Its client of the
 * Data API would itself repeat a 503, up to 7 s, within each of our own attempts.)
 */
const limitedFetch: typeof fetch = async (input, init) => {
  try {
    return await fetchWhole(input, init ?? {}, limitMs);
  } catch (error) {
    const message = `no answer (${connectionCode(error) ?? 'unknown'})`;
    return Response.json({ message, msg: message, statusCode: '502' }, { status: 502 });
  }
};
