import { builtinFunctions } from '../../sql/catalog/builtins.ts';
import type { Routine } from '../../sql/catalog/model.ts';
import { allOf, stringsOf, walk } from '../../sql/nodes.ts';
import { problemsOf } from './plan.ts';
import type { Edit, Mended, Situation } from './plan.ts';
import { mayEdit, noteText, placed } from './place.ts';
import type { Texts } from './place.ts';

/** Says whether every table and function in the body is named with its schema. */
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
      if (relation !== undefined && relation.schemaname === undefined && !local.has(relation.relname)) qualified = false;
      const names = kind === 'FuncCall' ? stringsOf(fields.funcname) : [];
      if (names.length === 1 && !builtinFunctions.has(names[0]!)) qualified = false;
      const types = kind === 'TypeName' ? stringsOf(fields.names) : [];
      if (types.length === 1 && !builtinType(types[0]!)) qualified = false;
    });
  }
  return qualified;
}

function builtinType(name: string): boolean {
  return /^(?:uuid|text|jsonb?|date|inet|bytea|name|record|void|trigger|oid|regclass|timestamptz|timestamp|interval|numeric|int[248]|bool|varchar|float[48])$/.test(name);
}

/** Gives each SECURITY DEFINER routine a search path of its own: none where its names are qualified. */
export function mendDefiner(situation: Situation): Mended {
  const edits: Edit[] = [];
  const texts: Texts = new Map();
  const wanted = new Set(problemsOf(situation, 'definer-without-search-path').map(({ object }) => object));
  for (const routine of [...situation.catalog.routines.values()].flat()) {
    const signature = `${routine.name}(${routine.arguments.join(', ')})`;
    if (routine.site === undefined || !wanted.has(signature)) continue;
    const { piece } = routine.site;
    const path = isQualified(routine) ? '\'\'' : 'pg_catalog, public, extensions';
    const as = allOf(piece.type === 'CreateFunctionStmt' ? piece.node.options : undefined, 'DefElem').find(({ defname }) => defname === 'as');
    const { file, sql } = piece.source.migration;
    const at = as === undefined ? piece.statement.end : piece.at(as.location);
    // Only where the word itself stands there can it be edited in place.
    if (mayEdit(situation, piece.source) && piece.inside === undefined && (as === undefined || /^as\b/i.test(sql.slice(at)))) {
      edits.push({ file, start: at, end: at, text: as === undefined ? ` SET search_path = ${path}` : `SET search_path = ${path}${separator(sql, at)}` });
    } else {
      noteText(texts, piece.source, `ALTER FUNCTION ${signature} SET search_path = ${path};`);
    }
  }
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits] };
}

/** What stands in front of the word: a line of its own gets one again. */
function separator(sql: string, at: number): string {
  return /\n[ \t]*$/.exec(sql.slice(0, at))?.[0] ?? ' ';
}
