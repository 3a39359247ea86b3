/** How long a function waits. */
import { fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { RoutineBody } from './bodies.ts';

/** How long a pause may be that one waits for, in seconds. */
const longestPause = 0.2;

/** Says whether one of the bodies waits for longer than is worth it. */
export function waits(bodies: readonly RoutineBody[]): boolean {
  let isLong = false;
  walk(
    bodies.flatMap(({ trees }) => trees),
    (type, fields) => {
      if (type !== 'FuncCall') return;
      const name = stringsOf(fields.funcname).at(-1) ?? '';
      isLong ||= name === 'pg_sleep_for' || name === 'pg_sleep_until';
      if (name === 'pg_sleep') isLong ||= !(secondsOf(fields.args?.[0]) <= longestPause);
    },
  );
  return isLong;
}

/** The number that a constant is; NaN for anything else. */
function secondsOf(node: Node | undefined): number {
  const constant = fieldsOf(node, 'A_Const');
  return Number(constant?.fval?.fval ?? (constant?.ival === undefined ? Number.NaN : (constant.ival.ival ?? 0)));
}
