import { MuseError } from '../../shared/error.ts';

/** TLS options in the form of `node:tls`. */
export interface TlsOptions {
  rejectUnauthorized: boolean;
  /** PEM text of the certificate authority. */
  ca?: string;
  checkServerIdentity?: () => undefined;
}

/** A server's address as fields. Missing ones come from the PG… variables and PostgreSQL's own defaults. */
export interface ServerAddress {
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  password?: string | undefined;
  database?: string | undefined;
  /** False for no TLS. Default: none on loopback and sockets, elsewhere TLS, verified if there is a `ca`. */
  ssl?: false | TlsOptions | undefined;
}

/** The contents of a URL: an address, and the TLS mode. */
export interface ParsedUrl {
  address: ServerAddress;
  sslmode?: string | undefined;
  /** Path of the certificate authority's file, from `sslrootcert`. */
  caFile?: string | undefined;
  options?: string | undefined;
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'];

/**
 * Reads a `postgres://` URL. Errors contain nothing of the URL, because it may hold a password.
 * @throws MuseError `bad-database-url`
 */
export function parseDatabaseUrl(text: string): ParsedUrl {
  refuseUnescaped(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw badUrl('it is not of that form');
  const part = (value: string): string | undefined => (value === '' ? undefined : decode(value));
  const setting = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const sslmode = setting('sslmode');
  if (sslmode !== undefined && !sslModes.includes(sslmode))
    throw badUrl(`its sslmode is none of ${sslModes.join(', ')}`);
  const port = setting('port') ?? part(url.port);
  return {
    address: {
      // A URL names the directory of a socket as `?host=/run/postgresql`.
      host: setting('host') ?? part(url.hostname.replace(/^\[(.*)\]$/, '$1')),
      port: port === undefined ? undefined : Number(port),
      user: setting('user') ?? part(url.username),
      password: setting('password') ?? part(url.password),
      database: part(url.pathname.slice(1)),
    },
    sslmode,
    caFile: setting('sslrootcert'),
    options: setting('options'),
  };
}

/**
 * Refuses a password with a character that ends it early: what comes after would be taken for the host, the port or the
 * database, and be printed as that.
 */
function refuseUnescaped(text: string): void {
  const [, authority = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(text.trim()) ?? [];
  const [path = '', query = ''] = rest.split('?', 2);
  const strays = [
    // More than one @: the first belongs to the password.
    authority.split('@').length > 2,
    // The authority ended before the @ that ends a password.
    path.includes('@') || (!authority.includes('@') && /^[^=]*@/.test(query)),
    // A database URL has no fragment.
    rest.includes('#'),
  ];
  if (!strays.includes(true)) return;
  throw badUrl(
    'its user, password or database has a character that means something else in a URL; ' +
      'write @ as %40, # as %23, / as %2F, ? as %3F and % as %25',
  );
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw badUrl('a "%" in it is not followed by two hex digits; write a literal "%" as "%25"');
  }
}

function badUrl(why: string): MuseError {
  return new MuseError({
    code: 'bad-database-url',
    message: `The database URL cannot be used: ${why}.`,
    suggestion:
      'Write it as postgresql://user:password@host:5432/database, special characters in the password ' +
      'percent-encoded.',
  });
}

/** Returns whether a host is this machine: a loopback address, `localhost`, or a socket. */
export function isLocal(host: string): boolean {
  return (
    host === 'localhost' ||
    host === '::1' ||
    host.startsWith('/') ||
    host.startsWith('@') ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/** TLS options for a host, depending on the URL's mode and on whether there is a certificate authority. */
export function tlsFor(host: string, sslmode: string | undefined, ca: string | undefined): false | TlsOptions {
  if (host.startsWith('/') || host.startsWith('@')) return false;
  if (sslmode === 'disable' || (sslmode === undefined && ca === undefined && isLocal(host))) return false;
  const verify = sslmode !== 'no-verify' && (ca !== undefined || sslmode === 'verify-ca' || sslmode === 'verify-full');
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(sslmode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}
