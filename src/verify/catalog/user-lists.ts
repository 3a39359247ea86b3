/**
 * Lists of users in a row, each of whom policies let into it: `auth.uid() = any(participant_ids)`, `acl ? auth.uid()::text`; and documents
 * that name one, as in `data ->> 'owner' = auth.uid()::text`.
 */
import { type ColumnRow, isPlatformSchema, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { constantsIn } from './compared-values.ts';
import { type Condition, conditionsOn } from './conditions.ts';
import { jsonPlaceOf } from './json-values.ts';
import { isWhoAsks, type Model } from './model.ts';
import { isTable } from './tenancy.ts';
import { stripped } from './verb-policies.ts';

/** Such a list: an array of IDs or addresses, a document with one as each of its keys, or with one at a place. */
export interface UserList {
  column: ColumnRow;
  /** What tells the user: the ID, or the address. */
  by: 'user' | 'email';
  /** The keys that lead to the one user whom a document names; undefined for a list of several. */
  place: readonly string[] | undefined;
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

/** SQL of the list with those users in it, of whose IDs or addresses there is SQL. */
export function listOf({ column: { base }, place, role }: UserList, users: readonly string[]): string {
  if (base !== 'jsonb') return `array[${users.join(', ')}]::${base}`;
  if (place !== undefined)
    return place.reduceRight((value, key) => `jsonb_build_object(${quoteLiteral(key)}, ${value})`, `${users[0]}::text`);
  const value = role === undefined ? 'true' : `${quoteLiteral(role)}::text`;
  return `jsonb_build_object(${users.map((user) => `${user}::text, ${value}`).join(', ')})`;
}

function findList(table: RelationRow, model: Model): UserList | undefined {
  if (!isTable(table) || table.partition || isPlatformSchema(table.schema)) return undefined;
  if (!table.columns.some(isList)) return undefined;
  const { policies, others } = conditionsOn(table, model);
  const found = [...policies, ...others].flatMap((condition) => listsIn(condition, table, model));
  const first = table.columns
    .map((one) => found.filter(({ column }) => column === one))
    .find((lists) => lists.length > 0);
  return first?.find(({ role }) => role !== undefined) ?? first?.[0];
}

function isList({ base, generated }: ColumnRow): boolean {
  return /^((uuid|text|character varying)\[\]|jsonb)$/.test(base) && !generated;
}

/** The lists in which a condition looks for who asks. */
function listsIn({ tree, own }: Condition, { columns }: RelationRow, model: Model): UserList[] {
  const found: UserList[] = [];
  const note = (list: unknown, asker: unknown, isDocument: boolean, role?: string): void => {
    const column = own(stripped(list));
    const isFitting = column !== undefined && isList(column) && (column.base === 'jsonb') === isDocument;
    const by = isFitting ? tellerOf(asker, model) : undefined;
    if (column !== undefined && by !== undefined) found.push({ column, by, place: undefined, role });
  };
  const notePlace = (node: unknown, asker: unknown): void => {
    const { column: name, path } =
      jsonPlaceOf(
        stripped(node),
        (base) => own(base)?.name,
        () => false,
      ) ?? {};
    const column = columns.find((one) => one.name === name);
    const by = column?.base === 'jsonb' && isList(column) && path!.length > 0 ? tellerOf(asker, model) : undefined;
    if (column !== undefined && by !== undefined) found.push({ column, by, place: path, role: undefined });
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
    if (operator !== '=' || node['kind'] !== 'AEXPR_OP') return undefined;
    notePlace(node['lexpr'], node['rexpr']);
    notePlace(node['rexpr'], node['lexpr']);
    return undefined;
  });
  return found;
}

/** What tells who asks in an expression; undefined where nothing does. */
function tellerOf(node: unknown, model: Model): UserList['by'] | undefined {
  if (isWhoAsks(node, model)) return 'user';
  return model.claims.pathsIn(node).some(({ path }) => path.join() === 'email') ? 'email' : undefined;
}

/** The list whose elements a query gives: `select unnest(members)`. */
function elementsOf(select: Node | undefined): unknown {
  const [target] = (select?.['targetList'] ?? []) as unknown[];
  const call = fields(fields(target, 'ResTarget')?.['val'], 'FuncCall');
  const [list] = (call?.['args'] ?? []) as unknown[];
  return nameParts(call?.['funcname']).at(-1) === 'unnest' ? list : undefined;
}
