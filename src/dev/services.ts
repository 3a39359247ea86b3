import type { EnvironmentName } from '../shared/muse-file.ts';
import { ApiError, type InvalidToken } from './errors.ts';
import { jsonAnswer, type Route } from './http.ts';
import { createLocal, localPrefix } from './running.ts';
import type { DevDatabase, DevKeys, DevPart, Mail } from './service.ts';

/** What the services are made of. */
export interface ServicesOptions {
  database: DevDatabase;
  keys: DevKeys;
  /** Where the server is. */
  url: string;
  /** Absolute path of the muse. */
  directory: string;
  environment: EnvironmentName;
  /** The key to the local pages. */
  token: string;
  /** Gets the mails that Auth would have sent. */
  mails: Mail[];
}

/** Every service of a Supabase project that there is here, below its prefix. */
export function createServices({ token }: ServicesOptions): Route[] {
  return [
    { prefix: '/rest/v1', part: missing('The Data API'), badToken: (error) => error },
    { prefix: '/auth/v1', part: missing('Auth'), open: (path) => authWithoutKey.test(path) },
    // Storage looks for a token by itself: public and signed URLs need none.
    { prefix: '/storage/v1', part: missing('Storage'), open: () => true, badToken: storageRefusal },
    { prefix: '/realtime/v1', part: missing('Realtime') },
    { prefix: localPrefix, part: createLocal(token), local: true },
  ];
}

/** What a browser opens from a mail or an identity provider, and what is public. */
const authWithoutKey = /^\/(?:verify|callback|authorize|\.well-known\/.*)$/;

function missing(what: string): DevPart {
  const body = { message: `${what} is not there.`, hint: 'This version of muse dev does not serve it.' };
  return { handle: () => Promise.resolve(jsonAnswer(501, body)) };
}

/** As Storage says it: the status of the answer is always 400. */
function storageRefusal({ reason, message }: InvalidToken): ApiError {
  const text = reason === 'expired' ? '"exp" claim timestamp check failed' : message;
  return new ApiError(400, { statusCode: '403', error: 'Unauthorized', message: text });
}
