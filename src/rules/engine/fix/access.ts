/** Who can do what according to a shadow database or the files, and how a repair changes that. */
import type { Catalog, Policy, Table } from '../../../sql/catalog/model.ts';
import { commandsOf, isAlwaysTrue } from '../policies.ts';

export type AccessVerb = 'select' | 'insert' | 'update' | 'delete' | 'truncate' | 'execute';

/** What one actor can do with one table or function. An actor without an entry can do nothing. */
export interface AccessCell {
  /** A role, or `public`. */
  actor: string;
  verb: AccessVerb;
  /** `schema.name`; for a function with its argument types. */
  object: string;
  /** Every row, or only the rows that policies allow. */
  reach: 'rows' | 'all';
  /** The columns, if not all of them. */
  columns?: readonly string[];
  /** The conditions of the policies, one each; empty if unknown. */
  conditions: readonly string[];
}

/** Who can do what in a database. */
export interface Access {
  cells: readonly AccessCell[];
  /** Every table, view and function that exists, whether or not anyone can reach it. */
  objects: ReadonlySet<string>;
}

/** Asked after each file of a run, with how many of its statements failed; false ends the run there. */
export type GoesOn = (file: string, failed: number) => boolean;

/** The result of running files on a shadow database. */
export interface Measured {
  access: Access;
  /** How many statements of each file failed. */
  failed: ReadonlyMap<string, number>;
  /** Tables that failed statements are about: the files and the database differ on those. */
  doubtful: ReadonlySet<string>;
}

/** A change of what one actor can do with one table. */
export interface AccessChange {
  actor: string;
  verb: AccessVerb;
  table: string;
  /** In words: `nothing`, `every row`, `rows with user_id = auth.uid()`. */
  before: string;
  after: string;
  file: string;
  /** The rule whose repair makes the change. */
  rule: string;
  /** For a narrowing: what no longer works, as a sentence without its period. */
  consequence?: string;
}

/** A change whose rule and reason are not known yet. */
export type BareChange = Omit<AccessChange, 'file' | 'rule'>;

const keyOf = ({ actor, verb, object }: Pick<AccessCell, 'actor' | 'verb' | 'object'>): string =>
  `${actor}\0${verb}\0${object}`;
const rankOf = (cell: AccessCell | undefined): number => (cell === undefined ? 0 : cell.reach === 'rows' ? 1 : 2);
const within = (few: readonly string[], many: readonly string[]): boolean => few.every((each) => many.includes(each));

function describe(cell: AccessCell | undefined): string {
  if (cell === undefined) return 'nothing';
  if (cell.verb === 'execute') return 'may call it';
  const rows =
    cell.reach === 'all'
      ? 'every row'
      : cell.conditions.length === 0
        ? 'the rows that its policies give'
        : `rows with ${cell.conditions.join(' or ')}`;
  return cell.columns === undefined ? rows : `${rows}, columns ${cell.columns.join(', ')}`;
}

/** -1 narrower, 1 wider, 0 the same or not comparable. A change that does both counts as wider. */
function compareCells(before: AccessCell | undefined, after: AccessCell | undefined): -1 | 0 | 1 {
  const rank = rankOf(after) - rankOf(before);
  if (before === undefined || after === undefined) return Math.sign(rank) as -1 | 0 | 1;
  const grown = before.columns !== undefined && (after.columns === undefined || !within(after.columns, before.columns));
  const shrunk =
    after.columns !== undefined && (before.columns === undefined || !within(before.columns, after.columns));
  const known = rank === 0 && before.conditions.length > 0 && after.conditions.length > 0;
  const added =
    known && after.conditions.length > before.conditions.length && within(before.conditions, after.conditions);
  const removed =
    known && after.conditions.length < before.conditions.length && within(after.conditions, before.conditions);
  if (rank > 0 || grown || added) return 1;
  return rank < 0 || shrunk || removed ? -1 : 0;
}

const people: Record<string, { none: string; some: string }> = {
  anon: { none: 'no anonymous visitor', some: 'anonymous visitors' },
  authenticated: { none: 'no signed-in user', some: 'signed-in users' },
};

function consequenceOf({ actor, verb, object }: AccessCell, after: AccessCell | undefined): string {
  const { none, some } = people[actor] ?? { none: `no ${actor}`, some: actor };
  const name = object.replace(/^public\./, '');
  if (after === undefined) return `${none} can ${verb} ${name} any more`;
  return `${some} can ${verb} only ${describe(after)} of ${name}`;
}

/**
 * What changed between two measurements. Tables and functions that did not exist before are left out: nothing was
 * closed there.
 * @param stated what the files said about tables before, where the database could not show it
 */
export function compareAccess(
  before: Access,
  after: Access,
  stated: readonly AccessCell[] = [],
): { widened: BareChange[]; narrowed: BareChange[] } {
  const old = new Map(before.cells.map((cell) => [keyOf(cell), cell]));
  for (const cell of stated) if (rankOf(cell) > rankOf(old.get(keyOf(cell)))) old.set(keyOf(cell), cell);
  const known = new Set([...before.objects, ...stated.map(({ object }) => object)]);
  const now = new Map(after.cells.map((cell) => [keyOf(cell), cell]));
  const widened: BareChange[] = [];
  const narrowed: BareChange[] = [];
  for (const key of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(key), now.get(key)];
    const { actor, verb, object } = (was ?? is)!;
    // Access that is gone because its table is gone does not count as a change.
    if (!known.has(object) || !after.objects.has(object)) continue;
    const sign = compareCells(was, is);
    const change: BareChange = { actor, verb, table: object, before: describe(was), after: describe(is) };
    if (sign > 0) widened.push(change);
    if (sign < 0) narrowed.push({ ...change, consequence: consequenceOf(was!, is) });
  }
  return { widened, narrowed };
}

/** What policies are about. */
const rowVerbs = ['select', 'insert', 'update', 'delete'] as const;

/** Access to tables as far as the files tell, for the tables that a shadow database could not show. */
export function statedAccess(catalog: Catalog, isWanted: (table: string) => boolean): AccessCell[] {
  return [...catalog.tables.values()]
    .filter(({ name }) => isWanted(name))
    .flatMap((table) =>
      [...new Set(['public', 'anon', 'authenticated', ...table.grants.keys()])]
        .filter((actor) => actor !== 'service_role')
        .flatMap((actor): AccessCell[] => {
          const holds = (verb: string): boolean =>
            [actor, 'public'].some((role) => table.grants.get(role)?.has(verb) === true);
          const cells = rowVerbs.flatMap((verb): AccessCell[] => {
            const reach = holds(verb) ? statedReach(table, actor, verb) : undefined;
            return reach === undefined ? [] : [{ actor, verb, object: table.name, reach, conditions: [] }];
          });
          return holds('truncate')
            ? [...cells, { actor, verb: 'truncate', object: table.name, reach: 'all', conditions: [] }]
            : cells;
        }),
    );
}

function statedReach(table: Table, actor: string, verb: (typeof rowVerbs)[number]): AccessCell['reach'] | undefined {
  if (table.rls === undefined) return 'all';
  const own = [...table.policies.values()].filter(
    (policy) =>
      policy.permissive &&
      commandsOf(policy).includes(verb) &&
      (policy.roles.length === 0 || policy.roles.includes(actor)),
  );
  if (own.length === 0) return undefined;
  const isOpen = ({ using, check }: Policy): boolean => isAlwaysTrue(verb === 'insert' ? (check ?? using) : using);
  return own.some(isOpen) ? 'all' : 'rows';
}
