/** The SQL of one call of a function. */
import { type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { allOf, fieldsOf, stringsOf } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import type { NamedProbe } from '../probes/probes.ts';
import { argumentList } from './arguments.ts';
import type { RowKey } from './row-keys.ts';

/** What finds the values that the database made, before the call. */
export function preparation(sql: string, rowKeys: readonly RowKey[]): Pick<NamedProbe, 'prepare'> {
  const all = rowKeys.flatMap((key) => (key.prepare !== undefined && sql.includes(key.sql) ? [key.prepare] : []));
  return all.length === 0 ? {} : { prepare: all.join('; ') };
}

/** A procedure gives one row where arguments go out, and nothing else. */
export function howToRun({ kind, modes }: FunctionRow): Pick<NamedProbe, 'mode' | 'uncounted'> {
  if (kind !== 'p') return { mode: 'rows' };
  return modes.some((mode) => mode === 'o' || mode === 'b') ? { mode: 'call' } : { mode: 'write', uncounted: true };
}

/** CALL of a procedure: what only goes out has a place of its own among the arguments. */
function procedureSql(routine: FunctionRow, values: readonly string[]): string {
  const left = [...values];
  const modes = routine.modes.length > 0 ? routine.modes : routine.inputs.map(() => 'i');
  const given = modes.flatMap((mode) => (mode === 'o' ? ['NULL'] : left.splice(0, 1)));
  const isComplete = values.length === routine.inputs.length;
  if (routine.variadic && isComplete) given.push(`variadic ${given.pop()}`);
  return `call ${relation(routine)}(${given.join(', ')})`;
}

/** A query that calls the function and gives its rows as one JSON text; what a cursor holds is fetched. */
export function callSql(routine: FunctionRow, values: readonly string[]): string {
  if (routine.kind === 'p') return procedureSql(routine, values);
  const cursors = cursorsOf(routine).map((name) => fetched(`(called).${quoteIdentifier(name)}`));
  const whole = cursors.length === 0 ? 'called' : `jsonb_build_array(${['called', ...cursors].join(', ')})`;
  const row = routine.returns === 'refcursor' ? fetched('called') : whole;
  return `select jsonb_agg(to_jsonb(${row}))::text from (select ${callOf(routine, values)} as called) as calls`;
}

/** What a cursor holds. */
function fetched(cursor: string): string {
  return `cursor_to_xml(${cursor}, 1000, false, false, '')::text`;
}

/** The names of several results that are cursors. */
function cursorsOf({ modes, definition }: FunctionRow): string[] {
  if (modes.filter((mode) => mode !== 'i' && mode !== 'v').length < 2) return [];
  const parsed = parseTree(definition);
  const [stmt] = Array.isArray(parsed) ? parsed.map((one) => fieldsOf(one.stmt, 'CreateFunctionStmt')) : [];
  return allOf(stmt?.parameters, 'FunctionParameter').flatMap(({ name, mode, argType }) =>
    name !== undefined && results.has(mode ?? '') && stringsOf(argType?.names).at(-1) === 'refcursor' ? [name] : [],
  );
}

const results = new Set(['FUNC_PARAM_OUT', 'FUNC_PARAM_INOUT', 'FUNC_PARAM_TABLE']);

/** The call as an expression. */
export function callOf(routine: FunctionRow, values: readonly string[]): string {
  if (routine.kind === 'a') return aggregateOf(routine, values);
  const isComplete = values.length === routine.inputs.length;
  return `${relation(routine)}(${argumentList(values, routine.argumentNames, routine.variadic && isComplete)})`;
}

/** An aggregate over one row. Its arguments have no names for a caller. */
function aggregateOf({ variadic, direct, ...routine }: FunctionRow, values: readonly string[]): string {
  const place = (list: readonly string[]): string => argumentList(list, [], variadic && list.at(-1) === values.at(-1));
  if (direct == null) return `${relation(routine)}(${place(values)})`;
  return `${relation(routine)}(${place(values.slice(0, direct))}) within group (order by ${values.slice(direct).join(', ')})`;
}
