/** What a handler of Auth gets for a request, and what it answers. */
import { isIP } from 'node:net';
import type { Session } from '../../database/database.ts';
import type { AnswerHeaders, Claims, DevKeys, DevRequest, Mail } from '../service.ts';
import { mayRedirect, type AuthSettings } from './settings.ts';
import type { User } from './users.ts';

/** What all of Auth shares. */
export interface AuthContext {
  settings: AuthSettings;
  keys: DevKeys;
  mails: { push(mail: Mail): unknown };
  /** The server's address, e.g. `http://127.0.0.1:54321`. */
  url(): string;
}

/** A row of `auth.sessions`. */
export interface Login {
  id: string;
  user_id: string;
  aal: 'aal1' | 'aal2' | 'aal3' | null;
  created_at: string;
  not_after: string | null;
}

/** A request, in a transaction of its own. */
export interface AuthCall {
  auth: AuthContext;
  request: DevRequest;
  sql: Session;
  /** The body as it was sent. */
  text: string;
  /**
   * The body as JSON: read by the handlers that need one, the others take anything.
   * @throws AuthError 400 where it is none
   */
  body(): unknown;
  /** The parts of the path that a route names, as `:user_id`. */
  params: Readonly<Record<string, string>>;
}

/** A request with a user's token. */
export interface UserCall extends AuthCall {
  claims: Claims;
  user: User;
  /** The session that the token names. */
  login: Login | undefined;
}

export interface Reply {
  status: number;
  headers?: AnswerHeaders;
  /** JSON; none for 204 and redirects. */
  body?: unknown;
}

export const ok = (body: unknown): Reply => ({ status: 200, body });

/** To another page, after a link in a mail. */
export const seeOther = (location: string): Reply => ({ status: 303, headers: { location } });

function header(request: DevRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** Where the links of this request lead in the end: what it asks for where that is allowed, otherwise the site. */
export function redirectTarget({ request, auth: { settings } }: Pick<AuthCall, 'request' | 'auth'>): string {
  const wanted = header(request, 'redirect_to') || (request.query.get('redirect_to') ?? '');
  const allowed = [wanted, header(request, 'referer')].find((url) => url !== '' && mayRedirect(settings, url));
  return allowed ?? settings.siteUrl;
}

/** Who calls, for sessions and challenges. */
export function clientOf(request: DevRequest): { ip: string; userAgent: string | null } {
  const forwarded = header(request, 'x-forwarded-for').split(',');
  const ip = forwarded.map((part) => part.trim()).find((part) => isIP(part) !== 0);
  return { ip: ip ?? '127.0.0.1', userAgent: header(request, 'user-agent') || null };
}
