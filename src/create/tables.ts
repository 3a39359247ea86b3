import { resolve } from 'node:path';
import { parseTable } from '../scaffold/parse-table.ts';
import { loadPreset } from '../scaffold/presets.ts';
import { readSpecification } from '../scaffold/read-spec.ts';
import { checkTables } from '../scaffold/scaffold.ts';
import { prefixProblem } from '../scaffold/names.ts';
import type { TableSpecification } from '../scaffold/table.ts';
import { MuseError } from '../shared/error.ts';
import { readUtf8 } from '../shared/files.ts';

/** What decides which tables a product gets. */
export interface TableAnswers {
  presets?: readonly string[] | undefined;
  /** Table specifications as `--table` takes them. */
  tables?: readonly string[] | undefined;
  /** Absolute path of a YAML or JSON specification. */
  spec?: string | undefined;
  prefix?: string | undefined;
}

/**
 * The tables that `--table` and `--spec` specify.
 * @throws MuseError `bad-table`, `bad-spec`
 */
export async function tablesOf({ tables = [], spec }: TableAnswers): Promise<TableSpecification[]> {
  const specified = tables.map(parseTable);
  if (spec === undefined) return specified;
  const path = resolve(spec);
  const text = await readUtf8(path);
  if (text === undefined) {
    throw new MuseError({
      code: 'bad-spec',
      message: `The file ${path} does not exist.`,
      suggestion: 'Name a YAML or JSON file: --spec tables.yaml',
    });
  }
  return [...specified, ...(await readSpecification(text, path.endsWith('.json') ? 'json' : 'yaml'))];
}

/**
 * Finds what is wrong with tables before a kit is fetched. Only their references to core need the kit.
 * @param answers presets that exist
 * @throws MuseError `bad-table`, `bad-spec`, `bad-name` for the prefix
 */
export async function checkTableAnswers(answers: TableAnswers): Promise<void> {
  const { presets = [], prefix = '' } = answers;
  checkPrefix(prefix);
  const specified = await tablesOf(answers);
  const loaded = await Promise.all([...new Set(presets)].map(loadPreset));
  checkTables([...loaded.flatMap((preset) => preset.tables), ...specified], prefix);
}

/** @throws MuseError `bad-name` where the names of tables cannot begin with the prefix */
export function checkPrefix(prefix: string): void {
  const problem = prefixProblem(prefix);
  if (problem === undefined) return;
  throw new MuseError({
    code: 'bad-name',
    message: `The prefix cannot begin the names of tables: ${problem.message}.`,
    suggestion: problem.nearest === undefined ? 'Use e.g. --prefix kv_' : `Use e.g. --prefix ${problem.nearest}`,
  });
}
