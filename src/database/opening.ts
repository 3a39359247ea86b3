import { quoteLiteral } from '../shared/quote.ts';
import type { Opening, WireStatement } from './wire.ts';

/**
 * What starts a transaction, for a connection that takes several statements in one message. PostgreSQL runs such a
 * message as a transaction of its own, so one that is whole needs no BEGIN.
 */
export function openingStatements({ readOnly = false, settings = {}, whole }: Opening): WireStatement[] {
  const begin = { sql: `BEGIN${readOnly ? ' READ ONLY' : ''}`, parameters: [] };
  const all = whole && readOnly ? { transaction_read_only: 'on', ...settings } : settings;
  return [...(whole ? [] : [begin]), ...settingStatements(all)];
}

/** The same as a script. */
export function openingScript({ readOnly = false, settings = {} }: Opening): string {
  const calls = Object.entries(settings).map(([name, value]) => setConfig(quoteLiteral(name), quoteLiteral(value)));
  return `BEGIN${readOnly ? ' READ ONLY' : ''}${calls.length === 0 ? '' : `; SELECT ${calls.join(', ')}`}`;
}

/** The text is the same for as many settings, so that it can be prepared. Only their number comes back. */
function settingStatements(settings: Readonly<Record<string, string>>): WireStatement[] {
  const parameters = Object.entries(settings).flat();
  if (parameters.length === 0) return [];
  const calls = Object.keys(settings).map((_, nr) => setConfig(`$${2 * nr + 1}`, `$${2 * nr + 2}`));
  return [{ sql: `SELECT pg_catalog.num_nonnulls(${calls.join(', ')})`, parameters }];
}

const setConfig = (name: string, value: string): string => `pg_catalog.set_config(${name}, ${value}, true)`;
