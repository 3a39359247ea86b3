import {
  allOf,
  type Fields,
  fieldsOf,
  type Node,
  type NodeType,
  type RangeVar,
  stringsOf,
  walk,
} from '../../sql/nodes.ts';
import { scan, type Token } from '../../sql/parser.ts';
import { readBody, type RoutineBody } from './bodies.ts';
import { type IsPure, purenessOf } from './changed-keys.ts';
import type { Catalog, FunctionRow } from '../../rules/engine/live/catalog.ts';

/** A call as written in the source. */
interface Call {
  schema: string | undefined;
  name: string;
  /** The number of arguments; undefined if the call is in a dynamic SQL text. */
  count: number | undefined;
}

/** Statements that change rows or the schema. */
const changing = new Set<NodeType>([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CallStmt',
  'DoStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'ViewStmt',
  'IndexStmt',
  'DropStmt',
  'AlterTableStmt',
  'RenameStmt',
  'GrantStmt',
  'GrantRoleStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'AlterPolicyStmt',
  'CreateTrigStmt',
  'CreateRoleStmt',
  'AlterRoleStmt',
  'RefreshMatViewStmt',
]);

/** A table or view as it is named. */
export interface RelationName {
  schema: string | undefined;
  name: string;
}

/** What SQL does, by its parse trees: words in comments and texts say nothing. */
export interface Effects {
  calls: Call[];
  /** Tables and views that it names. */
  relations: RelationName[];
  /** Those of them that it writes. */
  written: RelationName[];
  /** It may change rows or the schema. */
  changes: boolean;
  /** It runs dynamic SQL. */
  isDynamic: boolean;
  /** That may read any table. */
  readsAny: boolean;
  /** That may write any table. */
  writesAny: boolean;
  /** Names of the columns that its queries return, `*` for all. */
  gives: ReadonlySet<string>;
  /** Names of all columns that it mentions. */
  columns: ReadonlySet<string>;
  /** Words in the constant parts of its dynamic SQL, which include table names. */
  mentions: ReadonlySet<string>;
  /** It copies to or from a file or a program. */
  copies: boolean;
}

/** Determines what each function does itself, and which others it calls. */
export interface Sources {
  body(routine: FunctionRow): RoutineBody;
  effects(routine: FunctionRow): Effects;
  /** The functions of the database's own that are called: by a function, or by an expression of the catalog. */
  called(effects: Effects, caller?: FunctionRow): readonly FunctionRow[];
  /** The function and everything of the database's own that it calls. */
  reached(routine: FunctionRow): readonly FunctionRow[];
  byOid(oid: string): FunctionRow | undefined;
  isPure: IsPure;
  /** What becomes of pg_net's requests. */
  requests: Catalog['requests'];
}

/** Follows calls through parse trees. */
export function sourcesOf(catalog: Catalog): Sources {
  const { functions } = catalog;
  const byName = new Map<string, FunctionRow[]>();
  for (const routine of functions) byName.set(routine.name, [...(byName.get(routine.name) ?? []), routine]);
  const byOid = new Map(functions.map((routine) => [routine.oid, routine]));
  const body = remember(readBody);
  const effects = remember((routine: FunctionRow) => effectsOf(body(routine)));
  const called: Sources['called'] = ({ calls }, caller) => [
    ...calls.flatMap((call) =>
      targetsOf(call, caller === undefined || body(caller).isPrinted ? undefined : caller, byName),
    ),
    ...(caller?.runs ?? []).flatMap((oid) => byOid.get(oid) ?? []),
  ];
  const reached = remember((routine: FunctionRow): FunctionRow[] => {
    const seen = new Set([routine]);
    for (const one of seen) {
      for (const target of called(effects(one), one)) seen.add(target);
    }
    return [...seen];
  });
  return {
    body,
    effects,
    called,
    reached,
    byOid: (oid) => byOid.get(oid),
    isPure: purenessOf(catalog),
    requests: catalog.requests,
  };
}

/** Names of the tables and views that a function, or what it calls, names, without their schemas; of dynamic SQL, all words of its constant parts. */
export function namedIn(routine: FunctionRow, { reached, effects }: Sources): string[] {
  return reached(routine).flatMap((one) => {
    const { relations, mentions } = effects(one);
    return [...relations.map(({ name }) => name), ...mentions];
  });
}

function remember<T>(work: (routine: FunctionRow) => T): (routine: FunctionRow) => T {
  const known = new Map<string, T>();
  return (routine) => {
    const value = known.get(routine.oid) ?? work(routine);
    known.set(routine.oid, value);
    return value;
  };
}

