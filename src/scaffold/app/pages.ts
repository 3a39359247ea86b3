/**
 * app/: the pages of a table in the built-in kit's app. One folder a table: its definition, its list and its form, as files that
 * their owner edits from then on.
 */
import { keyOf, splitName } from '../core.ts';
import type { ResolvedTable } from '../model.ts';
import type { Draft } from '../references.ts';
import { render } from '../render.ts';
import type { CoreFacts } from '../table.ts';
import {
  Code,
  codeOf,
  type ColumnEntry,
  columnEntry,
  memberCode,
  type Reference,
  textCode,
  textMember,
} from './columns.ts';
import { componentName, label, phrase, singular, valueName } from './words.ts';

/** The pages of one table. */
export interface TablePages {
  /** Of the folder in `app/src/tables`. */
  folder: string;
  /** The name of the table's definition in its file. */
  identifier: string;
  /** What the names of its components begin with. */
  component: string;
  /** Paths in the folder. */
  files: { path: string; content: string }[];
}

/** What pages are made from: the tables as resolved, and as they were specified. */
export interface PagesRequest {
  tables: readonly ResolvedTable[];
  drafts: readonly Draft[];
  core: CoreFacts;
  prefix: string;
}

/** A table that the app has pages for, and how its files name it. */
interface Listed {
  table: ResolvedTable;
  draft: Draft;
  folder: string;
  identifier: string;
  /** What its names end with, where another table would have the same. */
  more: string;
}

/** The pages of the tables, in their order. Those that only the backend can reach have none. */
export async function tablePages(request: PagesRequest): Promise<TablePages[]> {
  const listed: Listed[] = [];
  for (const draft of request.drafts) {
    const table = request.tables.find(({ name }) => name === draft.name);
    if (table === undefined || table.scope === 'service-only') continue;
    // Names that differ in capitals or `_` alone can become one, and a file system may take `Order` for `order`.
    const folder = table.name.toLowerCase().replaceAll('_', '-');
    const identifier = valueName(table.name);
    const same = listed.filter((other) => other.identifier === identifier || other.folder === folder).length;
    const more = same === 0 ? '' : String(same + 1);
    listed.push({ table, draft, folder: `${folder}${more}`, identifier: `${identifier}${more}`, more });
  }
  return Promise.all(listed.map((one) => pagesOf(one, listed, request)));
}

async function pagesOf(
  { table, draft, folder, identifier, more }: Listed,
  listed: readonly Listed[],
  { core, prefix }: PagesRequest,
): Promise<TablePages> {
  const { name, scope, scopeColumn, scopedBy } = table;
  const { specification } = draft;
  const imports = new Map<string, Listed>();
  const columns = new Map<string, ColumnEntry>();
  for (const column of specification.columns) {
    const reference = referenceOf(column.references, identifier, listed, core);
    const entry = columnEntry(column, reference?.to);
    if (entry === undefined) continue;
    columns.set(column.name, entry);
    const other = reference?.table;
    if (other !== undefined && other.identifier !== identifier) imports.set(other.identifier, other);
  }
  const author = specification.columns.find(({ self }) => self === true)?.name;
  columns.set('created_at', { kind: 'dateTime', label: 'Created' });
  const title = titleColumnOf([...columns], name);
  const shown = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  const component = `${componentName(name)}${more}`;
  const model = {
    identifier,
    component,
    name,
    imports: [...imports.values()],
    refersToItself: [...columns.values()].some(({ to }) => to instanceof Code && to.text.includes(': Target')),
    title: label(shown),
    one: singular(phrase(shown)),
    about: table.comment ?? `${label(shown)}.`,
    titleColumn: title,
    lists: scope === 'public-read' ? 'all' : scopedBy === 'organization' ? 'organization' : 'own',
    ownedBy: scopedBy === 'organization' ? 'organization' : scopedBy === 'owner' ? 'user' : undefined,
    ownerColumn: scopeColumn,
    authorColumn: author,
    writable: scopedBy !== null,
    columns: [...columns].map(([key, entry]) => ({ code: memberCode(key, entry, '    ') })),
    list: listCode(identifier, listedColumns([...columns], title)),
    fields: [...columns.keys()].filter((key) => key !== 'created_at' && key !== author),
  };
  const helpers = {
    js: codeOf,
    attribute,
    member: (key: string, text: unknown) => textMember(key, String(text), '  '),
  };
  const files = ['table.ts', 'List.tsx', 'Form.tsx'].map(async (path) => ({
    path,
    content: await render('app', path, model, helpers),
  }));
  return { folder, identifier, component, files: await Promise.all(files) };
}

