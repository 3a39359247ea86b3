/** Policies by which users change Storage's buckets: one that is made public is read by everyone, whatever the policies of its files. */
import type { Finding } from '../../shared/finding.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { effectsOf } from '../catalog/effects.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import { policiesFor } from '../catalog/scope.ts';
import type { Node } from '../../sql/nodes.ts';
import { makeFinding } from './make-finding.ts';
import type { Gap } from './report.ts';

const buckets = 'storage.buckets';

/** An error for a policy that lets users write buckets and never asks who they are. */
export function bucketFindings(model: Model): Finding[] {
  return writing(model)
    .filter((policy) => !asksWho(policy, model))
    .map(({ name }) => ({
      ...makeFinding(
        'isolation-write',
        buckets,
        `${buckets}: policy ${name} lets every user write buckets, and never asks who that is. ` +
          'A bucket that is made public shows all files in it.',
        `Let only the server write buckets: DROP POLICY ${quoteIdentifier(name)} ON ${buckets};`,
      ),
      policy: name,
    }));
}

/** What those who may write buckets do with them is not tried. */
export function bucketGaps(model: Model): Gap[] {
  const [policy] = writing(model).filter((one) => asksWho(one, model));
  return policy === undefined
    ? []
    : [
        {
          object: buckets,
          reason: `policy ${policy.name} lets users write buckets, which is not tried: a bucket that is made public shows all files in it`,
          suggestion: `Let only the server write buckets, or check by hand whom policy ${policy.name} lets.`,
        },
      ];
}

/** The policies for what users have a privilege for. */
function writing(model: Model): PolicyRow[] {
  const table: RelationRow | undefined = model.tables.get(buckets);
  if (table === undefined) return [];
  const able = ['I', 'U', 'D'].filter(
    (letter) =>
      table.grants[model.userRole]?.includes(letter) === true ||
      (letter !== 'D' && table.columnGrants[model.userRole]?.[letter as 'I' | 'U'] !== undefined),
  );
  return [...new Set(able.flatMap((letter) => policiesFor(table, letter, model)))];
}

/** It compares something with who asks, reads the token, or leaves that to a function of the database's own. */
function asksWho({ using, check }: PolicyRow, model: Model): boolean {
  const trees = [using, check].flatMap((sql) => (sql === null ? [] : [model.parse(sql)])) as Node[];
  return (
    trees.some((tree) => isWhoAsks(tree, model)) ||
    model.claims.pathsIn(trees).length > 0 ||
    model.sources.called(effectsOf({ trees })).length > 0
  );
}
