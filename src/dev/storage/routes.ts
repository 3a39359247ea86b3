import type { DevAnswer } from '../service.ts';
import * as buckets from './buckets.ts';
import type { Call } from './call.ts';
import * as downloads from './downloads.ts';
import { refused } from './errors.ts';
import * as objects from './objects.ts';
import * as uploads from './uploads.ts';

/** One thing that Storage does. */
export interface Route {
  methods: readonly string[];
  /** `:bucket` is one part of the path, `*` the rest of it, which is not empty. */
  pattern: readonly string[];
  /** What `storage.operation()` returns meanwhile. */
  operation: string;
  /** Whether the request needs no `Authorization`: the URL itself is the permission, or the bucket is public. */
  open: boolean;
  answer: (call: Call) => Promise<DevAnswer>;
}

type Options = Partial<Pick<Route, 'open'>>;

function route(text: string, operation: string, answer: Route['answer'], { open = false }: Options = {}): Route {
  const [methods = '', pattern = ''] = text.split(' ');
  return { methods: methods.split('|'), pattern: pattern.slice(1).split('/'), operation, open, answer };
}

/** What is answered with 501, and why. */
function missing(pattern: string, feature: string): Route {
  return route(
    `* ${pattern}`,
    '',
    () => Promise.reject(refused.notSupported(feature)),
    // Told before who asks.
    { open: true },
  );
}

const open = { open: true };

/** All routes; the first that fits answers. */
const routes: readonly Route[] = [
  route('GET /bucket', 'storage.bucket.list', buckets.list),
  route('POST /bucket', 'storage.bucket.create', buckets.create),
  route('GET /bucket/:bucket', 'storage.bucket.get', buckets.get),
  route('PUT /bucket/:bucket', 'storage.bucket.update', buckets.update),
  route('DELETE /bucket/:bucket', 'storage.bucket.delete', buckets.remove),
  route('POST /bucket/:bucket/empty', 'storage.bucket.empty', buckets.empty),

  route('POST /object/list/:bucket', 'storage.object.list', objects.list),
  route('POST /object/list-v2/:bucket', 'storage.object.list_v2', objects.listV2),
  route('POST /object/move', 'storage.object.move', objects.move),
  route('POST /object/copy', 'storage.object.copy', objects.copy),
  route('POST /object/sign/:bucket', 'storage.object.sign_many', objects.signMany),
  route('POST /object/sign/:bucket/*', 'storage.object.sign', objects.signOne),
  route('GET|HEAD /object/sign/:bucket/*', 'storage.object.get_signed', downloads.signed, open),
  route('POST /object/upload/sign/:bucket/*', 'storage.object.sign_upload_url', uploads.sign),
  route('PUT /object/upload/sign/:bucket/*', 'storage.object.upload_signed', uploads.createSigned, open),
  route('GET|HEAD /object/public/:bucket/*', 'storage.object.get_public', downloads.publicObject, open),
  route('GET|HEAD /object/authenticated/:bucket/*', 'storage.object.get_authenticated', downloads.readable),
  route('GET /object/info/public/:bucket/*', 'storage.object.info_public', downloads.publicInfo, open),
  route('GET /object/info/authenticated/:bucket/*', 'object.get_authenticated_info', downloads.info),
  route('GET /object/info/:bucket/*', 'object.get_authenticated_info', downloads.info, open),
  route('HEAD /object/:bucket/*', 'object.head_authenticated_info', downloads.readable, open),
  route('GET /object/:bucket/*', 'storage.object.get_authenticated', downloads.readable, open),
  route('POST /object/:bucket/*', 'storage.object.upload', uploads.create),
  route('PUT /object/:bucket/*', 'storage.object.upload_update', uploads.update),
  route('DELETE /object/:bucket/*', 'storage.object.delete', objects.removeOne),
  route('DELETE /object/:bucket', 'storage.object.delete_many', objects.removeMany),

  missing('/render/*', 'Image transformations are'),
  missing('/upload/resumable', 'Resumable uploads are'),
  missing('/upload/resumable/*', 'Resumable uploads are'),
  missing('/s3', 'The S3 protocol is'),
  missing('/s3/*', 'The S3 protocol is'),
  missing('/cdn/*', 'Purging a CDN is'),
  missing('/vector/*', 'Vector buckets are'),
  missing('/iceberg/*', 'Analytics buckets are'),
];

/**
 * The route of a request, and what its path names, decoded.
 * @throws StorageError where there is none, or the path is not properly encoded
 */
export function findRoute(method: string, path: string): { route: Route; bucket: string; name: string } {
  const parts = path.split('/').slice(1);
  // A slash at the end makes no difference, as long as it is not part of an object's name.
  if (parts.at(-1) === '' && parts.length === 2) parts.pop();
  for (const route of routes) {
    const found = fits(route, method, parts);
    if (found !== undefined) return { route, bucket: decode(found.bucket), name: decode(found.name) };
  }
  throw refused.noRoute(method, path);
}

function fits({ methods, pattern }: Route, method: string, parts: string[]) {
  if (!methods.includes('*') && !methods.includes(method)) return undefined;
  const rest = pattern.at(-1) === '*';
  if (rest ? parts.length < pattern.length : parts.length !== pattern.length) return undefined;
  const names = { bucket: '', name: '' };
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index]!;
    if (expected === '*') names.name = parts.slice(index).join('/');
    else if (expected === ':bucket') names.bucket = part;
    else if (expected !== part) return undefined;
  }
  return (rest && names.name === '') || (pattern.includes(':bucket') && names.bucket === '') ? undefined : names;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused.invalidKey(text);
  }
}
