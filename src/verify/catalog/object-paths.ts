import type { PolicyRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { type FolderKey, folderKeys, joined } from './folder-keys.ts';
import { isWhoAsks, type Model } from './model.ts';

/** What a folder in an object's path must be: an ID, what a column of a row holds, or a fixed name. */
export type Folder = { of: 'user' | 'organization' } | { key: FolderKey } | { name: string };

/**
 * The folders that the policies of a bucket require, outermost first: with `(storage.foldername(name))[2] =
 * auth.uid()::text` the second one is the user's ID, and with `[1] = (room_id)::text` the first one is that of a chat. One that is not
 * compared with anything known is the default.
 * @param usual the default for a folder that the policies do not mention
 */
export function foldersOf(policies: readonly PolicyRow[], usual: 'user' | 'organization', model: Model): Folder[] {
  const trees = policies
    .flatMap(({ using, check }) => [using, check])
    .flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  const { asked, mentioned } = askedIn(trees, model);
  const keys = new Map(
    [...folderKeys(policies, model)].flatMap(([place, [key]]): [number, Folder][] =>
      key === undefined || place === 0 ? [] : [[place, folderOf(key, model)]],
    ),
  );
  const depth = Math.max(1, ...asked.keys(), ...mentioned, ...keys.keys());
  return Array.from({ length: depth }, (_, index) => asked.get(index + 1) ?? keys.get(index + 1) ?? { of: usual });
}

/** Says whether expressions of a policy ask for the folder of who asks. */
export function asksUser(trees: readonly unknown[], model: Model): boolean {
  return [...askedIn(trees, model).asked.values()].some((folder) => 'of' in folder && folder.of === 'user');
}

/** The folders that expressions compare with who asks or with a name, and the numbers of all that they mention. */
function askedIn(
  trees: readonly unknown[],
  model: Model,
): { asked: ReadonlyMap<number, Folder>; mentioned: ReadonlySet<number> } {
  const asked = new Map<number, Folder>();
  const mentioned = new Set<number>();
  for (const tree of trees)
    walk([tree], (type, node) => {
      // A folder that a function gets, or that is one of a list.
      const known = positionOf({ [type]: node });
      if (known !== undefined) mentioned.add(known);
      if (type !== 'A_Expr') return;
      namesAtStart(node).forEach((name, index) => {
        if (!asked.has(index + 1)) asked.set(index + 1, { name });
      });
      if (nameParts(node['name']).at(-1) !== '=') return;
      for (const [side, other] of [
        [node['lexpr'], node['rexpr']],
        [node['rexpr'], node['lexpr']],
      ]) {
        const position = positionOf(side);
        const folder = position === undefined ? undefined : folderFrom(other, model);
        if (folder !== undefined && !asked.has(position!)) asked.set(position!, folder);
      }
    });
  return { asked, mentioned };
}

/** Says whether the policies ask for any folder of a name. */
export function mentionsFolders(policies: readonly PolicyRow[], model: Model): boolean {
  const trees = policies.flatMap(({ using, check }) =>
    [using, check].flatMap((sql) => (sql === null ? [] : [model.parse(sql)])),
  );
  const { asked, mentioned } = askedIn(trees, model);
  return asked.size + mentioned.size > 0;
}

/** Says whether the policies ask how many folders a name has. */
export function asksDepth(policies: readonly PolicyRow[], model: Model): boolean {
  let isAsked = false;
  for (const sql of policies.flatMap(({ using, check }) => [using, check]))
    walk(sql === null ? undefined : model.parse(sql), (type, call) => {
      const isCount =
        type === 'FuncCall' &&
        /^(array_length|cardinality|array_upper)$/.test(nameParts(call['funcname']).at(-1) ?? '');
      if (isCount)
        walk(call['args'], (inner, node) => {
          isAsked ||=
            (inner === 'FuncCall' && /^(foldername|string_to_array)$/.test(nameParts(node['funcname']).at(-1) ?? '')) ||
            (inner === 'ColumnRef' && nameParts(node['fields']).at(-1) === 'path_tokens');
        });
      return !isAsked;
    });
  return isAsked;
}

/** What a folder is named after: whom a column means, or a row. */
function folderOf(key: FolderKey, model: Model): Folder {
  const column = key.table.columns.find(({ name }) => name === key.column)!;
  const meaning = model.meaningOf(key.table, column);
  return meaning === 'user' || meaning === 'organization' ? { of: meaning } : { key };
}

/**
 * The number of the folder that an expression extracts from the name, from 1: `(storage.foldername(name))[1]`,
 * `split_part(name, '/', 1)`.
 */
function positionOf(node: unknown): number | undefined {
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return positionOf(cast['arg']);
  const taken = fields(node, 'A_Indirection');
  if (taken !== undefined) {
    const call = fields(taken['arg'], 'FuncCall');
    const index = fields((taken['indirection'] as unknown[] | undefined)?.[0], 'A_Indices');
    return nameParts(call?.['funcname']).at(-1) === 'foldername' ? numberOf(index?.['uidx']) : undefined;
  }
  const call = fields(node, 'FuncCall');
  const args = (call?.['args'] ?? []) as unknown[];
  return nameParts(call?.['funcname']).at(-1) === 'split_part' && constantOf(args[1]) === '/'
    ? numberOf(args[2])
    : undefined;
}

/** Says whether a policy looks for who asks anywhere in a name: by a pattern that may begin with anything, as a part of it, or as any of its folders. */
export function asksAnywhere(policies: readonly PolicyRow[], model: Model): boolean {
  const isName = (node: unknown): boolean => {
    let isNamed = false;
    walk([node], (type, inner) => {
      const column = type === 'ColumnRef' ? nameParts(inner['fields']).at(-1) : undefined;
      isNamed ||= column === 'name' || column === 'path_tokens';
    });
    return isNamed;
  };
  let isAsked = false;
  for (const { using } of policies)
    walk(using === null ? undefined : model.parse(using), (type, node) => {
      const [left, right] = [node['lexpr'], node['rexpr']];
      const operator = type === 'A_Expr' ? (nameParts(node['name']).at(-1) ?? '') : '';
      if (/^~~?\*?$/.test(operator))
        isAsked ||= isName(left) && isWhoAsks(right, model) && isOpenAtStart(right, operator);
      if (operator === '=' && node['kind'] === 'AEXPR_OP_ANY')
        isAsked ||= isName(right) && isWhoAsks(left, model) && positionOf(right) === undefined;
      if (type === 'FuncCall' && /^(strpos|position)$/.test(nameParts(node['funcname']).at(-1) ?? '')) {
        const [whole, part] = (node['args'] ?? []) as unknown[];
        isAsked ||= isName(whole) && isWhoAsks(part, model);
      }
      return !isAsked;
    });
  return isAsked;
}

/** Of a pattern that is put together, what comes first may stand for anything. */
function isOpenAtStart(pattern: unknown, operator: string): boolean {
  const joined = fields(pattern, 'A_Expr');
  if (joined !== undefined && nameParts(joined['name']).at(-1) === '||')
    return isOpenAtStart(joined['lexpr'], operator);
  const constant = constantOf(pattern);
  const isRegular = !operator.startsWith('~~');
  return constant === undefined ? isRegular : isRegular ? !constant.startsWith('^') : constant.startsWith('%');
}

/** The folders that `name LIKE 'covers/%'` and `name LIKE 'projects/' || id || '/%'` begin with. */
function namesAtStart(node: Node): string[] {
  const isName = nameParts(fields(node['lexpr'], 'ColumnRef')?.['fields']).at(-1) === 'name';
  if (!isName || nameParts(node['name']).at(-1) !== '~~') return [];
  const [first] = joined(node['rexpr']);
  const parts = (constantOf(first) ?? '').split('/');
  const open = parts.findIndex((part) => part.includes('%'));
  return parts.slice(0, open < 0 ? -1 : open);
}

function numberOf(node: unknown): number | undefined {
  const number = Number(constantOf(node));
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

function folderFrom(node: unknown, model: Model): Folder | undefined {
  let isRead = false;
  walk([node], (type) => {
    if (type === 'FuncCall' || type === 'SubLink') isRead = true;
  });
  const [constant] = constantsIn(node);
  if (!isRead && constant !== undefined) return { name: constant };
  return isWhoAsks(node, model) ? { of: 'user' } : undefined;
}

/**
 * The file extensions that the policies of a bucket require, with their dots: constants compared with the extension or
 * the end of a name, and patterns with a leading wildcard.
 */
export function endingsOf(policies: readonly PolicyRow[], model: Model): string[] {
  const found = new Set<string>();
  for (const sql of policies.flatMap(({ using, check }) => [using, check])) {
    walk(sql === null ? undefined : model.parse(sql), (type, node) => {
      if (type !== 'A_Expr') return;
      const isPattern = /^~~\*?$/.test(nameParts(node['name']).at(-1) ?? '');
      for (const [side, other] of [
        [node['lexpr'], node['rexpr']],
        [node['rexpr'], node['lexpr']],
      ]) {
        if (!readsEnd(side, isPattern)) continue;
        for (const constant of constantsIn(other)) {
          const ending = isPattern ? (/%([^%/]+)$/.exec(constant)?.[1] ?? '') : constant;
          if (ending !== '') found.add(ending.includes('.') ? ending : `.${ending}`);
        }
      }
    });
  }
  return [...found];
}

/**
 * An expression that extracts the end of the name: `storage.extension(name)`, `right(name, 4)`; for a pattern, the name
 * itself.
 */
function readsEnd(node: unknown, isPattern: boolean): boolean {
  let [isEnd, isName] = [isPattern, false];
  walk([node], (type, inner) => {
    if (type === 'FuncCall') isEnd ||= ['extension', 'right'].includes(nameParts(inner['funcname']).at(-1) ?? '');
    if (type === 'ColumnRef') isName ||= nameParts(inner['fields']).at(-1) === 'name';
  });
  return isEnd && isName;
}

function constantsIn(node: unknown): string[] {
  const constants: string[] = [];
  walk([node], (type, inner) => {
    if (type === 'A_Const') constants.push(constantOf({ A_Const: inner }) ?? '');
  });
  return constants;
}
