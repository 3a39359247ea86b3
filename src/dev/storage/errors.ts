import { DatabaseError } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import { ApiError } from '../errors.ts';

/**
 * An error as Storage reports it. Its JSON carries the real status as text; the HTTP status is 400 for most of what the
 * caller did wrong, as the real one has it.
 * https://github.com/supabase/storage/blob/master/src/internal/errors/codes.ts
 */
export class StorageError extends ApiError {
  override readonly name = 'StorageError';

  /**
   * @param statusCode what the JSON says
   * @param code e.g. `NoSuchKey`
   * @param title what `error` has, where clients know it by an older name than the code, e.g. `not_found`
   * @param status of the response
   */
  constructor(
    statusCode: number,
    code: string,
    message: string,
    title: string = code,
    status: number = statusCode >= 500 ? statusCode : 400,
  ) {
    super(status, { statusCode: String(statusCode), code, error: title, message });
  }
}

/** The errors, by what happened. */
export const refused = {
  noSuchBucket: () => new StorageError(404, 'NoSuchBucket', 'Bucket not found', 'Bucket not found'),
  noSuchKey: () => new StorageError(404, 'NoSuchKey', 'Object not found', 'not_found'),
  /** The row is there, and no file. */
  noFile: () => new StorageError(404, 'NoSuchKey', 'The resource was not found', 'Not found'),
  alreadyExists: () => new StorageError(409, 'ResourceAlreadyExists', 'The resource already exists', 'Duplicate'),
  bucketNotEmpty: () => new StorageError(409, 'ResourceNotEmpty', 'The bucket you tried to delete is not empty'),
  accessDenied: (message: string) => new StorageError(403, 'AccessDenied', message, 'Unauthorized'),
  invalidKey: (key: string) => new StorageError(400, 'InvalidKey', `Invalid key: ${key}`),
  invalidBucketName: () => new StorageError(400, 'InvalidBucketName', 'Bucket name invalid', 'Invalid Input'),
  invalidSize: () =>
    new StorageError(400, 'InvalidRequest', 'Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B'),
  invalidMimeType: (type: string) =>
    new StorageError(415, 'InvalidMimeType', `mime type ${type} is not supported`, 'invalid_mime_type'),
  invalidRange: () => new StorageError(416, 'InvalidRange', 'invalid range provided', 'invalid_range', 416),
  invalidCursor: () => new StorageError(400, 'InvalidParameter', 'Invalid Parameter continuation token'),
  invalidJwt: (message: string) => new StorageError(400, 'InvalidJWT', message),
  invalidSignature: (message = 'Invalid signature') => new StorageError(400, 'InvalidSignature', message),
  /** A body that has not the shape of its route, e.g. `body must have required property 'name'`. */
  invalidBody: (message: string) => new StorageError(400, 'InvalidRequest', message, 'Error'),
  noContent: (message = 'No content provided') => new StorageError(400, 'InvalidRequest', message),
  tooLarge: (entity = 'object') =>
    new StorageError(413, 'EntityTooLarge', `The ${entity} exceeded the maximum allowed size`, 'Payload too large'),
  noRoute: (method: string, path: string) =>
    new StorageError(404, 'NotFound', `Route ${method}:${path} not found`, 'Not Found', 404),
  notSupported: (feature: string) =>
    new StorageError(501, 'NotSupported', `${feature} not available in muse dev; they work on a Supabase project.`),
} as const;

/**
 * What failed, as Storage says it. An error that is a fault of the server itself is thrown on.
 * https://github.com/supabase/storage/blob/master/src/storage/database/errors.ts
 */
export function toStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof DatabaseError) return fromDatabase(error);
  if (error instanceof MuseError) return new StorageError(500, 'InternalError', error.message);
  if (isDiskFull(error)) return new StorageError(507, 'InternalError', 'No space is left on the disk');
  throw error;
}

function fromDatabase({ code, message, detail }: DatabaseError): StorageError {
  switch (code) {
    case '42501':
      return refused.accessDenied(
        message.includes('row-level security') ? 'new row violates row-level security policy' : message,
      );
    case '23505':
      return refused.alreadyExists();
    case '23503':
      return detail?.includes('is still referenced from table')
        ? new StorageError(
            409,
            'InvalidRequest',
            'The resource could not be updated or removed due to a foreign key constraint',
          )
        : new StorageError(404, 'InvalidRequest', 'The related resource does not exist');
    case '57014':
      return new StorageError(544, 'DatabaseTimeout', 'The connection to the database timed out');
    case '22P02':
      return new StorageError(400, 'InvalidParameter', message);
    case '42P17':
      return new StorageError(503, 'DatabaseInvalidObjectDefinition', message);
    default:
      // The real one hides the message; here it is what a developer looks for, e.g. a policy that calls a missing function.
      return new StorageError(500, 'DatabaseError', `database error, code: ${code}: ${message}`);
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
