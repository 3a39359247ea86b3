/** Which paths of writes end alike. */
import type { Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';

/**
 * The paths without those that lead to what others lead to: a row that is added with some value, and changed then, is the row that is added
 * without it, given the value, and changed.
 */
export function withoutSameEnds(paths: readonly Path[], probes: readonly NamedProbe[]): Path[] {
  const groups = new Map<string, Path[]>();
  for (const path of paths) {
    const key = keyOf(path, probes);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  const left = new Set([...groups.values()].flatMap((group) => sameEnds(group, probes)));
  return paths.filter((path) => !left.has(path));
}

/** The same for paths that differ only in the values that the last two writes set; undefined for any other. */
function keyOf({ actor, probes: numbers }: Path, probes: readonly NamedProbe[]): string | undefined {
  const [added, changed] = numbers.slice(-2).map((number) => probes[number]!);
  return added?.variant === undefined || changed?.variant === undefined || added.subject !== changed.subject
    ? undefined
    : [actor, ...numbers.slice(0, -2), added.verb, added.subject, added.variant.of, changed.verb].join(' ');
}

function sameEnds(group: readonly Path[], probes: readonly NamedProbe[]): Path[] {
  const setBy = (number: number): readonly string[] => probes[number]!.variant!.sets.map((one) => one.join(' '));
  const addedBy = (path: Path): number => path.probes.at(-2)!;
  const changedBy = (path: Path): number => path.probes.at(-1)!;
  const least = Math.min(...group.map((path) => setBy(addedBy(path)).length));
  const simplest = addedBy(group.find((path) => setBy(addedBy(path)).length === least)!);
  const changes = new Set(group.filter((path) => addedBy(path) === simplest).map(changedBy));
  const possible = new Set([...changes].flatMap((number) => (setBy(number).length === 1 ? setBy(number) : [])));
  return group.filter(
    (path) =>
      addedBy(path) !== simplest &&
      changes.has(changedBy(path)) &&
      setBy(addedBy(path)).every((one) => possible.has(one)),
  );
}
