import type { Decision } from '../rules/repair/plan.ts';
import type { Output } from './output.ts';
import { wrap } from '../shared/wrap.ts';

/** Each change of who may do what, before → after, in the columns that there are. */
export function formatDecisions(decisions: readonly Decision[], { paint, width }: Output): string[] {
  const indented = (text: string): string[] => wrap(text, width - 4).map((line) => `    ${line}`);
  return [
    paint('bold', 'Who may do what changes:'),
    ...decisions.flatMap(({ file, object, before, after, reason }) => [
      ...wrap(object, width - 2).map((line) => `  ${line}`),
      ...indented(`${before} → ${after}`),
      ...indented(`because ${reason} (${file})`).map((line) => paint('gray', line)),
    ]),
  ];
}
