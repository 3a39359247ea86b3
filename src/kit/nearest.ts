/** The names most like a given one. */

/** Edit distance by Levenshtein; small strings only. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** At most `count` of the names, the most like `wanted` first. */
export function nearest(wanted: string, names: readonly string[], count: number): string[] {
  const short = wanted.slice(0, 100);
  return names
    .map((name) => ({ name, far: distance(short.toLowerCase(), name.slice(0, 100).toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ name }) => name);
}
