import { fieldsOf, stringsOf } from '../nodes.ts';
import type { TypeName } from '../nodes.ts';

/** The parser's type names, with the names that PostgreSQL prints. */
const printed: Record<string, string> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  int: 'integer',
  bool: 'boolean',
  float4: 'real',
  float8: 'double precision',
  varchar: 'character varying',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  timetz: 'time with time zone',
  time: 'time without time zone',
  varbit: 'bit varying',
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
  smallserial: 'smallint',
  serial2: 'smallint',
  decimal: 'numeric',
};

/** The name of a type without length and brackets, and the schema it is written with, if any. */
export function baseType(type: TypeName): { schema?: string; name: string } {
  const names = stringsOf(type.names);
  const name = names.at(-1) ?? '';
  return names.length > 1 ? { schema: names.at(-2)!, name } : { name };
}

/** A type as PostgreSQL prints it: `numeric(5,2)`, `text[]`, `mood`, `app.mood`. */
export function typeText(type: TypeName): string {
  const { schema, name } = baseType(type);
  const plain = printed[name] ?? name;
  if (type.typmods === undefined && type.arrayBounds === undefined && (schema === undefined || schema === 'pg_catalog'))
    return plain;
  const qualified =
    schema === undefined || schema === 'pg_catalog' || schema === 'public' ? plain : `${schema}.${plain}`;
  const lengths = (type.typmods ?? []).map((each) => {
    const constant = fieldsOf(each, 'A_Const');
    return constant?.ival === undefined ? '' : String(constant.ival.ival ?? 0);
  });
  const length = lengths.some((each) => each !== '') && plain !== 'interval' ? `(${lengths.join(',')})` : '';
  const [head, ...rest] = qualified.split(' ');
  const modified =
    plain.startsWith('time') && length !== '' ? [`${head}${length}`, ...rest].join(' ') : `${qualified}${length}`;
  return modified + '[]'.repeat(Math.min(1, type.arrayBounds?.length ?? 0));
}

/** Returns whether the type is an integer with a sequence (`serial` and its variants). */
export function isSerial(type: TypeName): boolean {
  return /^(?:big|small)?serial[248]?$/.test(baseType(type).name);
}
