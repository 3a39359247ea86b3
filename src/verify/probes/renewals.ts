/** New tokens for users, whose claims are made of what they have written meanwhile. */
import { quoteLiteral } from '../../shared/quote.ts';
import { qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import type { Model } from '../catalog/model.ts';
import { appMetadata, tokenSources } from '../catalog/token-sources.ts';
import { authUsers, userMetadata } from '../catalog/user-metadata.ts';
import { actingUser } from '../fixtures/belongings.ts';
import type { NamedProbe } from './probes.ts';

/** How many functions that make claims are tried: one is in use. */
const mostHooks = 2;

/**
 * Probes that give the acting user another token, as Supabase Auth would make it now: with its metadata, and with what each hook makes
 * of that. Nobody runs them but in a chain, after a write.
 */
export function renewalProbes(model: Model): NamedProbe[] {
  const { users } = model.tenancy;
  const { hooks, readers } = tokenSources(model);
  if (users === undefined || qualifiedName(users) !== authUsers || readers.size === 0) return [];
  const known = `${quoteLiteral(tokenSetting)}, true)::jsonb`;
  const metadata = (key: string, column: string): string =>
    `${quoteLiteral(key)}, coalesce(token.claims -> ${quoteLiteral(key)}, '{}') || coalesce(one.${column}, '{}')`;
  const claims =
    `token.claims || jsonb_build_object(${metadata('app_metadata', appMetadata)}, ` +
    `${metadata('user_metadata', userMetadata)})`;
  const event = `jsonb_build_object('user_id', '${actingUser}', 'authentication_method', 'password', 'claims', ${claims})`;
  const made = [
    ...hooks.slice(0, mostHooks).map((hook) => ({
      subject: qualifiedName(hook),
      sql: `coalesce(${relation(hook)}(${event}) -> 'claims', ${claims})`,
    })),
    ...(hooks.length === 0 ? [{ subject: authUsers, sql: claims }] : []),
  ];
  return made.map(({ subject, sql }) => ({
    subject,
    verb: 'renew-token',
    mode: 'write',
    state: '',
    sql: 'select 1',
    byHand: `select ${quoteLiteral('sign out and in again')}`,
    prepare:
      `select set_config(${quoteLiteral(tokenSetting)}, (${sql})::text, true) from ${authUsers} as one, ` +
      `(select current_setting(${known} as claims) as token where one.id = '${actingUser}'`,
    actors: [],
  }));
}
