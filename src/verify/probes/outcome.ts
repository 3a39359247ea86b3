import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Check, Outcome } from '../report/report.ts';
import type { Cell } from './run-script.ts';
import { changedRows, countChanged } from './subject.ts';
import { type Verb, verbs } from './verbs.ts';

/** The outcome of one probe. */
export type Result = Pick<Check, 'outcome' | 'rows' | 'code' | 'message'>;

type Own = Pick<RelationRow, 'schema' | 'name'>;

/**
 * Reads the outcome of a probe of a table.
 * @param own the table itself: a refusal by another table does not count
 */
export function resultOf(
  cell: Cell,
  verb: Verb,
  before: string,
  own: Own,
  isAnonymous: boolean,
  isTable: boolean,
): Result {
  if ('code' in cell) return failure(verb, cell.code, cell.message, own, isAnonymous, isTable);
  if (verbs[verb].result === 'labels')
    return cell.answer === '' ? { outcome: 'filtered' } : { outcome: 'allowed', rows: cell.answer };
  // If a rule replaces the statement, the count is not meaningful, and the state was read anyway.
  if (cell.touched === 0 && cell.state === '') return { outcome: 'filtered' };
  if (verbs[verb].result === 'added') return { outcome: 'allowed' };
  // Without WHERE only the generated rows count, not other rows in the table.
  const rows = changedRows(before, cell.state) + (countChanged(before, cell.state) ? '#' : '');
  return rows === '' ? { outcome: 'filtered' } : { outcome: 'allowed', rows };
}

function failure(verb: Verb, code: string, message: string, own: Own, isAnonymous: boolean, isTable: boolean): Result {
  const error = (outcome: Outcome): Result => ({ outcome, code, message });
  // PostgreSQL checks policies before constraints and foreign keys, so a constraint error means that the policies let
  // it through. The policies allow the INSERT of one's own row under A's key, so a constraint error says nothing about
  // A's row.
  if (code.startsWith('23') && verbs[verb].underKeyOfA === true) return error('refused');
  if (code.startsWith('23')) return { outcome: 'allowed', code, message };
  // P0001 and related codes: a trigger of the kit refuses.
  if (code.startsWith('P0') || code === '55000' || code === '0A000' || code === '428C9' || code === '42809')
    return error('refused');
  if (code !== '42501') return error('error');
  if (isAnonymous || !isTable || message.includes('row-level security')) return error('refused');
  const denied = /permission denied for (table|view|function|schema|relation|sequence) "?([^"]+?)"?$/.exec(message);
  return error(denied === null || denied[2] === (denied[1] === 'schema' ? own.schema : own.name) ? 'refused' : 'error');
}
