import { allOf, fieldsOf, open, stringsOf } from '../nodes.ts';
import type { Constraint, CreatePolicyStmt, Node, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable } from './lookup.ts';
import type { Catalog, Report, Table } from './model.ts';
import { describedTable } from './tables.ts';

/** Something that columns can come from. Undefined columns: nobody knows which it has. */
interface Item {
  alias: string;
  name: string;
  columns?: ReadonlyMap<string, unknown> | undefined;
}

interface Scope {
  items: Item[];
  /** Names of output columns, which ORDER BY and GROUP BY may use. */
  outputs: Set<string>;
  outer?: Scope | undefined;
}

const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

function itemOf(table: Table, alias = table.name.slice(table.name.indexOf('.') + 1)): Item {
  return { alias, name: table.name, columns: table.open ? undefined : table.columns };
}

function itemsOf(catalog: Catalog, from: unknown, local: ReadonlySet<string>): Item[] {
  const nodes = Array.isArray(from) ? from : from === undefined ? [] : [from];
  return nodes.flatMap((node: Node): Item[] => {
    const [type, fields] = open(node);
    if (type === 'RangeVar') {
      const relation = fields as unknown as RangeVar;
      const lookup = relation.schemaname === undefined && local.has(relation.relname) ? undefined : findTable(catalog, relation);
      const alias = relation.alias?.aliasname ?? relation.relname;
      const renames = (relation.alias as { colnames?: unknown } | undefined)?.colnames !== undefined;
      return lookup !== undefined && 'found' in lookup && !renames ? [itemOf(lookup.found, alias)] : [{ alias, name: relation.relname }];
    }
    if (type === 'JoinExpr') return [...itemsOf(catalog, fields['larg'], local), ...itemsOf(catalog, fields['rarg'], local)];
    const alias = (fields['alias'] as { aliasname?: string } | undefined)?.aliasname ?? '';
    return [{ alias, name: alias }];
  });
}

function check(names: readonly string[], location: number | undefined, scope: Scope, report: Report): void {
  const [first = '', second] = names;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    if (second === undefined) {
      if (systemColumns.has(first) || at.outputs.has(first)) return;
      if (at.items.some(({ alias, columns }) => columns === undefined || alias === first || columns.has(first))) return;
    } else {
      const item = at.items.find(({ alias }) => alias === first);
      if (item === undefined) continue;
      if (item.columns !== undefined && !item.columns.has(second) && !systemColumns.has(second) && second !== '') report('column', `${item.name}.${second}`, location);
      return;
    }
  }
  // A qualifier that is no item may be a parameter or a schema: nothing is said of it.
  const [only, more] = scope.items;
  if (second === undefined && only !== undefined) report('column', more === undefined ? `${only.name}.${first}` : first, location);
}

/** Walks an expression or query; each subquery opens a scope inside the one it stands in. */
function visit(catalog: Catalog, value: unknown, scope: Scope, local: ReadonlySet<string>, report: Report): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(catalog, item, scope, local, report);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, below] of Object.entries(value as Node)) {
    if (typeof below !== 'object' || below === null) continue;
    if (key === 'ColumnRef') {
      const { fields, location } = below as { fields: Node[]; location?: number };
      if (fields.every((field) => fieldsOf(field, 'String') !== undefined)) check(stringsOf(fields), location, scope, report);
    } else if (key === 'SelectStmt' || key === 'larg' || key === 'rarg') {
      visitSelect(catalog, below as Node, scope, local, report);
    } else if (key !== 'TypeName' && key !== 'typeName') {
      visit(catalog, below, scope, local, report);
    }
  }
}

function visitSelect(catalog: Catalog, select: Node, outer: Scope | undefined, local: ReadonlySet<string>, report: Report): void {
  if (select['op'] === undefined) {
    visit(catalog, select, outer ?? { items: [], outputs: new Set() }, local, report);
    return;
  }
  const ctes = allOf<{ ctename: string }>((select['withClause'] as Node | undefined)?.['ctes'], 'CommonTableExpr').map(({ ctename }) => ctename);
  const names = ctes.length === 0 ? local : new Set([...local, ...ctes]);
  const outputs = allOf<{ name?: string }>(select['targetList'], 'ResTarget').flatMap(({ name }) => (name === undefined ? [] : [name]));
  const scope: Scope = { items: itemsOf(catalog, select['fromClause'], names), outputs: new Set(outputs), outer };
  visit(catalog, select, scope, names, report);
}

/** The expressions of the CHECKs in a CREATE TABLE. */
function checksIn(elements: unknown): Node[] {
  const own = allOf<Constraint>(elements, 'Constraint');
  const beside = allOf<{ constraints?: Node[] }>(elements, 'ColumnDef').flatMap(({ constraints }) => allOf<Constraint>(constraints, 'Constraint'));
  return [...own, ...beside].flatMap(({ contype, raw_expr: expression }) => (contype === 'CONSTR_CHECK' && expression !== undefined ? [expression] : []));
}

/** Columns that the expressions of a policy, view, index, check or query name and that no table in sight has. */
export function missingColumns(catalog: Catalog, piece: Piece, report: Report): void {
  const { type, node } = piece;
  const none = new Set<string>();
  if (type === 'CreatePolicyStmt' || type === 'AlterPolicyStmt') {
    const { table, qual, with_check: withCheck } = node as unknown as CreatePolicyStmt;
    const lookup = findTable(catalog, table);
    if (!('found' in lookup)) return;
    const scope = { items: [itemOf(lookup.found)], outputs: none };
    visit(catalog, [qual, withCheck], scope, none, report);
  } else if (type === 'ViewStmt' || type === 'CreateTableAsStmt') {
    visit(catalog, node['query'], { items: [], outputs: none }, none, report);
  } else if (type === 'IndexStmt') {
    const lookup = findTable(catalog, node['relation'] as RangeVar);
    if ('found' in lookup) visit(catalog, [node['whereClause'], node['indexParams']], { items: [itemOf(lookup.found)], outputs: none }, none, report);
  } else if (type === 'CreateStmt') {
    const table = describedTable(catalog, piece);
    if (!table.open) visit(catalog, checksIn(node['tableElts']), { items: [itemOf(table)], outputs: none }, none, report);
  } else if (type === 'SelectStmt' && piece.inside === undefined) {
    visitSelect(catalog, node, undefined, none, report);
  }
}
