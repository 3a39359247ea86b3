/** Rows of one user that another deletes without seeing them: with a row of its own, to which they belong. */
import { type ConstraintRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import type { Actor } from '../probes/actors.ts';
import { crossLinks } from '../probes/insert-sql.ts';
import type { Proof } from '../probes/prove.ts';
import type { Cell } from '../probes/run-script.ts';
import { changedRows, type Subject, userColumnsOf } from '../probes/subject.ts';
import { cellsOf } from './reports.ts';
import type { Gap } from './report.ts';

/** A gap for each such foreign key: whether the rows are nothing without the other one, only their author can say. */
export function cascadeGaps(proof: Proof): Gap[] {
  return proof.subjects.flatMap((subject): Gap[] => {
    const { kind, scope, table } = subject;
    if (kind !== 'table' || scope.owner !== 'user' || scope.parent !== undefined || !hasContent(subject, proof))
      return [];
    const links = new Set(crossLinks(subject, proof.model).map(({ column }) => column));
    const keys = table.constraints.filter(
      ({ type, cascades, columns }) => type === 'f' && cascades && columns.some((name) => links.has(name)),
    );
    if (keys.length === 0 || !mayBeUnderOthers(subject, proof) || isSeenFromAbove(subject, proof)) return [];
    return keys.slice(0, 1).flatMap((key): Gap[] => {
      const deleted = aboveOf(key, proof).find((above) => above !== subject && isDeletedByOwners(above, proof));
      if (deleted === undefined) return [];
      return [
        {
          object: subject.name,
          reason:
            `who deletes its own row of ${deleted.name} deletes with it rows here that are others', and that it cannot see ` +
            `(foreign key ${key.name}, ON DELETE CASCADE)`,
          suggestion:
            `Write ON DELETE RESTRICT for ${key.name}, or leave deleting rows of ${relation(deleted.table)} to the server. ` +
            `Or, if rows of ${relation(table)} are nothing without them, write: -- muse: ignore not-proven because <reason>`,
        },
      ];
    });
  });
}

/** There is more in its rows than keys, whose they are, and what has a default. */
function hasContent(subject: Subject, { model }: Proof): boolean {
  const { constraints } = subject.table;
  const keys = new Set([
    ...constraints.flatMap(({ type, columns }) => ('fp'.includes(type) ? columns : [])),
    ...userColumnsOf(subject, model),
  ]);
  return subject.columns.some(({ name, default: sql, identity }) => !keys.has(name) && sql === null && identity === '');
}

/** What the row that the key leads to belongs to in the same way, and itself. */
function aboveOf(key: ConstraintRow, { subjects }: Proof): Subject[] {
  const all: Subject[] = [];
  const queue = [key.target];
  for (const name of queue) {
    const above = subjects.find((one) => one.kind === 'table' && qualifiedName(one.table) === name);
    if (above === undefined || all.includes(above)) continue;
    all.push(above);
    queue.push(
      ...above.table.constraints.flatMap(({ type, cascades, target }) => (type === 'f' && cascades ? [target] : [])),
    );
  }
  return all;
}

/** Cells of strangers who have rows of their own. */
function ofStrangers({ name }: Subject, verb: string, proof: Proof): Exclude<Cell, { code: string }>[] {
  const isHolder = ({ relation: is, isNobody, isAnonymous, only, side }: Actor): boolean =>
    is === 'none' && side === 'b' && !isNobody && !isAnonymous && only === undefined;
  return cellsOf(name, proof).flatMap(({ cell, actor, verb: tried }) =>
    tried === verb && isHolder(actor) && !('code' in cell) ? [cell] : [],
  );
}

/** A stranger adds its own row there below one of A's. */
function mayBeUnderOthers(subject: Subject, proof: Proof): boolean {
  return ofStrangers(subject, 'insert-cross', proof).some(({ touched }) => touched > 0);
}

/** A stranger deletes its own row; what is a user itself, only the server deletes. */
function isDeletedByOwners(subject: Subject, proof: Proof): boolean {
  return (
    subject.scope.owner === 'user' &&
    ofStrangers(subject, 'delete-all', proof).some((cell) => changedIn(subject, cell).includes('b'))
  );
}

/** A sees, or may delete, the row of another that is below one of A's; or there was none, which says nothing. */
function isSeenFromAbove(subject: Subject, proof: Proof): boolean {
  if (subject.rows.m === undefined) return true;
  return cellsOf(subject.name, proof).some(
    ({ cell, actor, verb, probe }) =>
      actor.relation === 'self' &&
      !('code' in cell) &&
      ((verb === 'select' && probe.mode === 'read' && cell.answer.includes('m')) ||
        (verb === 'delete-all' && changedIn(subject, cell).includes('m'))),
  );
}

/** Letters of the rows that a write changed; where it changed none, they were not read afterwards. */
function changedIn({ state }: Subject, cell: Exclude<Cell, { code: string }>): string {
  return cell.state === '' ? '' : changedRows(cell.before[state] ?? '', cell.state);
}
