import { parseSql } from '../../../sql/split.ts';

const breakpoint = '--> statement-breakpoint';

/**
 * Adds a breakpoint between statements that a repair has put next to each other in a Drizzle migration: Drizzle's
 * migrator sends everything between two breakpoints as one query. Where the file itself had none, none is added.
 * @param before the text that `after` was made from
 */
export function withBreakpoints(before: string, after: string): string {
  const pairs = new Set(gaps(before).map(({ pair }) => pair));
  let text = after;
  for (const { pair, end, hasBreakpoint } of gaps(after).toReversed()) {
    if (!hasBreakpoint && !pairs.has(pair)) text = `${text.slice(0, end)}\n${breakpoint}${text.slice(end)}`;
  }
  return text;
}

/**
 * Each gap between two statements: the two, where the first one ends after its semicolon, and whether there is a
 * breakpoint.
 */
function gaps(sql: string): { pair: string; end: number; hasBreakpoint: boolean }[] {
  const { statements } = parseSql(sql);
  return statements.slice(1).map((next, index) => {
    const last = statements[index]!;
    const between = sql.slice(last.end, next.start);
    const semicolon = /^\s*;/.exec(between)?.[0].length ?? 0;
    return { pair: `${last.sql}\0${next.sql}`, end: last.end + semicolon, hasBreakpoint: between.includes(breakpoint) };
  });
}
