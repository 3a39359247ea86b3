/**
 * The findings for names that PostgreSQL does not find: whether a file creates the object, and why it does not exist
 * yet.
 */
import type { DatabaseError } from '../database/database.ts';
import type { Finding, Severity } from '../shared/finding.ts';
import { asWritten, knownTypes } from '../rules/engine/near-names.ts';
import { askFirst, toolsOf } from '../rules/engine/own-tables.ts';
import { isOneMistake, nearest } from '../shared/nearest.ts';
import type { RuleName } from '../rules/registry.ts';
import { bodyPieces } from '../sql/bodies.ts';
import { createdByTree, keyOf, type Kind } from '../sql/created.ts';
import { namesIn } from '../sql/message-names.ts';
import { tableOf } from '../sql/names.ts';
import { allOf, fieldsOf, type Node } from '../sql/nodes.ts';
import { pieceOf, treeOf } from '../sql/piece.ts';
import type { Statement } from '../sql/statement.ts';
import { causeAt, isBefore, placeName, type Place, type ParsedFiles } from './parsed-files.ts';

/** PostgreSQL's own types, as {@link keyOf} names what files create. */
const builtinKeys = knownTypes.map((name) => keyOf('type', [name]));

/** A rule with its message and suggestion. */
export interface Verdict {
  rule: RuleName;
  message: string;
  suggestion: string;
  object?: string;
  /** Where it differs from the rule's own. */
  severity?: Severity;
  /** The statement that it follows from. */
  cause?: Finding['cause'];
}

/** By SQLSTATE: what is missing, and how the message begins (the same codes have other messages too). */
const kinds: Record<string, readonly [kind: Kind, begins: RegExp][]> = {
  '42P01': [['relation', /^(?:relation|table|view) /]],
  '42703': [['column', /^column /]],
  '42883': [
    ['function', /^(?:function|procedure|aggregate) /],
    ['function', /^could not find an? (?:function|procedure|aggregate|routine) named /],
  ],
  '42704': [
    ['type', /^type /],
    ['role', /^role /],
    ['wrapper', /^foreign-data wrapper /],
    ['server', /^server /],
    ['relation', /^index /],
  ],
  '3F000': [['schema', /^schema /]],
};

/** What a kind is called, where people know it by another name. */
const called: Partial<Record<Kind, string>> = { relation: 'table or view', wrapper: 'foreign-data wrapper' };

/** The missing object: its kind, its name, and the key under which a file may create it. Undefined for other errors. */
function lacking(error: DatabaseError, place: Place): { kind: Kind; name: string; key: string } | undefined {
  const [kind] = kinds[error.code]?.find(([, begins]) => begins.test(error.message)) ?? [];
  const [first, second] = namesIn(error.message);
  if (kind === undefined || first === undefined) return undefined;
  if (kind !== 'column') return { kind, name: first.join('.'), key: keyOf(kind, first) };
  const table =
    second ?? (place.statement.tree === undefined ? undefined : tableOf(place.statement.tree)?.split('.')) ?? [];
  const column = first.at(-1)!;
  return {
    kind,
    name: [...table, column].join('.').replace(/^public\./, ''),
    key: keyOf('column', [...table, column].slice(-3)),
  };
}

/**
 * The verdict on an error that says something does not exist; undefined for other errors.
 * @param failed the places that failed before this one
 */
