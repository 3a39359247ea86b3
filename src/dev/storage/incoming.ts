import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { refused } from './errors.ts';

/** What a request says about the file that it brings. */
export interface FileDetails {
  mimeType: string;
  cacheControl: string;
  /** What the uploader wants kept with the object, any JSON object. */
  userMetadata: Record<string, unknown> | undefined;
}

/** A file on its way in. */
export interface IncomingFile {
  content: Readable;
  /** As far as is known: a form's fields may follow its file. */
  details(): FileDetails;
  /** Reads what follows the file in a form. */
  finish(): Promise<void>;
  /** Gives up: what is left of the request is read and thrown away, so that the client gets its answer. */
  discard(): void;
}

/** How long the JSON of custom metadata may be, in bytes. */
const longestMetadata = 1024 * 1024;

/**
 * The file of an upload: the body itself, or the first file of a form (`multipart/form-data`).
 * @throws StorageError for a form that is broken or has no file
 */
export function incomingFile(headers: IncomingHttpHeaders, body: Readable): Promise<IncomingFile> {
  const type = headers['content-type'] ?? 'application/octet-stream';
  return type.toLowerCase().startsWith('multipart/form-data')
    ? formFile({ ...headers, 'content-type': type }, body)
    : Promise.resolve(plainFile(type, headers, body));
}

function plainFile(mimeType: string, headers: IncomingHttpHeaders, body: Readable): IncomingFile {
  const details: FileDetails = {
    mimeType,
    cacheControl: headers['cache-control'] ?? 'no-cache',
    userMetadata: headerMetadata(headers),
  };
  return {
    content: body,
    details: () => details,
    finish: () => Promise.resolve(),
    discard: () => void body.resume(),
  };
}

/** The custom metadata of the header `x-metadata`: JSON as base64. */
export function headerMetadata(headers: IncomingHttpHeaders): Record<string, unknown> | undefined {
  const header = headers['x-metadata'];
  return typeof header === 'string' ? parseMetadata(Buffer.from(header, 'base64').toString()) : undefined;
}

/** What is not JSON, or not an object, is ignored, as the real one does. */
function parseMetadata(text: string): Record<string, unknown> | undefined {
  if (Buffer.byteLength(text) > longestMetadata) throw refused.tooLarge('user_metadata');
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

async function formFile(
  headers: IncomingHttpHeaders & { 'content-type': string },
  body: Readable,
): Promise<IncomingFile> {
  const { Busboy } = await import('@fastify/busboy');
  if (body.destroyed) throw refused.noContent('The client ended the upload');
  const fields = new Map<string, string>();
  const discard = (): void => {
    body.unpipe();
    body.resume();
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      discard();
      reject(refused.noContent(error.message));
    };
    let form;
    try {
      form = new Busboy({ headers, limits: { files: 1, fields: 10, fieldSize: longestMetadata } });
    } catch (error) {
      fail(error as Error);
      return;
    }
    const finished = new Promise<void>((done, failed) => {
      form.once('finish', done);
      form.once('error', (error) => {
        failed(refused.noContent((error as Error).message));
      });
      body.once('error', failed);
      body.once('aborted', () => {
        failed(refused.noContent('The client ended the upload'));
      });
    });
    finished.catch(fail);
    form.once('finish', () => {
      reject(refused.noContent());
    });
    form.on('field', (name, value) => void fields.set(name, value));
    form.on('file', (_field, content, _name, _encoding, mimeType) => {
      resolve({
        content,
        details: () => formDetails(fields, mimeType),
        finish: () => finished,
        discard: () => {
          content.resume();
          discard();
        },
      });
    });
    body.pipe(form);
  });
}

function formDetails(fields: ReadonlyMap<string, string>, mimeType: string): FileDetails {
  const seconds = fields.get('cacheControl');
  const metadata = fields.get('metadata') ?? fields.get('userMetadata');
  return {
    mimeType: fields.get('contentType') ?? mimeType,
    cacheControl: seconds === undefined || seconds === '' ? 'no-cache' : `max-age=${seconds}`,
    userMetadata: metadata === undefined ? undefined : parseMetadata(metadata),
  };
}
