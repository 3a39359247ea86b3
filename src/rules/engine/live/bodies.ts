/** The bodies of a database's functions as parse trees. */
import { allOf, fieldsOf, type Node, stringsOf } from '../../../sql/nodes.ts';
import { parseTree } from '../../../sql/parser.ts';
import { parseRoutine, plpgsqlParts } from '../../../sql/plpgsql.ts';
import type { Catalog, FunctionRow } from './catalog.ts';

const known = new WeakMap<FunctionRow, readonly Node[]>();

/** Finds the trees of the functions of a name, with or without a schema; none where they cannot be read. */
export function bodiesIn({ functions }: Catalog): (name: readonly string[]) => readonly Node[] {
  return (name) =>
    functions
      .filter((one) => one.name === name.at(-1) && (name.length < 2 || one.schema === name.at(-2)))
      .flatMap((one) => {
        const trees = known.get(one) ?? treesOf(one);
        known.set(one, trees);
        return trees;
      });
}

function treesOf({ language, definition }: FunctionRow): readonly Node[] {
  const statement = fieldsOf(statementsOf(definition)[0], 'CreateFunctionStmt');
  if (statement?.sql_body !== undefined) return [statement.sql_body];
  const as = allOf(statement?.options, 'DefElem').find(({ defname }) => defname === 'as');
  const text = stringsOf(as?.arg)[0] ?? '';
  if (language === 'sql') return statementsOf(text);
  const parsed = language === 'plpgsql' ? parseRoutine(definition) : [];
  return Array.isArray(parsed) ? plpgsqlParts(parsed, text).flatMap(({ sql }) => statementsOf(sql)) : [];
}

function statementsOf(sql: string): Node[] {
  const parsed = sql.trim() === '' ? [] : parseTree(sql);
  return Array.isArray(parsed) ? parsed.flatMap(({ stmt }): Node[] => (stmt === undefined ? [] : [stmt])) : [];
}
