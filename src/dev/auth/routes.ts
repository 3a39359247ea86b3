/** Which handler answers which path of Auth, and who may call it. */
import { getUser, logOut, reauthenticate, refuseLinking, updateOwnUser } from './account.ts';
import {
  createUser,
  deleteFactor,
  deleteNamedUser,
  getNamedUser,
  listFactors,
  listUsers,
  updateNamedUser,
} from './admin.ts';
import { ok, type AuthCall, type Reply, type UserCall } from './call.ts';
import { AuthError, invalid, notHere } from './errors.ts';
import { challenge, enroll, unenroll, verifyFactor } from './factors.ts';
import { generateLink, invite } from './links.ts';
import { createClient, deleteClient, getClient, listClients, regenerateSecret, updateClient } from './oauth-clients.ts';
import {
  authenticationOptions,
  deletePasskey,
  deletePasskeyOf,
  listPasskeys,
  listPasskeysOf,
  registrationOptions,
  renamePasskey,
  verifyAuthentication,
  verifyRegistration,
} from './passkeys.ts';
import { magicLink, otp, recover, resend } from './passwordless.ts';
import { settingsJson } from './settings.ts';
import { signUp } from './sign-up.ts';
import { token } from './token.ts';
import { openLink, refusedLink, verifyCode } from './verify.ts';

interface Place {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | '*';
  /** `:name` is one part of the path, `*` at the end is any rest. */
  path: string;
}

/** Anybody. */
interface OpenRoute extends Place {
  open: (call: AuthCall) => Promise<Reply> | Reply;
  /** Answers what `open` refuses, after its transaction has been rolled back. */
  refused?: (call: Pick<AuthCall, 'request' | 'auth'>, error: unknown) => Reply | undefined;
}

/** A user by their token. */
interface UserRoute extends Place {
  user: (call: UserCall) => Promise<Reply> | Reply;
}

/** The service role. */
interface AdminRoute extends Place {
  admin: (call: AuthCall) => Promise<Reply> | Reply;
}

export type Route = OpenRoute | UserRoute | AdminRoute;

function refusal(error: AuthError): () => never {
  return () => {
    throw error;
  };
}

const saml = refusal(new AuthError(404, 'saml_provider_disabled', 'SAML 2.0 is disabled'));
const oauthServer = refusal(notHere('Of the OAuth server, only its clients are here: nobody can sign in by it.'));

