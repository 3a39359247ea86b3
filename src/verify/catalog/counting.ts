/** How long a function may take for values that are far away. */
import { literalOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Sources } from './effects.ts';

/** How far from today the dates and numbers may be that a function is called with. */
export type Reach = 'far' | 'years' | 'days';

/** Names of units of time of which a year has too many. */
const shortUnits = /sec|min|^\d+:|^pt|(^|\s)[ms]s?$/i;

/**
 * How far from today the values may be that a function, with what it calls, is given: `far` where it takes about as long for any of them,
 * `years` where it counts from one value to another (by `generate_series`, a loop, a recursive query, or a call of itself), `days`
 * where it does so in steps of minutes or less.
 */
export function reachOf(routine: FunctionRow, sources: Sources): Reach {
  const reached = sources.reached(routine);
  let counts = reached.some((one) => {
    const { calls } = sources.effects(one);
    return (
      sources.body(one).hasLoop || calls.some(({ name }) => name === 'generate_series') || callsItself(one, sources)
    );
  });
  let isShort = false;
  walk(
    reached.flatMap((one) => sources.body(one).trees),
    (type, fields) => {
      if (type === 'WithClause') counts ||= fields.recursive === true;
      if (type === 'TypeCast' && stringsOf(fields.typeName?.names).at(-1) === 'interval')
        isShort ||= isShortStep(fields.arg);
      if (type === 'NamedArgExpr') isShort ||= /^(secs|mins)$/.test(fields.name ?? '');
      if (type === 'FuncCall' && stringsOf(fields.funcname).at(-1) === 'generate_series')
        isShort ||= (fields.args ?? []).some(isShortStep);
    },
  );
  if (!counts) return 'far';
  return isShort ? 'days' : 'years';
}

function isShortStep(node: unknown): boolean {
  return shortUnits.test(literalOf(node) ?? '');
}

function callsItself(routine: FunctionRow, sources: Sources): boolean {
  return sources.called(sources.effects(routine), routine).some((one) => sources.reached(one).includes(routine));
}
