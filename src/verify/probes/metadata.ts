/** What strangers may write about themselves with Supabase Auth: their metadata, when they sign up and later. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { type FunctionRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import { jsonShape } from '../catalog/json-keys.ts';
import type { Model } from '../catalog/model.ts';
import { isSecret, rowKeysOf } from '../catalog/row-keys.ts';
import { tokenSources } from '../catalog/token-sources.ts';
import {
  authUsers,
  leavesOf,
  metadataRoutines,
  type MetadataRoutines,
  type Target,
  targetsOf,
  userMetadata,
  wholeTargets,
  withinMetadata,
} from '../catalog/user-metadata.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { knownSecret } from '../fixtures/candidates.ts';
import { insertSql, rowOfUser } from '../fixtures/fill.ts';
import type { Rows } from '../fixtures/rows.ts';
import type { Actor } from './actors.ts';
import { valuesFor } from './deciding-sql.ts';
import type { NamedProbe } from './probes.ts';
import type { Subject } from './subject.ts';

/** A value for one place in the metadata. */
interface Leaf {
  path: string[];
  values: string[];
  /** A row that is made of it needs something there. */
  isNeeded: boolean;
}

/** The probes in which strangers sign up, or change what they have written, with what opens something to others. */
export function metadataProbes(
  subjects: readonly Subject[],
  actors: readonly Actor[],
  rows: Rows,
  model: Model,
): NamedProbe[] {
  const routines = metadataRoutines(model);
  if (routines.triggers.length + routines.readers.length === 0) return [];
  const { documents, prepare } = documentsFor(routines, subjects, model);
  const strangers = new Map(
    actors
      .flatMap((actor, number) =>
        actor.relation === 'none' && !actor.isAnonymous && actor.only === undefined && actor.memberRole === undefined
          ? [[actor.user, number] as const]
          : [],
      )
      .toReversed(),
  );
  const probe = (verb: 'sign-up' | 'set-metadata', sql: string, byHand: string, numbers: number[]): NamedProbe => ({
    subject: authUsers,
    verb,
    mode: 'write',
    state: '',
    sql: 'select 1',
    byHand,
    prepare: [...prepare, sql].join('; '),
    actors: numbers,
  });
  const isFiredBy = (event: string): boolean => routines.triggers.some(({ events }) => events.includes(event));
  return documents.flatMap((document) => {
    const set = `update ${authUsers} set ${userMetadata} = ${document} where id = '${actingUser}'`;
    return [
      ...(isFiredBy('U') || routines.readers.length > 0
        ? [probe('set-metadata', set, set, [...strangers.values()])]
        : []),
      ...(isFiredBy('I')
        ? [...strangers].flatMap(([user, number]) => {
            const insert = signUpSql(user, document, rows, model);
            return insert === undefined ? [] : [probe('sign-up', anew(insert, model), insert, [number])];
          })
        : []),
    ];
  });
}

/** INSERT of the user, as Supabase Auth does it. */
function signUpSql(user: string, document: string, rows: Rows, model: Model): string | undefined {
  const row = rows.get(authUsers)?.find(({ person, label }) => person.user === user && label === person.key);
  if (row === undefined) return undefined;
  const values = rowOfUser(row, rows, model);
  values.set(userMetadata, document);
  return insertSql(relation(row.table), row, values);
}

/** Settings of who is signed in: nobody is while Auth adds a user. */
const signedIn = ['request.jwt.claims', 'request.jwt.claim.sub', 'request.jwt.claim.role'];

/** The user's rows go first, then the user comes again. */
function anew(insert: string, model: Model): string {
  const own = [...model.tables.values()].flatMap((table) =>
    table.constraints
      .filter(({ type, target, columns }) => type === 'f' && target === authUsers && columns.length === 1)
      .map(
        ({ columns }) =>
          `begin delete from ${relation(table)} where ${quoteIdentifier(columns[0]!)} = '${actingUser}'; ` +
          'exception when others then null; end;',
      ),
  );
  const keep = signedIn.map((name) => `coalesce(current_setting(${quoteLiteral(name)}, true), '')`);
  const clear = signedIn.map((name) => `perform set_config(${quoteLiteral(name)}, '', true);`);
  const restore = signedIn.map((name, at) => `perform set_config(${quoteLiteral(name)}, kept[${at + 1}], true);`);
  return (
    `do $muse_anew$ declare kept text[] := array[${keep.join(', ')}]; begin ${clear.join(' ')} ` +
    `begin delete from ${authUsers} where id = '${actingUser}'; exception when foreign_key_violation then ` +
    `${[...own, ...own].join(' ')} delete from ${authUsers} where id = '${actingUser}'; end; ` +
    `${insert}; ${restore.join(' ')} end $muse_anew$`
  );
}

