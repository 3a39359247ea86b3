/** Whether one version of this tool is newer than another, e.g. `1.10.0` than `1.9.3`. A prerelease comes before its release. */
export function isNewer(version: string, than: string): boolean {
  const [one, other] = [partsOf(version), partsOf(than)];
  for (const index of [0, 1, 2] as const) {
    const difference = one.numbers[index]! - other.numbers[index]!;
    if (difference !== 0) return difference > 0;
  }
  if (one.prerelease === other.prerelease) return false;
  if (one.prerelease === '') return true;
  if (other.prerelease === '') return false;
  return one.prerelease.localeCompare(other.prerelease, 'en', { numeric: true }) > 0;
}

function partsOf(version: string): { numbers: [number, number, number]; prerelease: string } {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-([^+]*))?/.exec(version);
  return {
    numbers: [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)],
    prerelease: match?.[4] ?? '',
  };
}
