/** Paths to values of the request that an expression reads: a setting, and the keys within its JSON. */
import { type Catalog, type FunctionRow, isPlatformSchema, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Sources } from './effects.ts';

/** The setting that holds the claims of the token, as JSON. */
export const tokenSetting = 'request.jwt.claims';

export interface ClaimPath {
  setting: string;
  /**
   * Keys within its JSON, with `0` for the elements of a list, and {@link rowsKey} for one that the row names; none if the setting itself
   * is the value.
   */
  path: string[];
  /** The expression that names that key, as `organization_id::text`. */
  key?: unknown;
  /** It is that key, and not the value there. */
  isKey?: true;
}

/** Stands for the key of what the row belongs to, in a claim with a value for each of those. */
export const rowsKey = '*';

/** The values of variables, arguments and aliases. */
export type Names = ReadonlyMap<string, ClaimPath | { table: RelationRow; column: string }>;

export interface PathReader {
  /** The path that the whole expression reads from the request; undefined for anything else. */
  pathOf(node: unknown, names: Names): ClaimPath | undefined;
  /** The paths that any part of it reads. */
  pathsIn(node: unknown, names: Names): ClaimPath[];
  /** The values of the names in it. */
  namesIn(node: unknown, names: Names): Set<ClaimPath | { table: RelationRow; column: string }>;
  /** The names, plus the aliases that the FROM of a query gives to lists of the request. */
  withSources(select: Node, names: Names): Names;
  /** The variables of a function that hold values from the request. */
  variables(routine: FunctionRow): Names;
}

/** Functions that return the elements of a list. */
const elements = new Set([
  'jsonb_array_elements',
  'jsonb_array_elements_text',
  'json_array_elements',
  'json_array_elements_text',
  'unnest',
]);
/** Functions that return the keys. */
const keysOf = new Set(['jsonb_object_keys', 'json_object_keys']);
/** Functions that return a value by its keys. */
const byKeys = new Set([
  'jsonb_extract_path',
  'jsonb_extract_path_text',
  'json_extract_path',
  'json_extract_path_text',
]);
/** Functions whose result depends on the first argument. */
const passing = new Set([
  'lower',
  'upper',
  'btrim',
  'trim',
  'to_jsonb',
  'to_json',
  'string_to_array',
  'regexp_split_to_array',
  'array_remove',
]);

