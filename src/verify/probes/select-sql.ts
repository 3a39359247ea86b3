import { quoteIdentifier } from '../../shared/quote.ts';
import type { Model } from '../catalog/model.ts';
import { publicConditions } from '../catalog/scope.ts';
import type { Actor } from './actors.ts';
import { condition, grantedColumns, labelCase, labelledRows, type Subject } from './subject.ts';

/**
 * The known rows that the actor sees, as letters; `?` if it sees a row but may not read the columns that identify it.
 */
export function selectSql(subject: Subject, actor: Actor, model: Model): string {
  const granted = grantedColumns(subject, actor.role, 'S', model);
  const names = new Set(granted.map((column) => column.name));
  const labels = labelledRows(subject);
  if (granted.length === 0 || labels.every(([, row]) => row.key.every(([name]) => names.has(name))))
    return seenRows(subject, labels);
  const telling = granted.find((column) => {
    const values = labels.map(([, row]) => row.values.get(column.name));
    return values.every((value) => value !== undefined && value !== 'NULL') && new Set(values).size === values.length;
  });
  if (telling === undefined)
    return `select case when exists (select ${quoteIdentifier(granted[0]!.name)} from ${subject.into}) then '?' end`;
  return seenRows(
    subject,
    labels.map(([label, row]) => [label, { ...row, key: [[telling.name, row.values.get(telling.name)!]] }]),
  );
}

/** Which of the known rows that the actor sees are declared public by a comment beside a policy that lets them through. */
export function selectPublicSql(subject: Subject, _: Actor, model: Model): string | undefined {
  const open = subject.kind === 'table' ? publicConditions(subject.table, model) : [];
  return open.length === 0 ? undefined : seenRows(subject, labelledRows(subject), open);
}

function seenRows(subject: Subject, labels: Parameters<typeof labelCase>[0], open: readonly string[] = []): string {
  const known = labels.map(([, row]) => `(${condition(row.key)})`).join(' or ');
  const where = open.length === 0 ? known : `(${known}) and (${open.map((using) => `(${using})`).join(' or ')})`;
  return (
    `select string_agg(label, '' order by label) from (select ${labelCase(labels)} as label from ${subject.into} ` +
    `where ${where}) as seen`
  );
}
