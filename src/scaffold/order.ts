import { MuseError } from '../shared/error.ts';

/**
 * Tables so ordered that each comes behind those it points at; otherwise as given.
 * @param items a table each, with the names of those it points at, itself aside
 * @throws MuseError `bad-table` naming the circle
 */
export function inOrder<T extends { name: string; needs: readonly string[] }>(items: readonly T[]): T[] {
  const byName = new Map(items.map((item) => [item.name, item]));
  const ordered: T[] = [];
  const done = new Set<string>();
  const visit = (item: T, path: readonly string[]): void => {
    if (done.has(item.name)) return;
    if (path.includes(item.name)) throw circle([...path.slice(path.indexOf(item.name)), item.name]);
    for (const name of item.needs) {
      const needed = byName.get(name);
      if (needed !== undefined && name !== item.name) visit(needed, [...path, item.name]);
    }
    done.add(item.name);
    ordered.push(item);
  };
  for (const item of items) visit(item, []);
  return ordered;
}

function circle(names: string[]): MuseError {
  return new MuseError({
    code: 'bad-table',
    message: `Tables point at each other in a circle: ${names.join(' -> ')}.`,
    suggestion: 'Leave one of the references out, or put it into a table of its own that points at both.',
  });
}
