import { keyOf, type Catalog, type Qualified, type Routine } from './catalog.ts';

/** What is less alike is no suggestion; as in PostgREST. */
const leastAlike = 0.33;

/** The most similar of some names, by their groups of letters, as the library that PostgREST uses finds it. */
function mostSimilar(names: Iterable<string>, wanted: string, most = 1): string | undefined {
  const all = [...new Set(names)].map((name) => ({ name, folded: name.toLowerCase() }));
  const folded = wanted.toLowerCase();
  for (const size of [3, 2]) {
    const grams = gramsOf(folded, size);
    const alike = all
      .filter((candidate) => shared(grams, gramsOf(candidate.folded, size)) > 0)
      .map(({ name, folded: other }) => ({ name, score: similarity(folded, other) }))
      .filter(({ score }) => score >= leastAlike && score <= most)
      .sort((a, b) => b.score - a.score);
    if (alike[0]) return alike[0].name;
  }
  return undefined;
}

function gramsOf(text: string, size: number): Set<string> {
  const padded = `-${text.replace(/[^\p{L}\p{N}, ]+/gu, '')}-`;
  const grams = new Set<string>();
  for (let at = 0; at + size <= padded.length; at += 1) grams.add(padded.slice(at, at + size));
  return grams;
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((gram) => b.has(gram)).length;
}

function similarity(a: string, b: string): number {
  return 1 - editDistance(a, b) / Math.max(a.length, b.length, 1);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** For a table that does not exist. */
export function tableHint(catalog: Catalog, { schema, name }: Qualified): string | undefined {
  const names = [...catalog.tables.values()].filter((table) => table.schema === schema).map((table) => table.name);
  const similar = mostSimilar(names, name);
  return similar === undefined ? undefined : `Perhaps you meant the table '${schema}.${similar}'`;
}

/** For an embed that no relationship fits: the other end's name or, where the table has none at all, the table's. */
export function noRelationshipHint(catalog: Catalog, origin: Qualified, target: string): string | undefined {
  const own = catalog.relationships.get(keyOf(origin));
  if (own !== undefined) {
    // An end of exactly this name is known, so it is the hint that was wrong.
    if (own.some(({ foreign }) => foreign.name === target)) return undefined;
    const similar = mostSimilar(
      own.map(({ foreign }) => foreign.name),
      target,
      0.999,
    );
    return similar === undefined ? undefined : `Perhaps you meant '${similar}' instead of '${target}'.`;
  }
  const parents = [...catalog.relationships.values()]
    .map(([first]) => first?.table)
    .filter((table) => table !== undefined && table.schema === origin.schema)
    .map((table) => table?.name as string);
  const similar = mostSimilar(parents, origin.name);
  return similar === undefined ? undefined : `Perhaps you meant '${similar}' instead of '${origin.name}'.`;
}

/** For a call that no function fits: an overload's parameters or, where there is none of this name, another function. */
export function routineHint(
  catalog: Catalog,
  { schema, name }: Qualified,
  given: readonly string[],
  overloads: readonly Routine[],
): string | undefined {
  if (overloads.length > 0) {
    const lists = overloads.map(({ parameters }) => parameterList(parameters.map((parameter) => parameter.name)));
    const similar = mostSimilar(lists, parameterList(given));
    return similar === undefined ? undefined : `Perhaps you meant to call the function ${schema}.${name}${similar}`;
  }
  const names = [...catalog.routines.values()].map(([first]) => first as Routine);
  const similar = mostSimilar(
    names.filter((routine) => routine.schema === schema).map((routine) => routine.name),
    name,
  );
  return similar === undefined ? undefined : `Perhaps you meant to call the function ${schema}.${similar}`;
}

function parameterList(names: readonly string[]): string {
  return `(${[...names].sort().join(', ')})`;
}
