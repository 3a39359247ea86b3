import type { Catalog, Policy, Routine } from '../sql/catalog/model.ts';
import { findRoutines } from '../sql/catalog/lookup.ts';
import { holds, stringsOf, walk } from '../sql/nodes.ts';
import { wordsOf } from '../sql/recover.ts';
import { at, policyObject } from './engine/check.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Left, Situation } from './engine/fix/fix.ts';
import { mayEdit, noteText } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { restated, withPlaced } from './engine/fix/policy-edits.ts';
import { qualifiedName } from './engine/live/catalog.ts';
import type { Catalog as LiveCatalog } from './engine/live/catalog.ts';
import { isRunOnce, nameParts, readsColumn, walk as walkExpression } from './engine/live/expression.ts';
import type { Node } from './engine/live/expression.ts';
import { commandsOf } from './engine/policies.ts';
import { refusedIfWrapped } from './engine/recursion.ts';
import type { Rule } from './engine/rule.ts';

const stable = /^(?:auth\.(?:uid|jwt|role|email)|(?:pg_catalog\.)?current_setting)$/;

/** A call in a policy that runs once per row instead of once per query. */
interface PerRowCall {
  name: string;
  location: number | undefined;
  /** The call takes a column of the row, so wrapping it does not help. */
  withColumn: boolean;
  /** The type to cast to when wrapping: ANY would treat a bare subquery as a list of rows. */
  cast?: string | undefined;
}

/** Calls in a policy's expressions outside any subquery. */
function perRowCalls(catalog: Catalog, policy: Pick<Policy, 'using' | 'check'>): PerRowCall[] {
  const calls: PerRowCall[] = [];
  walk([policy.using, policy.check], (type, fields) => {
    if (type === 'SubLink') {
      // Inside a subquery with a FROM it still runs once per row of that; `(select auth.uid())` has none.
      const select = (fields['subselect'] as { SelectStmt?: { fromClause?: unknown } } | undefined)?.SelectStmt;
      return select?.fromClause !== undefined ? undefined : false;
    }
    if (type !== 'FuncCall') return undefined;
    const name = stringsOf(fields['funcname']).join('.');
    const location = fields['location'] as number | undefined;
    const own = fields['args'] === undefined ? stableRoutine(catalog, fields['funcname']) : undefined;
    if (stable.test(name) || own !== undefined)
      calls.push({
        name,
        location,
        withColumn: false,
        ...(own?.returns.endsWith('[]') === true ? { cast: own.returns } : {}),
      });
    else if (holds(fields['args'], 'ColumnRef') && isHelper(catalog, fields['funcname']))
      calls.push({ name, location, withColumn: true });
    return undefined;
  });
  return calls;
}

/** A function of the migrations whose result is the same throughout a query. */
function stableRoutine(catalog: Catalog, name: unknown): Routine | undefined {
  const lookup = findRoutines(catalog, name);
  const [only, ...others] = 'found' in lookup ? lookup.found : [];
  return only?.site !== undefined &&
    others.length === 0 &&
    /^(?:stable|immutable)$/.test(only.volatility ?? '') &&
    !/^setof\b/i.test(only.returns)
    ? only
    : undefined;
}

/** A function of the migrations that reads tables, so that each call costs a query. */
function isHelper(catalog: Catalog, name: unknown): boolean {
  const lookup = findRoutines(catalog, name);
  return (
    'found' in lookup &&
    lookup.found.some(({ site, body }) => site !== undefined && body.some(({ node }) => 'fromClause' in node))
  );
}

/** Functions that a policy calls once per row without need, e.g. `auth.uid()` or `is_member(…)`. */
function liveCalls(expression: Node | undefined, catalog: LiveCatalog): string[] {
  const calls: string[] = [];
  walkExpression(expression, (type, node) => {
    if (type === 'SubLink' && isRunOnce(node)) return false;
    // A function in FROM runs once per execution of its sub-select.
    if (type === 'RangeFunction') return false;
    if (type !== 'FuncCall') return undefined;
    const parts = nameParts(node['funcname']);
    const hasColumn = readsColumn(node['args']);
    if (isSession(parts) && !hasColumn) calls.push(`${parts.join('.')}()`);
    else if (isLiveHelper(parts, catalog)) calls.push(`${parts.join('.')}(${hasColumn ? '…' : ''})`);
    return undefined;
  });
  return calls;
}

/** Functions that return the current user or claims: their result is the same for the whole query. */
function isSession(parts: string[]): boolean {
  return parts[0] === 'auth' || parts.at(-1) === 'current_setting';
}

/**
 * A function of the muse that reads tables or settings. Immutable ones do not count: they are folded, or as cheap as an
 * operator.
 */
function isLiveHelper(parts: string[], catalog: LiveCatalog): boolean {
  if (parts[0] === 'auth' || parts[0] === 'storage') return false;
  return catalog.functions.some(
    (helper) =>
      helper.name === parts.at(-1) && (parts.length === 1 || helper.schema === parts[0]) && helper.volatility !== 'i',
  );
}

