import { bodyPieces } from '../../../sql/bodies.ts';
import { qualifiedName, tableOf } from '../../../sql/names.ts';
import { fieldsOf, stringsOf, walk } from '../../../sql/nodes.ts';
import { pieceOf, treeOf } from '../../../sql/piece.ts';
import type { Piece, Source } from '../../../sql/piece.ts';
import { parseSql } from '../../../sql/split.ts';
import type { Situation } from './fix.ts';

/** A statement of the built-in core, with its subject, what it creates and what it uses. */
export interface Part {
  text: string;
  /** The table or function that it belongs to: `table x`, `function y`, `schema z`. */
  subject: string | undefined;
  makes: string | undefined;
  uses: Set<string>;
  trigger: boolean;
  /** A trigger on a table of the platform. */
  hook: boolean;
}

function usesOf(pieces: readonly Piece[]): Set<string> {
  const uses = new Set<string>();
  const schema = (name: string): void => {
    const [first = ''] = name.split('.');
    if (first !== 'public') uses.add(`schema ${first}`);
  };
  for (const piece of pieces) {
    const { type, node } = piece;
    walk(treeOf(piece), (kind, fields) => {
      if (kind === 'RangeVar' && fields.schemaname !== undefined) {
        uses.add(`table ${fields.schemaname}.${fields.relname}`);
        schema(`${fields.schemaname}.`);
      }
      if (kind === 'FuncCall' && stringsOf(fields.funcname).length > 1) {
        uses.add(`function ${qualifiedName(fields.funcname)}`);
        schema(qualifiedName(fields.funcname));
      }
    });
    if (type === 'CreateTrigStmt') uses.add(`function ${qualifiedName(node.funcname)}`);
    if (type === 'CreateFunctionStmt') schema(qualifiedName(node.funcname));
  }
  return uses;
}

function subjectOf(piece: Piece): string | undefined {
  const table = tableOf(treeOf(piece));
  if (table !== undefined) return `table ${table}`;
  const { type, node } = piece;
  if (type === 'CreateFunctionStmt') return `function ${qualifiedName(node.funcname)}`;
  if (type === 'CreateSchemaStmt') return `schema ${node.schemaname ?? ''}`;
  if (type === 'GrantStmt') {
    const [object] = node.objects ?? [];
    if (node.objtype === 'OBJECT_SCHEMA') return `schema ${stringsOf([object])[0]}`;
    return `function ${qualifiedName(fieldsOf(object, 'ObjectWithArgs')?.objname)}`;
  }
  if (type === 'CommentStmt') {
    const { objtype, object } = node;
    if (objtype === 'OBJECT_SCHEMA') return `schema ${stringsOf([object])[0]}`;
    if (objtype === 'OBJECT_COLUMN') return `table ${stringsOf(object).slice(0, -1).join('.')}`;
    const routine = fieldsOf(object, 'ObjectWithArgs');
    return routine === undefined ? undefined : `function ${qualifiedName(routine.objname)}`;
  }
  return undefined;
}

/** The built-in core, statement by statement. */
export function partsOf(builtin: Situation['builtin']): Part[] {
  return builtin.flatMap(({ file, sql }) => {
    const source: Source = { migration: { layer: 'core', file, number: '', checksum: '', sql }, parsed: parseSql(sql) };
    return source.parsed.statements.flatMap((statement): Part[] => {
      if (statement.tree === undefined) return [];
      const piece = pieceOf(source, statement, 0, statement.tree);
      const { type } = piece;
      const subject = subjectOf(piece);
      const above = statement.comments.filter(
        ({ start }) => start < statement.start && statement !== source.parsed.statements[0],
      );
      const text = `${above.map((comment) => `${comment.text}\n`).join('')}${statement.sql};`;
      return [
        {
          text,
          subject,
          makes: /^Create(?:Stmt|FunctionStmt|SchemaStmt)$/.test(type) ? subject : undefined,
          uses: usesOf([piece, ...bodyPieces(piece).pieces]),
          trigger: type === 'CreateTrigStmt',
          hook: type === 'CreateTrigStmt' && subject?.startsWith('table auth.') === true,
        },
      ];
    });
  });
}

/** The tables of the built-in core that each part uses, including those used by the functions it calls. */
function tablesBehind(parts: readonly Part[], made: ReadonlySet<string>): (part: Part) => Set<string> {
  const functions = new Map<string, Set<string>>();
  for (const { makes, uses } of parts) {
    if (makes?.startsWith('function ') === true)
      functions.set(makes, new Set([...(functions.get(makes) ?? []), ...uses]));
  }
  return (part) => {
    const tables = new Set<string>();
    const seen = new Set<string>();
    const follow = (uses: Iterable<string>): void => {
      for (const use of uses) {
        if (seen.has(use)) continue;
        seen.add(use);
        if (use.startsWith('table ') && made.has(use)) tables.add(use);
        follow(functions.get(use) ?? []);
      }
    };
    follow(part.uses);
    return tables;
  };
}

/**
 * The statements of the built-in core that these tables need: the tables, what they reference, their helpers, and the
 * functions and triggers that belong to them alone.
 */
export function closure(parts: readonly Part[], wanted: readonly string[]): Part[] {
  const made = new Set(parts.map(({ makes }) => makes).filter((make) => make !== undefined));
  const behind = tablesBehind(parts, made);
  const taken = new Set(wanted.map((name) => `table ${name}`));
  const within = (part: Part): boolean => [...behind(part)].every((table) => taken.has(table));
  const belongs = (part: Part): boolean => {
    const own = part.subject !== undefined && taken.has(part.subject);
    if (part.trigger) return within(part) && (own || (part.hook && behind(part).size > 0));
    if (part.makes?.startsWith('function ') === true) return own || (within(part) && behind(part).size > 0);
    return own;
  };
  for (let size = -1; size !== taken.size;) {
    size = taken.size;
    for (const part of parts) {
      if (!belongs(part)) continue;
      if (part.subject !== undefined && made.has(part.subject)) taken.add(part.subject);
      for (const use of part.uses) if (made.has(use)) taken.add(use);
    }
  }
  return parts.filter(belongs);
}
