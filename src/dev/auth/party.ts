import type { AuthCall } from './call.ts';
import type { Party } from './webauthn.ts';

/** For whom passkeys and WebAuthn factors are: the site, unless the settings name another domain. */
export function partyOf({ auth: { settings } }: Pick<AuthCall, 'auth'>): Party {
  const { domain = new URL(settings.siteUrl).hostname, origins } = settings.webauthn;
  return {
    domain,
    mayAsk(origin) {
      if (origins.length > 0) return origins.includes(origin);
      return URL.canParse(origin) && new URL(origin).hostname === domain;
    },
  };
}
