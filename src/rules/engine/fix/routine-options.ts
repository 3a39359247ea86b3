import { builtinFunctions } from '../../../sql/catalog/builtins.ts';
import type { Routine } from '../../../sql/catalog/model.ts';
import { allOf, stringsOf, walk } from '../../../sql/nodes.ts';
import { quoteQualified } from '../../../shared/quote.ts';
import type { Edit, Situation } from './fix.ts';
import { mayEdit, noteText } from './place.ts';
import type { Texts } from './place.ts';

/** Returns whether every table and function in the body is schema-qualified. */
function isQualified({ body, language }: Routine): boolean {
  if (language !== 'sql' && language !== 'plpgsql') return false;
  let qualified = body.length > 0;
  for (const { type, node } of body) {
    const local = new Set<string>();
    walk({ [type]: node }, (kind, fields) => {
      if (kind === 'CommonTableExpr') local.add(fields['ctename'] as string);
    });
    walk({ [type]: node }, (kind, fields) => {
      const relation = kind === 'RangeVar' ? fields : undefined;
      if (relation !== undefined && relation.schemaname === undefined && !local.has(relation.relname))
        qualified = false;
      const names = kind === 'FuncCall' ? stringsOf(fields.funcname) : [];
      if (names.length === 1 && !builtinFunctions.has(names[0]!)) qualified = false;
      const types = kind === 'TypeName' ? stringsOf(fields.names) : [];
      if (types.length === 1 && !builtinType(types[0]!)) qualified = false;
    });
  }
  return qualified;
}

function builtinType(name: string): boolean {
  return /^(?:uuid|text|jsonb?|date|inet|bytea|name|record|void|trigger|oid|regclass|timestamptz|timestamp|interval|numeric|int[248]|bool|varchar|float[48])$/.test(
    name,
  );
}

/** The search path for a SECURITY DEFINER routine: empty if its names are qualified. */
export function searchPathFor(routine: Routine): string {
  return isQualified(routine) ? "''" : 'pg_catalog, public, extensions';
}

/**
 * Sets options of a routine: in its statement if that can be edited, otherwise with an ALTER FUNCTION that is added to
 * `texts`.
 */
export function addOptions(situation: Situation, routine: Routine, options: string, texts: Texts): Edit[] {
  if (routine.site === undefined) return [];
  const { piece } = routine.site;
  const given = allOf('options' in piece.node ? piece.node.options : undefined, 'DefElem');
  const as = given.find(({ defname }) => defname === 'as');
  const { file, sql } = piece.source.migration;
  const at = as === undefined ? piece.statement.end : piece.at(as.location);
  // An option may be given only once, so an existing one has to be edited, which needs its word in the text.
  const isFree = !options.startsWith('SECURITY') || given.every(({ defname }) => defname !== 'security');
  if (
    mayEdit(situation, piece.source) &&
    piece.inside === undefined &&
    isFree &&
    (as === undefined || /^as\b/i.test(sql.slice(at)))
  ) {
    return [{ file, start: at, end: at, text: as === undefined ? ` ${options}` : `${options}${separator(sql, at)}` }];
  }
  noteText(
    texts,
    piece.source,
    `ALTER FUNCTION ${quoteQualified(routine.name)}(${routine.arguments.join(', ')}) ${options};`,
  );
  return [];
}

/** The white space before the word, so that a new option gets its own line if the old one had. */
function separator(sql: string, at: number): string {
  return /\n[ \t]*$/.exec(sql.slice(0, at))?.[0] ?? ' ';
}
