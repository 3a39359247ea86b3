import { quoteIdentifier } from '../../shared/quote.ts';
import { bodyName, bodySql } from './body-sql.ts';
import type { Parameter, Routine } from './catalog.ts';
import { quoted, quotedPath, type Values } from './identifiers.ts';
import type { JsonPayload } from './write-sql.ts';

/** The values for the parameters that the request names. */
export type Arguments =
  /** The whole body for the only, unnamed parameter. */
  | { kind: 'body'; content: string | Uint8Array }
  | { kind: 'json'; payload: JsonPayload }
  | { kind: 'texts'; list: readonly (readonly [name: string, value: string])[] };

export interface Call {
  routine: Routine;
  /** Those that get a value; the others have defaults. */
  parameters: readonly Parameter[];
  given: Arguments;
  /** The columns of its result that are read. */
  returning: readonly string[];
}

/** The column of a result that is no row. */
export const scalarName = 'pgrst_scalar';

export function returnsScalars({ returns }: Routine): boolean {
  return !returns.composite;
}

export function returnsVoid({ returns }: Routine): boolean {
  return !returns.set && returns.type.schema === 'pg_catalog' && returns.type.name === 'void';
}

export function callSql({ routine, parameters, given, returning }: Call, values: Values): string {
  const scalar = returnsScalars(routine);
  const members = returning.map((name) => (name === '*' ? 'pgrst_call.*' : `pgrst_call.${quoted(name)}`));
  const list = scalar ? `pgrst_call.${scalarName}` : members.join(', ');
  const call = (argumentList: string): string => {
    const sql = `${quotedPath(routine)}(${argumentList})`;
    return scalar ? `(SELECT ${sql} AS ${scalarName}) AS pgrst_call` : `${sql} AS pgrst_call`;
  };
  if (given.kind === 'body') {
    return `SELECT ${list} FROM ${call(`${values.bind(given.content)}::${routine.parameters[0]?.type}`)}`;
  }
  if (parameters.length === 0) return `SELECT ${list} FROM ${call('')}`;
  const named = (parameter: Parameter, value: string) =>
    `${parameter.variadic ? 'VARIADIC ' : ''}${quoteIdentifier(parameter.name)} := ${value}`;
  if (given.kind === 'texts') {
    const items = parameters.map((parameter) => named(parameter, textArgument(parameter, given.list, values)));
    return `SELECT ${list} FROM ${call(items.join(', '))}`;
  }
  const columns = parameters.map(({ name, castType }) => ({ name, type: castType }));
  const body = bodySql(given.payload, columns, values, { onlyFirst: true });
  const items = parameters.map((parameter) => named(parameter, `${bodyName}.${quoteIdentifier(parameter.name)}`));
  return `SELECT ${list} FROM ${body}, LATERAL ${call(items.join(', '))}`;
}

/** The last value of a name counts; a variadic parameter takes all. */
function textArgument(
  { name, castType, variadic }: Parameter,
  list: readonly (readonly [name: string, value: string])[],
  values: Values,
): string {
  const texts = list.filter(([other]) => other === name).map(([, value]) => value);
  return `${values.bind(variadic ? texts : texts.at(-1))}::${castType}`;
}
