import { indexName, quoteIdentifier, quoteQualified } from '../../../shared/quote.ts';
import { newName } from '../../../sql/catalog/lookup.ts';
import { allOf, fieldsOf } from '../../../sql/nodes.ts';
import type { NodeType, RangeVar } from '../../../sql/nodes.ts';
import { pieceOf } from '../../../sql/piece.ts';
import type { Piece } from '../../../sql/piece.ts';
import { wordsOf } from '../../../sql/recover.ts';
import { editable, statementOf } from './fix.ts';
import type { Edit, FixResult, Situation } from './fix.ts';
import { aboveFirst } from './place.ts';

interface Word {
  text: string;
  start: number;
  end: number;
}

/** Inserts words after the n-th word of a statement. */
function after(words: readonly Word[], index: number, text: string): { at: number; text: string }[] {
  const word = words[index];
  return word === undefined ? [] : [{ at: word.end, text: ` ${text}` }];
}

type Form<Type extends NodeType = NodeType> = (
  piece: Piece<Type>,
  words: readonly Word[],
  situation: Situation,
) => { at: number; text: string }[] | { wrap: string };

const orReplace: Form = (_, words) => after(words, 0, 'OR REPLACE');
const wrapped: Form = () => ({ wrap: 'duplicate_object' });

/** After the words that name the kind of object: `create unlogged table`, `create unique index concurrently`. */
function ifNotExistsAfter(...kinds: string[]): Form {
  return (_, words) => {
    const index = words.findIndex(({ text }) => kinds.includes(text));
    return after(words, words[index + 1]?.text === 'concurrently' ? index + 1 : index, 'IF NOT EXISTS');
  };
}

/** The idempotent form of each kind of statement. */
const forms: { [Type in NodeType]?: Form<Type> } = {
  CreateStmt: ifNotExistsAfter('table'),
  CreateSchemaStmt: ifNotExistsAfter('schema'),
  CreateExtensionStmt: ifNotExistsAfter('extension'),
  CreateSeqStmt: ifNotExistsAfter('sequence'),
  IndexStmt(piece, words, situation) {
    if (piece.node.idxname !== undefined) return ifNotExistsAfter('index')(piece, words, situation);
    const columns = allOf(piece.node.indexParams, 'IndexElem').map(({ name }) => name ?? 'expr');
    const name = indexName(piece.node.relation.relname, columns);
    const index = words.findIndex(({ text }) => text === 'index');
    return after(
      words,
      words[index + 1]?.text === 'concurrently' ? index + 1 : index,
      `IF NOT EXISTS ${quoteIdentifier(name)}`,
    );
  },
  CreateFunctionStmt: orReplace,
  ViewStmt: orReplace,
  CreatePolicyStmt({ node }, _, { catalog }) {
    return [
      {
        at: 0,
        text: `DROP POLICY IF EXISTS ${quoteIdentifier(node.policy_name)} ON ${tableText(catalog, node.table)};\n`,
      },
    ];
  },
  CreateTrigStmt({ node }, _, { catalog }) {
    return [
      {
        at: 0,
        text: `DROP TRIGGER IF EXISTS ${quoteIdentifier(node.trigname)} ON ${tableText(catalog, node.relation)};\n`,
      },
    ];
  },
  CreateEnumStmt: wrapped,
  CompositeTypeStmt: wrapped,
  CreateDomainStmt: wrapped,
  CreateRoleStmt: wrapped,
  AlterPublicationStmt: wrapped,
  AlterEnumStmt({ node }, words) {
    // RENAME VALUE takes no such words.
    if (node.oldVal !== undefined) return [];
    const index = words.findIndex(({ text }) => text === 'value');
    return after(words, index, 'IF NOT EXISTS');
  },
  DropStmt(_, words) {
    const kinds = [
      'table',
      'view',
      'policy',
      'trigger',
      'function',
      'procedure',
      'index',
      'type',
      'schema',
      'extension',
      'sequence',
      'domain',
      'aggregate',
      'rule',
    ];
    const index = words.findIndex(({ text }) => kinds.includes(text));
    return after(words, words[index + 1]?.text === 'concurrently' ? index + 1 : index, 'IF EXISTS');
  },
  AlterTableStmt(piece) {
    const commands = allOf(piece.node.cmds, 'AlterTableCmd');
    if (commands.length === 1 && commands[0]!.subtype === 'AT_AddConstraint')
      return { wrap: 'duplicate_object OR duplicate_table OR invalid_table_definition' };
    if (commands.some(({ subtype }) => subtype === 'AT_AddConstraint')) return [];
    const inserts: { at: number; text: string }[] = [];
    for (const { subtype, def, missing_ok: missingOk } of commands) {
      const column = fieldsOf(def, 'ColumnDef');
      if (subtype === 'AT_AddColumn' && missingOk !== true && column?.location !== undefined) {
        const at = piece.at(column.location) - piece.statement.start;
        // A quoted name may follow the word without a space: ADD COLUMN"a".
        inserts.push({ at, text: `${/\w$/.test(piece.statement.sql.slice(0, at)) ? ' ' : ''}IF NOT EXISTS ` });
      }
    }
    return inserts;
  },
};

function tableText(catalog: Situation['catalog'], relation: RangeVar): string {
  return relation.schemaname === undefined
    ? quoteIdentifier(relation.relname)
    : quoteQualified(newName(catalog, relation));
}

/** The fix of `not-idempotent`: rewrites statements that fail on a second run in their idempotent form. */
export function makeIdempotent(situation: Situation): FixResult {
  const edits: Edit[] = [];
  const seen = new Set<unknown>();
  for (const problem of editable(situation, 'not-idempotent')) {
    const statement = statementOf(problem);
    if (statement?.tree === undefined || seen.has(statement)) continue;
    seen.add(statement);
    const piece = pieceOf(problem.source, statement, 0, statement.tree);
    const write = forms[piece.type] as Form | undefined;
    const form = write?.(piece, wordsOf(statement.sql), situation);
    const { file } = problem.source.migration;
    if (form === undefined) continue;
    if (Array.isArray(form)) {
      for (const { at, text } of form) {
        const place = at === 0 ? aboveFirst(problem.source, statement) : statement.start + at;
        edits.push({ file, start: place, end: place, text });
      }
    } else {
      edits.push({ file, start: statement.start, end: statement.start, text: 'DO $do$ BEGIN\n  ' });
      edits.push({
        file,
        start: statement.end,
        end: statement.end,
        text: `;\nEXCEPTION WHEN ${form.wrap} THEN NULL;\nEND $do$`,
      });
    }
  }
  return { edits };
}
