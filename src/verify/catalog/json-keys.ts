import { allOf, type Fields, fieldsOf, literalOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import type { RoutineBody } from './bodies.ts';

/** The keys that a function reads from JSON, as nested objects; an empty object is a value. */
export interface JsonShape {
  [key: string]: JsonShape;
}

/** Functions that expand a JSON value into columns. */
const records = new Set(['jsonb_to_record', 'jsonb_to_recordset', 'json_to_record', 'json_to_recordset']);
const populated = new Set([
  'jsonb_populate_record',
  'jsonb_populate_recordset',
  'json_populate_record',
  'json_populate_recordset',
]);
const byPath = new Set([
  'jsonb_extract_path',
  'jsonb_extract_path_text',
  'json_extract_path',
  'json_extract_path_text',
]);

/** The keys that a function reads from JSON, whatever variable holds it. */
export function jsonShape(bodies: readonly RoutineBody[], tables: ReadonlyMap<string, RelationRow>): JsonShape {
  const shape: JsonShape = {};
  const add = (path: readonly (string | undefined)[]): void => {
    let at = shape;
    for (const key of path) {
      if (key === undefined || /^\d+$/.test(key)) continue;
      at = at[key] ??= {};
    }
  };
  walk(
    bodies.flatMap(({ trees }) => trees),
    (type, fields) => {
      if (type === 'A_Expr') add(pathOf({ A_Expr: fields }));
      if (type === 'FuncCall') {
        const name = stringsOf(fields.funcname).at(-1) ?? '';
        const args = fields.args ?? [];
        if (byPath.has(name)) add(args.slice(1).map(literalOf));
        if (populated.has(name)) for (const column of columnsOf(args[0], tables)) add([column]);
      }
      if (type === 'RangeFunction' && holdsRecord(fields)) {
        for (const { colname } of allOf(fields.coldeflist, 'ColumnDef')) add([colname]);
      }
    },
  );
  return shape;
}

/** The keys of `p -> 'a' ->> 'b'` and `p #>> '{a,b}'`. */
function pathOf(node: unknown): (string | undefined)[] {
  const expression = fieldsOf(node, 'A_Expr');
  const operator = stringsOf(expression?.name).at(-1) ?? '';
  const key = literalOf(expression?.rexpr);
  if (expression === undefined || key === undefined) return [];
  if (operator === '->' || operator === '->>' || operator === '?') return [...pathOf(expression.lexpr), key];
  return operator === '#>' || operator === '#>>'
    ? [...pathOf(expression.lexpr), ...key.replace(/^\{|\}$/g, '').split(',')]
    : [];
}

function holdsRecord(range: Fields<'RangeFunction'>): boolean {
  let found = false;
  walk(range.functions, (type, fields) => {
    found ||= type === 'FuncCall' && records.has(stringsOf(fields.funcname).at(-1) ?? '');
  });
  return found;
}

/** The columns of the table in `null::public.notes`. */
function columnsOf(node: unknown, tables: ReadonlyMap<string, RelationRow>): string[] {
  const names = stringsOf(fieldsOf(node, 'TypeCast')?.typeName?.names);
  const table = tables.get(names.length === 1 ? `public.${names[0]}` : names.join('.'));
  return table?.columns.map(({ name }) => name) ?? [];
}
