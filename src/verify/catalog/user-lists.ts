/** Lists of users in a row, each of whom policies let into it: `auth.uid() = any(participant_ids)`, `acl ? auth.uid()::text`. */
import { type ColumnRow, isPlatformSchema, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { constantsIn } from './compared-values.ts';
import { type Condition, conditionsOn } from './conditions.ts';
import { isWhoAsks, type Model } from './model.ts';
import { isTable } from './tenancy.ts';
import { stripped } from './verb-policies.ts';

/** Such a list: an array of IDs, or a document with an ID as each of its keys. */
export interface UserList {
  column: ColumnRow;
  /** What a document has at the key, as the role of that user; undefined where only the key is asked for. */
  role: string | undefined;
}

const known = new WeakMap<Model, Map<RelationRow, UserList | undefined>>();

/** The list of users in a row of a table; undefined where it has none. Cached per model. */
export function userList(table: RelationRow, model: Model): UserList | undefined {
  const lists = known.get(model) ?? new Map<RelationRow, UserList | undefined>();
  known.set(model, lists);
  if (!lists.has(table)) lists.set(table, findList(table, model));
  return lists.get(table);
}

/** SQL of the list with those users in it, of whom there is SQL. */
export function listOf({ column: { base }, role }: UserList, users: readonly string[]): string {
  if (base !== 'jsonb') return `array[${users.join(', ')}]::${base}`;
  const value = role === undefined ? 'true' : `${quoteLiteral(role)}::text`;
  return `jsonb_build_object(${users.map((user) => `${user}::text, ${value}`).join(', ')})`;
}

function findList(table: RelationRow, model: Model): UserList | undefined {
  if (!isTable(table) || table.partition || isPlatformSchema(table.schema)) return undefined;
  if (!table.columns.some(isList)) return undefined;
  const { policies, others } = conditionsOn(table, model);
  const found = [...policies, ...others].flatMap((condition) => listsIn(condition, model));
  const column = table.columns.find((one) => found.some((list) => list.column === one));
  const role = found.find((list) => list.column === column && list.role !== undefined)?.role;
  return column === undefined ? undefined : { column, role };
}

function isList({ base, generated }: ColumnRow): boolean {
  return /^((uuid|text|character varying)\[\]|jsonb)$/.test(base) && !generated;
}

/** The lists in which a condition looks for who asks. */
function listsIn({ tree, own }: Condition, model: Model): UserList[] {
  const found: UserList[] = [];
  const note = (list: unknown, asker: unknown, isDocument: boolean, role?: string): void => {
    const column = own(stripped(list));
    const isFitting = column !== undefined && isList(column) && (column.base === 'jsonb') === isDocument;
    if (isFitting && isWhoAsks(asker, model)) found.push({ column, role });
  };
  const noteRole = (place: unknown, other: unknown): void => {
    const { name, lexpr, rexpr } = fields(stripped(place), 'A_Expr') ?? {};
    if (nameParts(name).at(-1) === '->>') note(lexpr, rexpr, true, constantsIn(other)[0]);
  };
  walk(tree, (type, node) => {
    if (type === 'SubLink') {
      const select = fields(node['subselect'], 'SelectStmt');
      if (select?.['fromClause'] !== undefined) return false;
      note(elementsOf(select), node['testexpr'], false);
    }
    if (type !== 'A_Expr') return undefined;
    const operator = nameParts(node['name']).at(-1) ?? '';
    if (node['kind'] === 'AEXPR_OP_ANY' && operator === '=') note(node['rexpr'], node['lexpr'], false);
    if (operator === '@>' || operator === '&&') note(node['lexpr'], node['rexpr'], false);
    if (operator === '<@' || operator === '&&') note(node['rexpr'], node['lexpr'], false);
    if (operator === '?' || operator === '->>') note(node['lexpr'], node['rexpr'], true);
    if (operator === '=') noteRole(node['lexpr'], node['rexpr']);
    return undefined;
  });
  return found;
}

/** The list whose elements a query gives: `select unnest(members)`. */
function elementsOf(select: Node | undefined): unknown {
  const [target] = (select?.['targetList'] ?? []) as unknown[];
  const call = fields(fields(target, 'ResTarget')?.['val'], 'FuncCall');
  const [list] = (call?.['args'] ?? []) as unknown[];
  return nameParts(call?.['funcname']).at(-1) === 'unnest' ? list : undefined;
}
