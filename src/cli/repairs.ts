import type { Decision } from '../rules/engine/fix/fix.ts';
import { wrap } from '../shared/wrap.ts';
import type { Output } from './output.ts';

/** Each change of who may do what, before → after, as wide as the terminal. */
export function formatDecisions(decisions: readonly Decision[], { paint, width }: Output): string[] {
  const indented = (text: string): string[] => wrap(text, width - 4).map((line) => `    ${line}`);
  return [
    paint('bold', 'Changes to access:'),
    ...decisions.flatMap(({ file, object, before, after, reason }) => [
      ...wrap(object, width - 2).map((line) => `  ${line}`),
      ...indented(`${before} → ${after}`),
      ...indented(`because ${reason} (${file})`).map((line) => paint('gray', line)),
    ]),
  ];
}
