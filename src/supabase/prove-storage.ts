import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import type { Finding } from '../shared/finding.ts';
import type { RuleName } from '../rules/registry.ts';
import type { Clock } from './clock.ts';
import type { Proof } from './prove-anonymous.ts';
import { asServiceError, persistently } from './service-error.ts';

export interface ProvedBucket {
  id: string;
  public: boolean;
  /** A user writes under a folder of its own, named by its id, and nowhere else. */
  ownerFolder: boolean;
  /** A type that the bucket accepts, or a pattern as `image/*`; default `text/plain`. */
  mimeType?: string;
}

interface StorageProof {
  nobody: SupabaseClient;
  user: SupabaseClient;
  service: SupabaseClient;
  userId: string;
  buckets: readonly ProvedBucket[];
  clock: Clock;
}

/**
 * As nobody, no bucket can be written and no private one read; a signed-in user writes and reads in its own folder, and
 * not in another's, where the bucket is one of folders. What was written is taken out again.
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
    const file = `muse-proof-${randomUUID()}.txt`;
    const own = `${proof.userId}/${file}`;
    const foreign = `${randomUUID()}/${file}`;
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
    check(await wrote(proof.nobody, file), 'anon-write', bucket, 'Someone who is not signed in uploads a file to it.');
    if (bucket.ownerFolder) {
      check(!(await wrote(proof.user, own)), 'owner-locked-out', bucket, 'A signed-in user cannot upload to its own folder.');
      check(await wrote(proof.user, foreign), 'isolation-insert', bucket, 'A signed-in user uploads to another\'s folder.');
      const { error } = await persistently(proof.clock, () => proof.user.storage.from(bucket.id).download(own));
      check(Boolean(error) && written.includes(own), 'owner-locked-out', bucket, 'A signed-in user cannot read its own file.');
    }
    if (!bucket.public) {
      if (written.length === 0 && (await put(proof.service, foreign)) === undefined) written.push(foreign);
      for (const path of written) {
        const { data } = await proof.nobody.storage.from(bucket.id).download(path);
        check(data !== null, 'anon-read', bucket, 'Someone who is not signed in reads a file in it.');
      }
    }
    if (written.length === 0) continue;
    const { error } = await persistently(proof.clock, () => proof.service.storage.from(bucket.id).remove(written));
    if (error) notes.push(`In the bucket "${bucket.id}" files of the proof were left: ${written.join(', ')} (${asServiceError(error).message}).`);
  }
  return { findings, checks, notes };
}

/** One type of those that a pattern as `image/*` allows. */
function oneOf(mimeType: string): string {
  const examples: Record<string, string> = { image: 'png', video: 'mp4', audio: 'mpeg', text: 'plain', application: 'octet-stream' };
  const [kind = '', form] = mimeType.split('/');
  return form === '*' || form === undefined ? `${kind === '*' ? 'text' : kind}/${examples[kind] ?? 'plain'}` : mimeType;
}

function finding(rule: RuleName, bucket: ProvedBucket, message: string): Finding {
  return {
    rule,
    severity: 'error',
    object: `bucket "${bucket.id}"`,
    message: `${message} (storage bucket "${bucket.id}")`,
    suggestion: `Write the policies on storage.objects for bucket_id = '${bucket.id}' so that each user reaches (storage.foldername(name))[1] = (select auth.uid())::text and nobody else.`,
  };
}
