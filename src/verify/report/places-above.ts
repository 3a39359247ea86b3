/** What who owns a row reads of the rows above it in a tree: the files do not say whether that is meant. */
import type { Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/** One for each table, view or function that gives it. */
export function placesAbove({ above, actors, model }: Proof): Gap[] {
  const named = new Map(above.toReversed().map((one) => [one.object, one]));
  return [...named.values()].map(({ tree, columns, object, actor }) => ({
    object,
    reason:
      `where a row of ${tree.name} lies below that of another (${columns.join(', ')}), ${actors[actor]!.name} reads what ` +
      `${object === tree.name ? 'lies' : 'belongs to the row'} above it, and the files do not say whether that is meant`,
    suggestion:
      `Let what ${model.userRole} may read be looked for from the user's own rows downward: a row's own place, and the places above ` +
      'it, say who reads it. Or, if those below may read what is above, write: -- muse: ignore not-proven because <reason>',
  }));
}
