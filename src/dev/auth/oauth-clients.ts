/** `/admin/oauth/clients`: the apps that may sign users in by this project, once it is an OAuth server. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { ok, type AuthCall, type Reply } from './call.ts';
import { AuthError, invalid } from './errors.ts';
import { time } from './users.ts';
import { isUuid, readFields } from './values.ts';

type Kind = 'public' | 'confidential';

/** A row of `auth.oauth_clients`, as `to_jsonb` has it. */
interface Client {
  id: string;
  registration_type: 'dynamic' | 'manual';
  redirect_uris: string;
  grant_types: string;
  client_name: string | null;
  client_uri: string | null;
  logo_uri: string | null;
  created_at: string;
  updated_at: string;
  client_type: Kind;
  token_endpoint_auth_method: string;
}

/** How a client of each kind may prove who it is; the first is the default. */
const authMethods: Readonly<Record<Kind, readonly string[]>> = {
  public: ['none'],
  confidential: ['client_secret_basic', 'client_secret_post'],
};
const allMethods = [...authMethods.public, ...authMethods.confidential];
const grantTypes = ['authorization_code', 'refresh_token'];

const longestName = 1024;
const longestUri = 2048;

export async function createClient(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  const fields = readFields(call.body(), {
    redirect_uris: 'texts?',
    grant_types: 'texts?',
    client_name: 'text',
    client_uri: 'text',
    logo_uri: 'text',
    client_type: 'text',
    token_endpoint_auth_method: 'text',
  });
  const { redirect_uris: uris = [], grant_types: grants = [], token_endpoint_auth_method: method } = fields;
  if (uris.length === 0) throw invalid('redirect_uris is required');
  checkRedirects(uris);
  if (grants.length > 0) checkGrants(grants);
  checkTexts(fields);
  const kind = kindOf(fields.client_type, method);
  const secret = kind === 'confidential' ? newSecret() : undefined;
  const { rows } = await call.sql.query<{ client: Client }>(
    `INSERT INTO auth.oauth_clients AS c (id, client_secret_hash, registration_type, redirect_uris, grant_types,
       client_name, client_uri, logo_uri, client_type, token_endpoint_auth_method)
     VALUES ($1, $2, 'manual', $3, $4, $5, $6, $7, $8, $9) RETURNING to_jsonb(c) AS client`,
    [
      randomUUID(),
      secret?.hash ?? null,
      uris.join(','),
      (grants.length > 0 ? grants : grantTypes).join(','),
      fields.client_name || null,
      fields.client_uri || null,
      fields.logo_uri || null,
      kind,
      method || authMethods[kind][0],
    ],
  );
  const body = clientJson((rows[0] as { client: Client }).client, secret?.plain);
  return { status: 201, body };
}

export async function listClients(call: AuthCall): Promise<Reply> {
  checkEnabled(call);
  const { rows } = await call.sql.query<{ client: Client }>(
    'SELECT to_jsonb(c) AS client FROM auth.oauth_clients c WHERE deleted_at IS NULL ORDER BY created_at DESC, id',
  );
  return ok({ clients: rows.map(({ client }) => clientJson(client)) });
}

export async function getClient(call: AuthCall): Promise<Reply> {
  return ok(clientJson(await namedClient(call)));
}

export async function updateClient(call: AuthCall): Promise<Reply> {
  const client = await namedClient(call);
  const fields = readFields(call.body(), {
    redirect_uris: 'texts?',
    grant_types: 'texts?',
    client_name: 'text?',
    client_uri: 'text?',
    logo_uri: 'text?',
    token_endpoint_auth_method: 'text?',
  });
  if (Object.values(fields).every((value) => value === undefined)) throw invalid('No fields provided for update');
  const { redirect_uris: uris, grant_types: grants, token_endpoint_auth_method: method } = fields;
  if (uris !== undefined) checkRedirects(uris);
  if (grants !== undefined) checkGrants(grants);
  checkTexts(fields);
  if (method !== undefined) checkMethod(method, client.client_type);
  const { rows } = await call.sql.query<{ client: Client }>(
    `UPDATE auth.oauth_clients c SET redirect_uris = coalesce($2, redirect_uris), grant_types = coalesce($3, grant_types),
       client_name = coalesce($4, client_name), client_uri = coalesce($5, client_uri), logo_uri = coalesce($6, logo_uri),
       token_endpoint_auth_method = coalesce($7, token_endpoint_auth_method), updated_at = now()
     WHERE id = $1 RETURNING to_jsonb(c) AS client`,
    [
      client.id,
      uris?.join(',') ?? null,
      grants?.join(',') ?? null,
      fields.client_name ?? null,
      fields.client_uri ?? null,
      fields.logo_uri ?? null,
      method ?? null,
    ],
  );
  return ok(clientJson((rows[0] as { client: Client }).client));
}

export async function deleteClient(call: AuthCall): Promise<Reply> {
  const { id } = await namedClient(call);
  await call.sql.query('UPDATE auth.oauth_clients SET deleted_at = now(), updated_at = now() WHERE id = $1', [id]);
  return { status: 204 };
}