/** Reads paths, and follows helpers of the muse that return a part of the request. */
export function pathReader(catalog: Catalog, sources: Sources): PathReader {
  const known = new Map<string, ClaimPath | undefined>();

  const pathOf = (node: unknown, names: Names): ClaimPath | undefined => {
    const cast = fields(node, 'TypeCast');
    if (cast !== undefined) return pathOf(cast['arg'], names);
    const chosen = fields(node, 'CoalesceExpr');
    if (chosen !== undefined)
      return (chosen['args'] as unknown[]).map((arg) => pathOf(arg, names)).find((path) => path !== undefined);
    const expression = fields(node, 'A_Expr');
    if (expression !== undefined) return ofOperator(expression, names);
    const call = fields(node, 'FuncCall');
    if (call !== undefined) return ofCall(call, names);
    const select = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
    if (select !== undefined) return ofSelect(select, names);
    const subscript = fields(node, 'A_Indirection');
    if (subscript !== undefined) return ofSubscript(subscript, names);
    return ofName(node, names);
  };

  const ofOperator = (expression: Node, names: Names): ClaimPath | undefined => {
    if (expression['kind'] === 'AEXPR_NULLIF') return pathOf(expression['lexpr'], names);
    const operator = nameParts(expression['name']).at(-1) ?? '';
    const key = constantOf(expression['rexpr']);
    if (!['->', '->>', '#>', '#>>'].includes(operator)) return undefined;
    if (key === undefined) {
      const map = operator.startsWith('#') ? undefined : pathOf(expression['lexpr'], names);
      const isOfRow = map !== undefined && map.key === undefined && namesSomething(expression['rexpr']);
      return isOfRow ? { ...below(map, [rowsKey])!, key: expression['rexpr'] } : undefined;
    }
    const keys = operator.startsWith('#')
      ? key
          .replaceAll(/^\{|\}$/g, '')
          .split(',')
          .map((one) => one.trim().replaceAll('"', ''))
      : [key];
    return below(pathOf(expression['lexpr'], names), keys);
  };

  const ofCall = (call: Node, names: Names): ClaimPath | undefined => {
    const parts = nameParts(call['funcname']);
    const name = parts.at(-1) ?? '';
    const args = (call['args'] as unknown[] | undefined) ?? [];
    if (name === 'jwt' && parts.at(-2) === 'auth') return { setting: tokenSetting, path: [] };
    if (name === 'email' && parts.at(-2) === 'auth') return { setting: tokenSetting, path: ['email'] };
    if (name === 'current_setting') return ofSetting(constantOf(args[0]));
    if (elements.has(name)) return below(pathOf(args[0], names), ['0']);
    if (keysOf.has(name)) {
      const map = pathOf(args[0], names);
      return map === undefined ? undefined : { ...below(map, [rowsKey])!, isKey: true };
    }
    if (byKeys.has(name))
      return below(
        pathOf(args[0], names),
        args.slice(1).map((arg) => constantOf(arg) ?? '0'),
      );
    if (passing.has(name)) return pathOf(args[0], names);
    const routine = catalog.functions.find(
      (one) =>
        one.name === name && (parts.length === 1 || one.schema === parts.at(-2)) && !isPlatformSchema(one.schema),
    );
    return routine === undefined || args.length > 0 ? undefined : ofRoutine(routine);
  };

  /** What a helper without arguments returns. */
  const ofRoutine = (routine: FunctionRow): ClaimPath | undefined => {
    if (known.has(routine.oid)) return known.get(routine.oid);
    known.set(routine.oid, undefined);
    const names = variables(routine);
    // The result comes last, except for a constant in an exception handler.
    const selects = sources
      .body(routine)
      .trees.map((tree) => fields(tree, 'SelectStmt'))
      .filter((select) => !isConstant(select));
    const last = selects.at(-1);
    const path = last === undefined ? undefined : ofSelect(last, names);
    known.set(routine.oid, path);
    return path;
  };

  const ofSelect = (select: Node, names: Names): ClaimPath | undefined => {
    const targets = (select['targetList'] as unknown[] | undefined) ?? [];
    const from = (select['fromClause'] as unknown[] | undefined) ?? [];
    if (targets.length !== 1) return undefined;
    if (!readsUsers(select) && from.some((item) => fields(item, 'RangeFunction') === undefined)) return undefined;
    return pathOf(fields(targets[0], 'ResTarget')?.['val'], withSources(select, names));
  };

  const ofSubscript = (subscript: Node, names: Names): ClaimPath | undefined => {
    const keys = (subscript['indirection'] as unknown[]).map((item) => constantOf(fields(item, 'A_Indices')?.['uidx']));
    return keys.includes(undefined) ? undefined : below(pathOf(subscript['arg'], names), keys as string[]);
  };

  const ofName = (node: unknown, names: Names): ClaimPath | undefined => {
    const parameter = fields(node, 'ParamRef');
    const column = columnOf(node);
    const meant =
      names.get(parameter === undefined ? (column?.name ?? '') : `$${Number(parameter['number'] ?? 0)}`) ??
      names.get(column?.qualifier ?? '');
    return meant !== undefined && 'setting' in meant ? meant : undefined;
  };

  const withSources = (select: Node, names: Names): Names => {
    const all = new Map(names);
    if (readsUsers(select))
      for (const [column, key] of metadata) all.set(column, { setting: tokenSetting, path: [key] });
    walk(select['fromClause'], (type, range) => {
      if (type === 'SubLink') return false;
      const alias = range['alias'] as Node | undefined;
      if (type !== 'RangeFunction') return undefined;
      const [path] = pathsIn(range['functions'], names);
      for (const name of [String(alias?.['aliasname'] ?? ''), ...nameParts(alias?.['colnames'] ?? [])])
        if (path !== undefined && name !== '') all.set(name, path);
      return false;
    });
    return all;
  };

  const variables = (routine: FunctionRow): Names => {
    const all = new Map<string, ClaimPath>();
    for (const { variables, value } of sources.body(routine).assigned) {
      const select = fields(value, 'SelectStmt');
      const path = select === undefined ? pathOf(value, all) : ofSelect(select, all);
      if (path !== undefined) for (const name of variables) all.set(name, path);
    }
    return all;
  };

  const pathsIn = (node: unknown, names: Names): ClaimPath[] => {
    const whole = pathOf(node, names);
    if (whole !== undefined) return [whole];
    const found: ClaimPath[] = [];
    walk(node, (type, inner) => {
      const path = pathOf({ [type]: inner }, names);
      if (path !== undefined) found.push(path);
      return path === undefined;
    });
    return found;
  };

  const namesIn: PathReader['namesIn'] = (node, names) => {
    const found = new Set<ClaimPath | { table: RelationRow; column: string }>();
    walk(node, (type, inner) => {
      const name =
        type === 'ParamRef'
          ? `$${Number(inner['number'] ?? 0)}`
          : type === 'ColumnRef'
            ? columnOf({ ColumnRef: inner })?.name
            : undefined;
      const meant = name === undefined ? undefined : names.get(name);
      if (meant !== undefined) found.add(meant);
    });
    return found;
  };

  return { pathOf, pathsIn, namesIn, withSources, variables };
}

/** Where Supabase Auth keeps what the token then has, and its key there. */
const metadata: readonly [column: string, key: string][] = [
  ['raw_app_meta_data', 'app_metadata'],
  ['raw_user_meta_data', 'user_metadata'],
];

/** Says whether a query reads Supabase's own table of users and nothing else. */
export function readsUsers(select: Node): boolean {
  const from = (select['fromClause'] as unknown[] | undefined) ?? [];
  const range = fields(from[0], 'RangeVar');
  return from.length === 1 && range?.['schemaname'] === 'auth' && range['relname'] === 'users';
}

function isConstant(select: Node | undefined): boolean {
  const [target] = (select?.['targetList'] as unknown[] | undefined) ?? [];
  return fields(fields(target, 'ResTarget')?.['val'], 'A_Const') !== undefined;
}

/** The settings that the Data API makes for a request. Settings with other names are set only within the database. */
const ofRequest = /^request\.(headers|cookies|method|path|jwt\.claims|(header|cookie|jwt\.claim)\..+)$/;

/** The request's settings. In older projects each claim has a setting of its own. */
function ofSetting(setting: string | undefined): ClaimPath | undefined {
  if (setting === undefined || !ofRequest.test(setting)) return undefined;
  const [, claim] = /^request\.jwt\.claim\.(\w+)$/.exec(setting) ?? [];
  return claim === undefined ? { setting, path: [] } : { setting: tokenSetting, path: [claim] };
}

function below(path: ClaimPath | undefined, keys: readonly string[]): ClaimPath | undefined {
  return path === undefined ? undefined : { ...path, path: [...path.path, ...keys] };
}

/** It names a column or an argument. */
function namesSomething(node: unknown): boolean {
  let found = false;
  walk(node, (type) => {
    found ||= type === 'ColumnRef' || type === 'ParamRef';
  });
  return found;
}