export function missingVerdict(
  error: DatabaseError,
  place: Place,
  parsedFiles: ParsedFiles,
  failed: readonly Place[],
): Verdict | undefined {
  const lack = lacking(error, place);
  if (lack === undefined) return undefined;
  const { name, key } = lack;
  const isIndex = error.message.startsWith('index ');
  const what = isIndex ? 'index' : (called[lack.kind] ?? lack.kind);
  // A table brings a type of its name.
  const keys = lack.kind === 'type' ? [key, keyOf('relation', name.split('.'))] : [key];
  const own = keys
    .flatMap((each) => parsedFiles.creators(each))
    .filter((creator) => creator.statement !== place.statement);
  const says = `${error.message}, because`;
  const cause =
    own.find((creator) => statementsIn(failed).has(creator.statement)) ??
    (own.length === 0 ? madeInBodies(failed, parsedFiles).get(key) : undefined);
  if (cause !== undefined) {
    return {
      rule: 'statement-failed',
      object: name,
      message: `${says} ${placeName(cause)} failed, which creates it.`,
      suggestion: `Fix ${placeName(cause)} first; this error follows from it.`,
      cause: causeAt(cause),
    };
  }
  // An index is dropped to be made anew: what makes it is not to come before that.
  const later = isIndex ? undefined : own.find((creator) => isBefore(place, creator));
  if (later === undefined) {
    const earlier = own.at(-1);
    if (earlier !== undefined && lack.kind === 'column') {
      // Left with its old type, it goes with a DROP TYPE … CASCADE.
      const kept = failed.findLast((one) => isBefore(earlier, one) && changes(one, name));
      if (kept !== undefined)
        return {
          rule: 'statement-failed',
          object: name,
          message: `${says} ${placeName(kept)} failed, which changes it.`,
          suggestion: `Fix ${placeName(kept)} first; this error follows from it.`,
          cause: causeAt(kept),
        };
      return redefined(error, earlier, name, parsedFiles);
    }
    const history = { kind: 'table', name } as const;
    if (lack.kind === 'relation' && toolsOf(history) !== undefined)
      return {
        rule: 'unknown-relation',
        object: name,
        message: `${says} no migration creates this ${what}.`,
        suggestion: askFirst(history),
      };
    const near = nearKeyOf(parsedFiles, key, lack.kind);
    const create = `Create ${name} in a migration before this one, or correct the name.`;
    const meant = near === undefined ? undefined : asWritten(near.slice(near.indexOf(' ') + 1), lack.kind);
    return {
      rule: 'unknown-relation',
      object: name,
      message: `${says} ${isIndex ? 'nothing before it' : 'no migration'} creates this ${what}.`,
      suggestion:
        meant === undefined
          ? create
          : isOneMistake(lastName(near!), lastName(key))
            ? `Did you mean ${meant}?`
            : `Did you mean ${meant}? Or else: ${create}`,
    };
  }
  if (place.migration.layer === 'core' && later.migration.layer === 'extension') {
    return {
      rule: 'core-depends-on-extension',
      object: name,
      message: `${says} only the extension file ${placeName(later)} creates it, and core runs first.`,
      suggestion: `Move the statement at ${placeName(later)} to core before this one, or this one to an extension.`,
    };
  }
  return {
    rule: 'used-before-created',
    object: name,
    message: `${says} ${placeName(later)} creates it, and that runs later.`,
    suggestion: `Move the statement at ${placeName(later)} before this one.`,
  };
}

/** The statement gives the column, as `table.column`, another type or another name. */
function changes({ statement: { tree } }: Place, name: string): boolean {
  const parts = name.split('.');
  const column = parts.at(-1);
  if (tree === undefined || tableOf(tree)?.replace(/^public\./, '') !== parts.slice(0, -1).join('.')) return false;
  return allOf(fieldsOf(tree, 'AlterTableStmt')?.cmds, 'AlterTableCmd').some(
    (command) => command.subtype === 'AT_AlterColumnType' && command.name === column,
  );
}

/** By a list of places that only grows: so many of their statements are in the set. */
const statements = new WeakMap<readonly Place[], { count: number; all: Set<Statement> }>();

/** The statements of places, among which many are looked for. */
function statementsIn(places: readonly Place[]): ReadonlySet<Statement> {
  const known = statements.get(places) ?? { count: 0, all: new Set<Statement>() };
  statements.set(places, known);
  for (; known.count < places.length; known.count += 1) known.all.add(places[known.count]!.statement);
  return known.all;
}

