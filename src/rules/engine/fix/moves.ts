import type { Catalog, Site } from '../../../sql/catalog/model.ts';
import { qualifiedName, relationName, tableOf } from '../../../sql/names.ts';
import { allOf, fieldsOf, walk } from '../../../sql/nodes.ts';
import type { Node } from '../../../sql/nodes.ts';
import type { Piece, Source } from '../../../sql/piece.ts';
import type { Statement } from '../../../sql/statement.ts';
import { dropBetween, verdicts } from '../references.ts';
import { statementAt } from '../statements.ts';
import { startWithComments } from './fix.ts';
import type { Edit, FixResult, Situation } from './fix.ts';

/** Kinds of statements that move along with a table. */
const follows = new Set([
  'CreateStmt',
  'IndexStmt',
  'AlterTableStmt',
  'CreatePolicyStmt',
  'GrantStmt',
  'CommentStmt',
  'DropStmt',
]);

/** The statement with the comments right above it, its semicolon and the line end. */
function extent(source: Source, statement: Statement): { start: number; end: number } {
  const { sql } = source.migration;
  const tail = /^\s*;[ \t]*(?:--[^\n]*)?(?:\r?\n)?/.exec(sql.slice(statement.end))?.[0] ?? '';
  return { start: startWithComments(sql, statement), end: statement.end + tail.length };
}

/** The DROP right before a CREATE, which moves with it; otherwise the statement itself. */
function withItsDrop({ parsed }: Source, statement: Statement): Statement {
  const before = parsed.statements[parsed.statements.indexOf(statement) - 1];
  const drops =
    before?.tree !== undefined &&
    fieldsOf(before.tree, 'DropStmt') !== undefined &&
    Object.keys(statement.tree ?? {})[0]?.startsWith('Create') === true;
  return drops && tableOf(before.tree!) === tableOf(statement.tree!) ? before : statement;
}

/** Whether an ALTER TABLE is about triggers, which stay in the file that creates them. */
function isAboutTriggers(tree: Node): boolean {
  const alter = fieldsOf(tree, 'AlterTableStmt');
  return allOf(alter?.cmds, 'AlterTableCmd').some(({ subtype }) => /Trig/.test(subtype));
}

/** The tables, functions and types that a statement names, as the catalog's keys. */
function keysOf(tree: Node): Set<string> {
  const keys = new Set<string>();
  walk([tree], (kind, fields) => {
    if (kind === 'RangeVar') keys.add(`table ${relationName(fields)}`);
    if (kind === 'FuncCall') keys.add(`function ${qualifiedName(fields.funcname)}`);
    if (kind === 'TypeName') keys.add(`type ${qualifiedName(fields.names)}`);
  });
  return keys;
}

/**
 * The statement that creates an object, and the statements of its file about the same table, except those that need
 * something created after the place they would move to.
 */
function belonging({ piece, offset }: Site, target: Piece, { created }: Catalog): Statement[] {
  const { source } = piece;
  const maker = statementAt(source, offset);
  const table = maker?.tree === undefined ? undefined : tableOf(maker.tree);
  if (maker === undefined) return [];
  if (table === undefined || piece.type !== 'CreateStmt') return [maker];
  const speaking = source.parsed.statements.filter(
    (each) =>
      each !== maker &&
      each.tree !== undefined &&
      tableOf(each.tree) === table &&
      follows.has(Object.keys(each.tree)[0]!) &&
      !isAboutTriggers(each.tree),
  );
  const moved = new Set([maker, ...speaking]);
  for (const statement of speaking) {
    for (const key of keysOf(statement.tree!)) {
      const [first] = created.get(key) ?? [];
      if (first !== undefined && first.piece.order > target.order && !moved.has(first.piece.statement))
        moved.delete(statement);
    }
  }
  return source.parsed.statements.filter((each) => moved.has(each));
}

/**
 * Moves what is created too late before the first statement that needs it: from an extension into core, or from a later
 * file or place to an earlier one.
 */
export function moveEarlier(
  situation: Situation,
  rule: 'core-depends-on-extension' | 'used-before-created',
): FixResult {
  const { catalog, applied } = situation;
  const moved = new Set<Statement>();
  const edits: Edit[] = [];
  const found = verdicts(catalog).filter(
    (verdict) => verdict.rule === rule && verdict.made !== undefined && dropBetween(catalog, verdict) === undefined,
  );
  for (const { need, made } of found.sort((a, b) => a.need.site.piece.order - b.need.site.piece.order)) {
    const from = made!.piece.source;
    const to = need.site.piece.source;
    // A RENAME stays where it is: earlier files use the old name.
    if (made!.piece.type === 'RenameStmt' || made!.piece.type === 'AlterObjectSchemaStmt') continue;
    if (made!.piece.inside !== undefined || applied.has(from.migration.file) || applied.has(to.migration.file))
      continue;
    const statements = belonging(made!, need.site.piece, catalog).filter((statement) => !moved.has(statement));
    const target = need.site.piece.statement;
    if (statements.length === 0 || statements.includes(target)) continue;
    const at = extent(to, withItsDrop(to, target)).start;
    const texts = statements.map((statement) => {
      moved.add(statement);
      const { start, end } = extent(from, statement);
      edits.push({ file: from.migration.file, start, end, text: '' });
      const text = from.migration.sql.slice(start, end).trimEnd();
      return /;[ \t]*(?:--[^\n]*)?$/.test(text) ? text : `${text};`;
    });
    edits.push({ file: to.migration.file, start: at, end: at, text: `${texts.join('\n\n')}\n\n` });
  }
  return { edits };
}
