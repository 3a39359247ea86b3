import type { FunctionRow } from '../../rules/engine/live/catalog.ts';

/**
 * A function that stands for SQL which runs otherwise, as that of a job or a rewrite rule: nobody may call it, and it has no arguments.
 * Its schema is one that no function has.
 */
export function madeRoutine(
  own: Pick<FunctionRow, 'schema' | 'name' | 'returns' | 'definer' | 'language' | 'kind' | 'source' | 'definition'>,
): FunctionRow {
  return {
    oid: own.name,
    arguments: [],
    argumentNames: [],
    inputs: [],
    modes: [],
    variadic: false,
    defaults: 0,
    returnsSet: false,
    volatility: 'v',
    settings: [],
    execute: [],
    ...own,
  };
}