/** The search path of a function; undefined if it uses its caller's. */
export function searchPathOf({ settings }: FunctionRow): string[] | undefined {
  const setting = settings.find((one) => one.startsWith('search_path='))?.slice('search_path='.length);
  return setting
    ?.split(',')
    .map((part) => part.trim().replaceAll('"', ''))
    .filter((part) => part !== '');
}

function targetsOf(
  { schema, name, count }: Call,
  caller: FunctionRow | undefined,
  byName: ReadonlyMap<string, FunctionRow[]>,
): FunctionRow[] {
  const path = caller === undefined ? undefined : searchPathOf(caller);
  return (byName.get(name) ?? []).filter((routine) => {
    if (schema !== undefined ? routine.schema !== schema : path !== undefined && !path.includes(routine.schema))
      return false;
    const most = routine.variadic ? Number.POSITIVE_INFINITY : routine.arguments.length;
    return (
      count === undefined ||
      (count <= most && count >= routine.arguments.length - routine.defaults - (routine.variadic ? 1 : 0))
    );
  });
}

/** Reads what a body, or an expression, does. */
export function effectsOf({
  trees,
  executed = [],
  understood,
  queried,
}: Pick<RoutineBody, 'trees'> & Partial<RoutineBody>): Effects {
  const unclear = executed.filter((one) => understood?.has(one) !== true);
  const tokens = executed.flatMap(tokensOf);
  const calls = callsIn(tokens);
  const relations: RelationName[] = [];
  const written: RelationName[] = [];
  const gives = new Set<string>();
  const rows = new Set<string>();
  const columns = new Set<string>();
  let [changes, copies] = [executed.length > 0, false];
  walk(trees, (type, fields) => {
    changes ||= changing.has(type);
    const call = type === 'FuncCall' ? fields : type === 'CallStmt' ? fields.funccall : undefined;
    if (call !== undefined) {
      const parts = stringsOf(call.funcname);
      calls.push({ schema: parts.at(-2), name: parts.at(-1) ?? '', count: (call.args ?? []).length });
    }
    if (type === 'RangeVar') {
      relations.push(nameOf(fields));
      rows.add(fields.alias?.aliasname ?? fields.relname ?? '');
    } else if (type === 'RangeSubselect' || type === 'RangeFunction') {
      rows.add(fields.alias?.aliasname ?? '');
    } else if (type === 'ColumnRef') {
      columns.add(lastName(fields));
    } else if (type === 'CopyStmt') {
      copies ||= fields.is_program === true || fields.filename !== undefined;
    } else if (type === 'ResTarget') {
      walk(fields.val, (inner, column) => {
        if (inner === 'ColumnRef') gives.add(lastName(column));
      });
    }
    if (!changing.has(type)) return;
    const { relation, relations: all } = fields as { relation?: RangeVar; relations?: Node[] };
    written.push(...(relation === undefined ? allOf(all, 'RangeVar') : [relation]).map(nameOf));
  });
  // The name of what it reads from, as in to_jsonb(t), is a whole row; what it puts together may name any column.
  if (executed.length > 0 || [...gives].some((name) => rows.has(name))) gives.add('*');
  return {
    calls,
    relations,
    written,
    gives,
    columns,
    mentions: new Set(tokens.map(plainName)),
    changes,
    copies,
    isDynamic: executed.length > 0,
    readsAny: unclear.length > 0,
    writesAny: unclear.some((one) => queried?.has(one) !== true),
  };
}

function nameOf({ schemaname, relname }: RangeVar): RelationName {
  return { schema: schemaname, name: relname };
}

function lastName(column: Fields<'ColumnRef'>): string {
  return fieldsOf(column.fields?.at(-1), 'String')?.sval ?? '*';
}

/** The tokens in the constant parts of a dynamic SQL text. */
function tokensOf(expression: Node): Token[] {
  const texts: string[] = [];
  walk(expression, (type, fields) => {
    const text = type === 'A_Const' ? fields.sval?.sval : undefined;
    if (text !== undefined) texts.push(text);
  });
  return texts.flatMap((text) => {
    const tokens = scan(text);
    return Array.isArray(tokens) ? tokens : [];
  });
}

function plainName(token: Token | undefined): string {
  return (token?.text ?? '').replaceAll('"', '').toLowerCase();
}

/** Names before a parenthesis: the functions that such a text may call. */
function callsIn(tokens: readonly Token[]): Call[] {
  return tokens.flatMap((token, index): Call[] => {
    if (token.text !== '(' || index === 0) return [];
    return [
      {
        schema: tokens[index - 2]?.text === '.' ? plainName(tokens[index - 3]) : undefined,
        name: plainName(tokens[index - 1]),
        count: undefined,
      },
    ];
  });
}
