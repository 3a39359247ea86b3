import { policyIfNotExists, wordsOf } from '../../sql/recover.ts';
import { ident, qualified } from '../lint/sql.ts';
import { pieceOf } from '../../sql/piece.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import type { Statement } from '../../sql/statement.ts';
import { newName } from '../../sql/catalog/lookup.ts';
import { allOf, fieldsOf } from '../../sql/nodes.ts';
import type { NodeType, RangeVar } from '../../sql/nodes.ts';
import { editable, startWithComments, statementOf } from './plan.ts';
import type { Edit, Mended, Situation } from './plan.ts';

/** `DROP POLICY IF EXISTS` in front, and the words that PostgreSQL does not know taken out. */
export function mendPolicyIfNotExists(situation: Situation): Mended {
  const edits = editable(situation, 'policy-if-not-exists').flatMap((problem): Edit[] => {
    const statement = statementOf(problem);
    const mistake = statement === undefined ? undefined : policyIfNotExists(statement.sql);
    if (statement === undefined || mistake === undefined) return [];
    const { file, sql } = problem.source.migration;
    const words = wordsOf(statement.sql);
    const on = words.findIndex(({ text }, index) => text === 'on' && index > 5);
    const dotted = words[on + 2]?.text === '.';
    const name = statement.sql.slice(words[5]!.start, words[5]!.end);
    const table = statement.sql.slice(words[on + 1]!.start, words[on + (dotted ? 3 : 1)]!.end);
    const start = statement.start + mistake.start;
    const behind = /^\s*/.exec(sql.slice(statement.start + mistake.end))![0].length;
    const above = aboveFirst(problem.source, statement);
    const lower = statement.sql.startsWith('create');
    const drop = `DROP POLICY IF EXISTS`;
    return [
      { file, start: above, end: above, text: `${lower ? drop.toLowerCase() : drop} ${name} ${lower ? 'on' : 'ON'} ${table};\n` },
      { file, start, end: statement.start + mistake.end + behind, text: '' },
    ];
  });
  return { edits };
}

/** In front of the comments of a statement, so that they stay beside it; behind those that head the file. */
function aboveFirst({ migration, parsed }: Source, statement: Statement): number {
  return parsed.statements[0] === statement ? statement.start : startWithComments(migration.sql, statement);
}

/** Takes a BEGIN, COMMIT or ROLLBACK out, with its semicolon and the line it had to itself. */
export function mendTransactionControl(situation: Situation): Mended {
  const edits = editable(situation, 'transaction-control').flatMap((problem): Edit[] => {
    const statement = statementOf(problem);
    if (statement === undefined) return [];
    const { file, sql } = problem.source.migration;
    const semicolon = /^\s*;/.exec(sql.slice(statement.end))?.[0].length ?? 0;
    const end = statement.end + semicolon;
    const alone = /^[ \t]*\r?\n/.exec(sql.slice(end));
    const lineStart = sql.lastIndexOf('\n', statement.start - 1) + 1;
    const clear = sql.slice(lineStart, statement.start).trim() === '' && alone !== null;
    return [{ file, start: clear ? lineStart : statement.start, end: clear ? end + alone[0].length : end, text: '' }];
  });
  return { edits };
}

interface Word {
  text: string;
  start: number;
  end: number;
}

/** Inserts words behind the n-th word of a statement. */
function behind(words: readonly Word[], index: number, text: string): { at: number; text: string }[] {
  const word = words[index];
  return word === undefined ? [] : [{ at: word.end, text: ` ${text}` }];
}

type Form<Type extends NodeType = NodeType> = (piece: Piece<Type>, words: readonly Word[], situation: Situation) => { at: number; text: string }[] | { wrap: string };

const orReplace: Form = (_, words) => behind(words, 0, 'OR REPLACE');
const wrapped: Form = () => ({ wrap: 'duplicate_object' });

