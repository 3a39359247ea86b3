import type { Finding } from '../../shared/finding.ts';

/**
 * The findings of several sources, without repetitions between them: findings of the same rule at the same line,
 * or, where a database knows no line, of the same rule about the same object. Within one source nothing is dropped.
 */
export function mergeFindings(sources: readonly (readonly Finding[])[]): Finding[] {
  const merged: Finding[] = [];
  for (const source of sources) {
    const places = new Set(merged.map(placeOf));
    const objects = new Set(merged.map(objectOf));
    merged.push(
      ...source.filter(
        (finding) => !places.has(placeOf(finding)) && (finding.file !== undefined || !objects.has(objectOf(finding))),
      ),
    );
  }
  return merged;
}

const placeOf = ({ rule, file, line, object }: Finding): string =>
  file === undefined ? `${rule} ${object}` : `${rule} ${file}:${line ?? ''}`;
const objectOf = ({ rule, object }: Finding): string => `${rule} ${object}`;
