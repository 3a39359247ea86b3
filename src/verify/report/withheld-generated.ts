/** Generated columns that everyone who reads the rows may read, and that tell what is in one that nobody may read. */
import type { Finding } from '../../shared/finding.ts';
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { withheldColumns } from '../catalog/withheld.ts';
import { makeFinding } from './make-finding.ts';

/** Functions whose result has the text of their arguments in it, as it is or in other letters. */
const keeping = new Set([
  ...['lower', 'upper', 'initcap', 'concat', 'concat_ws', 'coalesce', 'trim', 'btrim', 'ltrim', 'rtrim', 'format'],
  ...['unaccent', 'immutable_unaccent', 'to_tsvector', 'setweight', 'to_jsonb', 'jsonb_build_object', 'json_build_object'],
  ...['array_to_string', 'string_to_array', 'normalize', 'reverse'],
]);

/** What they tell: an error where a text keeps the other in it, a warning where something else is made of it. */
export function withheldGenerated(model: Model): Finding[] {
  return [...model.tables.values()].flatMap((table) => {
    const withheld = table.kind === 'v' || table.kind === 'm' ? new Set<string>() : withheldColumns(table, model);
    return withheld.size === 0 ? [] : table.columns.flatMap((column) => ofColumn(column, table, withheld, model));
  });
}

function ofColumn(
  { name, generated, default: sql }: ColumnRow,
  table: RelationRow,
  withheld: ReadonlySet<string>,
  model: Model,
): Finding[] {
  if (!generated || sql === null || withheld.has(name)) return [];
  const [kept, named] = [new Set<string>(), new Set<string>()];
  const visit = (tree: unknown, isKept: boolean): void =>
    walk(tree, (type, node) => {
      const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node })?.name : undefined;
      if (column !== undefined && withheld.has(column)) (isKept ? kept : named).add(column);
      if (keeps(type, node)) return undefined;
      visit(node, false);
      return false;
    });
  visit(model.parse(sql), true);
  const told = kept.size > 0 ? kept : named;
  if (told.size === 0) return [];
  const columns = [...told].join(', ');
  return [
    makeFinding(
      'isolation-read',
      qualifiedName(table),
      `${qualifiedName(table)}: the generated column ${name} tells what is in ${columns}, which nobody may read there.`,
      `Leave ${columns} out of ${name}, or take ${name} out of what GRANT SELECT (…) ON ${qualifiedName(table)} names.`,
      kept.size > 0 ? undefined : 'warning',
    ),
  ];
}

/** What is below the node is in its result as it is. */
function keeps(type: string, node: Node): boolean {
  if (type === 'A_Expr') return nameParts(node['name']).at(-1) === '||';
  if (type === 'FuncCall') return keeping.has(nameParts(node['funcname']).at(-1) ?? '');
  return !['CaseWhen', 'NullTest', 'BoolExpr', 'BooleanTest', 'SubLink'].includes(type);
}
