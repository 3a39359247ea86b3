/** Changes of access as text for a terminal. */
import type { AccessChange } from '../../rules/engine/fix/access.ts';
import type { AccessReport } from '../../rules/engine/fix/guard.ts';
import { counted } from '../../shared/printable.ts';

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

/** So many of the changes that were left out are listed. */
const listed = 5;

/** The changes of access that a run without consent left out, a line each after the first; undefined if there are none. */
export function withheldText({ withheld }: AccessReport): string | undefined {
  if (withheld.length === 0) return undefined;
  const rules = [...new Set(withheld.map(({ rule }) => rule))].join(', ');
  const more = withheld.length - listed;
  return [
    `--fix left out ${counted(withheld.length, 'change')} of ${rules} that would give more access:`,
    ...withheld.slice(0, listed).map((change) => `  ${accessLine(change)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
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
