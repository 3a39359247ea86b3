import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import { tableProblems } from './check-table.ts';
import { parseTable } from './parse-table.ts';
import { defaultExpressions, type ColumnSpecification, type TableSpecification } from './table.ts';

type Path = readonly (string | number)[];
type Fields = Record<string, unknown>;

/** What a value must be, with the words for an error. */
interface Kind {
  what: string;
  is: (value: unknown) => boolean;
}

const text: Kind = { what: 'a text', is: (value) => typeof value === 'string' };
const yesOrNo: Kind = { what: 'true or false', is: (value) => typeof value === 'boolean' };
const number: Kind = { what: 'a number', is: (value) => typeof value === 'number' && Number.isFinite(value) };
const texts: Kind = { what: 'a list of texts', is: (value) => Array.isArray(value) && value.every(text.is) };
const lists: Kind = { what: 'a list of lists of column names', is: (value) => Array.isArray(value) && value.every(texts.is) };
const anything: Kind = { what: 'a list', is: Array.isArray };
const literal: Kind = { what: 'a text, a number, true, false or null', is: (value) => value === null || text.is(value) || yesOrNo.is(value) || number.is(value) };
const oneOf = (...words: string[]): Kind => ({ what: `one of ${words.join(', ')}`, is: (value) => words.some((word) => word === value) });

const columnFields: Readonly<Record<keyof ColumnSpecification, Kind>> = {
  name: text,
  type: text,
  required: yesOrNo,
  unique: yesOrNo,
  default: literal,
  defaultExpression: oneOf(...defaultExpressions),
  choices: texts,
  min: number,
  max: number,
  references: text,
  onDelete: oneOf('cascade', 'restrict', 'set null'),
  self: yesOrNo,
  comment: text,
};

const tableFields: Readonly<Record<keyof TableSpecification, Kind>> = {
  name: text,
  columns: anything,
  scope: oneOf('owner', 'organization', 'public-read', 'service-only'),
  scopeColumn: text,
  scopedBy: oneOf('owner', 'organization'),
  comment: text,
  unique: lists,
  indexes: lists,
};

/** A specification is small; what is larger is something else. */
const mostCharacters = 1_000_000;

/**
 * Reads tables as data: a list of them, or `tables:` with that list. A table is an object, or a text as for `--table`.
 * @param form how the text is written; YAML 1.2 with core types only, no tags, and few aliases
 * @throws MuseError `bad-spec` naming the path of what is wrong, as `tables[0].columns[2].type`
 */
export async function readSpecification(source: string, form: 'yaml' | 'json'): Promise<TableSpecification[]> {
  if (source.length > mostCharacters) throw bad([], `it has ${source.length} characters, more than ${mostCharacters}`, 'Name the file that has the tables.');
  const data = form === 'json' ? fromJson(source) : await fromYaml(source);
  const root: Path = Array.isArray(data) ? [] : ['tables'];
  if (!Array.isArray(data)) fieldsOf(data, [], { tables: anything }, ['tables']);
  const tables = Array.isArray(data) ? data : (data as { tables: unknown[] }).tables;
  return tables.map((table, index) => toTable(table, [...root, index]));
}

function toTable(value: unknown, path: Path): TableSpecification {
  if (typeof value === 'string') return parseTable(value);
  const fields = fieldsOf(value, path, tableFields, ['name', 'columns']);
  const columns = (fields['columns'] as unknown[]).map((column, index) => toColumn(column, [...path, 'columns', index]));
  const asked = columns.some((column) => column.name === 'organization');
  const table: TableSpecification = { scope: asked ? 'organization' : 'owner', ...fields, columns: columns.filter((column) => column.name !== 'organization'), name: String(fields['name']) };
  const owned = table.scope === 'owner' || table.scope === 'organization';
  if (owned && table.scopedBy !== undefined && table.scopedBy !== table.scope) throw bad([...path, 'scopedBy'], `the scope is ${table.scope} already`, 'Leave scopedBy out.');
  if (!owned && table.scopeColumn !== undefined && table.scopedBy === undefined) {
    throw bad([...path, 'scopeColumn'], 'it does not say whose the rows are', 'Add scopedBy: owner, or scopedBy: organization.');
  }
  const [problem] = tableProblems(table);
  if (problem !== undefined) throw bad([...path, ...problem.path], problem.message, problem.suggestion);
  return table;
}

function toColumn(value: unknown, path: Path): ColumnSpecification {
  const isReference = typeof value === 'object' && value !== null && 'references' in value;
  const fields = fieldsOf(value, path, columnFields, isReference ? ['name'] : ['name', 'type']);
  // A reference has its target's type; uuid is what it is until that is known.
  return { type: 'uuid', ...fields, name: String(fields['name']) };
}

/** The value as an object that has these fields and no others. */
function fieldsOf(value: unknown, path: Path, known: Readonly<Record<string, Kind>>, required: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(path, 'an object was expected', `Give it ${required.join(' and ')}.`);
  const fields = value as Fields;
  for (const [name, content] of Object.entries(fields)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    const meant = nearest(name.slice(0, 40), Object.keys(known));
    if (kind === undefined) {
      throw bad([...path, name.slice(0, 40)], 'nothing is called so here', meant === undefined ? `There are ${Object.keys(known).join(', ')}.` : `Write ${meant}.`);
    }
    if (!kind.is(content)) throw bad([...path, name], `${kind.what} was expected`, `Give ${kind.what}.`);
  }
  const missing = required.find((name) => !Object.hasOwn(fields, name));
  if (missing !== undefined) throw bad(path, `${missing} is missing`, `Add ${missing}.`);
  return fields;
}

function fromJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw bad([], `it is not valid JSON: ${error instanceof Error ? error.message : String(error)}`, 'Fix the JSON, or name the file .yaml.');
  }
}

async function fromYaml(source: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(source, { schema: 'core', merge: false, resolveKnownTags: false, prettyErrors: true, logLevel: 'silent' });
  // The parser only warns about unknown tags; here they are errors.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw bad([], problem.message.replace(/\s+$/, ''), 'Fix the YAML; tags are not supported.');
  try {
    return document.toJS({ maxAliasCount: 50 }) as unknown;
  } catch (error) {
    throw bad([], error instanceof Error ? error.message : String(error), 'Write the tables out instead of repeating them by alias.');
  }
}

function bad(path: Path, message: string, suggestion: string): MuseError {
  const where = path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
  return new MuseError({ code: 'bad-spec', message: `The table specification cannot be used${where === '' ? '' : `, at ${where}`}: ${message}.`, suggestion });
}
