import { isReserved } from './reserved.ts';

/** A name as SQL: quoted where it must be. */
export function ident(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !isReserved(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A `schema.name` as SQL. */
export function qualified(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? ident(name) : `${ident(name.slice(0, dot))}.${ident(name.slice(dot + 1))}`;
}

/** `policy "x" on schema.table`, as findings name it. */
export function policyObject(policy: { name: string; table: string }): string {
  return `policy "${policy.name}" on ${policy.table}`;
}
