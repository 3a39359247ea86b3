/** What to do where the network between this machine and a server has a proxy, or replaces certificates. */

/** Who speaks over the network: each has settings of its own. */
export type NetworkClient = 'git' | 'npm' | 'node';

/** Why a connection failed, and what to set. */
export interface NetworkTrouble {
  /** Follows the name of the server, e.g. `has a certificate that has expired`. */
  what: string;
  suggestion: string;
}

/** Where each client takes further certificate authorities from: a variable, and the setting that lasts. */
const authorities: Readonly<Record<NetworkClient, readonly [variable: string, lasting: string]>> = {
  git: ['GIT_SSL_CAINFO', 'git config --global http.sslCAInfo <file.pem>'],
  npm: ['NODE_EXTRA_CA_CERTS', 'npm config set cafile <file.pem>'],
  node: ['NODE_EXTRA_CA_CERTS', 'put it into your shell profile'],
};

/** In the order in which programs look. */
const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'http_proxy', 'HTTP_PROXY'];

const unknownAuthority =
  /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED|self[- ]signed|local issuer|SSL certificate problem|certificate verif|certificate is not trusted|verify locations|SSL CA cert|error reading ca cert/i;
const notReached =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|CONNECT_TIMEOUT|Could not resolve (?:host|proxy)|unable to access|Failed to connect|Connection (?:refused|timed out|reset)|proxy/i;

/**
 * What a failure says about certificates and proxies; undefined where it is about something else.
 * @param said a code of Node, or what the program printed
 * @param environment its variables
 */
export function networkTrouble(
  client: NetworkClient,
  said: string,
  environment: NodeJS.ProcessEnv,
): NetworkTrouble | undefined {
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate (?:has expired|is not yet valid)/i.test(said))
    return { what: 'has a certificate that is not valid today', suggestion: 'Check the date of this machine: date' };
  if (/ALTNAME|subject name|no alternative certificate/i.test(said))
    return {
      what: 'has a certificate for another host',
      suggestion: 'Check the address, and whether something on the way answers in its place.',
    };
  if (unknownAuthority.test(said)) return untrusted(client, environment);
  if (!notReached.test(said)) return undefined;
  return throughProxy(client, said, environment);
}

function untrusted(client: NetworkClient, environment: NodeJS.ProcessEnv): NetworkTrouble {
  const [variable, lasting] = authorities[client];
  const file = environment[variable];
  return {
    what: 'has a certificate of an authority that this machine does not trust',
    suggestion:
      file === undefined || file === ''
        ? `Where a company inspects TLS, ask for its certificate as a PEM file: ${variable}=<file.pem> for this run, or ${lasting}.`
        : `${variable} is ${file}: check that the file exists and has the authority's certificate.`,
  };
}

function throughProxy(client: NetworkClient, said: string, environment: NodeJS.ProcessEnv): NetworkTrouble | undefined {
  const name = proxyVariables.find((variable) => (environment[variable] ?? '') !== '');
  if (/\b407\b/.test(said))
    return {
      what: 'is reached through a proxy that requires a sign-in',
      suggestion: `Put user and password into ${name ?? 'https_proxy'}, percent-encoded: http://user:password@host:port`,
    };
  if (name === undefined) {
    return /proxy/i.test(said)
      ? {
          what: 'cannot be reached through the proxy that is set',
          suggestion:
            client === 'git' ? 'Check it: git config --get http.proxy' : 'Check it: npm config get https-proxy',
        }
      : undefined;
  }
  const proxy = `${name} (${hostOf(environment[name] ?? '')})`;
  // Node's own fetch goes past the proxy unless it is told to use it.
  if (client === 'node' && environment['NODE_USE_ENV_PROXY'] !== '1')
    return {
      what: `cannot be reached directly, and Node does not use ${proxy} by itself`,
      suggestion: 'Set NODE_USE_ENV_PROXY=1 with Node 24 or later, or run this where no proxy is needed.',
    };
  return {
    what: `cannot be reached through ${proxy}`,
    suggestion: `Check ${name}, unset it where no proxy is needed, or exclude the host with NO_PROXY.`,
  };
}

/** Host and port of a proxy: its user and password are nobody's business. */
function hostOf(proxy: string): string {
  try {
    return new URL(proxy.includes('://') ? proxy : `http://${proxy}`).host || 'not a URL';
  } catch {
    return 'not a URL';
  }
}
