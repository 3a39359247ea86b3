/** Changes of access as text for a terminal. */
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { AccessReport } from '../../rules/engine/fix/guard.ts';

/** One line: `anon may SELECT public.notes: nothing → rows with published`. */
function accessLine({ actor, verb, table, before, after }: AccessChange): string {
  return `${actor === 'public' ? 'everyone' : actor} ${verb.toUpperCase()} ${table}: ${before} → ${after}`;
}

/** The question whether a repair may widen access to one table; the last line is the question itself. */
export function wideningQuestion(changes: readonly AccessChange[]): string {
  const [{ rule, table, file } = { rule: '', table: '', file: '' }] = changes;
  return [
    `The repair of ${rule} in ${file} would give more access to ${table}:`,
    ...changes.map((change) => `  ${accessLine(change)}`),
    `Give this access to ${table}?`,
  ].join('\n');
}

/** Notes on the changes of access, a sentence each. @param how how to make the repairs that were left out */
export function accessNotes({ widened, narrowed, withheld }: AccessReport, how: string): string[] {
  const consequences = [
    ...new Set(narrowed.map(({ consequence = '', rule, file }) => `${consequence} (${rule}, ${file}).`)),
  ];
  return [
    ...(widened.length === 0 ? [] : [`With your consent: ${widened.map(accessLine).join('; ')}.`]),
    ...consequences.map((sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1)),
    ...(withheld.length === 0
      ? []
      : [
          'Left out, because it would widen access: ' +
            `${withheld.map((change) => `${accessLine(change)} (${change.rule})`).join('; ')}. ${how}`,
        ]),
  ];
}
