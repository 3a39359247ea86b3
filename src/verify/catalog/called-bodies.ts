/** The bodies of functions as they are called: with the constants that they are given. */
import { type FunctionRow, isPlatformSchema } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';

/** How deep calls are followed. */
const deepest = 4;

/**
 * The bodies of the functions that the expressions call, directly or indirectly, with each argument that is a constant in its place:
 * `has_role(auth.uid(), 'admin')` asks for `role = 'admin'`. One for each list of constants.
 */
export function calledBodies(expressions: readonly unknown[], model: Model): unknown[] {
  return callsIn(expressions, model).flatMap(({ trees }) => trees);
}

/** A function as it is called. */
interface CalledBody {
  routine: FunctionRow;
  trees: unknown[];
  /** It is given constants. */
  isGiven: boolean;
}

const known = new WeakMap<Model, readonly CalledBody[]>();

/** The bodies of a function with the constants that policies and views give it. Cached per model. */
export function bodiesGiven(routine: FunctionRow, model: Model): unknown[][] {
  const all = known.get(model) ?? callsIn(expressionsOf(model), model);
  known.set(model, all);
  return all.flatMap((one) => (one.routine === routine && one.isGiven ? [one.trees] : []));
}

/** Those of the policies and the views. */
function expressionsOf({ catalog, parse }: Model): unknown[] {
  return catalog.relations
    .flatMap(({ policies, query }) => [
      ...policies.flatMap(({ using, check }) => [using, check]),
      query === null ? null : `(${query.replace(/;\s*$/, '')})`,
    ])
    .flatMap((sql) => (sql === null ? [] : [parse(sql)]));
}

function callsIn(expressions: readonly unknown[], model: Model): CalledBody[] {
  const found = new Map<string, CalledBody>();
  const follow = (trees: readonly unknown[], depth: number): void => {
    walk(trees, (type, call) => {
      if (type !== 'FuncCall') return;
      const parts = nameParts(call['funcname']);
      const args = (call['args'] as unknown[] | undefined) ?? [];
      const [name, schema] = [parts.at(-1) ?? '', parts.at(-2)];
      for (const routine of model.catalog.functions) {
        if (routine.name !== name || (schema !== undefined && routine.schema !== schema)) continue;
        if (isPlatformSchema(routine.schema) || args.length > routine.arguments.length) continue;
        const given = constantsGiven(args, routine);
        const key = `${routine.oid} ${JSON.stringify([...given].map(([argument, node]) => [argument, constantOf(node)]))}`;
        if (found.has(key)) continue;
        const bodies = model.sources.body(routine).trees.map((tree) => (given.size === 0 ? tree : put(tree, given)));
        found.set(key, { routine, trees: bodies, isGiven: given.size > 0 });
        if (depth < deepest) follow(bodies, depth + 1);
      }
    });
  };
  follow(expressions, 1);
  return [...found.values()];
}

/** The constants that a call gives, by the names of the arguments: by position or by name. */
function constantsGiven(args: readonly unknown[], routine: FunctionRow): Map<string, unknown> {
  const given = new Map<string, unknown>();
  args.forEach((arg, index) => {
    const named = fields(arg, 'NamedArgExpr');
    const value = named === undefined ? arg : named['arg'];
    if (constantOf(value) === undefined) return;
    const at = named === undefined ? index : routine.argumentNames.indexOf(String(named['name']));
    given.set(`$${at + 1}`, value);
    const name = routine.argumentNames[at] ?? '';
    if (name !== '') given.set(name, value);
  });
  return given;
}

/** A copy of a tree with the constants in the place of the arguments. */
function put(node: unknown, given: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((item) => put(item, given));
  if (typeof node !== 'object' || node === null) return node;
  const parameter = fields(node, 'ParamRef');
  const column = fields(node, 'ColumnRef') === undefined ? undefined : columnOf(node);
  const name =
    parameter !== undefined
      ? `$${Number(parameter['number'] ?? 0)}`
      : column?.qualifier === undefined
        ? column?.name
        : undefined;
  if (name !== undefined && given.has(name)) return given.get(name);
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, put(value, given)]));
}
