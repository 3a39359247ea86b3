import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { signatureOf } from './functions.ts';
import type { Model } from './model.ts';

/** Tells whether an object is to be proven, by its name in the report. */
export type IsWanted = (name: string) => boolean;

/**
 * The objects to prove after a change: what changed, what depends on it, and what may open it by a write.
 * @param changed names as in the report, a function's also without its argument types; undefined for everything
 */
export function wantedAfter(
  changed: readonly string[] | undefined,
  { catalog, dependencies, tables }: Model,
): IsWanted {
  if (changed === undefined) return () => true;
  // Nor does a function that cannot be read depend on nothing.
  if (changed.length === 0) return () => false;
  const names = new Set(changed);
  const routines = catalog.functions.filter(
    (routine) => names.has(qualifiedName(routine)) || names.has(signatureOf(routine)),
  );
  const affected = dependencies.affectedBy(
    [...names].filter((name) => tables.has(name)),
    routines,
  );
  const wanted = new Set([...names, ...affected.relations, ...[...affected.routines].map(signatureOf)]);
  // A bucket changes with its objects' policies, and with the row that makes it.
  const hasBuckets = wanted.has('storage.objects') || wanted.has('storage.buckets');
  return (name) => wanted.has(name) || (hasBuckets && name.startsWith('storage.objects['));
}
