import { MuseError } from '../shared/error.ts';
import type { SchemaProblem } from '../shared/schema.ts';
import { tableProblems } from './check-table.ts';
import { parseTable } from './parse-table.ts';
import type { GivenTable } from './specification-schema.ts';
import type { TableSpecification } from './table.ts';

type Path = readonly (string | number)[];

/** A longer text is not a table specification. */
const mostCharacters = 1_000_000;

/**
 * Reads tables as data: a list of them, or `tables:` with that list. A table is an object, or a text as for `--table`.
 * @param form how the text is written; YAML 1.2 with core types only, no tags, and few aliases
 * @throws MuseError `bad-spec` naming the path of what is wrong, e.g. `tables[0].columns[2].type`
 */
export async function readSpecification(source: string, form: 'yaml' | 'json'): Promise<TableSpecification[]> {
  if (source.length > mostCharacters)
    throw bad(
      '',
      `it has ${source.length} characters, more than ${mostCharacters}`,
      'Check that it is the file with the tables.',
    );
  const data = form === 'json' ? fromJson(source) : await fromYaml(source);
  const [{ list, object, pathText, problemsOf }, { tableSchema }, { unknown }] = await Promise.all([
    import('../shared/schema.ts'),
    import('./specification-schema.ts'),
    import('valibot'),
  ]);
  const isList = Array.isArray(data);
  refuse(problemsOf(isList ? list(unknown()) : object({ tables: list(unknown()) }), data), [], pathText);
  const root: Path = isList ? [] : ['tables'];
  return (isList ? data : (data as { tables: unknown[] }).tables).map((table: unknown, index) => {
    if (typeof table === 'string') return parseTable(table);
    const path = [...root, index];
    refuse(problemsOf(tableSchema, table), path, pathText);
    const complete = completed(table as GivenTable);
    refuse([...scopeProblems(complete), ...tableProblems(complete)], path, pathText);
    return complete;
  });
}

/** The table with the defaults that follow from the given values. */
function completed(given: GivenTable): TableSpecification {
  const asked = given.columns.some((column) => column.name === 'organization');
  // A reference gets the type of its target, and uuid until that is known.
  const columns = given.columns
    .filter((column) => column.name !== 'organization')
    .map((column) => ({ type: 'uuid', ...column }));
  return { scope: asked ? 'organization' : 'owner', ...given, columns };
}

function scopeProblems({ scope, scopedBy, scopeColumn }: TableSpecification): SchemaProblem[] {
  const owned = scope === 'owner' || scope === 'organization';
  if (owned && scopedBy !== undefined && scopedBy !== scope)
    return [{ path: ['scopedBy'], message: `the scope is already ${scope}`, suggestion: 'Remove scopedBy.' }];
  if (owned || scopeColumn === undefined || scopedBy !== undefined) return [];
  return [
    {
      path: ['scopeColumn'],
      message: 'the owner of the rows is missing',
      suggestion: 'Add scopedBy: owner, or scopedBy: organization.',
    },
  ];
}

/** @throws MuseError `bad-spec` with the first problem, if there is one */
function refuse([problem]: readonly SchemaProblem[], at: Path, pathText: (path: Path) => string): void {
  if (problem !== undefined) throw bad(pathText([...at, ...problem.path]), problem.message, problem.suggestion);
}

function fromJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw bad(
      '',
      `it is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      'Fix the JSON, or name the file .yaml.',
    );
  }
}

async function fromYaml(source: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(source, {
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    prettyErrors: true,
    logLevel: 'silent',
  });
  // The parser only warns about unknown tags; here they are errors.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined)
    throw bad('', problem.message.replace(/\s+$/, ''), 'Fix the YAML; tags are not supported.');
  try {
    return document.toJS({ maxAliasCount: 50 }) as unknown;
  } catch (error) {
    throw bad(
      '',
      error instanceof Error ? error.message : String(error),
      'Write the tables in full instead of repeating them with aliases.',
    );
  }
}

function bad(where: string, message: string, suggestion: string): MuseError {
  return new MuseError({
    code: 'bad-spec',
    message: `The table specification cannot be used${where === '' ? '' : `, at ${where}`}: ${message}.`,
    suggestion,
  });
}