function documentsFor(
  { triggers, readers }: MetadataRoutines,
  subjects: readonly Subject[],
  model: Model,
): { documents: string[]; prepare: string[] } {
  const routines = [...triggers.map(({ routine }) => routine), ...readers];
  const bodies = routines.flatMap((routine) => model.sources.reached(routine)).map((one) => model.sources.body(one));
  const prepare = new Set<string>();
  const paths = leavesOf(jsonShape(bodies, model.tables)).map(withinMetadata);
  const leaves = [...new Map(paths.map((path) => [path.join('\n'), path])).values()].map((path) =>
    leafAt(path, routines, readers, subjects, model, prepare),
  );
  const plain = leaves.filter(({ isNeeded, values }) => isNeeded && values.length === 0);
  const deciding = leaves.filter(({ values }) => values.length > 0);
  const build = (values: readonly [Leaf, string][]): string =>
    documentOf([
      ...values.map(([{ path }, sql]): [string[], string] => [path, sql]),
      ...plain.map(({ path }): [string[], string] => [path, quoteLiteral(knownSecret)]),
    ]);
  const alone = deciding.flatMap((leaf) => leaf.values.map((value) => build([[leaf, value]])));
  const together = deciding.flatMap((leaf) =>
    leaf.values.map((value) =>
      build(deciding.map((one): [Leaf, string] => [one, one === leaf ? value : one.values[0]!])),
    ),
  );
  const whole = triggers.flatMap(({ routine }) => wholeTargets(routine, model));
  const known = [
    ...(model.dependencies.decidingColumns(authUsers).named.get(userMetadata) ?? []),
    ...whole.flatMap(
      ({ table, column }) => model.dependencies.decidingColumns(qualifiedName(table)).named.get(column) ?? [],
    ),
  ];
  const constants = [
    ...known.map((text) => `${quoteLiteral(text)}::jsonb`),
    ...claimDocuments(readers, subjects, model),
  ];
  return {
    documents: [...new Set([...alone, ...together, ...constants])],
    prepare: [...prepare],
  };
}

/** Documents with what policies ask of the token, each under its own key: a function may make claims of all of the metadata. */
function claimDocuments(readers: readonly FunctionRow[], subjects: readonly Subject[], model: Model): string[] {
  const { hooks } = tokenSources(model);
  if (!readers.some((one) => hooks.includes(one))) return [];
  return model.claims.all
    .filter(({ isSigned, setting }) => isSigned && setting === tokenSetting)
    .flatMap(({ path, constants, columns }) => {
      const ofA = columns.flatMap(
        ({ table, column }) => subjects.find((one) => one.table === table)?.rows.a.values.get(column) ?? [],
      );
      const values = [...constants.map(({ value }) => quoteLiteral(String(value))), ...ofA];
      return values.map((sql) => documentOf([[path.filter((key) => key !== '0'), sql]]));
    });
}

function leafAt(
  path: string[],
  routines: readonly FunctionRow[],
  readers: readonly FunctionRow[],
  subjects: readonly Subject[],
  model: Model,
  prepare: Set<string>,
): Leaf {
  const key = path.at(-1)!;
  const targets = routines.map((routine) => targetsOf(key, routine, model));
  const written = targets.flatMap((one) => one.written);
  const { hooks, texts } = tokenSources(model);
  const compared = targets.flatMap((one) => one.compared).filter(({ column }) => !isSecret.test(column));
  const keysOf = ({ table, column }: Target): string[] =>
    subjects
      .filter((subject) => subject.table === table && subject.kind === 'table')
      .flatMap((subject) => rowKeysOf(subject, model))
      .filter((one) => one.column.name === column)
      .map(({ sql, prepare: first }) => {
        if (first !== undefined) prepare.add(first);
        return sql;
      });
  const looked = readers.some((routine) => {
    const shape = jsonShape(
      model.sources.reached(routine).map((one) => model.sources.body(one)),
      model.tables,
    );
    return leavesOf(shape).some((one) => one.at(-1) === key);
  });
  const values = [
    ...written.flatMap((target) => [...keysOf(target), ...decidingAt(target, subjects, model)]),
    ...compared.flatMap(keysOf),
    ...(readers.some((one) => hooks.includes(one)) ? texts.map(quoteLiteral) : []),
    ...(looked ? subjects.flatMap(({ belongs }) => belongs.map(({ a }) => a)) : []),
  ].filter((sql) => sql !== 'NULL' && !sql.includes(actingUser));
  return {
    path,
    values: [...new Set(values)],
    isNeeded: written.some(({ table, column }) =>
      table.columns.some((one) => one.name === column && one.notNull && one.default === null),
    ),
  };
}

/** The values that policies and functions compare that column with. */
function decidingAt({ table, column: name }: Target, subjects: readonly Subject[], model: Model): string[] {
  const subject = subjects.find((one) => one.table === table && one.kind === 'table');
  const column = table.columns.find((one) => one.name === name);
  const compared = model.dependencies.decidingColumns(qualifiedName(table)).named.get(name);
  if (subject === undefined || column === undefined || compared === undefined) return [];
  return [
    ...valuesFor(column, compared, subject, model),
    ...subject.joined.flatMap(([one, value]) => (one === name ? [value] : [])),
  ];
}

/** SQL of a JSON document with texts at those places. */
function documentOf(places: readonly [path: string[], sql: string][]): string {
  const keys = [...new Set(places.map(([[key]]) => key!))];
  const parts = keys.map((key) => {
    const below = places.filter(([path]) => path[0] === key);
    const leaf = below.find(([path]) => path.length === 1);
    const value =
      leaf === undefined
        ? documentOf(below.map(([path, sql]): [string[], string] => [path.slice(1), sql]))
        : `(${leaf[1]})::text`;
    return `${quoteLiteral(key)}, ${value}`;
  });
  return `jsonb_build_object(${parts.join(', ')})`;
}
