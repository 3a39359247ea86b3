import { refused } from './errors.ts';

/** What Amazon S3 takes safely, as the real one allows it. Names never become paths: see files.ts. */
const objectName = /^[A-Za-z0-9_/!.*'() &$=@;:+,?-]+$/;
const bucketName = /^[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}$/;

/** @throws StorageError `InvalidKey` */
export function checkObjectName(name: string): void {
  if (!objectName.test(name)) throw refused.invalidKey(name);
}

/** @throws StorageError `InvalidBucketName` */
export function checkBucketName(name: string): void {
  if (!bucketName.test(name) || name.trim() !== name) {
    throw refused.invalidBucketName();
  }
}

const units = { gb: 1e9, mb: 1e6, kb: 1e3, b: 1 } as const;

/**
 * A limit in bytes, written as a number or as e.g. `20MB`, to three digits.
 * @throws StorageError for another form
 */
export function parseSize(size: number | string): number {
  if (typeof size === 'number') return size;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(gb|mb|kb|b)$/i.exec(size) ?? [];
  if (number === undefined || unit === undefined) throw refused.invalidSize();
  return Math.round(Number(Number(number).toPrecision(3)) * units[unit.toLowerCase() as keyof typeof units]);
}

const allowedType = /^[a-zA-Z0-9+.-]+\/(?:\*|[a-zA-Z0-9+.-]+(?:;\s*charset=[a-zA-Z0-9-]+)?)$/;

/**
 * Checks what a bucket is to allow, e.g. `image/png` or `image/*`.
 * @throws StorageError `InvalidMimeType`
 */
export function checkAllowedTypes(types: readonly string[]): void {
  const wrong = types.find((type) => type.length > 1000 || (type !== '*' && !allowedType.test(type)));
  if (wrong !== undefined) throw refused.invalidMimeType(wrong);
}

/**
 * Checks the type of an upload against what its bucket allows; nothing means everything.
 * @throws StorageError `InvalidMimeType`
 */
export function checkMimeType(mimeType: string, allowed: readonly string[] | null): void {
  if (allowed === null || allowed.length === 0) return;
  const [type, subtype] = mimeType.split('/');
  const fits = allowed.some((entry) => {
    const [allowedTypeName, allowedSubtype] = entry.split('/');
    return allowedTypeName === type && (allowedSubtype === '*' || allowedSubtype === subtype);
  });
  if (subtype === undefined || !fits) throw refused.invalidMimeType(mimeType);
}

/** The file by which Studio keeps an empty folder: it must be empty, and may have any type. */
export const isFolderPlaceholder = (name: string): boolean => name.endsWith('.emptyFolderPlaceholder');