/** By a list of places that only grows: what the bodies of DO among so many of them create. */
const bodies = new WeakMap<readonly Place[], { count: number; made: Map<string, Place> }>();

/**
 * The places that failed by what the body of their DO creates, and those of a new column also by its name alone: an error in a body does
 * not say the table.
 */
function madeInBodies(places: readonly Place[], parsedFiles: ParsedFiles): ReadonlyMap<string, Place> {
  const known = bodies.get(places) ?? { count: 0, made: new Map<string, Place>() };
  bodies.set(places, known);
  for (; known.count < places.length; known.count += 1) {
    const place = places[known.count]!;
    for (const tree of treesOf(place, parsedFiles))
      for (const key of createdByTree(tree)) {
        const isColumn = fieldsOf(tree, 'AlterTableStmt') !== undefined;
        for (const each of isColumn ? [key, keyOf('column', [lastName(key)])] : [key])
          if (!known.made.has(each)) known.made.set(each, place);
      }
  }
  return known.made;
}

/** The statements in the body of a DO; of any other, itself. */
function treesOf({ migration, statement }: Place, parsedFiles: ParsedFiles): Node[] {
  const { tree } = statement;
  if (tree === undefined) return [];
  if (fieldsOf(tree, 'DoStmt') === undefined) return [tree];
  const source = { migration: { number: '', checksum: '', ...migration }, parsed: parsedFiles.parsed(migration) };
  return bodyPieces(pieceOf(source, statement, 0, tree)).pieces.map(treeOf);
}

/** What comes after the last dot of a name, or after its kind. */
function lastName(key: string): string {
  return key.slice(Math.max(key.lastIndexOf('.'), key.indexOf(' ')) + 1);
}

/** By files and key, what is near it: many statements may lack the same thing. */
const nearKeys = new WeakMap<ParsedFiles, Map<string, string | undefined>>();

function nearKeyOf(parsedFiles: ParsedFiles, key: string, kind: Kind): string | undefined {
  const known = nearKeys.get(parsedFiles) ?? new Map<string, string | undefined>();
  nearKeys.set(parsedFiles, known);
  if (!known.has(key)) known.set(key, nearKey(key, kind, parsedFiles));
  return known.get(key);
}

/** The key of what was probably meant; of a column whose table is not known, as behind an alias, without its table. */
function nearKey(key: string, kind: Kind, parsedFiles: ParsedFiles): string | undefined {
  const keys = parsedFiles.keys(kind);
  if (kind === 'type') return nearest(key, [...keys, ...builtinKeys]);
  // The same name in another schema is nearer than any other name.
  if (kind !== 'column') return keys.find((one) => lastName(one) === lastName(key)) ?? nearest(key, keys);
  const owner = key.slice(0, -lastName(key).length);
  const own = keys.filter((one) => one.startsWith(owner));
  const names = new Set((own.length > 0 ? own : keys).map(lastName));
  // A column of this name that another table has is not what was meant.
  const name = names.has(lastName(key)) ? undefined : nearest(lastName(key), names);
  return name === undefined ? undefined : `${own.length > 0 ? owner : 'column '}${name}`;
}

/** An earlier statement describes the column, but the table lacks it: its CREATE TABLE IF NOT EXISTS did nothing. */
function redefined(error: DatabaseError, creator: Place, name: string, parsedFiles: ParsedFiles): Verdict {
  const table = name.split('.').slice(0, -1);
  const first = parsedFiles.creators(keyOf('relation', table))[0];
  const column = name.split('.').at(-1)!;
  const known = first === undefined || first.statement === creator.statement ? 'before' : `by ${placeName(first)}`;
  return {
    rule: 'table-redefined',
    object: table.join('.'),
    message:
      `${error.message}: ${placeName(creator)} would have created it, but the table was created ${known} without ` +
      'it, and IF NOT EXISTS then does nothing.',
    suggestion: `After ${placeName(creator)}: ALTER TABLE ${table.join('.')} ADD COLUMN IF NOT EXISTS ${column} …;`,
  };
}
