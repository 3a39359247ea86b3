/** The expressions of a policy that count for a verb. */
import type { PolicyRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, fields, isAlwaysTrue, nameParts } from '../../rules/engine/live/expression.ts';

/** A verb of a table: Select, Insert, Update, Delete. */
export type Letter = keyof typeof commands;

/** The command of a policy for each verb, as in `pg_policy`. */
export const commands = { S: 'r', I: 'a', U: 'w', D: 'd' } as const;

/** What a policy asks for a verb: of an update, the row before it and after it. */
export function expressionsFor({ using, check }: PolicyRow, letter: Letter): string[] {
  const asked = letter === 'I' ? [check ?? using] : letter === 'U' ? [using, check] : [using];
  return asked.filter((sql) => sql !== null);
}

/** A policy that says `false` means that nobody may. */
export function isNever(policy: PolicyRow, letter: Letter): boolean {
  return expressionsFor(policy, letter).includes('false');
}

/** Says whether an expression is false for every row. */
export function isAlwaysFalse(node: unknown): boolean {
  const constant = constantOf(node);
  if (constant !== undefined) return constant === 'false' || constant === 'f';
  const bool = fields(node, 'BoolExpr');
  if (bool === undefined) return false;
  const args = bool['args'] as unknown[];
  if (bool['boolop'] === 'NOT_EXPR') return isAlwaysTrue(args[0]);
  return bool['boolop'] === 'AND_EXPR' ? args.some(isAlwaysFalse) : args.every(isAlwaysFalse);
}

/** What a query gives one by one or as a list: without `coalesce` and `array_agg`. */
export function gathered(node: unknown): unknown {
  const inner = stripped(node);
  const [first] = (fields(inner, 'CoalesceExpr')?.['args'] ?? []) as unknown[];
  if (first !== undefined) return gathered(first);
  const call = fields(inner, 'FuncCall');
  const args = (call?.['args'] ?? []) as unknown[];
  return call !== undefined && nameParts(call['funcname']).at(-1) === 'array_agg' ? gathered(args[0]) : inner;
}

/** Without casts. */
export function stripped(node: unknown): unknown {
  const cast = fields(node, 'TypeCast');
  return cast === undefined ? node : stripped(cast['arg']);
}
