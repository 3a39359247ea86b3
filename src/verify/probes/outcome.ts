import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Check, Outcome } from '../report/report.ts';
import type { Cell } from './run-script.ts';
import { changedRows, countChanged } from './subject.ts';
import { type Verb, verbs } from './verbs.ts';

/** What came of one probe. */
export type Result = Pick<Check, 'outcome' | 'rows' | 'code' | 'message'>;

type Own = Pick<RelationRow, 'schema' | 'name'>;

/**
 * Reads what came of a probe of a table.
 * @param own the table itself: a refusal of another one is not a refusal of this
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
  // Where a rule does something instead, the count says nothing, and the state was looked at all the same.
  if (cell.touched === 0 && cell.state === '') return { outcome: 'filtered' };
  if (verbs[verb].result === 'added') return { outcome: 'allowed' };
  // Without WHERE only the rows of the world count: others in the table are not ours to judge.
  const rows = changedRows(before, cell.state) + (countChanged(before, cell.state) ? '#' : '');
  return rows === '' ? { outcome: 'filtered' } : { outcome: 'allowed', rows };
}

function failure(verb: Verb, code: string, message: string, own: Own, isAnonymous: boolean, isTable: boolean): Result {
  const error = (outcome: Outcome): Result => ({ outcome, code, message });
  // PostgreSQL looks at policies before constraints and foreign keys: whoever meets one of those was let through.
  // A row of one's own under A's key is let through as an INSERT; a constraint then says nothing of the row that it was to meet.
  if (code.startsWith('23') && verbs[verb].underKeyOfA === true) return error('refused');
  if (code.startsWith('23')) return { outcome: 'allowed', code, message };
  // P0001 and its kin: a trigger of the kit says no.
  if (code.startsWith('P0') || code === '55000' || code === '0A000' || code === '428C9' || code === '42809')
    return error('refused');
  if (code !== '42501') return error('error');
  if (isAnonymous || !isTable || message.includes('row-level security')) return error('refused');
  const denied = /permission denied for (table|view|function|schema|relation|sequence) "?([^"]+?)"?$/.exec(message);
  return error(denied === null || denied[2] === (denied[1] === 'schema' ? own.schema : own.name) ? 'refused' : 'error');
}
