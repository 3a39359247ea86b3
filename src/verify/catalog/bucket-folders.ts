/** What the names of the objects in a bucket are made of, and whose an object is by its name. */
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { fields } from '../../rules/engine/live/expression.ts';
import { actingOrganization, actingUser } from '../fixtures/belongings.ts';
import type { Person } from '../fixtures/people.ts';
import { type Rows, valuesOf } from '../fixtures/rows.ts';
import { type FolderKey, folderKeys, wholeNames, keyedFolders, keyedTable } from './folder-keys.ts';
import type { Model } from './model.ts';
import { asksUser, type Folder, foldersOf, mentionsFolders } from './object-paths.ts';
import { policiesFor, type Scope, scopeOf } from './scope.ts';

/** The folders in a name, outermost first, as texts. */
type Texts = readonly string[];

/** How the objects of a bucket are named. */
export interface BucketFolders {
  /** They belong to organizations, not to single users. */
  isOfOrganization: boolean;
  /** The table of the rows after which the folder is named that says whose an object is. */
  parent: RelationRow | undefined;
  /** The folders of a person's own object. */
  of(person: Person): Texts;
  /** Those of a new object in what is a person's, with the ID of who acts where the folder of a user comes beside that. */
  madeIn(person: Person, by: Person): Texts;
  /** The whole name of a person's object, or of one of who acts, where policies ask for that and for no folder. */
  whole: ((owner: Person | 'acting') => string) | undefined;
  /** Those of a new object of who acts; undefined where that depends on the rows of who acts. */
  acting: Texts | undefined;
  /** The whole names of a person's further objects, each where policies look elsewhere for whose it is, and which place that is. */
  others(person: Person, file: string): { place: string; name: string }[];
}

/** Determines the folders of a bucket from its policies, and fills them with the IDs of people and the values of their rows. */
export function bucketFolders(
  table: RelationRow,
  { people, rows }: { people: readonly Person[]; rows: Rows },
  model: Model,
): BucketFolders {
  const isMember = model.policyFacts(table).some(({ membership }) => membership);
  const usual = isMember ? 'organization' : 'user';
  const isKnown = (key: FolderKey): boolean =>
    people.slice(0, 2).every((person) => heldIn(key, person, rows) !== undefined);
  const folders = foldersOf(table.policies, usual, model).map((folder): Folder =>
    'key' in folder && !isKnown(folder.key) ? { of: usual } : folder,
  );
  const keys = folderKeys(table.policies, model);
  const deciding = decidingFolders(table, model);
  const [main] = folders.flatMap((folder, index) => ('key' in folder && deciding.has(index + 1) ? [folder.key] : []));
  const parent = main === undefined ? undefined : keyedTable(main, model);
  const has = (kind: 'user' | 'organization'): boolean =>
    folders.some((folder) => 'of' in folder && folder.of === kind);
  const isBeside = has('user') && (has('organization') || parent !== undefined);
  const fill = (ids: Record<'user' | 'organization', string>, keys: Person, others: Person): Texts =>
    folders.map((folder, index) => {
      if ('name' in folder) return folder.name;
      if ('of' in folder) return ids[folder.of];
      return heldIn(folder.key, deciding.has(index + 1) ? keys : others, rows)!;
    });
  return {
    isOfOrganization: isMember || (parent !== undefined && scopeOf(parent, model).owner === 'organization'),
    parent,
    whole: wholeName(table, model),
    of: (person) => fill(person, person, person),
    madeIn: (person, by) => fill({ ...person, ...(isBeside ? { user: actingUser } : {}) }, person, by),
    acting: folders.some((folder) => 'key' in folder)
      ? undefined
      : fill({ user: actingUser, organization: actingOrganization }, people[0]!, people[0]!),
    others: (person, file) =>
      [...keys].flatMap(([place, all]) =>
        all.flatMap((key) => {
          const name = `${key.table.schema}.${key.table.name}.${key.column}`;
          const text = heldIn(key, person, rows);
          const usualFolder = fill(person, person, person)[place - 1];
          if (text === undefined || text === usualFolder) return [];
          if (place === 0) return [{ place: `it is named in ${name}`, name: text }];
          const texts = fill(person, person, person).map((folder, index) => (index === place - 1 ? text : folder));
          return [{ place: `its folder is named after ${name}`, name: `${texts.join('/')}/${file}` }];
        }),
      ),
  };
}

/** The whole name of what is who asks's alone, where the policies compare it with one that is put together, and ask for no folder. */
function wholeName({ policies }: RelationRow, model: Model): BucketFolders['whole'] {
  const pieces = wholeNames(policies, model).find((all) => all.some((piece) => 'of' in piece));
  if (pieces === undefined || mentionsFolders(policies, model) || pieces.some((piece) => 'key' in piece))
    return undefined;
  return (owner) =>
    pieces.map((piece) => ('text' in piece ? piece.text : owner === 'acting' ? actingUser : owner.user)).join('');
}

/** What everyone may read, or nobody owns: who may see the row may see what is in its folder. */
export function isOpenFolder(scope: Scope): boolean {
  return scope.kind === 'public-read' || (scope.owner === undefined && !scope.isJoined);
}

/**
 * The numbers of the folders that say whose an object is: those that are compared with columns in a way to read it that does not ask for
 * the folder of who asks; of a bucket that no policy lets users read, in a way to write there.
 */
function decidingFolders(table: RelationRow, model: Model): ReadonlySet<number> {
  const reading = policiesFor(table, 'S', model);
  const found = new Set<number>();
  for (const { using, check } of reading.length > 0 ? reading : table.policies)
    for (const sql of reading.length > 0 ? [using] : [using, check])
      for (const way of waysIn(sql === null ? undefined : model.parse(sql)))
        if (!asksUser(way, model)) for (const place of keyedFolders(way, model)) found.add(place);
  return found;
}

/** How many ways are looked at. */
const mostWays = 64;

/** The ways in which a condition is met: the parts that are asked together in each. */
function waysIn(tree: unknown): unknown[][] {
  const bool = fields(tree, 'BoolExpr');
  const args = (bool?.['args'] ?? []) as unknown[];
  if (bool?.['boolop'] === 'OR_EXPR') return args.flatMap(waysIn).slice(0, mostWays);
  if (bool?.['boolop'] !== 'AND_EXPR') return [[tree]];
  return args.reduce<unknown[][]>(
    (ways, arg) =>
      waysIn(arg)
        .flatMap((more) => ways.map((way) => [...way, ...more]))
        .slice(0, mostWays),
    [[]],
  );
}

/** The text that a person's row holds in a column; undefined where that is not known before the row is there. */
function heldIn({ table, column }: FolderKey, { key }: Person, rows: Rows): string | undefined {
  const row = rows.get(`${table.schema}.${table.name}`)?.find(({ label }) => label === key);
  const value = row === undefined ? undefined : valuesOf(row, rows).get(column);
  return /^'([^']+)'$/.exec(value ?? '')?.[1];
}
