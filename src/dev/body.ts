import type { Readable } from 'node:stream';
import { ApiError } from './errors.ts';

/** What a request's JSON may be long, in bytes: enough for rows of 10 MB. */
const longestJson = 64 * 1024 * 1024;

/**
 * All bytes of a request's body.
 * @throws ApiError 413 where there are more than `most`
 */
export async function readBody(body: Readable, most = longestJson): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Where it is too long, the connection stays, so that the client reads why.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new ApiError(413, { message: `The request is longer than ${most} bytes.` });
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