/** Wraps bare calls in a subquery, so that they run once per query. */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const seen = new Set<Policy>();
  const left: Left[] = [];
  const edits = problemsOf(situation, 'policy-per-row-call').flatMap((problem): Edit[] => {
    const policy = policyOf(situation, problem);
    if (policy === undefined || policy.mixed === true || seen.has(policy)) return [];
    seen.add(policy);
    const { piece } = policy.site;
    const { file, sql } = piece.source.migration;
    const table = reads(policy) ? situation.catalog.tables.get(policy.table) : undefined;
    const refused = table === undefined ? undefined : refusedIfWrapped(situation.catalog, table);
    if (refused !== undefined) {
      const why = `policy "${refused.name}" reads ${policy.table}, and would be refused as recursive (42P17) with (select …) there.`;
      left.push({ rule: 'policy-per-row-call', file, why });
      return [];
    }
    const wrapped = perRowCalls(situation.catalog, policy).flatMap(({ location, withColumn, cast }): Edit[] => {
      const start = piece.at(location);
      const length = callLength(sql.slice(start, piece.statement.end));
      if (withColumn || length === undefined) return [];
      return [
        { file, start, end: start, text: '(select ' },
        { file, start: start + length, end: start + length, text: cast === undefined ? ')' : `)::${cast}` },
      ];
    });
    if (mayEdit(situation, piece.source)) return wrapped;
    const altered = wrapped.length === 0 ? undefined : restated(policy, wrapped);
    if (altered !== undefined) noteText(texts, piece.source, altered);
    return [];
  });
  return { ...withPlaced(situation, edits, texts, []), left };
}

function wrappedForm({ name, withColumn, cast }: PerRowCall): string {
  if (withColumn)
    return `Call a helper without arguments once: column = ANY ((SELECT ${name.replace(/^(?:.*\.)?/, 'public.my_')}())::uuid[])`;
  return `(select ${name}(${name.endsWith('current_setting') ? '…' : ''}))${cast === undefined ? '' : `::${cast}`}`;
}

/** Returns whether a policy decides what may be read: a subquery in it is one in every query of its table. */
function reads(policy: Policy): boolean {
  return commandsOf(policy).includes('select');
}

/** What has to be done before a call is wrapped, so that PostgreSQL does not refuse another policy then. */
function whatFirst(refused: Policy | undefined): string {
  return refused === undefined
    ? ''
    : `\nFirst let policy "${refused.name}" read ${refused.table} through a SECURITY DEFINER function: with a subquery in a ` +
        'policy for reading it, every query that asks for that policy ends in 42P17.';
}

/** Length of the call at the beginning of a text. */
function callLength(text: string): number | undefined {
  let depth = 0;
  for (const word of wordsOf(text, 60)) {
    if (word.text === '(') depth += 1;
    if (word.text === ')') {
      depth -= 1;
      if (depth === 0) return word.end;
    }
    if (depth === 0 && !/^["\w.]/.test(word.text)) return undefined;
  }
  return undefined;
}

export const rule: Rule = {
  name: 'policy-per-row-call',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'a policy calls auth.uid() without (select …), or a helper with a column of the row: once for every row',
  doc: {
    why:
      'A bare auth.uid() in a policy is called once for every row that a query reads; (select auth.uid()) is ' +
      'called once per query. On a million rows the difference is 872 ms against 37 ms, or 0.2 ms with an index.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY REFERENCES auth.users (id));\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS own ON notes;\n' +
      'CREATE POLICY own ON notes FOR SELECT TO authenticated USING (auth.uid() = id);\n' +
      'GRANT SELECT ON notes TO authenticated;',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY REFERENCES auth.users (id));\n' +
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
      'DROP POLICY IF EXISTS own ON notes;\n' +
      'CREATE POLICY own ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = id);\n' +
      'GRANT SELECT ON notes TO authenticated;',
  },
  check: {
    end(catalog, report) {
      for (const table of catalog.tables.values()) {
        for (const policy of table.policies.values()) {
          const [call] = perRowCalls(catalog, policy);
          if (call === undefined) continue;
          const { piece } = policy.site;
          report({
            ...at({ piece, offset: piece.at(call.location) }),
            object: policyObject(policy),
            message: `Policy "${policy.name}" calls ${call.name}() once for every row of ${policy.table} that a query reads.`,
            suggestion: `${wrappedForm(call)}${reads(policy) ? whatFirst(refusedIfWrapped(catalog, table)) : ''}`,
          });
        }
      }
    },
  },
  live: {
    policy({ policy, table, object, using, check }, { catalog }, report) {
      const calls = [...new Set([using, check].flatMap((expression) => liveCalls(expression, catalog)))];
      if (calls.length === 0) return;
      report({
        object,
        message: `Policy "${policy.name}" on ${qualifiedName(table)} calls ${calls.join(', ')} once for each row.`,
        suggestion:
          'Write the call as (select …), so that it runs once per query; compare a column with = ANY ((select ' +
          'helper())::uuid[]) instead of passing the column to the helper.',
      });
    },
  },
  fix: { does: 'wraps the bare call in (select …)', stage: 'expressions', apply },
};