export async function regenerateSecret(call: AuthCall): Promise<Reply> {
  const client = await namedClient(call);
  if (client.client_type === 'public') throw invalid('Cannot regenerate secret for public client');
  const secret = newSecret();
  const { rows } = await call.sql.query<{ client: Client }>(
    `UPDATE auth.oauth_clients c SET client_secret_hash = $2, updated_at = now() WHERE id = $1
     RETURNING to_jsonb(c) AS client`,
    [client.id, secret.hash],
  );
  return ok(clientJson((rows[0] as { client: Client }).client, secret.plain));
}

function checkEnabled({ auth: { settings } }: AuthCall): void {
  if (!settings.oauthClients) throw new AuthError(404, 'feature_disabled', 'OAuth server is disabled');
}

/** The client that the path names. */
async function namedClient(call: AuthCall): Promise<Client> {
  checkEnabled(call);
  const id = call.params['client_id'] ?? '';
  if (!isUuid(id)) throw invalid('invalid client_id format');
  const { rows } = await call.sql.query<{ client: Client }>(
    'SELECT to_jsonb(c) AS client FROM auth.oauth_clients c WHERE id = $1 AND deleted_at IS NULL',
    [id],
  );
  if (rows[0] === undefined) throw new AuthError(404, 'oauth_client_not_found', 'OAuth client not found');
  return rows[0].client;
}

/** @param secret only where it was just made: its hash is all that is kept */
function clientJson(client: Client, secret?: string): object {
  return {
    client_id: client.id,
    client_secret: secret,
    client_type: client.client_type,
    redirect_uris: client.redirect_uris.split(','),
    token_endpoint_auth_method: client.token_endpoint_auth_method,
    grant_types: client.grant_types.split(','),
    response_types: ['code'],
    client_name: client.client_name || undefined,
    client_uri: client.client_uri || undefined,
    logo_uri: client.logo_uri || undefined,
    registration_type: client.registration_type,
    created_at: time(client.created_at),
    updated_at: time(client.updated_at),
  };
}

function newSecret(): { plain: string; hash: string } {
  const plain = randomBytes(32).toString('base64url');
  return { plain, hash: createHash('sha256').update(plain).digest('base64url') };
}

function kindOf(given: string, method: string): Kind {
  if (given !== '' && given !== 'public' && given !== 'confidential') {
    throw invalid("client_type must be 'public' or 'confidential'");
  }
  if (method !== '' && !allMethods.includes(method)) {
    throw invalid(`token_endpoint_auth_method must be one of: [${allMethods.join(' ')}]`);
  }
  const inferred = method === 'none' ? 'public' : 'confidential';
  const kind = given === '' ? inferred : given;
  if (method !== '') checkMethod(method, kind);
  return kind;
}

function checkMethod(method: string, kind: Kind): void {
  if (!allMethods.includes(method)) {
    throw invalid(`invalid token_endpoint_auth_method: must be one of [${allMethods.join(' ')}]`);
  }
  if (!authMethods[kind].includes(method)) {
    const valid = authMethods[kind].join(' ');
    throw invalid(
      `token_endpoint_auth_method '${method}' is not valid for client_type '${kind}'; valid methods: [${valid}]`,
    );
  }
}

function checkGrants(grants: readonly string[]): void {
  if (grants.length === 0) throw invalid('grant_types cannot be empty');
  if (grants.every((grant) => grantTypes.includes(grant))) return;
  throw invalid("grant_types must only contain 'authorization_code' and/or 'refresh_token'");
}

function checkTexts(fields: Readonly<Record<'client_name' | 'client_uri' | 'logo_uri', string | undefined>>): void {
  if (Buffer.byteLength(fields.client_name ?? '') > longestName) {
    throw invalid(`client_name cannot exceed ${longestName} characters`);
  }
  for (const name of ['client_uri', 'logo_uri'] as const) {
    const uri = fields[name] ?? '';
    if (uri.length > longestUri) throw invalid(`${name} cannot exceed ${longestUri} characters`);
    if (uri !== '' && !URL.canParse(uri)) throw invalid(`${name} must be a valid URL`);
  }
}

function checkRedirects(uris: readonly string[]): void {
  if (uris.length === 0) throw invalid('redirect_uris cannot be empty');
  if (uris.length > 10) throw invalid('redirect_uris cannot exceed 10 items');
  for (const uri of uris) {
    const reason = refusedRedirect(uri);
    if (reason !== undefined) throw invalid(`invalid redirect_uri '${uri}': ${reason}`);
  }
}

const dangerous = ['javascript', 'data', 'file', 'vbscript', 'about', 'blob'];
const here = ['localhost', '127.0.0.1', '[::1]'];

/** Why tokens may not be sent to an address; undefined where they may. */
function refusedRedirect(uri: string): string | undefined {
  if (uri === '') return 'redirect URI cannot be empty';
  // They are kept as one text.
  if (uri.includes(',') || !URL.canParse(uri)) return 'invalid URL format';
  const { protocol, host, hostname, hash } = new URL(uri);
  const scheme = protocol.slice(0, -1);
  if (dangerous.includes(scheme)) return `scheme '${scheme}' is not allowed for security reasons`;
  if (host === '') return 'must have scheme and host';
  if (scheme === 'http' && !here.includes(hostname)) return 'HTTP scheme only allowed for localhost';
  return hash === '' ? undefined : 'fragment not allowed in redirect URI';
}
