import type { SupabaseClient } from '@supabase/supabase-js';
import { getAuthConfig, patchAuthConfig } from './api.ts';
import type { Clock } from './clock.ts';
import type { Http } from './http.ts';
import { asServiceError, persistently, serviceFailed } from './service-error.ts';
import type { AuthConfig } from './types.ts';

/** A bucket that a preset or the kit needs. */
export interface Bucket {
  id: string;
  /** Everyone may read its files by their URL. */
  public: boolean;
  /** Bytes. */
  fileSizeLimit?: number;
  allowedMimeTypes?: string[];
}

/** Where a kit runs on the developer's own machine. */
const local = ['http://localhost:3000/**', 'http://127.0.0.1:3000/**'];

/**
 * Sets the Site URL and adds to the redirect list; what is in the list stays. Sends nothing if nothing changes.
 * @param siteUrl the product's own URL; without it the Site URL stays as it is
 * @returns whether something was changed
 */
export async function configureAuth(http: Http, ref: string, siteUrl?: string): Promise<boolean> {
  const now = await getAuthConfig(http, ref);
  const site = siteUrl?.replace(/\/+$/, '');
  const listed = (now.uri_allow_list ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const wanted = [...new Set([...listed, ...(site ? [`${site}/**`] : []), ...local])];
  const change: AuthConfig = {
    ...(site && site !== now.site_url ? { site_url: site } : {}),
    ...(wanted.length > listed.length ? { uri_allow_list: wanted.join(',') } : {}),
  };
  if (Object.keys(change).length === 0) return false;
  await patchAuthConfig(http, ref, change);
  return true;
}

/**
 * Creates missing buckets, and updates those whose settings differ.
 * @param client with the project's server key
 * @returns the ids of those created or changed
 * @throws MuseError `configure-failed`
 */
export async function ensureBuckets(
  client: SupabaseClient,
  buckets: readonly Bucket[],
  clock: Clock,
): Promise<string[]> {
  if (buckets.length === 0) return [];
  const listed = await persistently(clock, () => client.storage.listBuckets());
  if (listed.error) throw serviceFailed('Listing the storage buckets', listed.error);
  const changed: string[] = [];
  for (const bucket of buckets) {
    const options = {
      public: bucket.public,
      ...(bucket.fileSizeLimit === undefined ? {} : { fileSizeLimit: bucket.fileSizeLimit }),
      ...(bucket.allowedMimeTypes === undefined ? {} : { allowedMimeTypes: bucket.allowedMimeTypes }),
    };
    const there = listed.data?.find((one) => one.id === bucket.id);
    if (there && sameBucket(bucket, there)) continue;
    if (!there) {
      const made = await persistently(clock, () => client.storage.createBucket(bucket.id, options));
      if (made.error && !isDuplicate(made.error)) throw serviceFailed(`Creating the bucket "${bucket.id}"`, made.error);
    } else {
      const updated = await persistently(clock, () => client.storage.updateBucket(bucket.id, options));
      if (updated.error) throw serviceFailed(`Changing the bucket "${bucket.id}"`, updated.error);
    }
    changed.push(bucket.id);
  }
  return changed;
}

function sameBucket(
  wanted: Bucket,
  there: { public: boolean; file_size_limit?: number; allowed_mime_types?: string[] },
): boolean {
  return (
    wanted.public === there.public &&
    (wanted.fileSizeLimit === undefined || wanted.fileSizeLimit === there.file_size_limit) &&
    (wanted.allowedMimeTypes === undefined ||
      [...wanted.allowedMimeTypes].sort().join() === [...(there.allowed_mime_types ?? [])].sort().join())
  );
}

/** An earlier try whose answer was lost made it: Storage says 409, in the body or as the status. */
function isDuplicate(error: unknown): boolean {
  const { status, message } = asServiceError(error);
  return status === 409 || /already exists/i.test(message);
}
