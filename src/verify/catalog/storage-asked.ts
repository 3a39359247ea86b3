/** The Storage buckets that functions and views reach by the table of their objects. */
import { walk } from '../../sql/nodes.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import type { Subject } from '../probes/subject.ts';

/** The table of the objects of all buckets. */
export const objectsTable = 'storage.objects';

/** The buckets that SQL over the objects is about: those that it names, or all of them. */
export function bucketsAsked(subjects: readonly Subject[], trees: readonly unknown[]): Subject[] {
  const texts = new Set<string | undefined>();
  walk(trees, (type, fields) => {
    if (type === 'A_Const') texts.add(quoteLiteral(constantOf({ A_Const: fields }) ?? ''));
  });
  // The one that stands for any other comes first.
  const [other, ...known] = subjects.filter(({ kind }) => kind === 'bucket');
  const buckets = other === undefined ? [] : [...known, other];
  const named = buckets.filter(({ rows }) => texts.has(rows.a.values.get('bucket_id')));
  return named.length > 0 ? named : buckets;
}
