/** What the muse makes of the metadata that users write about themselves with Supabase Auth, when they sign up and later. */
import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { RoutineBody } from './bodies.ts';
import { carries, spread } from './dynamic-sql.ts';
import type { JsonShape } from './json-keys.ts';
import type { Model } from './model.ts';
import { tablesChanged } from './reached-tables.ts';
import { tokenSources } from './token-sources.ts';
import { writtenValues } from './written-values.ts';

/** Supabase's own table of users, by `schema.name`. */
export const authUsers = 'auth.users';

/** Its column that users write themselves. */
export const userMetadata = 'raw_user_meta_data';

/** The functions that read users' metadata. */
export interface MetadataRoutines {
  /** Those that its triggers run, with the letters of the events. */
  triggers: { routine: FunctionRow; events: string }[];
  /** Others, which look it up. */
  readers: FunctionRow[];
}

/** Finds them by their parse trees. */
export function metadataRoutines(model: Model): MetadataRoutines {
  const { users } = model.tenancy;
  if (users === undefined || qualifiedName(users) !== authUsers) return { triggers: [], readers: [] };
  const reads = (routine: FunctionRow): boolean =>
    model.sources.reached(routine).some((one) => model.sources.effects(one).columns.has(userMetadata));
  const triggers = users.triggers
    .filter(({ enabled }) => enabled)
    .flatMap(({ function: oid, events }) => {
      const routine = model.sources.byOid(oid);
      return routine === undefined || !reads(routine) ? [] : [{ routine, events }];
    });
  const hooks = tokenSources(model).hooks.filter((hook) => namesUserMetadata(hook, model));
  const fired = new Set(triggers.flatMap(({ routine }) => model.sources.reached(routine)));
  const readers = model.dependencies
    .readers(authUsers)
    .flatMap(({ routine }) => (routine === undefined || fired.has(routine) || !reads(routine) ? [] : [routine]));
  return { triggers, readers: [...new Set([...readers, ...hooks])] };
}

/** The key of the claims under which a token has the metadata. */
const claimOfMetadata = 'user_metadata';

/** It names the metadata among the claims that it gets. */
function namesUserMetadata(routine: FunctionRow, { sources }: Model): boolean {
  return sources.reached(routine).some((one) => {
    let isNamed = false;
    walk(sources.body(one).trees, (...[type, fields]) => {
      const text = type === 'A_Const' ? literalOf({ A_Const: fields }) : undefined;
      isNamed ||=
        text
          ?.replaceAll(/^\{|\}$/g, '')
          .split(',')
          .includes(claimOfMetadata) === true;
      return !isNamed;
    });
    return isNamed;
  });
}

/** The path within the metadata, of one that may lead there through claims. */
export function withinMetadata(path: string[]): string[] {
  const at = path.indexOf(claimOfMetadata);
  return at === -1 || at === path.length - 1 ? path : path.slice(at + 1);
}

/** A column that a value read from JSON is written to, or compared with. */
export interface Target {
  table: RelationRow;
  column: string;
}

/** The paths to the values that functions read from JSON. */
export function leavesOf(shape: JsonShape): string[][] {
  return [...shape.keys].flatMap(([key, inner]) =>
    inner.keys.size === 0 ? [[key]] : leavesOf(inner).map((path) => [key, ...path]),
  );
}

/** The columns to which a function, and what it calls, writes what it reads from JSON under a key, or compares it with. */
export function targetsOf(key: string, routine: FunctionRow, model: Model): { written: Target[]; compared: Target[] } {
  const changed = [...tablesChanged(routine, model)];
  const named = [...model.dependencies.namedBy(routine)].flatMap((name) => model.tables.get(name) ?? []);
  const found = { written: new Map<string, Target>(), compared: new Map<string, Target>() };
  const note = (kind: keyof typeof found, tables: readonly RelationRow[], column: string): void => {
    for (const table of tables)
      if (table.columns.some(({ name }) => name === column))
        found[kind].set(`${qualifiedName(table)}.${column}`, { table, column });
  };
  for (const one of model.sources.reached(routine)) {
    const body = model.sources.body(one);
    const holds = holderOf(key, body);
    for (const { relname, column, value } of writtenValues(body.trees)) {
      const tables = changed.filter((table) => table.name === relname);
      if (tables.length > 0 && holds(value)) note('written', tables, column);
    }
    walk(body.trees, (...[type, fields]) => {
      if (type === 'A_Expr') {
        for (const [side, other] of [
          [fields.lexpr, fields.rexpr],
          [fields.rexpr, fields.lexpr],
        ])
          if (holds(side)) note('compared', named, stringsOf(fieldsOf(other, 'ColumnRef')?.fields).at(-1) ?? '');
      }
    });
  }
  // A record made of JSON has the names of the columns.
  if (found.written.size === 0) note('written', changed, key);
  return { written: [...found.written.values()], compared: [...found.compared.values()] };
}

/** The columns of JSON to which a function, and what it calls, writes the metadata as it is. */
export function wholeTargets(routine: FunctionRow, model: Model): Target[] {
  const changed = [...tablesChanged(routine, model)];
  return model.sources.reached(routine).flatMap((one) => {
    const body = model.sources.body(one);
    const names = spread(new Set([userMetadata]), body);
    return writtenValues(body.trees).flatMap(({ relname, column: name, value }) =>
      changed
        .filter((table) => table.name === relname && carries(value, names))
        .flatMap((table) =>
          table.columns
            .filter((column) => column.name === name && /^jsonb?$/.test(column.base))
            .map((column): Target => ({ table, column: column.name })),
        ),
    );
  });
}

/** Says whether an expression holds what the body reads from JSON under the key, itself or in a variable. */
function holderOf(key: string, body: RoutineBody): (value: unknown) => boolean {
  const variables = body.assigned.filter(({ value }) => readsKey(value, key)).flatMap((one) => one.variables);
  const names = variables.length === 0 ? new Set<string>() : spread(new Set(variables), body);
  return (value) => readsKey(value, key) || (names.size > 0 && (carries(value, names) || isNamed(value, names)));
}

/** A variable, whatever it is cast to. */
function isNamed(value: unknown, names: ReadonlySet<string>): boolean {
  const cast = fieldsOf(value, 'TypeCast');
  if (cast !== undefined) return isNamed(cast.arg, names);
  return names.has(stringsOf(fieldsOf(value, 'ColumnRef')?.fields).at(-1) ?? '');
}

function readsKey(value: unknown, key: string): boolean {
  let found = false;
  walk(value as Node, (...[type, fields]) => {
    const operator = type === 'A_Expr' ? (stringsOf(fields.name).at(-1) ?? '') : '';
    if (type === 'A_Expr' && /^->>?$/.test(operator)) found ||= literalOf(fields.rexpr) === key;
    if (type === 'A_Expr' && /^#>>?$/.test(operator))
      found ||=
        (literalOf(fields.rexpr) ?? '')
          .replace(/^\{|\}$/g, '')
          .split(',')
          .at(-1) === key;
    if (type === 'FuncCall' && /^jsonb?_extract_path(_text)?$/.test(stringsOf(fields.funcname).at(-1) ?? ''))
      found ||= literalOf(fields.args?.at(-1)) === key;
    return !found;
  });
  return found;
}
