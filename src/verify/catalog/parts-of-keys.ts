/** Triggers that make something of a part of a key, such as the name of a new user. */
import { type Node, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { calledBodies } from './called-bodies.ts';
import type { Model } from './model.ts';

/** PostgreSQL's functions that give a part of a text. */
const cutters: ReadonlySet<string> = new Set(['left', 'substring', 'substr', 'split_part']);

/**
 * Returns whether a trigger cuts something out of a text, as in `'user_' || left(new.id::text, 8)`, which a unique key may then want to
 * differ from that of every other row. Not where a policy does so as well: that asks whether two keys start alike.
 */
export function cutsKeys(model: Model): boolean {
  const { catalog, sources, parse } = model;
  const triggered = new Set(catalog.relations.flatMap(({ triggers }) => triggers.map((trigger) => trigger.function)));
  const routines = catalog.functions.filter(({ oid }) => triggered.has(oid));
  if (!routines.some((routine) => cuts(sources.body(routine).trees))) return false;
  const conditions = catalog.relations
    .flatMap(({ policies }) => policies.flatMap(({ using, check }) => [using, check]))
    .flatMap((sql) => (sql === null ? [] : [parse(sql)]));
  return !cuts([...conditions, ...calledBodies(conditions, model)]);
}

function cuts(trees: readonly unknown[]): boolean {
  let found = false;
  walk(trees, (type, node: Node) => {
    found ||= type === 'FuncCall' && cutters.has(nameParts(node['funcname']).at(-1) ?? '');
    return !found;
  });
  return found;
}
