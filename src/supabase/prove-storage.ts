import type { SupabaseClient } from '@supabase/supabase-js';
import type { RuleName } from '../rules/registry.ts';
import type { Finding } from '../shared/finding.ts';
import type { Clock } from './clock.ts';
import { asServiceError, persistently } from './service-error.ts';

/** What a test through the public API found. */
export interface Proof {
  findings: Finding[];
  /** How many things were tried. */
  checks: number;
  /** What the test created and could not remove. */
  notes: string[];
}

/** A bucket of the kit, and who may use it. */
export interface ProvedBucket {
  id: string;
  public: boolean;
  /** Users can only write to a folder named after their id. */
  ownerFolder: boolean;
  /** A type that the bucket accepts, or a pattern such as `image/*`; default `text/plain`. */
  mimeType?: string;
}

interface StorageProof {
  nobody: SupabaseClient;
  user: SupabaseClient;
  service: SupabaseClient;
  userId: string;
  /** Users of earlier tests, whose folders may still have a file. */
  formerIds: readonly string[];
  buckets: readonly ProvedBucket[];
  clock: Clock;
}

/** The file that a test writes, and a folder that is no user's: the same in every run, so that the next one knows them. */
const [testFile, foreignFolder] = ['muse-proof.txt', '6d757365-7072-4f6f-8666-000000000000'];

/**
 * As an anonymous visitor, no bucket can be written and no private one read. If users have folders in a bucket, a
 * signed-in user can write and read in their own, and not in another's. Test files are removed.
 */
export async function proveStorage(proof: StorageProof): Promise<Proof> {
  const findings: Finding[] = [];
  const notes: string[] = [];
  let checks = 0;
  const check = (broken: boolean, rule: RuleName, bucket: ProvedBucket, message: string): void => {
    checks += 1;
    if (broken) findings.push(finding(rule, bucket, message));
  };
  for (const bucket of proof.buckets) {
    const file = testFile;
    const own = `${proof.userId}/${file}`;
    const foreign = `${foreignFolder}/${file}`;
    const former = proof.formerIds.map((id) => `${id}/${file}`);
    await persistently(proof.clock, () =>
      proof.service.storage.from(bucket.id).remove([file, own, foreign, ...former]),
    );
    const put = async (who: SupabaseClient, path: string): Promise<string | undefined> => {
      const contentType = oneOf(bucket.mimeType ?? 'text/plain');
      const body = new Blob(['proof'], { type: contentType });
      const options = { contentType, upsert: false };
      const { error } = await who.storage.from(bucket.id).upload(path, body, options);
      return error ? asServiceError(error).message : undefined;
    };
    const written: string[] = [];
    const wrote = async (who: SupabaseClient, path: string): Promise<boolean> => {
      const refused = await put(who, path);
      if (refused === undefined) written.push(path);
      return refused === undefined;
    };
    check(await wrote(proof.nobody, file), 'anon-write', bucket, 'An anonymous visitor can upload a file.');
    if (bucket.ownerFolder) {
      check(
        !(await wrote(proof.user, own)),
        'owner-locked-out',
        bucket,
        'A signed-in user cannot upload to their own folder.',
      );
      check(
        await wrote(proof.user, foreign),
        'isolation-insert',
        bucket,
        'A signed-in user can upload to the folder of another user.',
      );
      const { error } = await persistently(proof.clock, () => proof.user.storage.from(bucket.id).download(own));
      check(
        Boolean(error) && written.includes(own),
        'owner-locked-out',
        bucket,
        'A signed-in user cannot read their own file.',
      );
    }
    if (!bucket.public) {
      if (written.length === 0 && (await put(proof.service, foreign)) === undefined) written.push(foreign);
      for (const path of written) {
        const { data } = await proof.nobody.storage.from(bucket.id).download(path);
        check(data !== null, 'anon-read', bucket, 'An anonymous visitor can read a file.');
      }
    }
    if (written.length === 0) continue;
    const { error } = await persistently(proof.clock, () => proof.service.storage.from(bucket.id).remove(written));
    if (error)
      notes.push(
        `These test files could not be removed from the bucket "${bucket.id}": ${written.join(', ')} (${asServiceError(error).message}).`,
      );
  }
  return { findings, checks, notes };
}

/** One type of those that a pattern such as `image/*` allows. */
function oneOf(mimeType: string): string {
  const examples: Record<string, string> = {
    image: 'png',
    video: 'mp4',
    audio: 'mpeg',
    text: 'plain',
    application: 'octet-stream',
  };
  const [kind = '', form] = mimeType.split('/');
  return form === '*' || form === undefined ? `${kind === '*' ? 'text' : kind}/${examples[kind] ?? 'plain'}` : mimeType;
}

function finding(rule: RuleName, bucket: ProvedBucket, message: string): Finding {
  return {
    rule,
    severity: 'error',
    object: `bucket "${bucket.id}"`,
    message: `${message} (storage bucket "${bucket.id}")`,
    suggestion:
      `Write the policies on storage.objects for bucket_id = '${bucket.id}' so that each user can only reach files ` +
      'with (storage.foldername(name))[1] = (select auth.uid())::text.',
  };
}
