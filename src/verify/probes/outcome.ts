import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Check, Outcome } from '../report/report.ts';
import type { Cell } from './run-script.ts';
import { changedRows, countChanged, type Subject } from './subject.ts';
import { type Verb, verbs } from './verbs.ts';

/** The outcome of one probe. */
export type Result = Pick<Check, 'outcome' | 'rows' | 'code' | 'message'>;

type Own = Pick<RelationRow, 'schema' | 'name'>;

/**
 * Reads the outcome of a probe of a table.
 * @param own the table itself: a refusal by another table does not count
 * @param isAlone A's further rows were removed first
 * @param isReplaced an INSTEAD OF trigger handles the statement
 */
export function resultOf(
  cell: Cell,
  verb: Verb,
  before: string,
  own: Own,
  isAnonymous: boolean,
  isTable: boolean,
  isAlone = false,
  isReplaced = false,
): Result {
  if ('code' in cell) return failure(verb, cell.code, cell.message, own, isAnonymous, isTable);
  if (verbs[verb].result === 'labels')
    return cell.answer === '' ? { outcome: 'filtered' } : { outcome: 'allowed', rows: cell.answer };
  // If a rule replaces the statement, the count is not meaningful, and the state was read anyway.
  if (cell.touched === 0 && cell.state === '') return { outcome: 'filtered' };
  if (verbs[verb].result === 'added') return { outcome: 'allowed' };
  // Without WHERE only the generated rows count, not other rows in the table.
  const changed = changedRows(before, cell.state);
  // A trigger in place of the statement may change A's row and leave whose it is.
  if (isReplaced && verbs[verb].letter === 'R' && !countChanged(before, cell.state)) return { outcome: 'filtered' };
  const rows = isAlone
    ? [...changed].filter((label) => label === 'a').join('')
    : changed + (countChanged(before, cell.state) ? '#' : '');
  return rows === '' ? { outcome: 'filtered' } : { outcome: 'allowed', rows };
}

/**
 * Says whether an error is a refusal: of a policy or grant, of a view's CHECK OPTION, by a trigger of the kit (P0001 and its kin),
 * or of what cannot be written.
 */
export function isRefusal(code: string): boolean {
  return code.startsWith('P0') || ['42501', '44000', '55000', '0A000', '428C9', '42809'].includes(code);
}

function failure(verb: Verb, code: string, message: string, own: Own, isAnonymous: boolean, isTable: boolean): Result {
  const error = (outcome: Outcome): Result => ({ outcome, code, message });
  // PostgreSQL checks policies before constraints and foreign keys, so a constraint error means that the policies let
  // it through. The policies allow the INSERT of one's own row under A's key, so a constraint error says nothing about
  // A's row.
  if (code.startsWith('23') && verbs[verb].underKeyOfA === true) return error('refused');
  if (code.startsWith('23')) return { outcome: 'allowed', code, message };
  if (isRefusal(code) && code !== '42501') return error('refused');
  if (code !== '42501') return error('error');
  if (isAnonymous || !isTable || message.includes('row-level security')) return error('refused');
  const denied = /permission denied for (table|view|function|schema|relation|sequence) "?([^"]+?)"?$/.exec(message);
  return error(denied === null || denied[2] === (denied[1] === 'schema' ? own.schema : own.name) ? 'refused' : 'error');
}

/** A foreign key or unique key that stopped a statement says which row it was: past all policies, it was this one's. */
export function stoppedAt(
  stopped: Cell | { code: string; message: string },
  subject: Subject,
): Pick<Check, 'outcome' | 'rows'> | undefined {
  if (!('code' in stopped) || !/^235|^23503/.test(stopped.code)) return undefined;
  const keys = subject.rows.a.key.map(([, value]) => value.replace(/^'|'$/g, ''));
  const isHers = keys.length > 0 && keys.every((key) => stopped.message.includes(key));
  return isHers ? { outcome: 'allowed', rows: 'a' } : undefined;
}
