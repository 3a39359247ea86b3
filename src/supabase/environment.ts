import type { Endpoint, Endpoints } from './endpoints.ts';
import type { ProjectKeys } from './keys.ts';
import { secret, type Secret } from './secret.ts';

interface EnvironmentSource {
  ref: string;
  /** The project's own URL. */
  url: string;
  keys: ProjectKeys;
  password: Secret;
  endpoints: Endpoints;
  /** The direct host answered over this network. */
  directAnswers: boolean;
  siteUrl?: string;
}

/**
 * Every variable that a kit may name for a Supabase project, by name; `.env.local` gets those that the kit's template
 * has. The values include keys and the password, URL-encoded in URLs.
 */
export function environmentValues(source: EnvironmentSource): Record<string, Secret> {
  const { ref, url, keys, endpoints } = source;
  const { host } = new URL(url);
  // The direct host is IPv6 only: if it does not answer here, it will not answer the app either.
  const direct = databaseUrl(
    (source.directAnswers ? undefined : endpoints.session) ?? endpoints.direct,
    source.password,
  );
  const pooled = endpoints.transaction ? databaseUrl(endpoints.transaction, source.password) : direct;
  const plain: Record<string, string> = {
    ...named('URL', url),
    ...named('ANON_KEY', (keys.anon ?? keys.client).reveal()),
    ...named('PUBLISHABLE_KEY', keys.client.reveal()),
    NEXT_PUBLIC_SUPABASE_PUBLISHABLE_DEFAULT_KEY: keys.client.reveal(),
    SUPABASE_SERVICE_ROLE_KEY: (keys.serviceRole ?? keys.server).reveal(),
    SUPABASE_SERVICE_KEY: (keys.serviceRole ?? keys.server).reveal(),
    SUPABASE_SECRET_KEY: keys.server.reveal(),
    PRIVATE_SUPABASE_SERVICE_ROLE: (keys.serviceRole ?? keys.server).reveal(),
    PRIVATE_SUPABASE_SERVICE_KEY: (keys.serviceRole ?? keys.server).reveal(),
    SUPABASE_PROJECT_REF: ref,
    ...named('PROJECT_ID', ref),
    SUPABASE_HOST: host,
    SUPABASE_DB_PASSWORD: source.password.reveal(),
    DATABASE_URL: pooled,
    DIRECT_URL: direct,
    DIRECT_DATABASE_URL: direct,
    SUPABASE_DB_URL: direct,
    POSTGRES_URL: pooled,
    POSTGRES_PRISMA_URL: endpoints.transaction ? databaseUrl(endpoints.transaction, source.password, true) : direct,
    POSTGRES_URL_NON_POOLING: direct,
    ...(source.siteUrl === undefined
      ? {}
      : { NEXT_PUBLIC_SITE_URL: source.siteUrl, NEXT_PUBLIC_APP_URL: source.siteUrl }),
  };
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, secret(value)]));
}

/** The prefixes with which frameworks hand a variable to the browser. */
function named(name: string, value: string): Record<string, string> {
  const prefixes = ['', 'NEXT_PUBLIC_', 'VITE_', 'PUBLIC_', 'EXPO_PUBLIC_', 'NUXT_PUBLIC_', 'REACT_APP_'];
  return Object.fromEntries(prefixes.map((prefix) => [`${prefix}SUPABASE_${name}`, value]));
}

/** A connection URL in which no character of user or password can break anything. */
function databaseUrl(endpoint: Endpoint, password: Secret, prisma = false): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const parameters = new URLSearchParams();
  if (prisma) parameters.set('pgbouncer', 'true');
  if (!endpoint.loopback) parameters.set('sslmode', 'require');
  const search = parameters.size > 0 ? `?${parameters.toString()}` : '';
  const user = encodeURIComponent(endpoint.user);
  const address = `${host}:${endpoint.port}/${encodeURIComponent(endpoint.database)}`;
  return `postgresql://${user}:${encodeURIComponent(password.reveal())}@${address}${search}`;
}
