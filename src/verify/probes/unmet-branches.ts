/** Which branches of policies any row meets, for any actor. */
import { type Branch, branchesOf } from '../catalog/branches.ts';
import type { Model } from '../catalog/model.ts';
import type { Asked } from '../fixtures/script.ts';
import type { Answer } from './run-script.ts';
import type { Subject } from './subject.ts';

/** The branches of one table's policies, and what the script asks of them. */
interface AskedBranches {
  table: string;
  branches: readonly Branch[];
  condition: Asked;
}

/** Who asks is not signed in. */
const isVisitor = "current_setting('request.jwt.claims', true)::jsonb ->> 'role' = 'anon'";

/** What is asked: of tables whose rows are not for everybody, nor for the server alone. */
export function branchesAsked(subjects: readonly Subject[], model: Model): AskedBranches[] {
  return subjects.flatMap(({ name, into, table, scope, isLarge }) => {
    const isOpen = scope.kind === 'public-read' || scope.kind === 'service-only';
    const branches = isOpen || isLarge ? [] : branchesOf(table, model);
    const conditions = Object.fromEntries(
      branches.map(({ sql, isForVisitors }, number) => [
        String(number),
        isForVisitors ? `${isVisitor} and (${sql})` : sql,
      ]),
    );
    return branches.length === 0 ? [] : [{ table: name, branches, condition: { from: into, conditions } }];
  });
}

/** By the name of a table: the branches that no row met for anyone. */
export function unmetOf(asked: readonly AskedBranches[], { unmet }: Answer): ReadonlyMap<string, readonly Branch[]> {
  return new Map(
    asked.map(({ table, branches }, number) => [
      table,
      branches.filter((_, branch) => unmet[number]?.[String(branch)] !== undefined),
    ]),
  );
}
