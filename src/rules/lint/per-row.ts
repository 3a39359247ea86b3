import type { Catalog, Policy, Routine } from '../../sql/catalog/model.ts';
import { findRoutines } from '../../sql/catalog/lookup.ts';
import { holds, stringsOf, walk } from '../../sql/nodes.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { policyObject } from './sql.ts';

const stable = /^(?:auth\.(?:uid|jwt|role|email)|(?:pg_catalog\.)?current_setting)$/;

/** A call in a policy that runs once a row instead of once a query. */
export interface PerRowCall {
  name: string;
  location: number | undefined;
  /** A helper is given a column of the row: no wrapping helps. */
  withColumn: boolean;
  /** What its answer is cast to where it is wrapped: ANY takes a bare subquery for a list of rows. */
  cast?: string | undefined;
}

/** Calls that stand bare in a policy's expressions, outside any subquery. */
export function perRowCalls(catalog: Catalog, policy: Pick<Policy, 'using' | 'check'>): PerRowCall[] {
  const calls: PerRowCall[] = [];
  walk([policy.using, policy.check], (type, fields) => {
    if (type === 'SubLink') {
      // Inside a subquery with a FROM it still runs once a row of that; `(select auth.uid())` has none.
      const select = (fields['subselect'] as { SelectStmt?: { fromClause?: unknown } } | undefined)?.SelectStmt;
      return select?.fromClause !== undefined ? undefined : false;
    }
    if (type !== 'FuncCall') return undefined;
    const name = stringsOf(fields['funcname']).join('.');
    const location = fields['location'] as number | undefined;
    const own = fields['args'] === undefined ? stableRoutine(catalog, fields['funcname']) : undefined;
    if (stable.test(name) || own !== undefined) calls.push({ name, location, withColumn: false, ...(own?.returns.endsWith('[]') === true ? { cast: own.returns } : {}) });
    else if (holds(fields['args'], 'ColumnRef') && isHelper(catalog, fields['funcname'])) calls.push({ name, location, withColumn: true });
    return undefined;
  });
  return calls;
}

/** A function of the migrations that answers the same all through a query. */
function stableRoutine(catalog: Catalog, name: unknown): Routine | undefined {
  const lookup = findRoutines(catalog, name);
  const [only, ...others] = 'found' in lookup ? lookup.found : [];
  return only?.site !== undefined && others.length === 0 && /^(?:stable|immutable)$/.test(only.volatility ?? '') && !/^setof\b/i.test(only.returns) ? only : undefined;
}

/** A function of the migrations that reads tables: what it costs is a query a row. */
function isHelper(catalog: Catalog, name: unknown): boolean {
  const lookup = findRoutines(catalog, name);
  return 'found' in lookup && lookup.found.some(({ site, body }) => site !== undefined && body.some(({ node }) => 'fromClause' in node));
}

export const policyPerRowCall: Check = {
  rule: 'policy-per-row-call',
  doc: {
    why: 'A bare auth.uid() in a policy is called once for every row that a query looks at; in (select auth.uid()) once for the query. On a million rows that is 872 ms against 37, and with an index 0.2.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY REFERENCES auth.users (id));\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS own ON notes;\nCREATE POLICY own ON notes FOR SELECT TO authenticated USING (auth.uid() = id);\nGRANT SELECT ON notes TO authenticated;',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY REFERENCES auth.users (id));\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nDROP POLICY IF EXISTS own ON notes;\nCREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = id);\nGRANT SELECT ON notes TO authenticated;',
  },
  end(catalog, report) {
    for (const { policies } of catalog.tables.values()) {
      for (const policy of policies.values()) {
        const [call] = perRowCalls(catalog, policy);
        if (call === undefined) continue;
        const { piece } = policy.site;
        report({
          ...at({ piece, offset: piece.at(call.location) }),
          object: policyObject(policy),
          message: `Policy "${policy.name}" calls ${call.name}() once for every row of ${policy.table} that a query looks at.`,
          suggestion: call.withColumn ? `Ask a helper without arguments once: column = ANY ((SELECT ${call.name.replace(/^(?:.*\.)?/, 'public.my_')}())::uuid[])` : `(select ${call.name}(${call.name.endsWith('current_setting') ? '…' : ''}))${call.cast === undefined ? '' : `::${call.cast}`}`,
        });
      }
    }
  },
};