/** What a column refers to, and the table's pages if it has some. */
function referenceOf(
  name: string | undefined,
  from: string,
  listed: readonly Listed[],
  core: CoreFacts,
): { to: Reference; table?: Listed } | undefined {
  if (name === undefined) return undefined;
  const own = listed.find(({ draft: { specification, name: full } }) =>
    [specification.name, full, `public.${full}`].includes(name),
  );
  if (own !== undefined)
    return { to: { kind: 'table', identifier: own.identifier, itself: own.identifier === from }, table: own };
  const full = name.includes('.') ? name : `public.${name}`;
  if (name === 'user' || full === 'public.profiles' || full === 'auth.users') return { to: { kind: 'person' } };
  const { schema, table } = splitName(full);
  // What the Data API does not serve, or has another key, is typed as it is.
  if (schema !== 'public' || keyOf(core, full)?.column !== 'id') return undefined;
  const columns = core.tables[full]?.columns ?? {};
  const titleColumn = titleColumns.find((column) => columns[column] !== undefined) ?? 'id';
  return { to: { kind: 'core', name: table, titleColumn } };
}

/** What says most of a row which it is, in this order. */
const titleColumns = ['name', 'title', 'subject', 'label', 'full_name', 'slug', 'email'];

function titleColumnOf(columns: readonly (readonly [string, ColumnEntry])[], table: string): string {
  const names = columns.map(([name]) => name);
  const own = [singular(table), ...titleColumns].flatMap((name) => [
    name,
    ...names.filter((one) => one.endsWith(`_${name}`)),
  ]);
  const kindOf = (name: string): unknown => columns.find(([one]) => one === name)?.[1]['kind'];
  const known = own.find((name) => kindOf(name) === 'text');
  const required = columns.find(
    ([, { kind, required: is }]) => is === true && ['text', 'dateTime', 'date'].includes(String(kind)),
  );
  return known ?? required?.[0] ?? names.find((name) => kindOf(name) === 'text') ?? names[0] ?? 'created_at';
}

/** The columns of the list: what names the row, and what is short. */
function listedColumns(columns: readonly (readonly [string, ColumnEntry])[], title: string): string[] {
  const short = columns
    .filter(([name, { kind }]) => name !== title && !['longText', 'json', 'list'].includes(String(kind)))
    .map(([name]) => name);
  const required = short.filter((name) => columns.find(([one]) => one === name)?.[1]['required'] === true);
  const chosen = new Set([...required, ...short.filter((name) => name !== 'created_at')].slice(0, 4));
  return [title, ...short.filter((name) => chosen.has(name) || (name === 'created_at' && chosen.size < 4))];
}

/** How long a line of the app may be. */
const width = 120;

/** The list's element, on one line where that is short enough. */
function listCode(identifier: string, columns: readonly string[]): string {
  const names = columns.map(textCode);
  const [table, line] = [`table={${identifier}}`, `columns={[${names.join(', ')}]}`];
  const element = `<RecordList ${table} ${line} />`;
  if (element.length <= width - '  return ;'.length) return `return ${element};`;
  if (element.length <= width - 4) return `return (\n    ${element}\n  );`;
  const list = line.length <= width - 6 ? [line] : ['columns={[', ...names.map((name) => `  ${name},`), ']}'];
  return ['return (', '  <RecordList', ...[table, ...list].map((part) => `    ${part}`), '  />', ');'].join('\n  ');
}

/** A text as an attribute of JSX. */
const attribute = (text: string): string => (/^[\w-]*$/.test(text) ? `"${text}"` : `{${textCode(text)}}`);
