import type { SchemaObject } from '../database/schema.ts';

/** Where two definitions of an object differ: what was, and what is, each as SQL. */
export interface Redefined {
  was: string[];
  is: string[];
}

/**
 * The statements that create an object as a reading of a schema describes it.
 * @param columns those of a table: its own definition does not list them
 */
export function createSql({ kind, name, definition }: SchemaObject, columns: readonly SchemaObject[] = []): string[] {
  // Whose it is comes first, and is no part of the statement.
  const [body = '', ...options] = withoutOwner(definition);
  switch (kind) {
    case 'table':
    case 'partitioned table':
      return tableSql(name, [body, ...options], columns);
    case 'column':
      return [`ALTER TABLE ${ownerOf(name)} ADD COLUMN ${columnSql(name, definition)};`];
    case 'constraint': {
      const [constraint, table] = splitOn(name);
      return [`ALTER TABLE ${table} ADD CONSTRAINT ${constraint} ${definition};`];
    }
    case 'policy': {
      const [policy, table] = splitOn(name);
      const [permissive, command, ...rest] = definition.split(' ');
      return [`CREATE POLICY ${policy} ON ${table} AS ${permissive} FOR ${command} ${rest.join(' ')};`];
    }
    case 'index':
    case 'trigger':
    case 'rule':
    case 'statistics':
      return [`${definition};`];
    case 'function':
    case 'procedure':
      return [`${body.trimEnd()};`];
    case 'view':
    case 'materialized view':
      return [`CREATE ${kind} ${name} AS ${[body, ...options].at(-1)!.trim()}`];
    case 'schema':
      return [`CREATE SCHEMA ${name};`];
    case 'grant':
      return definition === '' ? [] : definition.split('; ').map((entry) => grantSql(name, entry));
    case 'comment':
      return [`COMMENT ON ${name} IS '${definition.replaceAll("'", "''")}';`];
    default:
      return [`${kind} ${name}: ${definition}`];
  }
}

/** What of an object's definition was replaced, and by what: only the grants that differ, else all of it. */
export function redefined(kind: string, name: string, before: string, after: string): Redefined {
  const [was, is] = [before, after].map((definition) => {
    if (kind === 'column') return definition.split(/(?<= )(?=grants [^']*$)/).map((part) => part.trim());
    if (kind === 'table' || kind === 'partitioned table') return definition.split(' | ');
    return createSql({ kind, name, definition }).flatMap((statement) => statement.split('\n'));
  });
  return {
    was: was!.filter((line) => !is!.includes(line)),
    is: is!.filter((line) => !was!.includes(line)),
  };
}

function tableSql(name: string, options: readonly string[], columns: readonly SchemaObject[]): string[] {
  const lines = columns.map((column) => `  ${columnSql(column.name, column.definition)}`);
  return [
    `CREATE TABLE ${name} (${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`});`,
    ...(options.includes('row security on') ? [`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;`] : []),
  ];
}

/** `title text not null`: the last part of a column's name, and what it is; its grants are statements of their own. */
function columnSql(name: string, definition: string): string {
  return `${name.slice(ownerOf(name).length + 1)} ${definition.replace(/ grants [^']*$/, '')}`;
}

/** `GRANT SELECT, UPDATE ON TABLE public.notes TO anon;` of `relation public.notes` and `anon=SELECT,UPDATE`. */
function grantSql(on: string, entry: string): string {
  const equals = entry.lastIndexOf('=');
  const verbs = entry
    .slice(equals + 1)
    .replaceAll('*', '')
    .replaceAll(',', ', ');
  return `GRANT ${verbs} ON ${on.replace(/^relation /, '')} TO ${entry.slice(0, equals)};`;
}

const withoutOwner = (definition: string): string[] =>
  definition.startsWith('owner ') ? definition.split(' | ').slice(1) : [definition];

/** The relation of a column's name; a quoted name may have dots in it. */
export function ownerOf(column: string): string {
  return /^((?:"(?:[^"]|"")*"|[^".])+\.(?:"(?:[^"]|"")*"|[^".])+)\./.exec(column)?.[1] ?? column;
}

/** `[constraint, table]` of `name on schema.table`. */
function splitOn(name: string): [string, string] {
  const on = name.lastIndexOf(' on ');
  return [name.slice(0, on), name.slice(on + 4)];
}
