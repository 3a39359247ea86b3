/** Functions that policies call, in schemas that an API seldom exposes: users who may call them still have no way to. */
import { type FunctionRow, isPlatformSchema } from '../../rules/engine/live/catalog.ts';
import type { Node } from '../../sql/nodes.ts';
import { effectsOf } from './effects.ts';
import type { Model } from './model.ts';

const known = new WeakMap<Model, ReadonlySet<FunctionRow>>();

/** Returns whether policies call the function for one value, and every API exposes another schema than its own. Cached per model. */
export function isHelperApart(routine: FunctionRow, model: Model): boolean {
  if (routine.returnsSet || routine.schema === 'public' || isPlatformSchema(routine.schema)) return false;
  const helpers = known.get(model) ?? findHelpers(model);
  known.set(model, helpers);
  return helpers.has(routine);
}

function findHelpers({ catalog, parse, sources }: Model): ReadonlySet<FunctionRow> {
  const trees = catalog.relations
    .flatMap(({ policies }) => policies.flatMap(({ using, check }) => [using, check]))
    .flatMap((sql) => (sql === null ? [] : [parse(sql) as Node]));
  return new Set(sources.called(effectsOf({ trees })));
}
