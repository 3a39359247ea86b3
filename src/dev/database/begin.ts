import type { TransactionStart } from '../../database/database.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { ActOptions, Identity } from '../service.ts';
import type { RoleSettings } from './roles.ts';

/**
 * How a transaction under a role starts: every setting is for this transaction only, so that nothing of one request is left
 * for the next.
 * @param settings what `ALTER ROLE … SET` says about the role
 */
export function startAs({ role, claims }: Identity, options: ActOptions, settings: RoleSettings): TransactionStart {
  const { request, readOnly = false, schema = 'public', timezone } = options;
  const values: Record<string, string> = {
    // First, so that a setting that the role may not make is refused.
    role,
    ...settings.values,
    search_path: searchPath(schema),
    ...(timezone === undefined ? {} : { timezone }),
    'request.jwt.claims': JSON.stringify({ ...claims, role }),
    ...(request === undefined
      ? {}
      : {
          'request.method': request.method,
          'request.path': request.path,
          'request.headers': JSON.stringify(request.headers),
          'request.cookies': JSON.stringify(cookies(request.headers['cookie'])),
        }),
  };
  return {
    readOnly,
    settings: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, readable(value)])),
  };
}

/** The exposed schema, then the two that PostgREST always searches on Supabase. */
function searchPath(schema: string): string {
  return [...new Set([schema, 'public', 'extensions'])].map((name) => quoteIdentifier(name)).join(', ');
}

/** A header may hold what no PostgreSQL text can: NUL and half a character become U+FFFD, as in text that is decoded. */
function readable(text: string): string {
  return Buffer.from(text).toString('utf8').replaceAll('\0', '\uFFFD');
}

function cookies(header = ''): Record<string, string> {
  const pairs = header.split(';').flatMap((part) => {
    const at = part.indexOf('=');
    return at === -1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const];
  });
  return Object.fromEntries(pairs);
}