const routes: readonly Route[] = [
  { method: 'GET', path: '/health', open: health },
  { method: 'GET', path: '/settings', open: ({ auth }) => ok(settingsJson(auth.settings)) },
  { method: 'GET', path: '/.well-known/jwks.json', open: jwks },
  { method: 'POST', path: '/signup', open: signUp },
  { method: 'POST', path: '/token', open: token },
  { method: 'POST', path: '/otp', open: otp },
  { method: 'POST', path: '/magiclink', open: magicLink },
  { method: 'POST', path: '/recover', open: recover },
  { method: 'POST', path: '/resend', open: resend },
  { method: 'GET', path: '/verify', open: openLink, refused: refusedLink },
  { method: 'POST', path: '/verify', open: verifyCode },
  { method: 'GET', path: '/user', user: getUser },
  { method: 'PUT', path: '/user', user: updateOwnUser },
  { method: 'GET', path: '/user/identities/authorize', user: refuseLinking },
  { method: 'DELETE', path: '/user/identities/:identity_id', user: refuseLinking },
  { method: 'GET', path: '/reauthenticate', user: reauthenticate },
  { method: 'POST', path: '/logout', user: logOut },
  { method: 'POST', path: '/factors', user: enroll },
  { method: 'POST', path: '/factors/:factor_id/challenge', user: challenge },
  { method: 'POST', path: '/factors/:factor_id/verify', user: verifyFactor },
  { method: 'DELETE', path: '/factors/:factor_id', user: unenroll },
  { method: 'POST', path: '/invite', admin: invite },
  { method: 'POST', path: '/admin/generate_link', admin: generateLink },
  { method: 'GET', path: '/admin/users', admin: listUsers },
  { method: 'POST', path: '/admin/users', admin: createUser },
  { method: 'GET', path: '/admin/users/:user_id', admin: getNamedUser },
  { method: 'PUT', path: '/admin/users/:user_id', admin: updateNamedUser },
  { method: 'DELETE', path: '/admin/users/:user_id', admin: deleteNamedUser },
  { method: 'GET', path: '/admin/users/:user_id/factors', admin: listFactors },
  { method: 'DELETE', path: '/admin/users/:user_id/factors/:factor_id', admin: deleteFactor },
  { method: 'GET', path: '/admin/users/:user_id/passkeys', admin: listPasskeysOf },
  { method: 'DELETE', path: '/admin/users/:user_id/passkeys/:passkey_id', admin: deletePasskeyOf },
  { method: 'GET', path: '/admin/oauth/clients', admin: listClients },
  { method: 'POST', path: '/admin/oauth/clients', admin: createClient },
  { method: 'GET', path: '/admin/oauth/clients/:client_id', admin: getClient },
  { method: 'PUT', path: '/admin/oauth/clients/:client_id', admin: updateClient },
  { method: 'DELETE', path: '/admin/oauth/clients/:client_id', admin: deleteClient },
  { method: 'POST', path: '/admin/oauth/clients/:client_id/regenerate_secret', admin: regenerateSecret },
  { method: '*', path: '/admin/sso*', admin: noSso },
  { method: '*', path: '/admin/custom-providers*', admin: noCustomProviders },
  { method: '*', path: '/admin/audit', admin: noAudit },
  { method: 'GET', path: '/authorize', open: refuseProvider },
  { method: '*', path: '/callback*', open: refuseProvider },
  { method: '*', path: '/sso*', open: saml },
  { method: 'GET', path: '/passkeys', user: listPasskeys },
  { method: 'POST', path: '/passkeys/registration/options', user: registrationOptions },
  { method: 'POST', path: '/passkeys/registration/verify', user: verifyRegistration },
  { method: 'POST', path: '/passkeys/authentication/options', open: authenticationOptions },
  { method: 'POST', path: '/passkeys/authentication/verify', open: verifyAuthentication },
  { method: 'PATCH', path: '/passkeys/:passkey_id', user: renamePasskey },
  { method: 'DELETE', path: '/passkeys/:passkey_id', user: deletePasskey },
  { method: '*', path: '/oauth*', open: oauthServer },
  { method: '*', path: '/user/oauth*', user: oauthServer },
];

function health(): Reply {
  return ok({
    version: 'muse-dev',
    name: 'GoTrue',
    description: 'GoTrue is a user registration and authentication API',
  });
}

async function jwks({ auth }: AuthCall): Promise<Reply> {
  return { status: 200, headers: { 'cache-control': 'public, max-age=600' }, body: await auth.keys.jwks() };
}

/** Signing in with Google and the like needs an account with them, so none is configured. */
function refuseProvider({ request }: AuthCall): never {
  const name = request.query.get('provider') ?? '';
  if (name === '') throw invalid('Unsupported provider: Provider could not be found');
  throw invalid('Unsupported provider: provider is not enabled');
}

function noSso(): never {
  throw notHere('SSO providers need SAML 2.0, which only a Supabase project has.');
}

function noCustomProviders(): never {
  throw new AuthError(404, 'feature_disabled', 'Custom OAuth providers are disabled');
}

function noAudit(): never {
  throw notHere('No audit log is kept here: only a Supabase project has one.');
}

export interface Match {
  route: Route;
  params: Readonly<Record<string, string>>;
}

const compiled = routes.map((route) => {
  const pattern = route.path
    .replaceAll('.', String.raw`\.`)
    .replace(/\*$/, '(?:/.*)?')
    .replaceAll(/:(\w+)/g, '(?<$1>[^/]+)');
  return { route, expression: new RegExp(`^${pattern}/?$`) };
});

/**
 * @returns the route of a request
 * @throws AuthError 404 for an unknown path, 405 for a method that the path has not
 */
export function findRoute(method: string, path: string): Match {
  const ofPath = compiled.flatMap(({ route, expression }) => {
    const found = expression.exec(path);
    return found ? [{ route, params: { ...found.groups } }] : [];
  });
  const match = ofPath.find(({ route }) => route.method === method || route.method === '*');
  if (match) return match;
  if (ofPath.length > 0) throw new AuthError(405, 'validation_failed', `${method} is not a method of ${path}`);
  throw new AuthError(404, 'validation_failed', `There is nothing at ${path}`);
}