/** Behind the words that say what is made: `create unlogged table`, `create unique index concurrently`. */
function ifNotExistsBehind(...kinds: string[]): Form {
  return (_, words) => {
    const index = words.findIndex(({ text }) => kinds.includes(text));
    return behind(words, words[index + 1]?.text === 'concurrently' ? index + 1 : index, 'IF NOT EXISTS');
  };
}

/** How each kind of statement is written so that it can run again. */
const forms: { [Type in NodeType]?: Form<Type> } = {
  CreateStmt: ifNotExistsBehind('table'),
  CreateSchemaStmt: ifNotExistsBehind('schema'),
  CreateExtensionStmt: ifNotExistsBehind('extension'),
  CreateSeqStmt: ifNotExistsBehind('sequence'),
  IndexStmt(piece, words, situation) {
    if (piece.node.idxname !== undefined) return ifNotExistsBehind('index')(piece, words, situation);
    const columns = allOf(piece.node.indexParams, 'IndexElem').map(({ name }) => name ?? 'expr');
    const name = `idx_${piece.node.relation.relname}_${columns.join('_')}`.slice(0, 63);
    const index = words.findIndex(({ text }) => text === 'index');
    return behind(words, words[index + 1]?.text === 'concurrently' ? index + 1 : index, `IF NOT EXISTS ${ident(name)}`);
  },
  CreateFunctionStmt: orReplace,
  ViewStmt: orReplace,
  CreatePolicyStmt({ node }, _, { catalog }) {
    return [{ at: 0, text: `DROP POLICY IF EXISTS ${ident(node.policy_name)} ON ${tableText(catalog, node.table)};\n` }];
  },
  CreateTrigStmt({ node }, _, { catalog }) {
    return [{ at: 0, text: `DROP TRIGGER IF EXISTS ${ident(node.trigname)} ON ${tableText(catalog, node.relation)};\n` }];
  },
  CreateEnumStmt: wrapped,
  CompositeTypeStmt: wrapped,
  CreateDomainStmt: wrapped,
  CreateRoleStmt: wrapped,
  AlterPublicationStmt: wrapped,
  AlterEnumStmt: (_, words) => behind(words, words.findIndex(({ text }) => text === 'value'), 'IF NOT EXISTS'),
  DropStmt(_, words) {
    const kinds = ['table', 'view', 'policy', 'trigger', 'function', 'procedure', 'index', 'type', 'schema', 'extension', 'sequence', 'domain', 'aggregate', 'rule'];
    const index = words.findIndex(({ text }) => kinds.includes(text));
    return behind(words, words[index + 1]?.text === 'concurrently' ? index + 1 : index, 'IF EXISTS');
  },
  AlterTableStmt(piece) {
    const commands = allOf(piece.node.cmds, 'AlterTableCmd');
    if (commands.length === 1 && commands[0]!.subtype === 'AT_AddConstraint') return { wrap: 'duplicate_object OR duplicate_table OR invalid_table_definition' };
    if (commands.some(({ subtype }) => subtype === 'AT_AddConstraint')) return [];
    const inserts: { at: number; text: string }[] = [];
    for (const { subtype, def, missing_ok: missingOk } of commands) {
      const column = fieldsOf(def, 'ColumnDef');
      if (subtype === 'AT_AddColumn' && missingOk !== true && column?.location !== undefined) {
        const at = piece.at(column.location) - piece.statement.start;
        // A name in quotes may stand right behind the word: ADD COLUMN"a".
        inserts.push({ at, text: `${/\w$/.test(piece.statement.sql.slice(0, at)) ? ' ' : ''}IF NOT EXISTS ` });
      }
    }
    return inserts;
  },
};

function tableText(catalog: Situation['catalog'], relation: RangeVar): string {
  return relation.schemaname === undefined ? ident(relation.relname) : qualified(newName(catalog, relation));
}

/** Writes what fails on a second run in the form that does not. */
export function mendNotIdempotent(situation: Situation): Mended {
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
      edits.push({ file, start: statement.end, end: statement.end, text: `;\nEXCEPTION WHEN ${form.wrap} THEN NULL;\nEND $do$` });
    }
  }
  return { edits };
}

