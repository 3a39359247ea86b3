import type { SupabaseClient } from '@supabase/supabase-js';
import { connectionCode } from './failure.ts';
import type { Secret } from './secret.ts';
import { fetchWhole } from './time-limit.ts';

/**
 * A client of a project's own API, without a session that is kept or refreshed.
 * @param url the project's URL
 */
export async function openClient(url: string, key: Secret): Promise<SupabaseClient> {
  const { createClient } = await import('@supabase/supabase-js');
  return createClient(url, key.reveal(), {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: limitedFetch },
  });
}

/** Nothing that serves takes longer than this for one request, ms. */
const limitMs = 30_000;

/** A lost connection becomes an answer of status 503: it is tried again as one, and supabase-js prints nothing. */
const limitedFetch: typeof fetch = async (input, init) => {
  try {
    return await fetchWhole(input, init ?? {}, limitMs);
  } catch (error) {
    const message = `no answer (${connectionCode(error) ?? 'unknown'})`;
    return Response.json({ message, msg: message, statusCode: '503' }, { status: 503 });
  }
};
