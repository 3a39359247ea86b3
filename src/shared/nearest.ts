/**
 * The known word nearest to what was typed, or undefined if none is near enough: at most a third
 * of the letters wrong, with a swap of neighbors counted as one. Of two as near, the one that begins and ends more alike:
 * `timestampz` is a `timestamptz` without its t rather than a `timestamp` with a z.
 */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  const word = typed.toLowerCase();
  let best: { word: string; distance: number; alike: number } | undefined;
  const usual = Math.floor(word.length / 3);
  for (const candidate of known) {
    // One letter of two is half of the word: only its case may differ, or its last letter be missing.
    const most = word.length === 2 && candidate.toLowerCase().startsWith(word) ? 1 : usual;
    const limit = Math.min(most, best?.distance ?? most);
    // Most names are too short or too long to be near: no need to look at their letters.
    const longer = candidate.length - word.length;
    if (longer < -limit || (longer > limit && candidate.slice(0, word.length).toLowerCase() !== word)) continue;
    const other = candidate.toLowerCase();
    const distance = other.startsWith(word) && word.length >= 3 ? 1 : editDistance(word, other, limit);
    if (distance > limit) continue;
    const alike = commonEnds(word, other);
    if (best === undefined || distance < best.distance || alike > best.alike)
      best = { word: candidate, distance, alike };
  }
  return best?.word;
}

/** Says whether one word is another with a single mistake: a letter too many, too few, wrong, two swapped, or only in case. */
export function isOneMistake(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) return false;
  return editDistance(one.toLowerCase(), other.toLowerCase(), 1) <= 1;
}

/** How many letters two words begin and end with alike. */
function commonEnds(one: string, other: string): number {
  const least = Math.min(one.length, other.length);
  let first = 0;
  while (first < least && one[first] === other[first]) first += 1;
  let last = 0;
  while (last < least - first && one.at(-1 - last) === other.at(-1 - last)) last += 1;
  return first + last;
}

/** At most `count` of the names, the most like `wanted` first, however far they are from it. */
export function closest(wanted: string, names: readonly string[], count: number): string[] {
  // Branch names can be long, and a typo is rarely in the hundredth letter only.
  const word = wanted.slice(0, 100).toLowerCase();
  return names
    .map((name) => ({ name, far: editDistance(word, name.slice(0, 100).toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ name }) => name);
}

/**
 * Optimal string alignment distance: insert, delete, replace, swap of two neighbors.
 * @param limit a larger distance need not be exact: any number above it is returned
 */
function editDistance(one: string, other: string, limit = Infinity): number {
  // What both begin and end with costs nothing.
  const least = Math.min(one.length, other.length);
  let start = 0;
  while (start < least && one.charCodeAt(start) === other.charCodeAt(start)) start += 1;
  let end = 0;
  while (end < least - start && one.charCodeAt(one.length - 1 - end) === other.charCodeAt(other.length - 1 - end))
    end += 1;
  const [a, b] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const apart = Math.abs(a.length - b.length);
  if (apart > limit || a.length === 0 || b.length === 0) return apart;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const letter = a.charCodeAt(i - 1);
    const row = [i];
    let fewest = i;
    let left = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = letter === b.charCodeAt(j - 1) ? 0 : 1;
      let best = Math.min(last[j]! + 1, left + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && letter === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1))
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
      left = best;
      if (best < fewest) fewest = best;
    }
    // Later rows have no smaller numbers, but for a swap, which goes back by two.
    if (fewest > limit + 1) return fewest;
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
