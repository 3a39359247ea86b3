/** What can be set about Auth, with the values of a local Supabase. */

export interface AuthSettings {
  /** Where links in mails lead without a `redirect_to` that is allowed. */
  siteUrl: string;
  /** Further addresses for `redirect_to`, with `*` and `**` as Supabase has them. */
  redirectUrls: readonly string[];
  /** Whether anybody may sign up. */
  signup: boolean;
  anonymous: boolean;
  email: {
    enabled: boolean;
    /** A new address counts as confirmed at once. */
    autoconfirm: boolean;
    /** A change of address has to be confirmed at the old one too. */
    doubleConfirmChanges: boolean;
  };
  phone: {
    enabled: boolean;
    autoconfirm: boolean;
    /** Keeps codes with the mails, as if a provider of texts was configured. A local Supabase has none. */
    codes: boolean;
  };
  password: {
    minLength: number;
    /** Sets of characters of which a password needs one each. */
    requiredCharacters: readonly string[];
    /** Changing it more than a day after signing in needs a nonce from `/reauthenticate`. */
    secureChange: boolean;
  };
  /** Seconds that an access token is valid. */
  tokenSeconds: number;
  refresh: {
    /** A token that is used again, after the interval, ends its session. */
    rotation: boolean;
    reuseSeconds: number;
  };
  /** Seconds that a code or link is valid, and that have to pass before the next. */
  code: { seconds: number; digits: number; everySeconds: number };
  totp: boolean;
  maxFactors: number;
  /** Passkeys, and WebAuthn as a second factor. */
  webauthn: {
    enabled: boolean;
    /** The domain that credentials belong to; undefined for the site's. */
    domain?: string | undefined;
    /** The pages that may use them; none for every page of the domain. */
    origins: readonly string[];
    maxPasskeys: number;
  };
  /** Whether clients of the OAuth server can be registered. */
  oauthClients: boolean;
}

/** A group of settings may be given in part. */
export type PartialSettings = {
  [K in keyof AuthSettings]?: AuthSettings[K] extends readonly unknown[]
    ? AuthSettings[K]
    : AuthSettings[K] extends object
      ? Partial<AuthSettings[K]>
      : AuthSettings[K];
};

const defaults: AuthSettings = {
  siteUrl: 'http://localhost:3000',
  redirectUrls: [],
  signup: true,
  anonymous: false,
  email: { enabled: true, autoconfirm: true, doubleConfirmChanges: true },
  phone: { enabled: false, autoconfirm: true, codes: false },
  password: { minLength: 6, requiredCharacters: [], secureChange: false },
  tokenSeconds: 3600,
  refresh: { rotation: true, reuseSeconds: 10 },
  code: { seconds: 3600, digits: 6, everySeconds: 1 },
  totp: true,
  maxFactors: 10,
  webauthn: { enabled: true, origins: [], maxPasskeys: 10 },
  oauthClients: true,
};

/** All settings: the given ones, and a local Supabase's for the rest. */
export function allSettings(given: PartialSettings = {}): AuthSettings {
  return {
    ...defaults,
    ...given,
    email: { ...defaults.email, ...given.email },
    phone: { ...defaults.phone, ...given.phone },
    password: { ...defaults.password, ...given.password },
    refresh: { ...defaults.refresh, ...given.refresh },
    code: { ...defaults.code, ...given.code },
    webauthn: { ...defaults.webauthn, ...given.webauthn },
  };
}

/** OAuth providers that Supabase knows, all of them off here: each needs a secret of its own. */
const providers = (
  'apple azure bitbucket discord facebook snapchat figma fly github gitlab google keycloak kakao linkedin ' +
  'linkedin_oidc notion spotify slack slack_oidc workos twitch twitter zoom'
).split(' ');

/** The answer of `/settings`. */
export function settingsJson(settings: AuthSettings): object {
  return {
    external: {
      anonymous_users: settings.anonymous,
      ...Object.fromEntries(providers.map((name) => [name, false])),
      email: settings.email.enabled,
      phone: settings.phone.enabled,
    },
    disable_signup: !settings.signup,
    mailer_autoconfirm: settings.email.autoconfirm,
    phone_autoconfirm: settings.phone.autoconfirm,
    sms_provider: '',
    saml_enabled: false,
    passkeys_enabled: settings.webauthn.enabled,
  };
}

/**
 * Whether links may lead to `target`: the site itself (on localhost with any port), a loopback address, or one of the
 * allowed addresses.
 */
export function mayRedirect(settings: AuthSettings, target: string): boolean {
  const site = parse(settings.siteUrl);
  const wanted = parse(target);
  if (site === undefined || wanted === undefined) return false;
  const samePort = site.port === wanted.port || wanted.hostname === 'localhost' || isLoopback(wanted.hostname);
  if (site.hostname === wanted.hostname && site.protocol === wanted.protocol && samePort) return true;
  // An address given as a number is its dotted form by now, which is what a browser would visit.
  if (/^[\d.]+$|^\[/.test(wanted.hostname)) return isLoopback(wanted.hostname);
  const [withoutFragment = ''] = target.split('#');
  return settings.redirectUrls.some((pattern) => globExpression(pattern).test(withoutFragment));
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function isLoopback(host: string): boolean {
  return host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `*` and `?` stop at `.` and `/`, `**` does not. */
function globExpression(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*|\*|\?)/).map((part) => {
    if (part === '**') return '.*';
    if (part === '*') return '[^./]*';
    return part === '?' ? '[^./]' : part.replace(/[\\^$.|+()[\]{}/-]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}$`);
}
