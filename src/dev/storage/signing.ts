import type { Claims, DevKeys } from '../service.ts';
import type { Call } from './call.ts';
import { refused } from './errors.ts';

/** How long a URL for an upload is valid, in seconds. */
const uploadSeconds = 2 * 60 * 60;

const seconds = (): number => Math.floor(Date.now() / 1000);

/**
 * The path of a URL that lets anyone download one object.
 * @param kind `render/image` for a picture that is to be transformed
 * @param expiresIn seconds
 */
export async function signDownload(
  keys: DevKeys,
  object: { bucket: string; name: string; kind: 'object' | 'render/image'; expiresIn: number },
): Promise<string> {
  const url = `${object.bucket}/${object.name}`;
  const token = await keys.sign({ url, scope: 'download', iat: seconds(), exp: seconds() + object.expiresIn });
  return `/${object.kind}/sign/${url}?token=${token}`;
}

/** A URL that lets anyone upload one object, and its token. */
export async function signUpload(
  keys: DevKeys,
  { bucket, name, owner, upsert }: { bucket: string; name: string; owner: string | undefined; upsert: boolean },
): Promise<{ url: string; token: string }> {
  const url = `${bucket}/${name}`;
  const exp = seconds() + uploadSeconds;
  const token = await keys.sign({ url, upsert, scope: 'upload', iat: seconds(), exp, ...(owner ? { owner } : {}) });
  return { url: `/object/upload/sign/${url}?token=${token}`, token };
}

/**
 * Checks the token of a download.
 * @returns until when it is valid
 * @throws StorageError `InvalidJWT`, `InvalidSignature`
 */
export async function verifyDownload(call: Call): Promise<Date> {
  const { exp } = await verify(call, 'download');
  return new Date(Number(exp) * 1000);
}

/** @throws StorageError `InvalidJWT`, `InvalidSignature` */
export async function verifyUpload(call: Call): Promise<{ owner: string | undefined; upsert: boolean }> {
  const { owner, upsert } = await verify(call, 'upload');
  return { owner: typeof owner === 'string' ? owner : undefined, upsert: upsert === true };
}

/** The scope keeps a token of one kind from being used as another, e.g. a user's to download. */
async function verify({ keys, request, bucket, name }: Call, scope: 'download' | 'upload'): Promise<Claims> {
  const token = request.query.get('token');
  if (token === null) throw refused.invalidBody("querystring must have required property 'token'");
  let claims: Claims;
  try {
    claims = await keys.verify(token);
  } catch (error) {
    throw refused.invalidJwt(error instanceof Error ? error.message : 'Invalid JWT');
  }
  if (claims['scope'] !== scope) throw refused.invalidSignature(`Token is not scoped for ${scope}`);
  if (claims['url'] !== `${bucket}/${name}`) throw refused.invalidSignature();
  return claims;
}
